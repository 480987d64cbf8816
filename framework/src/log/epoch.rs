//! The openings of a log, by which a fork of it is distinguished from the log itself.
//!
//! # The argument
//!
//! A front end that reconnects may resume at position `p` only if every record up to `p` is the one that it has
//! seen. The log's id and `p` do not determine this: a log that was restored from a backup, copied with its
//! folder, or whose disk lost its last commits has the same id, and assigns its positions to other records from
//! then on. Therefore each opening of a log draws a random [`Epoch`] and stores it in the log together with the
//! log's last position at that moment, at the latest in the transaction of its first record. Every feed and
//! every answer carries the epoch of the opening that sent it.
//!
//! Let a front end have followed epoch `e`, and let `p` be the greatest position about which it has any
//! information. The present log *includes* `(e, p)` if it has `e`, no later epoch began before `p`, and `p` is
//! not beyond its last record. Then it has all records up to `p` that the front end can have seen:
//!
//! - `e` was drawn once, by one process that had the log's file for itself. The present log received it with a
//!   copy of that file, made while or after that process had it open.
//! - Records up to the position at which `e` began were in the file when the process opened it, and every copy
//!   of the file that has `e` has them. A later record up to `p` was written during `e`. If the present log has
//!   another record at its position, or had none when it was opened, then the opening that wrote the other one
//!   found that the log ended before `p`, and stored this beginning in the transaction of its first record. So
//!   a later epoch began before `p`.
//! - If `e` is the last epoch of the present log, no later one can show that records are missing; therefore `p`
//!   must not be beyond the last record.
//!
//! A log whose damaged tail was cut off needs no further rule: the opening that cuts off the tail begins where
//! the tail began.
//!
//! The last [`KEPT`] epochs are kept, and all since the one in which the log's [base](super::Past::base) was
//! made. A front end that followed an older one drops its cache.
//!
//! This holds for an engine whose log one process has open at a time. An engine that shares a log among
//! processes must have one epoch for all processes that append at the same time.

use serde::{Deserialize, Serialize};

use super::{LogId, Position};

/// The number of openings that a log keeps.
pub(super) const KEPT: usize = 1024;

/// Identifies one opening of a log: a random number that no other opening has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    /// Returns an epoch that no other opening has.
    pub fn random() -> Epoch {
        Epoch(rand::random())
    }
}

/// One opening of a log. Positions of two openings are comparable only if the later opening includes the
/// earlier one.
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

/// The openings that a log keeps, the present one last.
#[derive(Debug, Clone, Default)]
pub(super) struct Epochs(Vec<EpochStart>);

/// An epoch and the log's last position when it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EpochStart {
    pub(super) epoch: Epoch,
    pub(super) after: Position,
}

impl Epochs {
    /// Makes the list of stored openings, the oldest first.
    pub(super) fn new(stored: Vec<EpochStart>) -> Epochs {
        Epochs(stored)
    }

    /// Returns all of them, the oldest first.
    pub(super) fn starts(&self) -> Vec<EpochStart> {
        self.0.clone()
    }

    /// Begins another opening behind `after`.
    pub(super) fn begin(&mut self, after: Position) {
        self.0.push(EpochStart { epoch: Epoch::random(), after });
    }

    /// Returns the last opening, or `None` if the log was never opened.
    pub(super) fn last(&self) -> Option<EpochStart> {
        self.0.last().copied()
    }

    /// Returns whether the log, which ends with `last`, has all records up to `position` that could be seen in
    /// `epoch`.
    pub(super) fn include(&self, epoch: Epoch, position: Position, last: Position) -> bool {
        let Some(at) = self.0.iter().position(|beginning| beginning.epoch == epoch) else {
            return false;
        };
        // An opening that cuts off a tail may begin before earlier openings.
        position <= last && self.0[at + 1..].iter().all(|later| position <= later.after)
    }
}

impl EpochStart {
    /// Encodes it for the log's file.
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
    fn an_epoch_is_included_up_to_the_beginning_of_the_next() {
        let epochs = epochs(&[0, 50, 60]);
        let include =
            |epoch, position| epochs.include(Epoch(epoch), Position(position), Position(70));
        assert!(include(1, 0) && include(1, 50) && include(2, 60) && include(3, 70));
        assert!(!include(1, 51), "the log was copied or restored when it ended with 50");
        assert!(!include(2, 61) && !include(3, 71) && !include(4, 1));
    }

    #[test]
    fn cut_off_records_are_included_in_no_epoch() {
        let epochs = epochs(&[0, 5, 7, 4]);
        for epoch in 1..=3 {
            assert!(epochs.include(Epoch(epoch), Position(4), Position(9)));
            assert!(!epochs.include(Epoch(epoch), Position(5), Position(9)));
        }
    }

    #[test]
    fn a_beginning_round_trips() {
        let beginning = EpochStart { epoch: Epoch(u64::MAX - 1), after: Position(7) };
        assert_eq!(EpochStart::from_bytes(&beginning.to_bytes()), Some(beginning));
        assert_eq!(EpochStart::from_bytes(&[1, 2]), None);
    }
}
