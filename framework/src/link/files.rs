use serde::{Deserialize, Serialize};

use crate::log::{ContentId, LogEpoch, Position};

/// Asks for the present state of files according to the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileLookup {
    /// The files, as paths that start at the docroot.
    pub paths: Vec<String>,
    /// The log that `applied` is a position of; `None` while the front end follows none.
    pub log: Option<LogEpoch>,
    /// The front end's position: the back end answers after it has applied this too.
    pub applied: Position,
    /// For how long the front end waits for the answer, in milliseconds.
    pub deadline: u64,
}

/// The contents of the files of a [`FileLookup`] according to the log, in its order; `None` for a
/// file that the log does not contain. The inner option is `None` for a file that was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FoundFiles {
    /// One for each path.
    pub files: Vec<Option<Option<ContentId>>>,
}

/// Asks for a content from `offset` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fetch {
    pub(super) content: ContentId,
    pub(super) offset: u64,
}

/// The head of the answer, which precedes a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Fetched {
    /// The content follows.
    Here,
    /// The back end does not have it.
    Absent,
}
