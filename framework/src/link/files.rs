use serde::{Deserialize, Serialize};

use crate::log::{ContentId, LogEpoch, Position};

/// Asks what the log says about files now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileLookup {
    /// The files, as paths that start at the docroot.
    pub paths: Vec<String>,
    /// The log that `applied` is a position of; `None` while the front end follows none.
    pub log: Option<LogEpoch>,
    /// The front end's position: the back end answers when it has applied this too.
    pub applied: Position,
    /// For how long the front end waits for the answer, in milliseconds.
    pub deadline: u64,
}

/// What the log says about the files of a [`FileLookup`], in its order; `None` where it says nothing. The
/// inner option is `None` for a file that was removed.
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

/// What precedes a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Fetched {
    /// It follows.
    Here,
    /// The back end does not have it.
    Absent,
}
