use serde::{Deserialize, Serialize};

use crate::log::{Base, Epoch, LogEpoch, LogId, Position};

/// The header of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The log whose records it replaces.
    pub log: LogId,
    /// The opening of the log in which it was made.
    pub epoch: Epoch,
    /// The last record that it replaces.
    pub position: Position,
    /// The time of that record.
    pub time: u64,
    /// The fingerprint of the data's types when it was made.
    pub fingerprint: u64,
    /// A random number for each checkpoint: a piece of another file does not pass for one of this file.
    pub seed: u64,
}

impl Head {
    /// Returns the log, with the opening in which the checkpoint was made.
    pub(super) fn of(&self) -> LogEpoch {
        LogEpoch { id: self.log, epoch: self.epoch }
    }

    /// Returns the base that the log stores when it drops the records that the checkpoint replaces.
    pub(super) fn base(&self) -> Base {
        Base { position: self.position, time: self.time, epoch: self.epoch }
    }
}
