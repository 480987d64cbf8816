use std::any::Any;
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use super::SyncError;
use crate::log::{FileChange, Position};

/// Access of a controller to its back end, for the synchronization of files.
pub(crate) trait Keeper: Send + Sync {
    /// Returns the back end's docroot.
    fn folder(&self) -> &Path;

    /// Imports the current file at `path` durably, or its removal if it does not exist.
    ///
    /// # Errors
    /// Fails if the path is invalid, or the file cannot be read or stored.
    fn take<'a>(&'a self, path: &'a str) -> Keeping<'a, Taken>;

    /// Waits until every front end that may serve has the content that the record at `position` has
    /// given to `path`.
    ///
    /// # Errors
    /// Fails if a front end cannot store it, or takes too long.
    fn held<'a>(&'a self, path: &'a str, position: Position) -> Keeping<'a, ()>;
}

/// A pending result.
pub(crate) type Keeping<'a, T> = Pin<Box<dyn Future<Output = Result<T, SyncError>> + Send + 'a>>;

/// An imported file. Until this is dropped, the content is kept, and no other import of the same
/// path can begin.
pub(crate) struct Taken {
    /// The change for the log.
    pub change: FileChange,
    _kept: Box<dyn Any + Send>,
}

impl Taken {
    /// Creates the value. `kept` is dropped with it.
    pub(crate) fn new(change: FileChange, kept: impl Any + Send) -> Taken {
        Taken { change, _kept: Box::new(kept) }
    }
}

impl fmt::Debug for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.change.fmt(f)
    }
}
