use std::io;
use std::path::PathBuf;

use super::Position;

/// The reason why the log did not open. Each message explains what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The folder or a file in it cannot be used.
    #[error("{}: cannot {action}: {source}", path.display())]
    Access {
        /// The folder or file.
        path: PathBuf,
        /// The action that failed.
        action: &'static str,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Another process has the log open.
    #[error(
        "{}: another process has this log open; stop it, or give this node another folder \
         (`path` in the section `[log]` of project.toml, or --data)",
        path.display()
    )]
    InUse {
        /// The log's file.
        path: PathBuf,
    },
    /// The file is of another format.
    #[error(
        "{}: the log has format {found}, and this build reads format {known} only; run the build \
         that wrote it, or start with an empty folder",
        path.display()
    )]
    Format {
        /// The log's file.
        path: PathBuf,
        /// The file's format.
        found: u32,
        /// The format of this build.
        known: u32,
    },
    /// The file as a whole is not readable as a log.
    #[error(
        "{}: the file is damaged or not a log: {reason}; restore it from a backup, or move it away and \
         make a log of the newest checkpoint: `data restore --newest`",
        path.display()
    )]
    Corrupt {
        /// The log's file.
        path: PathBuf,
        /// The finding of the engine.
        reason: String,
    },
    /// A record is damaged or missing, and it is not the end of the log.
    #[error(
        "{}: the log is damaged at position {position}: {reason}; restore the file from a backup, \
         or make a log of what comes before: `data restore --at {}`",
        path.display(),
        position.0.saturating_sub(1)
    )]
    Damaged {
        /// The log's file.
        path: PathBuf,
        /// The first bad or missing record.
        position: Position,
        /// The damage.
        reason: String,
    },
    /// The state after the records that the log no longer has cannot be restored.
    #[error("{}: {message}", path.display())]
    Beginning {
        /// The log's file.
        path: PathBuf,
        /// The missing part, and what to do.
        message: String,
    },
    /// The site cannot read a record, or its data differ from those that the record describes.
    #[error("{}: {message}", path.display())]
    Inapplicable {
        /// The log's file.
        path: PathBuf,
        /// The record.
        position: Position,
        /// The cause, and what to do.
        message: String,
    },
}

/// The reason why a draft was not appended, or not certainly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// It could not be stored. It is not in the log and will not be.
    #[error("the log could not store the record, so this change was not made: {reason}")]
    Storage {
        /// The error of the engine.
        reason: String,
    },
    /// Storing failed in a way that leaves it open whether the record is in the log. It is not applied now; it
    /// will be if it turns out to be in the log.
    #[error("the log's storage failed, and it is not known whether the record is in it: {reason}")]
    InDoubt {
        /// The error of the engine.
        reason: String,
    },
    /// It is larger than a record may be. It is not in the log.
    #[error("the record has {size} bytes, more than the {limit} that a record may have")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The log is stopping. The draft is not in the log.
    #[error("the log is stopping and takes no more records")]
    Stopping,
}

impl AppendError {
    /// Returns the error of the engine, or the whole error.
    pub(super) fn reason(&self) -> String {
        match self {
            AppendError::Storage { reason } | AppendError::InDoubt { reason } => reason.clone(),
            error => error.to_string(),
        }
    }
}

/// The reason why records could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReadError {
    /// A record is damaged or missing.
    #[error("the log is damaged at position {position}: {reason}")]
    Damaged {
        /// The record.
        position: Position,
        /// The damage.
        reason: String,
    },
    /// The records were dropped.
    #[error("the log has no records up to position {base} any more: they are in a checkpoint")]
    Dropped {
        /// The last of them.
        base: Position,
    },
    /// The file cannot be read at present.
    #[error("the log cannot be read: {reason}")]
    Storage {
        /// The error of the engine.
        reason: String,
    },
}
