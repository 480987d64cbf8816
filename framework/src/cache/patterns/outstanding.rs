use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use super::book::Book;
use super::pattern::Force;
use super::run::Run;
use crate::cache::validity::{Ids, Verdict};
use crate::clock::Moment;
use crate::log::{Invalidation, Position};

/// The number of patterns that are retired at a time, so that an arriving record waits for no more.
const AT_A_TIME: usize = 256;

/// The patterns that were invalidated, in the order of their positions.
#[derive(Debug)]
pub(in crate::cache) struct Patterns {
    /// The readers' list: the oldest run first.
    runs: ArcSwap<Vec<Arc<Run>>>,
    /// Locked by writers, and by nothing else.
    book: Mutex<Book>,
    /// The position of the youngest pattern that was ever added.
    latest: AtomicU64,
    /// The position up to which patterns were retired: an entry that was not tested up to here
    /// cannot be shown valid.
    floor: AtomicU64,
}

/// How far an entry was tested against the patterns, and the result.
#[derive(Debug)]
pub(in crate::cache) struct Met {
    tested: AtomicU64,
    /// The earliest moment, in nanoseconds, of the soft patterns that matched.
    stale_since: AtomicU64,
}

/// No soft pattern has matched.
const NEVER: u64 = u64::MAX;

impl Met {
    /// The mark of content that was tested against no pattern after `position`.
    pub(in crate::cache) fn up_to(position: Position) -> Met {
        Met { tested: AtomicU64::new(position.0), stale_since: AtomicU64::new(NEVER) }
    }
}

impl Patterns {
    pub(in crate::cache) fn new(floor: Position) -> Patterns {
        Patterns {
            runs: ArcSwap::default(),
            book: Mutex::default(),
            latest: AtomicU64::new(floor.0),
            floor: AtomicU64::new(floor.0),
        }
    }

    /// Records that the record at `position` invalidated all ids that match one of its patterns;
    /// ids that match its soft patterns are stale since `at`. Positions must not decrease from call
    /// to call.
    ///
    /// All patterns of a record are in a run before `latest` advances: an entry that was tested up
    /// to the record's position was tested against each of them.
    pub(in crate::cache) fn invalidate(
        &self,
        invalidation: &Invalidation,
        position: Position,
        at: Moment,
    ) {
        let hard = invalidation.patterns.iter().map(|pattern| (pattern, Force::Hard));
        let soft = invalidation.soft_patterns.iter().map(|pattern| (pattern, Force::Soft(at)));
        let mut all = hard.chain(soft).peekable();
        if all.peek().is_none() {
            return;
        }
        let mut book = self.book();
        let read = all.map(|(text, force)| {
            let expression = book.expression(text)?;
            Some(book.add(expression, position, force))
        });
        match read.collect::<Option<Vec<_>>>() {
            Some(younger) => {
                self.runs.store(Arc::new(with(&self.runs.load(), Run::of(younger))));
            }
            None => {
                // The back end checks patterns before it writes them. A pattern that only the back
                // end can parse might match any entry.
                tracing::error!(?invalidation, "cannot read a pattern: dropping everything cached");
                *book = Book::default();
                self.floor.fetch_max(position.0, Ordering::AcqRel);
                self.runs.store(Arc::default());
            }
        }
        self.latest.fetch_max(position.0, Ordering::AcqRel);
    }

    /// Returns the verdict of the patterns after the mark of `met` on content with these ids.
    /// Advances the mark, so that no pattern is tested twice.
    pub(in crate::cache) fn verdict(&self, ids: Ids<'_>, met: &Met) -> Verdict {
        let latest = self.latest.load(Ordering::Acquire);
        let from = met.tested.load(Ordering::Acquire);
        if from < latest {
            let untested = self.untested(ids, Position(from));
            // Read after the runs: a pattern that was retired before the runs were loaded shows in
            // the floor.
            if from < self.floor.load(Ordering::Acquire) {
                return Verdict::Dead;
            }
            match untested {
                Verdict::Dead => return Verdict::Dead,
                Verdict::Stale { since } => {
                    met.stale_since.fetch_min(since.as_nanos(), Ordering::AcqRel);
                }
                Verdict::Valid => {}
            }
            met.tested.fetch_max(latest, Ordering::AcqRel);
        }
        // Read after `tested`: a reader that advanced `tested` stored this before.
        match met.stale_since.load(Ordering::Acquire) {
            NEVER => Verdict::Valid,
            since => Verdict::Stale { since: Moment::from_nanos(since) },
        }
    }

    fn untested(&self, ids: Ids<'_>, from: Position) -> Verdict {
        let mut verdict = Verdict::Valid;
        let runs = self.runs.load();
        for run in runs.iter().rev().take_while(|run| run.last() > from) {
            for id in ids.each() {
                verdict = verdict.and(run.verdict(id, from));
            }
            if verdict == Verdict::Dead {
                break;
            }
        }
        verdict
    }

    /// Returns the position of the youngest pattern.
    pub(in crate::cache) fn latest(&self) -> Position {
        Position(self.latest.load(Ordering::Acquire))
    }

    /// Returns the number of outstanding patterns.
    pub(in crate::cache) fn len(&self) -> usize {
        self.book().len()
    }

    /// Drops the patterns up to `position`. Entries that were not tested up to there are dead from
    /// now on.
    pub(in crate::cache) fn retire(&self, position: Position) {
        self.floor.fetch_max(position.0, Ordering::AcqRel);
        while self.book().take_oldest(position, AT_A_TIME) == AT_A_TIME {}
        let before = {
            let _book = self.book();
            let runs = self.runs.load();
            let kept = runs.iter().filter(|run| run.last() > position);
            // A run is rebuilt when more than half of it is retired, so that a run that loses one
            // pattern at a time is seldom rebuilt.
            let kept = kept.map(|run| match run.len_up_to(position) * 2 > run.len() {
                true => Arc::new(run.after(position)),
                false => Arc::clone(run),
            });
            let kept = kept.filter(|run| run.len() > 0).collect();
            self.runs.swap(Arc::new(kept))
        };
        // Freeing the runs may take long, so no record waits for it.
        drop(before);
    }

    /// Retires the oldest patterns, when there are more than `limit`.
    pub(in crate::cache) fn shrink_to(&self, limit: usize) {
        let surplus = self.book().surplus(limit);
        if let Some(position) = surplus {
            self.retire(position);
        }
    }

    /// A panic under the lock may leave out patterns that readers see, which does no harm.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the runs with a younger one. A run is at least twice as long as the next, so there are
/// few.
fn with(runs: &[Arc<Run>], younger: Run) -> Vec<Arc<Run>> {
    let mut runs = runs.to_vec();
    let mut last = younger;
    while let Some(older) = runs.pop_if(|older| older.len() < 2 * last.len()) {
        last = older.and(&last);
    }
    runs.push(Arc::new(last));
    runs
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
    fn a_lookup_during_an_invalidation_misses_none_of_its_patterns() {
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
    fn a_pattern_invalidates_older_entries_that_it_matches() {
        let patterns = Patterns::new(Position::START);
        invalidate(&patterns, "^/blog/", Position(5));
        assert_eq!(verdict(&patterns, "/blog/one", &tested(4)), Verdict::Dead);
        assert_eq!(verdict(&patterns, "/blog/one", &tested(5)), Verdict::Valid, "made after it");
        assert_eq!(verdict(&patterns, "/news", &tested(4)), Verdict::Valid, "it does not match");
    }

    #[test]
    fn an_entry_is_tested_against_a_pattern_once() {
        let patterns = Patterns::new(Position::START);
        invalidate(&patterns, "^/blog/", Position(5));
        let mark = tested(0);
        assert_eq!(verdict(&patterns, "/news", &mark), Verdict::Valid);
        assert_eq!(mark.tested.load(Ordering::Acquire), 5);
    }

    #[test]
    fn a_repeated_pattern_replaces_the_older_one() {
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
    fn a_pattern_that_cannot_be_parsed_invalidates_everything_older() {
        let patterns = Patterns::new(Position::START);
        invalidate(&patterns, "(", Position(5));
        assert_eq!(verdict(&patterns, "/x", &tested(4)), Verdict::Dead);
        assert_eq!(verdict(&patterns, "/x", &tested(5)), Verdict::Valid);
    }

    #[test]
    fn a_pattern_too_large_to_compile_invalidates_all_ids_with_its_head() {
        let patterns = Patterns::new(Position::START);
        soften(&patterns, r"^/a(\w{100}){20}", 5, 10);
        assert_eq!(verdict(&patterns, "/a", &tested(4)), Verdict::Dead);
        assert_eq!(verdict(&patterns, "/b", &tested(4)), Verdict::Valid);
        invalidate(&patterns, r"(\w{100}){20}", Position(6));
        assert_eq!(verdict(&patterns, "/b", &tested(5)), Verdict::Dead);
        assert_eq!(verdict(&patterns, "/b", &tested(6)), Verdict::Valid);
    }

    #[test]
    fn a_lookup_while_patterns_are_retired_finds_no_invalidated_entry_valid() {
        for _ in 0..200 {
            let patterns = Patterns::new(Position::START);
            let others = (0..200).fold(Invalidation::new(), |record, number| {
                record.pattern(format!("^/other/{number}$"))
            });
            patterns.invalidate(&others, Position(1), at(0));
            invalidate(&patterns, "^/a", Position(2));
            std::thread::scope(|scope| {
                let retiring = scope.spawn(|| patterns.retire(Position(2)));
                while !retiring.is_finished() {
                    assert_eq!(verdict(&patterns, "/a", &tested(0)), Verdict::Dead);
                }
            });
            assert_eq!(verdict(&patterns, "/a", &tested(0)), Verdict::Dead);
        }
    }

    #[test]
    fn runs_stay_few_and_keep_few_dropped_patterns() {
        let patterns = Patterns::new(Position::START);
        for number in 0..3000 {
            invalidate(&patterns, &format!("^/{}$", number % 1000), Position(number + 1));
            patterns.shrink_to(900);
            let runs = patterns.runs.load();
            let kept: usize = runs.iter().map(|run| run.len()).sum();
            assert!(
                runs.len() <= 12 && kept <= 2 * patterns.len() + 1,
                "{kept} of {}",
                patterns.len()
            );
        }
        assert_eq!(patterns.len(), 900);
    }

    #[test]
    fn an_entry_keeps_the_verdict_of_a_soft_pattern() {
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
    fn a_pattern_that_matches_a_fragment_within_matches_the_entry() {
        let patterns = Patterns::new(Position::START);
        invalidate(&patterns, "^fragment:card/7$", Position(2));
        let contains: [Box<str>; 2] = ["fragment:card/6".into(), "fragment:card/7".into()];
        let verdict = |contains| patterns.verdict(Ids { own: "/", contains }, &tested(1));
        assert_eq!(verdict(&contains), Verdict::Dead);
        assert_eq!(verdict(&contains[..1]), Verdict::Valid);
    }
}
