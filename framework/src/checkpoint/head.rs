use serde::{Deserialize, Serialize};

use crate::log::{Base, Epoch, LogEpoch, LogId, Position};

/// What a checkpoint says of itself, at its beginning.
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
    /// The fingerprint of the data's types that it was made with.
    pub fingerprint: u64,
    /// Drawn for each checkpoint: no piece of another file can be taken for one of this.
    pub seed: u64,
}

impl Head {
    /// The log, as the opening had it in which the checkpoint was made.
    pub(super) fn of(&self) -> LogEpoch {
        LogEpoch { id: self.log, epoch: self.epoch }
    }

    /// What the log must remember when it drops the records that the checkpoint replaces.
    pub(super) fn base(&self) -> Base {
        Base { position: self.position, time: self.time, epoch: self.epoch }
    }
}
