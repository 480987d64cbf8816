use std::sync::atomic::{AtomicU64, Ordering};

use super::group::Groups;
use super::patterns::Patterns;
use super::validity::LogOrigin;
use crate::clock::Moment;
use crate::log::{Epoch, Invalidation, LogEpoch, LogId, Position};

/// Distinguishes the ledgers of a cache: a new one begins whenever the cache forgets everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation(pub(super) u64);

impl Generation {
    /// Before the first ledger.
    pub(super) const NONE: Generation = Generation(0);

    pub(super) fn next(self) -> Generation {
        Generation(self.0 + 1)
    }
}

/// The state of one log in a front end.
#[derive(Debug)]
pub(super) struct Ledger {
    /// Distinguishes this ledger from earlier ones.
    pub(super) generation: Generation,
    log: LogId,
    /// The opening of the log whose feed is followed.
    epoch: AtomicU64,
    pub(super) groups: Groups,
    pub(super) patterns: Patterns,
    applied: AtomicU64,
    /// The greatest `as_of` of any fill.
    filled: AtomicU64,
}

impl Ledger {
    /// Creates a ledger without any information on records up to `start`.
    pub(super) fn new(generation: Generation, log: LogEpoch, start: Position) -> Ledger {
        Ledger {
            generation,
            log: log.id,
            epoch: AtomicU64::new(log.epoch.0),
            groups: Groups::new(start),
            patterns: Patterns::new(start),
            applied: AtomicU64::new(start.0),
            filled: AtomicU64::new(start.0),
        }
    }

    /// Returns the log, with the opening whose feed is followed.
    pub(super) fn log(&self) -> LogEpoch {
        LogEpoch { id: self.log, epoch: Epoch(self.epoch.load(Ordering::SeqCst)) }
    }

    /// Returns whether content of this origin may be stored here. If so, its position counts as
    /// seen.
    ///
    /// When a feed is resumed from another opening, that opening has been asked about all positions
    /// seen so far. A fill that comes meanwhile either reads the new epoch in its second check, or
    /// its position is found by [`resume`](Ledger::resume), which reads the positions after it has
    /// stored the epoch.
    pub(super) fn admits(&self, origin: LogOrigin) -> bool {
        if self.log() != origin.log {
            return false;
        }
        self.filled.fetch_max(origin.as_of.0, Ordering::SeqCst);
        self.log() == origin.log
    }

    /// Returns the greatest position that anything here is from.
    pub(super) fn seen(&self) -> Position {
        self.applied().max(Position(self.filled.load(Ordering::SeqCst)))
    }

    /// Continues with the feed of another opening, which includes everything up to `seen`. Returns
    /// whether that covers everything seen here.
    pub(super) fn resume(&self, epoch: Epoch, seen: Position) -> bool {
        self.epoch.store(epoch.0, Ordering::SeqCst);
        self.seen() <= seen
    }

    /// Returns the position up to which the log is applied. The position is loaded before the
    /// epoch: it is a position of every later opening whose feed is followed, too.
    pub(super) fn position(&self) -> LogOrigin {
        let as_of = self.applied();
        LogOrigin { log: self.log(), as_of }
    }

    pub(super) fn applied(&self) -> Position {
        Position(self.applied.load(Ordering::Acquire))
    }

    /// Applies the invalidations of the record at `position`; soft ones take effect at `at`.
    pub(super) fn invalidate(&self, position: Position, invalidation: &Invalidation, at: Moment) {
        for group in &invalidation.groups {
            self.groups.invalidate(group, position);
        }
        for group in &invalidation.soft_groups {
            self.groups.soften(group, position, at);
        }
        self.patterns.invalidate(invalidation, position, at);
    }

    /// Records that everything up to `position` has been applied.
    pub(super) fn advance(&self, position: Position) {
        self.applied.fetch_max(position.0, Ordering::AcqRel);
    }
}
