//! The openings of a log, by which a fork of it is distinguished from the log itself.
//!
//! # The argument
//!
//! A front end that comes back may only resume at position `p` if every record up to `p` is the one
//! that it has seen. The log's id and `p` do not say so: a log that was restored from a backup, copied
//! with its folder, or whose disk lost its last commits has the same id, and gives its positions to
//! other records from then on. Therefore each opening of a log draws a random [`Epoch`] and keeps it in
//! the log together with the log's last position at that moment, at the latest in the transaction of
//! its first record. Every feed and every answer carry the epoch of the opening that they come from.
//!
//! Let a front end have followed epoch `e`, and let `p` be the greatest position of which it knows
//! anything. The log at hand *includes* `(e, p)` if it has `e` and no later epoch began before `p`. To
//! be shown: then it has all records up to `p` that the front end can have seen.
//!
//! - `e` was drawn once, by one process that had the log's file for itself. It got into the log at hand
//!   with a copy of that file, made while or after that process had it open.
//! - Records up to the position at which `e` began were in the file when the process opened it, and
//!   every copy of the file that has `e` has them. A later one up to `p` was written during `e`. If the
//!   log at hand has another record there, or had none when it was opened, then the opening that wrote
//!   the other one found the log to end before `p`, and has noted this beginning in the transaction of
//!   its first record. So a later epoch began before `p`.
//! - The last epoch of the log at hand has no later one; `p` must not be beyond its last record.
//!
//! A log whose damaged tail was cut off needs no more than this: the opening that cuts it begins where
//! the tail began.
//!
//! The last [`KEPT`] epochs are kept, and all since the one that the log's [base](super::Past::base) was
//! made in. A front end that followed an older one drops its cache.
//!
//! This holds for an engine whose log one process has open at a time. An engine that shares a log among
//! processes has to have one epoch for all that append at the same time.

use serde::{Deserialize, Serialize};

use super::{LogId, Position};

/// How many openings a log remembers.
pub(super) const KEPT: usize = 1024;

/// Names one opening of a log: a random number, which no other opening has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    /// One that no other opening has.
    pub fn random() -> Epoch {
        Epoch(rand::random())
    }
}

/// A log as one opening of it has it. Positions of two openings are comparable only if the later one
/// says that it includes the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LogEpoch {
    /// The log.
    pub id: LogId,
    /// The opening.
    pub epoch: Epoch,
}

#[cfg(test)]
impl LogEpoch {
    /// The first opening of a log, for tests.
    pub(crate) const fn first_of(log: u128) -> LogEpoch {
        LogEpoch { id: LogId(log), epoch: Epoch(1) }
    }
}

/// The openings of a log that it remembers, the present one last.
#[derive(Debug, Clone, Default)]
pub(super) struct Epochs(Vec<EpochStart>);

/// An epoch and the log's last position when it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EpochStart {
    pub(super) epoch: Epoch,
    pub(super) after: Position,
}

impl Epochs {
    /// Those that were stored, the oldest first.
    pub(super) fn new(stored: Vec<EpochStart>) -> Epochs {
        Epochs(stored)
    }

    /// All of them, the oldest first.
    pub(super) fn starts(&self) -> Vec<EpochStart> {
        self.0.clone()
    }

    /// Another opening begins behind `after`.
    pub(super) fn begin(&mut self, after: Position) {
        self.0.push(EpochStart { epoch: Epoch::random(), after });
    }

    /// The last one, unless the log was never opened.
    pub(super) fn last(&self) -> Option<EpochStart> {
        self.0.last().copied()
    }

    /// Whether the log, which ends with `last`, has all records up to `position` that could be seen in
    /// `epoch`.
    pub(super) fn include(&self, epoch: Epoch, position: Position, last: Position) -> bool {
        let Some(at) = self.0.iter().position(|beginning| beginning.epoch == epoch) else {
            return false;
        };
        // An opening that cuts off a tail may begin before those that it follows.
        position <= last && self.0[at + 1..].iter().all(|later| position <= later.after)
    }
}

impl EpochStart {
    /// As the log's file has it.
    pub(super) fn to_bytes(self) -> [u8; 16] {
        let bytes = u128::from(self.epoch.0) << 64 | u128::from(self.after.0);
        bytes.to_le_bytes()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<EpochStart> {
        let both = u128::from_le_bytes(bytes.try_into().ok()?);
        Some(EpochStart { epoch: Epoch((both >> 64) as u64), after: Position(both as u64) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(after: &[u64]) -> Epochs {
        let beginnings = after.iter().zip(1..);
        let beginnings = beginnings
            .map(|(after, epoch)| EpochStart { epoch: Epoch(epoch), after: Position(*after) });
        Epochs::new(beginnings.collect())
    }

    #[test]
    fn an_epoch_is_included_up_to_where_the_next_one_began() {
        let epochs = epochs(&[0, 50, 60]);
        let include =
            |epoch, position| epochs.include(Epoch(epoch), Position(position), Position(70));
        assert!(include(1, 0) && include(1, 50) && include(2, 60) && include(3, 70));
        assert!(!include(1, 51), "the log was copied or restored when it ended with 50");
        assert!(!include(2, 61) && !include(3, 71) && !include(4, 1));
    }

    #[test]
    fn what_was_cut_off_is_included_in_no_epoch() {
        let epochs = epochs(&[0, 5, 7, 4]);
        for epoch in 1..=3 {
            assert!(epochs.include(Epoch(epoch), Position(4), Position(9)));
            assert!(!epochs.include(Epoch(epoch), Position(5), Position(9)));
        }
    }

    #[test]
    fn a_beginning_is_read_as_it_was_stored() {
        let beginning = EpochStart { epoch: Epoch(u64::MAX - 1), after: Position(7) };
        assert_eq!(EpochStart::from_bytes(&beginning.to_bytes()), Some(beginning));
        assert_eq!(EpochStart::from_bytes(&[1, 2]), None);
    }
}
