use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use regex::Regex;

use super::validity::{Ids, Verdict};
use crate::clock::Moment;
use crate::log::{Invalidation, Position, compile_pattern};

/// Equal soft patterns that come within this time count as one.
const AT_ONCE: Duration = Duration::from_secs(1);

/// The patterns that were invalidated, in the order of their positions.
#[derive(Debug)]
pub(super) struct Patterns {
    outstanding: RwLock<VecDeque<Pattern>>,
    /// The position of the youngest pattern there ever was.
    latest: AtomicU64,
    /// Up to here patterns were retired: who was not tested up to here cannot be shown valid.
    floor: AtomicU64,
}

#[derive(Debug, Clone)]
struct Pattern {
    position: Position,
    regex: Arc<Regex>,
    force: Force,
}

/// What becomes of that in which a pattern is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Force {
    /// It is dead.
    Hard,
    /// It is stale since this moment.
    Soft(Moment),
}

/// How far an entry has met the patterns, and what came of it.
#[derive(Debug)]
pub(super) struct Met {
    tested: AtomicU64,
    /// The earliest moment, in nanoseconds, of the soft patterns that were found in it.
    stale_since: AtomicU64,
}

/// No soft pattern was found.
const NEVER: u64 = u64::MAX;

impl Met {
    /// Content that knows nothing of what came after `position`.
    pub(super) fn up_to(position: Position) -> Met {
        Met { tested: AtomicU64::new(position.0), stale_since: AtomicU64::new(NEVER) }
    }
}

impl Patterns {
    pub(super) fn new(floor: Position) -> Patterns {
        Patterns {
            outstanding: RwLock::default(),
            latest: AtomicU64::new(floor.0),
            floor: AtomicU64::new(floor.0),
        }
    }

    /// Records that the record at `position` invalidated what any of its patterns is found in; what
    /// its soft patterns are found in is stale since `at`. Positions never go back from call to call.
    ///
    /// All patterns of a record are in the list before `latest` moves: an entry that was tested up
    /// to the record's position has met every one of them.
    pub(super) fn invalidate(&self, invalidation: &Invalidation, position: Position, at: Moment) {
        let hard = invalidation.patterns.iter().map(|pattern| (pattern, Force::Hard));
        let soft = invalidation.soft_patterns.iter().map(|pattern| (pattern, Force::Soft(at)));
        let mut all = hard.chain(soft).peekable();
        if all.peek().is_none() {
            return;
        }
        let younger: Option<Vec<Pattern>> = all
            .map(|(pattern, force)| {
                let regex = self.compiled(pattern)?;
                Some(Pattern { position, regex, force })
            })
            .collect();
        let mut outstanding = self.outstanding.write().unwrap_or_else(PoisonError::into_inner);
        match younger {
            Some(mut younger) => {
                outstanding
                    .retain(|older| !younger.iter_mut().any(|younger| younger.covers(older)));
                outstanding.extend(younger);
            }
            None => {
                // The back end checks patterns before it writes them. One that only it understands
                // may mean any entry.
                tracing::error!(?invalidation, "cannot read a pattern: dropping everything cached");
                outstanding.clear();
                self.floor.fetch_max(position.0, Ordering::AcqRel);
            }
        }
        self.latest.fetch_max(position.0, Ordering::AcqRel);
    }

    /// What the patterns after those that `met` has come past mean for what has these ids. Moves
    /// `met` on, so that no pattern is tried twice.
    pub(super) fn verdict(&self, ids: Ids<'_>, met: &Met) -> Verdict {
        let latest = self.latest.load(Ordering::Acquire);
        let from = met.tested.load(Ordering::Acquire);
        if from < latest {
            let untested = self.after(Position(from));
            // Read after the list: what was retired before the list was read shows in the floor.
            if from < self.floor.load(Ordering::Acquire) {
                return Verdict::Dead;
            }
            for pattern in
                untested.iter().filter(|pattern| ids.any(|id| pattern.regex.is_match(id)))
            {
                match pattern.force {
                    Force::Hard => return Verdict::Dead,
                    Force::Soft(at) => {
                        met.stale_since.fetch_min(at.as_nanos(), Ordering::AcqRel);
                    }
                }
            }
            met.tested.fetch_max(latest, Ordering::AcqRel);
        }
        // After `tested`: whoever has moved that has stored this before.
        match met.stale_since.load(Ordering::Acquire) {
            NEVER => Verdict::Valid,
            since => Verdict::Stale { since: Moment::from_nanos(since) },
        }
    }

    /// The position of the youngest pattern.
    pub(super) fn latest(&self) -> Position {
        Position(self.latest.load(Ordering::Acquire))
    }

    /// How many patterns are outstanding.
    pub(super) fn len(&self) -> usize {
        self.outstanding.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Drops the patterns up to `position`. Entries that were not tested so far are dead from now on.
    pub(super) fn retire(&self, position: Position) {
        let mut outstanding = self.outstanding.write().unwrap_or_else(PoisonError::into_inner);
        self.floor.fetch_max(position.0, Ordering::AcqRel);
        while outstanding.front().is_some_and(|pattern| pattern.position <= position) {
            outstanding.pop_front();
        }
    }

    /// Retires the oldest patterns, when there are more than `limit`.
    pub(super) fn shrink_to(&self, limit: usize) {
        let oldest = {
            let outstanding = self.outstanding.read().unwrap_or_else(PoisonError::into_inner);
            let surplus = outstanding.len().saturating_sub(limit);
            surplus.checked_sub(1).map(|last| outstanding[last].position)
        };
        if let Some(position) = oldest {
            self.retire(position);
        }
    }

    fn after(&self, position: Position) -> Vec<Pattern> {
        let outstanding = self.outstanding.read().unwrap_or_else(PoisonError::into_inner);
        let first = outstanding.partition_point(|pattern| pattern.position <= position);
        outstanding.range(first..).cloned().collect()
    }

    /// The compiled pattern, the one in the list if it is there; `None` if it cannot be read.
    fn compiled(&self, pattern: &str) -> Option<Arc<Regex>> {
        let outstanding = self.outstanding.read().unwrap_or_else(PoisonError::into_inner);
        match outstanding.iter().find(|known| known.regex.as_str() == pattern) {
            Some(known) => Some(Arc::clone(&known.regex)),
            None => compile_pattern(pattern).ok().map(Arc::new),
        }
    }
}

impl Pattern {
    /// Whether this pattern, which comes later, does to everything what `older` would do. A soft one
    /// that stands in for another takes over its moment.
    fn covers(&mut self, older: &Pattern) -> bool {
        if self.regex.as_str() != older.regex.as_str() {
            return false;
        }
        match (&mut self.force, older.force) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn tested(position: u64) -> Met {
        Met::up_to(Position(position))
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_nanos(seconds * 1_000_000_000)
    }

    fn stale(seconds: u64) -> Verdict {
        Verdict::Stale { since: at(seconds) }
    }

    fn invalidate(patterns: &Patterns, pattern: &str, position: Position) {
        patterns.invalidate(&Invalidation::new().pattern(pattern), position, at(0));
    }

    fn soften(patterns: &Patterns, pattern: &str, position: u64, seconds: u64) {
        let soft = Invalidation::new().pattern(pattern).soft();
        patterns.invalidate(&soft, Position(position), at(seconds));
    }

    fn verdict(patterns: &Patterns, id: &str, met: &Met) -> Verdict {
        patterns.verdict(Ids { own: id, contains: &[] }, met)
    }

    #[test]
    fn an_entry_that_looks_while_a_record_comes_in_meets_all_its_patterns() {
        let record = (0..64)
            .fold(Invalidation::new(), |record, number| record.pattern(format!("^/{number}$")));
        for _ in 0..200 {
            let patterns = Patterns::new(Position::START);
            let mark = tested(0);
            std::thread::scope(|scope| {
                scope.spawn(|| patterns.invalidate(&record, Position(7), at(0)));
                while patterns.latest() < Position(7) {
                    verdict(&patterns, "/63", &mark);
                }
            });
            assert_eq!(verdict(&patterns, "/63", &mark), Verdict::Dead);
        }
    }

    #[test]
    fn a_pattern_kills_older_entries_that_it_is_found_in() {
        let patterns = Patterns::new(Position::START);
        invalidate(&patterns, "^/blog/", Position(5));
        assert_eq!(verdict(&patterns, "/blog/one", &tested(4)), Verdict::Dead);
        assert_eq!(verdict(&patterns, "/blog/one", &tested(5)), Verdict::Valid, "made after it");
        assert_eq!(verdict(&patterns, "/news", &tested(4)), Verdict::Valid, "not found in it");
    }

    #[test]
    fn an_entry_meets_a_pattern_once() {
        let patterns = Patterns::new(Position::START);
        invalidate(&patterns, "^/blog/", Position(5));
        let mark = tested(0);
        assert_eq!(verdict(&patterns, "/news", &mark), Verdict::Valid);
        assert_eq!(mark.tested.load(Ordering::Acquire), 5);
    }

    #[test]
    fn the_same_pattern_again_takes_the_place_of_the_older() {
        let patterns = Patterns::new(Position::START);
        for position in 1..100 {
            invalidate(&patterns, "^/blog/", Position(position));
        }
        assert_eq!(patterns.len(), 1);
        assert_eq!(verdict(&patterns, "/blog/one", &tested(98)), Verdict::Dead);
    }

    #[test]
    fn an_entry_that_missed_a_retired_pattern_is_dead() {
        let patterns = Patterns::new(Position::START);
        invalidate(&patterns, "^/blog/", Position(5));
        patterns.retire(Position(5));
        invalidate(&patterns, "^/never$", Position(8));
        assert_eq!(verdict(&patterns, "/news", &tested(4)), Verdict::Dead);
        assert_eq!(verdict(&patterns, "/news", &tested(5)), Verdict::Valid);
    }

    #[test]
    fn more_patterns_than_the_limit_are_retired_from_the_oldest() {
        let patterns = Patterns::new(Position::START);
        for position in 1..=10 {
            invalidate(&patterns, &format!("^/{position}$"), Position(position));
        }
        patterns.shrink_to(4);
        assert_eq!(patterns.len(), 4);
        assert_eq!(verdict(&patterns, "/x", &tested(5)), Verdict::Dead);
        assert_eq!(verdict(&patterns, "/x", &tested(6)), Verdict::Valid);
    }

    #[test]
    fn a_pattern_that_cannot_be_read_kills_everything_older() {
        let patterns = Patterns::new(Position::START);
        invalidate(&patterns, "(", Position(5));
        assert_eq!(verdict(&patterns, "/x", &tested(4)), Verdict::Dead);
        assert_eq!(verdict(&patterns, "/x", &tested(5)), Verdict::Valid);
    }

    #[test]
    fn an_entry_keeps_what_a_soft_pattern_said() {
        let patterns = Patterns::new(Position::START);
        let met = tested(1);
        soften(&patterns, "^/a", 2, 10);
        soften(&patterns, "/a$", 3, 20);
        assert_eq!(verdict(&patterns, "/a", &met), stale(10));
        patterns.retire(Position(3));
        assert_eq!(verdict(&patterns, "/a", &met), stale(10));
        soften(&patterns, "^/a", 4, 30);
        assert_eq!(verdict(&patterns, "/a", &met), stale(10), "a later one changes nothing");
        invalidate(&patterns, "^/a", Position(5));
        assert_eq!(verdict(&patterns, "/a", &met), Verdict::Dead);
    }

    #[test]
    fn a_younger_soft_pattern_hides_neither_a_hard_one_nor_an_earlier_moment() {
        let patterns = Patterns::new(Position::START);
        invalidate(&patterns, "^/a", Position(2));
        soften(&patterns, "^/a", 3, 10);
        assert_eq!(verdict(&patterns, "/a", &tested(1)), Verdict::Dead);
        assert_eq!(verdict(&patterns, "/a", &tested(2)), stale(10));
        soften(&patterns, "^/a", 4, 20);
        assert_eq!(verdict(&patterns, "/a", &tested(2)), stale(10));
        assert_eq!(verdict(&patterns, "/a", &tested(3)), stale(20));
    }

    #[test]
    fn equal_soft_patterns_at_once_are_one() {
        let patterns = Patterns::new(Position::START);
        for position in 2..100 {
            let at = Moment::from_nanos(position * 1_000_000);
            let soft = Invalidation::new().pattern("^/a").soft();
            patterns.invalidate(&soft, Position(position), at);
        }
        assert_eq!(patterns.len(), 1);
        let since = Moment::from_nanos(2_000_000);
        assert_eq!(verdict(&patterns, "/a", &tested(98)), Verdict::Stale { since });
        assert_eq!(verdict(&patterns, "/a", &tested(99)), Verdict::Valid);
    }

    #[test]
    fn a_pattern_that_finds_a_fragment_within_finds_the_entry() {
        let patterns = Patterns::new(Position::START);
        invalidate(&patterns, "^fragment:card/7$", Position(2));
        let contains: [Box<str>; 2] = ["fragment:card/6".into(), "fragment:card/7".into()];
        let verdict = |contains| patterns.verdict(Ids { own: "/", contains }, &tested(1));
        assert_eq!(verdict(&contains), Verdict::Dead);
        assert_eq!(verdict(&contains[..1]), Verdict::Valid);
    }
}
