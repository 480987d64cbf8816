use std::sync::atomic::{AtomicU64, Ordering};

use super::group::Groups;
use super::patterns::Patterns;
use crate::clock::Moment;
use crate::log::{Invalidation, LogId, Position};

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
    pub(super) log: LogId,
    pub(super) groups: Groups,
    pub(super) patterns: Patterns,
    applied: AtomicU64,
}

impl Ledger {
    /// Knows nothing of what happened up to `start`.
    pub(super) fn new(generation: Generation, log: LogId, start: Position) -> Ledger {
        Ledger {
            generation,
            log,
            groups: Groups::new(start),
            patterns: Patterns::new(start),
            applied: AtomicU64::new(start.0),
        }
    }

    pub(super) fn applied(&self) -> Position {
        Position(self.applied.load(Ordering::Acquire))
    }

    /// Takes in what the record at `position` invalidates; what it makes stale is stale since `at`.
    pub(super) fn invalidate(&self, position: Position, invalidation: &Invalidation, at: Moment) {
        for group in &invalidation.groups {
            self.groups.invalidate(group, position);
        }
        for group in &invalidation.soft_groups {
            self.groups.soften(group, position, at);
        }
        self.patterns.invalidate(invalidation, position, at);
    }

    /// Everything up to `position` has been taken in.
    pub(super) fn advance(&self, position: Position) {
        self.applied.fetch_max(position.0, Ordering::AcqRel);
    }
}
