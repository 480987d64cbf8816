use std::time::Duration;

use crate::docroot::SyncError;
use crate::log::Position;

/// Why not every front end has what a record puts into the docroot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unheld {
    /// These lack it.
    Lacking(Vec<String>),
    /// These cannot store it.
    Failing {
        /// The front ends.
        frontends: Vec<String>,
        /// What the first of them says.
        reason: String,
    },
}

impl Unheld {
    /// The same for who wanted the file at `path` to be there, and waited for `waited`.
    pub(in crate::backend) fn into_error(
        self,
        path: &str,
        position: Position,
        waited: Duration,
    ) -> SyncError {
        let path = path.to_owned();
        match self {
            Unheld::Lacking(frontends) => SyncError::Deadline { path, position, waited, frontends },
            Unheld::Failing { frontends, reason } => {
                SyncError::NotStored { path, position, frontends, reason }
            }
        }
    }
}
