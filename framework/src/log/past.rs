use serde::{Deserialize, Serialize};

use super::epoch::Epochs;
use super::{Epoch, Joined, LogEpoch, LogId, Position};

/// Up to where a log has no records any more: their outcome is in a checkpoint, which belongs to the log
/// from then on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Base {
    /// The last of the records that were dropped.
    pub position: Position,
    /// Its time.
    pub time: u64,
    /// The opening in which its checkpoint was made.
    pub epoch: Epoch,
}

/// What a log has, before it is replayed.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    pub(super) id: LogId,
    pub(super) epochs: Epochs,
    pub(super) base: Position,
    pub(super) last: Position,
}

/// Where a replay begins: what the records up to a position have come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Beginning {
    /// The last record that is not shown.
    pub position: Position,
    /// Its time.
    pub time: u64,
    /// The front ends that had joined and not left.
    pub joined: Joined,
}

/// Where the log stands, between two transactions.
#[derive(Debug)]
pub(crate) struct Standing<'a> {
    /// The log, as this opening has it.
    pub log: LogEpoch,
    /// The last record that was applied.
    pub position: Position,
    /// Its time.
    pub time: u64,
    /// The front ends that have joined and not left.
    pub joined: &'a Joined,
}

impl Past {
    /// The log's id.
    pub(crate) fn id(&self) -> LogId {
        self.id
    }

    /// Whether the log has, or had, all records up to `position` as they were in the opening `log`.
    pub(crate) fn holds(&self, log: LogEpoch, position: Position) -> bool {
        log.id == self.id && self.epochs.include(log.epoch, position, self.last)
    }

    /// The last record.
    pub(crate) fn last(&self) -> Position {
        self.last
    }

    /// The last of the records that were dropped: a replay that begins earlier is not possible.
    pub(crate) fn base(&self) -> Position {
        self.base
    }

    /// Whether what was made of the records up to `position` in the opening `log` holds for this log: it
    /// has, or had, the same records, and those behind them are there.
    pub(crate) fn includes(&self, log: LogEpoch, position: Position) -> bool {
        position >= self.base && self.holds(log, position)
    }
}

#[cfg(test)]
impl Past {
    /// A log that was opened once, whose records behind `base` and up to `last` are there.
    pub(crate) fn of(log: LogEpoch, base: Position, last: Position) -> Past {
        let start = super::epoch::EpochStart { epoch: log.epoch, after: Position::START };
        Past { id: log.id, epochs: Epochs::new(vec![start]), base, last }
    }
}
