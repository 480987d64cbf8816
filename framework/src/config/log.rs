use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::value;
use crate::checkpoint::{OnDifference, ReplacedRecords};

/// `[log]`: the log of a back end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    /// What keeps the records. Default `embedded`.
    pub engine: LogEngine,
    /// The folder of the embedded log. Default `data`.
    pub path: PathBuf,
    /// What a back end does whose data have another hash than the log says. Default `stop`.
    pub state_hash: OnDifference,
}

/// `[checkpoint]`: what a back end saves of the log's outcome, so that it need not replay all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Checkpoint {
    /// A checkpoint is made when the log has grown by so many bytes, and by as many as the last
    /// checkpoint has; 0 for no such limit. Default 64 MiB.
    #[serde(with = "value::size")]
    pub bytes: u64,
    /// And after so long a time, if anything was written; 0 for no such limit. Default 1 h.
    #[serde(with = "value::duration")]
    pub interval: Duration,
    /// What becomes of records that the last two checkpoints replace. Default `keep`.
    pub records: ReplacedRecords,
}

/// What keeps the records of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogEngine {
    /// A file of the back end's own.
    #[default]
    Embedded,
}

impl Default for Log {
    fn default() -> Log {
        let (engine, state_hash) = (LogEngine::default(), OnDifference::default());
        Log { engine, path: "data".into(), state_hash }
    }
}

impl Default for Checkpoint {
    fn default() -> Checkpoint {
        Checkpoint {
            bytes: 64 << 20,
            interval: Duration::from_secs(3600),
            records: ReplacedRecords::default(),
        }
    }
}
