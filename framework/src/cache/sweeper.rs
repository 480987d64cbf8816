use std::sync::atomic::Ordering;
use std::time::Duration;

use super::store::Cache;
use crate::clock::Moment;

/// How long what is dead may stay in memory when no pattern waits to be retired.
const LONGEST: Duration = Duration::from_secs(30);

impl Cache {
    /// [Sweeps](Cache::sweep) when patterns are outstanding, and now and then for what time and
    /// groups have ended.
    pub fn sweep_if_due(&self, now: Moment) {
        let swept = Moment::from_nanos(self.swept.load(Ordering::Relaxed));
        if self.usage().patterns > 0 || now.since(swept) >= LONGEST {
            self.swept.store(now.as_nanos(), Ordering::Relaxed);
            self.sweep(now);
        }
    }

    /// Takes dead entries out of memory, retires the patterns that every entry has met, and forgets
    /// groups beyond the limit. Serving never waits for it; it may take long, so it is for a thread
    /// that may block. Returns how many entries it removed.
    pub fn sweep(&self, now: Moment) -> usize {
        let Some(ledger) = self.ledger.load_full() else { return 0 };
        let latest = ledger.patterns.latest();
        let mut removed = 0;
        for entries in [&self.ordinary, &self.persistent] {
            let over = entries.iter().filter(|entry| entry.is_over(&ledger, now));
            removed += over.filter(|entry| entries.remove_entry(entry)).count();
            entries.settle();
        }
        ledger.patterns.retire(latest);
        ledger.groups.shrink_to(self.limits.groups);
        removed
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
}
