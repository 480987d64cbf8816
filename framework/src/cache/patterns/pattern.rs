use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::expression::Expression;
use crate::cache::validity::Verdict;
use crate::clock::Moment;
use crate::log::Position;

/// Equal soft patterns within this time count as one.
const AT_ONCE: Duration = Duration::from_secs(1);

/// One invalidation by a regular expression.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) expression: Arc<Expression>,
    pub(super) position: Position,
    /// Its number in the order of arrival: a record may have several patterns.
    pub(super) number: u64,
    pub(super) force: Force,
    /// Whether a younger pattern covers it, so that it need not be kept.
    covered: AtomicBool,
}

/// The effect on entries that a pattern matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Force {
    /// They are dead.
    Hard,
    /// They are stale since this moment.
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

    /// Marks it as covered. The mark is for writers, which drop covered patterns; readers ignore
    /// it.
    pub(super) fn cover(&self) {
        self.covered.store(true, Ordering::Relaxed);
    }

    /// Evaluates the expression on an id, and returns the verdict.
    pub(super) fn evaluated_on(&self, id: &str) -> Verdict {
        match self.expression.is_found_in(id) {
            Some(true) => self.force.verdict(),
            Some(false) => Verdict::Valid,
            // The back end, which checks patterns before it writes them, could compile it. Here a
            // match cannot be ruled out.
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

    /// Returns whether a later pattern of this force has every effect that an equal one with the
    /// `older` force would have. A soft pattern that covers another takes over its moment.
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
