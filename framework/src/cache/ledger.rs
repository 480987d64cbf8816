use std::sync::atomic::{AtomicU64, Ordering};

use super::group::Groups;
use super::patterns::Patterns;
use super::validity::LogOrigin;
use crate::clock::Moment;
use crate::log::{Epoch, Invalidation, LogEpoch, LogId, Position};

/// Tells apart what a cache has known before and after it forgot everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation(pub(super) u64);

impl Generation {
    /// From before anything was known.
    pub(super) const NONE: Generation = Generation(0);

    pub(super) fn next(self) -> Generation {
        Generation(self.0 + 1)
    }
}

/// What a front end knows of one log.
#[derive(Debug)]
pub(super) struct Ledger {
    /// Tells this ledger from those before it.
    pub(super) generation: Generation,
    log: LogId,
    /// The opening of the log whose feed is followed.
    epoch: AtomicU64,
    pub(super) groups: Groups,
    pub(super) patterns: Patterns,
    applied: AtomicU64,
    /// The greatest position that a fill was from.
    filled: AtomicU64,
}

impl Ledger {
    /// Knows nothing of what happened up to `start`.
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

    /// The log, and the opening whose feed is followed.
    pub(super) fn log(&self) -> LogEpoch {
        LogEpoch { id: self.log, epoch: Epoch(self.epoch.load(Ordering::SeqCst)) }
    }

    /// Whether content of this origin may be kept here. Then it is noted as seen.
    ///
    /// When a feed is resumed from another opening, that opening has been asked about all that was
    /// noted. Content that is noted meanwhile either finds the new epoch when it looks again, or is
    /// found by [`resume`](Ledger::resume), which looks after it has set the epoch.
    pub(super) fn admits(&self, origin: LogOrigin) -> bool {
        if self.log() != origin.log {
            return false;
        }
        self.filled.fetch_max(origin.as_of.0, Ordering::SeqCst);
        self.log() == origin.log
    }

    /// The greatest position that anything here is from.
    pub(super) fn seen(&self) -> Position {
        self.applied().max(Position(self.filled.load(Ordering::SeqCst)))
    }

    /// Another opening's feed goes on from here, which includes everything up to `seen`. Returns whether
    /// that is everything.
    pub(super) fn resume(&self, epoch: Epoch, seen: Position) -> bool {
        self.epoch.store(epoch.0, Ordering::SeqCst);
        self.seen() <= seen
    }

    /// Up to where the log is applied. The position is read first: it is one of every later opening
    /// whose feed is followed, too.
    pub(super) fn position(&self) -> LogOrigin {
        let as_of = self.applied();
        LogOrigin { log: self.log(), as_of }
    }

    pub(super) fn applied(&self) -> Position {
        Position(self.applied.load(Ordering::Acquire))
    }

    /// Applies the invalidations of the record at `position`; what it makes stale is stale since
    /// `at`.
    pub(super) fn invalidate(&self, position: Position, invalidation: &Invalidation, at: Moment) {
        for group in &invalidation.groups {
            self.groups.invalidate(group, position);
        }
        for group in &invalidation.soft_groups {
            self.groups.soften(group, position, at);
        }
        self.patterns.invalidate(invalidation, position, at);
    }

    /// Everything up to `position` has been applied.
    pub(super) fn advance(&self, position: Position) {
        self.applied.fetch_max(position.0, Ordering::AcqRel);
    }
}
