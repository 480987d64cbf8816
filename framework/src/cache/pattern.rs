use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use regex::Regex;

use crate::log::{Position, compile_pattern};

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
}

impl Patterns {
    pub(super) fn new(floor: Position) -> Patterns {
        Patterns {
            outstanding: RwLock::default(),
            latest: AtomicU64::new(floor.0),
            floor: AtomicU64::new(floor.0),
        }
    }

    /// Records that the record at `position` invalidated what any of `patterns` is found in.
    /// Positions never go back from call to call.
    ///
    /// All patterns of a record are in the list before `latest` moves: an entry that was tested up
    /// to the record's position has met every one of them.
    pub(super) fn invalidate(&self, patterns: &[String], position: Position) {
        if patterns.is_empty() {
            return;
        }
        let compiled: Option<Vec<Arc<Regex>>> =
            patterns.iter().map(|pattern| self.compiled(pattern)).collect();
        let mut outstanding = self.outstanding.write().unwrap_or_else(PoisonError::into_inner);
        match compiled {
            Some(compiled) => {
                // The younger of two equal patterns kills whatever the older one would.
                let repeated = |earlier: &Pattern| {
                    compiled.iter().any(|regex| regex.as_str() == earlier.regex.as_str())
                };
                outstanding.retain(|earlier| !repeated(earlier));
                outstanding.extend(compiled.into_iter().map(|regex| Pattern { position, regex }));
            }
            None => {
                // The back end checks patterns before it writes them. One that only it understands
                // may mean any entry.
                tracing::error!(?patterns, "cannot read a pattern: dropping everything cached");
                outstanding.clear();
                self.floor.fetch_max(position.0, Ordering::AcqRel);
            }
        }
        self.latest.fetch_max(position.0, Ordering::AcqRel);
    }

    /// Whether no pattern after the position in `tested` is found in `id`. Moves `tested` on, so
    /// that no pattern is tried twice.
    pub(super) fn spare(&self, id: &str, tested: &AtomicU64) -> bool {
        let latest = self.latest.load(Ordering::Acquire);
        let from = tested.load(Ordering::Acquire);
        if from >= latest {
            return true;
        }
        let untested = self.after(Position(from));
        // Read after the list: what was retired before the list was read shows in the floor.
        if from < self.floor.load(Ordering::Acquire) {
            return false;
        }
        if untested.iter().any(|pattern| pattern.regex.is_match(id)) {
            return false;
        }
        tested.fetch_max(latest, Ordering::AcqRel);
        true
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

#[cfg(test)]
mod tests {
    use super::*;

    fn tested(position: u64) -> AtomicU64 {
        AtomicU64::new(position)
    }

    fn invalidate(patterns: &Patterns, pattern: &str, position: Position) {
        patterns.invalidate(&[pattern.to_owned()], position);
    }

    #[test]
    fn an_entry_that_looks_while_a_record_comes_in_meets_all_its_patterns() {
        let record: Vec<String> = (0..64).map(|number| format!("^/{number}$")).collect();
        for _ in 0..200 {
            let patterns = Patterns::new(Position::START);
            let mark = tested(0);
            std::thread::scope(|scope| {
                scope.spawn(|| patterns.invalidate(&record, Position(7)));
                while patterns.latest() < Position(7) {
                    patterns.spare("/63", &mark);
                }
            });
            assert!(!patterns.spare("/63", &mark));
        }
    }

    #[test]
    fn a_pattern_kills_older_entries_that_it_is_found_in() {
        let patterns = Patterns::new(Position::START);
        invalidate(&patterns, "^/blog/", Position(5));
        assert!(!patterns.spare("/blog/one", &tested(4)));
        assert!(patterns.spare("/blog/one", &tested(5)), "made after the pattern");
        assert!(patterns.spare("/news", &tested(4)), "not found in it");
    }

    #[test]
    fn an_entry_meets_a_pattern_once() {
        let patterns = Patterns::new(Position::START);
        invalidate(&patterns, "^/blog/", Position(5));
        let mark = tested(0);
        assert!(patterns.spare("/news", &mark));
        assert_eq!(mark.load(Ordering::Acquire), 5);
    }

    #[test]
    fn the_same_pattern_again_takes_the_place_of_the_older() {
        let patterns = Patterns::new(Position::START);
        for position in 1..100 {
            invalidate(&patterns, "^/blog/", Position(position));
        }
        assert_eq!(patterns.len(), 1);
        assert!(!patterns.spare("/blog/one", &tested(98)));
    }

    #[test]
    fn an_entry_that_missed_a_retired_pattern_is_dead() {
        let patterns = Patterns::new(Position::START);
        invalidate(&patterns, "^/blog/", Position(5));
        patterns.retire(Position(5));
        invalidate(&patterns, "^/never$", Position(8));
        assert!(!patterns.spare("/news", &tested(4)));
        assert!(patterns.spare("/news", &tested(5)));
    }

    #[test]
    fn more_patterns_than_the_limit_are_retired_from_the_oldest() {
        let patterns = Patterns::new(Position::START);
        for position in 1..=10 {
            invalidate(&patterns, &format!("^/{position}$"), Position(position));
        }
        patterns.shrink_to(4);
        assert_eq!(patterns.len(), 4);
        assert!(!patterns.spare("/x", &tested(5)));
        assert!(patterns.spare("/x", &tested(6)));
    }

    #[test]
    fn a_pattern_that_cannot_be_read_kills_everything_older() {
        let patterns = Patterns::new(Position::START);
        invalidate(&patterns, "(", Position(5));
        assert!(!patterns.spare("/x", &tested(4)));
        assert!(patterns.spare("/x", &tested(5)));
    }
}
