use std::io;

/// The reason why a checkpoint cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckpointError {
    /// The file or its folder cannot be used.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Its bytes differ from what was written.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// The site's data cannot be restored from it.
    #[error("{0}")]
    Refused(String),
    /// The states differ from the outcome of their updates.
    #[error("{0}")]
    Differs(String),
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
}
