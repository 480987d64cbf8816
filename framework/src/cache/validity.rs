use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::group::GroupCell;
use super::ledger::Ledger;
use crate::log::{LogId, Position};

/// Where content comes from in the order of things: from no later than `as_of` of `log`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The log.
    pub log: LogId,
    /// A position from before the content was made.
    pub as_of: Position,
}

/// What decides whether content is still right.
#[derive(Debug)]
pub(super) struct Validity {
    generation: u64,
    as_of: Position,
    groups: Box<[Arc<GroupCell>]>,
    tested: AtomicU64,
}

impl Validity {
    /// Ties content that was made at `as_of` to its groups. `None` when the ledger no longer knows
    /// what was invalidated since.
    pub(super) fn new(ledger: &Ledger, as_of: Position, groups: &[String]) -> Option<Validity> {
        let cells = groups.iter().map(|group| ledger.groups.cell(group)).collect();
        ledger.groups.reaches_back_to(as_of).then(|| Validity {
            generation: ledger.generation,
            as_of,
            groups: cells,
            tested: AtomicU64::new(as_of.0),
        })
    }

    /// The law: no record after `as_of` invalidates what has this id.
    pub(super) fn holds(&self, id: &str, ledger: &Ledger) -> bool {
        self.generation == ledger.generation
            && !self.groups.iter().any(|group| group.invalidated_after(self.as_of))
            && ledger.patterns.spare(id, &self.tested)
    }

    pub(super) fn as_of(&self) -> Position {
        self.as_of
    }

    pub(super) fn size(&self) -> usize {
        // A group of one entry only: its cell, its name and its place in the directory.
        const GROUP: usize = 150;
        self.groups.len() * (size_of::<Arc<GroupCell>>() + GROUP)
    }
}
