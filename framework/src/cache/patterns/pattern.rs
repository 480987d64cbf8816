use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::expression::Expression;
use crate::cache::validity::Verdict;
use crate::clock::Moment;
use crate::log::Position;

/// Equal soft patterns that come within this time count as one.
const AT_ONCE: Duration = Duration::from_secs(1);

/// One invalidation by a regular expression.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) expression: Arc<Expression>,
    pub(super) position: Position,
    /// Its place in the order in which patterns came: several of them may be of one record.
    pub(super) number: u64,
    pub(super) force: Force,
    /// Whether a younger one stands in for it.
    covered: AtomicBool,
}

/// What becomes of that in which a pattern is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Force {
    /// It is dead.
    Hard,
    /// It is stale since this moment.
    Soft(Moment),
}

impl Pattern {
    pub(super) fn new(
        expression: Arc<Expression>,
        position: Position,
        number: u64,
        force: Force,
    ) -> Pattern {
        Pattern { expression, position, number, force, covered: AtomicBool::new(false) }
    }

    pub(super) fn is_covered(&self) -> bool {
        self.covered.load(Ordering::Relaxed)
    }

    /// For writers only: it says what need not be kept, and nothing to readers.
    pub(super) fn cover(&self) {
        self.covered.store(true, Ordering::Relaxed);
    }

    /// What it means for an id that it is to be asked about.
    pub(super) fn asked_about(&self, id: &str) -> Verdict {
        match self.expression.is_found_in(id) {
            Some(true) => self.force.verdict(),
            Some(false) => Verdict::Valid,
            // The back end, which checks patterns before it writes them, could compile it: here it
            // cannot be shown not to be found.
            None => Verdict::Dead,
        }
    }
}

impl Force {
    pub(super) fn verdict(self) -> Verdict {
        match self {
            Force::Hard => Verdict::Dead,
            Force::Soft(since) => Verdict::Stale { since },
        }
    }

    /// Whether a pattern of this force that comes later does to everything what an equal one with
    /// the `older` force would do. A soft one that stands in for another takes over its moment.
    pub(super) fn covers(&mut self, older: Force) -> bool {
        match (self, older) {
            (Force::Hard, _) => true,
            (Force::Soft(_), Force::Hard) => false,
            (Force::Soft(at), Force::Soft(earlier)) => {
                let at_once = at.since(earlier) <= AT_ONCE;
                if at_once {
                    *at = earlier.min(*at);
                }
                at_once
            }
        }
    }
}
