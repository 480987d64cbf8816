use std::io;

/// Why a checkpoint cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckpointError {
    /// The file or its folder cannot be used.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is not what was written.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// The site's data cannot be made of it.
    #[error("{0}")]
    Refused(String),
    /// The states are not what their updates have made of them.
    #[error("{0}")]
    Differs(String),
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
}
