use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::StoreError;
use crate::log::Position;
use crate::state::WriteError;

/// Reason why a file was not sent to every front end, or not in time.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// Front ends would not serve this path. Nothing was changed.
    #[error("`{path}` is not the path of a file in the docroot: {reason}")]
    Path {
        /// The path.
        path: String,
        /// The reason.
        reason: &'static str,
    },
    /// The docroot does not exist, so the absence of the file proves nothing. Nothing was changed.
    #[error(
        "there is no folder {}; make it, or set `path` in `[docroot]` of project.toml",
        folder.display()
    )]
    NoDocroot {
        /// The docroot.
        folder: PathBuf,
    },
    /// The file could not be read or stored on the back end. Nothing was changed.
    #[error("`{path}` cannot be synchronized: {reason}")]
    Store {
        /// The path.
        path: String,
        /// The reason.
        reason: StoreError,
    },
    /// The file could not be written or removed in the back end's docroot. No front end was notified.
    #[error("`{path}` cannot be written or removed: {error}")]
    File {
        /// The path.
        path: String,
        /// The reason.
        #[source]
        error: io::Error,
    },
    /// The log could not store the record.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Some front ends did not receive the content in time. The file is changed: other front ends serve it, and
    /// requests for it wait on these until it has arrived.
    #[error(
        "`{path}` is changed at position {position}, but after {waited:?} {} still lacked its content; a \
         longer wait is `sync_deadline` in `[docroot]` of project.toml",
        frontends.join(", ")
    )]
    Deadline {
        /// The path.
        path: String,
        /// The record that changes the file.
        position: Position,
        /// The time for which the call has waited for them.
        waited: Duration,
        /// The front ends.
        frontends: Vec<String>,
    },
}
