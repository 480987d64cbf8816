use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::store::Cache;
use crate::clock::{self, Moment};

/// How long dead entries may stay in memory when no pattern waits to be retired.
const LONGEST: Duration = Duration::from_secs(30);

impl Cache {
    /// [Sweeps](Cache::sweep) when patterns are outstanding, and from time to time for entries that
    /// time and groups have ended. Groups beyond their limit do not wait for that.
    pub fn sweep_if_due(&self, now: Moment) {
        let swept = Moment::from_nanos(self.swept.load(Ordering::Relaxed));
        if self.usage().patterns > 0 || now.since(swept) >= LONGEST {
            self.swept.store(now.as_nanos(), Ordering::Relaxed);
            self.sweep(now);
        } else if let Some(ledger) = self.ledger.load_full()
            && ledger.groups.outgrow(self.limits.groups)
        {
            ledger.groups.shrink_to(self.limits.groups);
        }
    }

    /// Removes dead entries from memory, retires the patterns that every entry was tested against,
    /// and forgets groups beyond the limit. Serving never waits for it, and it uses no more than a
    /// share of one core; so it may take long, and needs a thread that may block. It ends when the
    /// cache is [closed](Cache::close) or forgets everything. Returns the number of removed
    /// entries.
    pub fn sweep(&self, now: Moment) -> usize {
        let Some(ledger) = self.ledger.load_full() else { return 0 };
        let latest = ledger.patterns.latest();
        let mut removed = 0;
        let mut pace = SweepPace::begin();
        for entries in [&self.ordinary, &self.persistent] {
            for entry in entries.iter() {
                pace.keep();
                // An older ledger reports every new entry as dead.
                if self.lease.is_closed() || self.generation() != ledger.generation {
                    return removed;
                }
                if entry.is_over(&ledger, now) && entries.remove_entry(&entry) {
                    removed += 1;
                }
            }
            entries.settle();
        }
        ledger.patterns.retire(latest);
        ledger.groups.shrink_to(self.limits.groups);
        removed
    }
}

/// The number of steps between two looks at the clock.
const STEPS: u32 = 32;

/// How long the sweeper works without a pause.
const STRETCH: Duration = Duration::from_millis(2);

/// The length of a pause, as a multiple of the time worked.
const PAUSE: u32 = 3;

/// Keeps deferrable work from occupying a core that requests need.
#[derive(Debug)]
struct SweepPace {
    steps: u32,
    since: Moment,
}

impl SweepPace {
    fn begin() -> SweepPace {
        SweepPace { steps: 0, since: clock::now() }
    }

    /// Must be called before each small step. Pauses after enough work.
    fn keep(&mut self) {
        self.steps += 1;
        if self.steps < STEPS {
            return;
        }
        self.steps = 0;
        let worked = clock::now().since(self.since);
        if worked >= STRETCH {
            // On a busy machine the thread has waited rather than worked.
            thread::sleep(worked.min(2 * STRETCH) * PAUSE);
            self.since = clock::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::law_tests::{at, cache, fill, is_hit};
    use crate::log::{Invalidation, Position};

    #[test]
    fn a_sweep_removes_dead_entries_and_retires_patterns() {
        let cache = cache();
        fill(&cache, "/blog/one", 1, &[]);
        fill(&cache, "/news", 1, &["news"]);
        fill(&cache, "/faq", 1, &[]);
        let invalidation = Invalidation::new().pattern("^/blog/").group("news");
        cache.apply([(Position(2), &invalidation)], Position(2), at(1));
        assert_eq!(cache.usage().patterns, 1);
        assert_eq!(cache.sweep(at(1)), 2);
        let usage = cache.usage();
        assert_eq!((usage.entries, usage.patterns), (1, 0));
        assert!(is_hit(&cache, "/faq", at(1)));
    }

    #[test]
    fn a_sweep_that_is_cut_short_retires_no_pattern() {
        let cache = cache();
        fill(&cache, "/faq", 1, &[]);
        let invalidation = Invalidation::new().pattern("^/blog/");
        cache.apply([(Position(2), &invalidation)], Position(2), at(1));
        cache.close();
        assert_eq!((cache.sweep(at(1)), cache.usage().patterns), (0, 1));
    }
}
