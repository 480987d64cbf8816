use serde::{Deserialize, Serialize};

use super::epoch::Epochs;
use super::{Epoch, Joined, LogEpoch, LogId, Position};

/// The end of the records that were dropped from a log: a checkpoint contains their outcome, and belongs to the
/// log from then on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Base {
    /// The last of the records that were dropped.
    pub position: Position,
    /// Its time.
    pub time: u64,
    /// The opening in which its checkpoint was made.
    pub epoch: Epoch,
}

/// The extent of a log before it is replayed.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    pub(super) id: LogId,
    pub(super) epochs: Epochs,
    pub(super) base: Position,
    pub(super) last: Position,
}

/// The beginning of a replay: the position whose outcome a checkpoint contains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Beginning {
    /// The last record that is not replayed.
    pub position: Position,
    /// Its time.
    pub time: u64,
    /// The front ends that had joined and not left.
    pub joined: Joined,
}

/// The present position of the log, between two transactions.
#[derive(Debug)]
pub(crate) struct Standing<'a> {
    /// The log with this opening.
    pub log: LogEpoch,
    /// The last record that was applied.
    pub position: Position,
    /// Its time.
    pub time: u64,
    /// The front ends that have joined and not left.
    pub joined: &'a Joined,
}

impl Past {
    /// Returns the log's id.
    pub(crate) fn id(&self) -> LogId {
        self.id
    }

    /// Returns whether the log has, or had, all records up to `position` as they were in the opening `log`.
    pub(crate) fn holds(&self, log: LogEpoch, position: Position) -> bool {
        log.id == self.id && self.epochs.include(log.epoch, position, self.last)
    }

    /// Returns the position of the last record.
    pub(crate) fn last(&self) -> Position {
        self.last
    }

    /// Returns the position of the last dropped record: a replay cannot begin before it.
    pub(crate) fn base(&self) -> Position {
        self.base
    }

    /// Returns whether a checkpoint of the records up to `position` in the opening `log` is valid for this log:
    /// the log has, or had, the same records, and it has those behind `position`.
    pub(crate) fn includes(&self, log: LogEpoch, position: Position) -> bool {
        position >= self.base && self.holds(log, position)
    }
}

#[cfg(test)]
impl Past {
    /// Returns a log that was opened once, with the records behind `base` up to `last`.
    pub(crate) fn of(log: LogEpoch, base: Position, last: Position) -> Past {
        let start = super::epoch::EpochStart { epoch: log.epoch, after: Position::START };
        Past { id: log.id, epochs: Epochs::new(vec![start]), base, last }
    }
}
