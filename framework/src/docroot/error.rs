use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::StoreError;
use crate::log::Position;
use crate::state::WriteError;

/// Why a file was not brought to every front end, or not in time.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// The path is none that a front end would serve. Nothing was changed.
    #[error("`{path}` is not the path of a file in the docroot: {reason}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no docroot, so that the file is not there means nothing. Nothing was changed.
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
        /// Why.
        reason: StoreError,
    },
    /// The file could not be written or removed in the back end's docroot. No front end was told of it.
    #[error("`{path}` cannot be written or removed: {error}")]
    File {
        /// The path.
        path: String,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The log did not take the record.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Some front ends did not get the content in time. The file is changed: other front ends serve
    /// it, and with these, requests for it wait until it has come.
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
        /// How long it was waited for them.
        waited: Duration,
        /// The front ends.
        frontends: Vec<String>,
    },
}
