use std::time::Duration;

use crate::docroot::SyncError;
use crate::log::Position;

/// These front ends lack what a record puts into the docroot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unheld(pub Vec<String>);

impl Unheld {
    /// The same for a caller that wanted the file at `path` to be there, and waited for `waited`.
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
