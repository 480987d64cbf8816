use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::value;
use crate::checkpoint::{OnDifference, ReplacedRecords};

/// `[log]`: the log of a back end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    /// The storage of the records. Default `embedded`.
    pub engine: LogEngine,
    /// The folder of the embedded log. Default `data`.
    pub path: PathBuf,
    /// The reaction of a back end if the hash of its data differs from the one in the log. Default `stop`.
    pub state_hash: OnDifference,
}

/// `[checkpoint]`: the snapshots of data with which a back end avoids replaying the whole log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Checkpoint {
    /// The growth of the log in bytes after which a checkpoint is made, if it also exceeds the size of the last
    /// checkpoint; 0 disables this. Default 64 MiB.
    #[serde(with = "value::size")]
    pub bytes: u64,
    /// The time after which a checkpoint is made, if anything was written; 0 disables this. Default 1 h.
    #[serde(with = "value::duration")]
    pub interval: Duration,
    /// The treatment of records that the last two checkpoints replace. Default `keep`.
    pub records: ReplacedRecords,
}

/// The storage of the log's records.
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
