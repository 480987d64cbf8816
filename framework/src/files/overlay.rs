//! Files that stand in front of those of the docroot.

use std::fmt;
use std::fs::File;
use std::io;
use std::time::SystemTime;

use http::HeaderValue;

use super::fingerprint::Fingerprint;

/// Decides whether another file, or none, is in the place of a path.
///
/// It is asked for every file that a request may mean, those with `.br`, `.zst` and `.gz` at their
/// ends included.
pub(crate) trait Overlay: fmt::Debug + Send + Sync {
    /// What is at `path`: relative, with `/` between its parts, none of them hidden or `..`.
    fn find(&self, path: &str) -> Overlaid;
}

/// What an overlay says of a path.
#[derive(Debug)]
pub(crate) enum Overlaid {
    /// Nothing: the docroot's own file counts.
    Nothing,
    /// There is no file, whatever the docroot has.
    Gone,
    /// This file.
    File(OverlaidFile),
}

/// A file that is in the place of one of the docroot.
pub(crate) struct OverlaidFile {
    /// Its strong entity tag, quoted.
    pub tag: HeaderValue,
    /// What stands for its content in names.
    pub fingerprint: Fingerprint,
    /// How many bytes it has.
    pub length: u64,
    /// When it was put there, if that is known, and the same on every front end.
    pub modified: Option<SystemTime>,
    /// The BLAKE3 hash of its content. An encoded sibling counts if what it decodes to has that of
    /// its original.
    pub hash: [u8; 32],
    /// Whether it can be opened now. A sibling that cannot is passed over.
    pub is_here: bool,
    /// Opens it. This may block.
    pub open: Open,
}

/// Opens a file.
pub(super) type Open = Box<dyn Fn() -> io::Result<File> + Send>;

impl fmt::Debug for OverlaidFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OverlaidFile").field("tag", &self.tag).finish_non_exhaustive()
    }
}
