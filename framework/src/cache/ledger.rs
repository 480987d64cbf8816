use std::sync::atomic::{AtomicU64, Ordering};

use super::group::Groups;
use super::pattern::Patterns;
use crate::log::{Invalidation, LogId, Position};

/// What a front end knows of one log.
#[derive(Debug)]
pub(super) struct Ledger {
    /// Tells this ledger from those before it.
    pub(super) generation: u64,
    pub(super) log: LogId,
    pub(super) groups: Groups,
    pub(super) patterns: Patterns,
    applied: AtomicU64,
}

impl Ledger {
    /// Knows nothing of what happened up to `start`.
    pub(super) fn new(generation: u64, log: LogId, start: Position) -> Ledger {
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

    /// Takes in what the record at `position` invalidates.
    pub(super) fn invalidate(&self, position: Position, invalidation: &Invalidation) {
        for group in &invalidation.groups {
            self.groups.invalidate(group, position);
        }
        self.patterns.invalidate(&invalidation.patterns, position);
    }

    /// Everything up to `position` has been taken in.
    pub(super) fn advance(&self, position: Position) {
        self.applied.fetch_max(position.0, Ordering::AcqRel);
    }
}
