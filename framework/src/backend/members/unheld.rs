use std::time::Duration;

use crate::docroot::SyncError;
use crate::log::Position;

/// These front ends lack contents that a record puts into the docroot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unheld(pub Vec<String>);

impl Unheld {
    /// Converts this into the error for a caller that waited `waited` for the file at `path`.
    pub(in crate::backend) fn into_error(
        self,
        path: &str,
        position: Position,
        waited: Duration,
    ) -> SyncError {
        let (path, Unheld(frontends)) = (path.to_owned(), self);
        SyncError::Deadline { path, position, waited, frontends }
    }
}
