use std::sync::Arc;

use super::group::GroupCell;
use super::ledger::{Generation, Ledger};
use super::patterns::Met;
use crate::clock::Moment;
use crate::log::{LogEpoch, Position};

/// The origin of content in the order of records: no later than `as_of` of `log`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogOrigin {
    /// The log, with the opening whose back end reported the position.
    pub log: LogEpoch,
    /// A position from before the content was made.
    pub as_of: Position,
}

/// The law's verdict on content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// No record after its `as_of` invalidates it.
    Valid,
    /// Soft records invalidate it, the first of them at this moment, and no hard one.
    Stale { since: Moment },
    /// A hard record invalidates it, or it can no longer be shown that none does.
    Dead,
}

impl Verdict {
    /// Combines two verdicts on the same content into the worse one, and the earlier moment.
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

/// The ids that patterns are tested with: that of an entry, and those of the fragments within.
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

/// The data that decides whether content is still valid.
#[derive(Debug)]
pub(super) struct Validity {
    pub(super) generation: Generation,
    pub(super) as_of: Position,
    pub(super) groups: Box<[Arc<GroupCell>]>,
    met: Met,
}

impl Validity {
    /// Ties content that was made at `as_of` to its groups. Returns `None` if the ledger may have
    /// forgotten invalidations after `as_of`.
    pub(super) fn new(ledger: &Ledger, as_of: Position, groups: &[String]) -> Option<Validity> {
        let cells = groups.iter().map(|group| ledger.groups.cell(group)).collect();
        ledger.groups.reaches_back_to(as_of).then(|| Validity {
            generation: ledger.generation,
            as_of,
            groups: cells,
            met: Met::up_to(as_of),
        })
    }

    /// The law: decides whether a record after `as_of` invalidates content with these ids.
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
        // A group with a single entry: its cell and its slot in the directory.
        const GROUP: usize = 100;
        self.groups.len() * (size_of::<Arc<GroupCell>>() + GROUP)
    }
}
