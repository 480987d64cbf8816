//! Files that stand in front of those of the docroot.

use std::fmt;
use std::fs::File;
use std::io;
use std::time::SystemTime;

use futures_util::future::BoxFuture;

use super::hash::ContentHash;

/// Who says of a path that another file, or none, is in its place.
///
/// It is asked for every file, those with `.br`, `.zst` and `.gz` at their ends included.
pub trait Overlay: fmt::Debug + Send + Sync {
    /// What is at `path`: relative, with `/` between its parts, none of them hidden or `..`. It may
    /// open files, and must wait for nothing else.
    ///
    /// # Errors
    /// When there is a file and it cannot be opened.
    fn find(&self, path: &str) -> io::Result<Overlaid>;
}

/// What an overlay says of a path.
pub enum Overlaid {
    /// Nothing: the docroot's own file counts.
    Nothing,
    /// There is no file, whatever the docroot has.
    Gone,
    /// This file.
    File(OverlaidFile),
    /// A file that will be here soon. It is asked for once more when this is over.
    Coming(BoxFuture<'static, ()>),
}

/// A file that is in the place of one of the docroot.
#[derive(Debug)]
pub struct OverlaidFile {
    /// The open file.
    pub file: File,
    /// The hash of its content, the same on every front end.
    pub hash: ContentHash,
    /// When it was put there, the same on every front end.
    pub modified: SystemTime,
}
