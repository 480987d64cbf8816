use std::any::Any;
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use super::SyncError;
use crate::log::{FileChange, Position};

/// What a controller asks of the back end that it runs on when it synchronizes a file.
pub(crate) trait Keeper: Send + Sync {
    /// The back end's docroot.
    fn folder(&self) -> &Path;

    /// Imports the file at `path` as it is now, durably; if there is none, that it is gone.
    ///
    /// # Errors
    /// When the path is none, or the file cannot be read or stored.
    fn take<'a>(&'a self, path: &'a str) -> Keeping<'a, Taken>;

    /// Returns when every front end that may serve has what the record at `position` made the
    /// content of `path`.
    ///
    /// # Errors
    /// When a front end cannot store it, or it takes too long.
    fn held<'a>(&'a self, path: &'a str, position: Position) -> Keeping<'a, ()>;
}

/// An answer under way.
pub(crate) type Keeping<'a, T> = Pin<Box<dyn Future<Output = Result<T, SyncError>> + Send + 'a>>;

/// An imported file. Until this is dropped the content stays, and no other import of the same path
/// can begin.
pub(crate) struct Taken {
    /// What is to be written to the log.
    pub change: FileChange,
    _kept: Box<dyn Any + Send>,
}

impl Taken {
    /// `kept` is dropped with it.
    pub(crate) fn new(change: FileChange, kept: impl Any + Send) -> Taken {
        Taken { change, _kept: Box::new(kept) }
    }
}

impl fmt::Debug for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.change.fmt(f)
    }
}
