//! Files that take precedence over those of the docroot.

use std::fmt;
use std::fs::File;
use std::io;
use std::time::SystemTime;

use http::HeaderValue;

use super::fingerprint::Fingerprint;

/// Decides whether another file, or none, replaces the file at a path.
///
/// It is called for every file that a request may refer to, including those with the suffixes
/// `.br`, `.zst` and `.gz`.
pub(crate) trait Overlay: fmt::Debug + Send + Sync {
    /// Returns the decision for the file at `path`, which is relative, with `/` between its
    /// components, none of them hidden or `..`.
    fn find(&self, path: &str) -> Overlaid;
}

/// The overlay's decision for a path.
#[derive(Debug)]
pub(crate) enum Overlaid {
    /// No decision: the docroot's own file is served.
    Nothing,
    /// The file is removed, even if the docroot contains it.
    Gone,
    /// This file replaces that of the docroot.
    File(OverlaidFile),
}

/// A file that replaces one of the docroot.
pub(crate) struct OverlaidFile {
    /// The strong entity tag, quoted.
    pub tag: HeaderValue,
    /// The fingerprint of its content.
    pub fingerprint: Fingerprint,
    /// The length in bytes.
    pub length: u64,
    /// The time at which it was added, if known. It is the same on every front end.
    pub modified: Option<SystemTime>,
    /// The BLAKE3 hash of its content. An encoded sibling is sent only if its decoded content has
    /// the hash of its original.
    pub hash: [u8; 32],
    /// Whether the content is available now. A sibling that is not available is ignored.
    pub is_here: bool,
    /// Opens the file. May block.
    pub open: Open,
}

/// A function that opens a file.
pub(super) type Open = Box<dyn Fn() -> io::Result<File> + Send>;

impl fmt::Debug for OverlaidFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OverlaidFile").field("tag", &self.tag).finish_non_exhaustive()
    }
}
