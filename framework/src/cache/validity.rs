use std::sync::Arc;

use super::group::GroupCell;
use super::ledger::{Generation, Ledger};
use super::patterns::Met;
use crate::clock::Moment;
use crate::log::{LogEpoch, Position};

/// Where content comes from in the order of things: from no later than `as_of` of `log`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogOrigin {
    /// The log, and the opening of it that says so.
    pub log: LogEpoch,
    /// A position from before the content was made.
    pub as_of: Position,
}

/// What the law says of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// No record after its `as_of` invalidates it.
    Valid,
    /// Soft records do, the first of them at this moment, and no hard one.
    Stale { since: Moment },
    /// A hard record does, or it is no longer known that none does.
    Dead,
}

impl Verdict {
    /// What two verdicts on the same content come to.
    pub(super) fn and(self, other: Verdict) -> Verdict {
        match (self, other) {
            (Verdict::Dead, _) | (_, Verdict::Dead) => Verdict::Dead,
            (Verdict::Stale { since: left }, Verdict::Stale { since: right }) => {
                Verdict::Stale { since: left.min(right) }
            }
            (stale @ Verdict::Stale { .. }, Verdict::Valid) => stale,
            (Verdict::Valid, other) => other,
        }
    }
}

/// The ids that patterns are held against: that of an entry, and those of the fragments within.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ids<'a> {
    pub(super) own: &'a str,
    pub(super) contains: &'a [Box<str>],
}

impl Ids<'_> {
    pub(super) fn each(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.own).chain(self.contains.iter().map(|id| &**id))
    }
}

/// What decides whether content is still right.
#[derive(Debug)]
pub(super) struct Validity {
    pub(super) generation: Generation,
    pub(super) as_of: Position,
    pub(super) groups: Box<[Arc<GroupCell>]>,
    met: Met,
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
            met: Met::up_to(as_of),
        })
    }

    /// The law: whether a record after `as_of` invalidates what has these ids.
    pub(super) fn verdict(&self, ids: Ids<'_>, ledger: &Ledger) -> Verdict {
        if self.generation != ledger.generation {
            return Verdict::Dead;
        }
        let mut verdict = Verdict::Valid;
        for group in &self.groups {
            verdict = verdict.and(group.verdict(self.as_of));
        }
        match verdict {
            Verdict::Dead => Verdict::Dead,
            verdict => verdict.and(ledger.patterns.verdict(ids, &self.met)),
        }
    }

    pub(super) fn size(&self) -> usize {
        // A group of one entry only: its cell and its place in the directory.
        const GROUP: usize = 100;
        self.groups.len() * (size_of::<Arc<GroupCell>>() + GROUP)
    }
}
