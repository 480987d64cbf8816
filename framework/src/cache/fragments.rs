use std::sync::Arc;

use super::key::Key;
use super::store::Cache;
use super::validity::{Origin, Verdict};
use crate::clock::Moment;
use crate::pieces::Fragment;

impl Cache {
    /// The fragment of this key, if it may be used, and from when it counts as being: what holds it
    /// must not say that it is younger. `now` must have been read after the request was.
    ///
    /// A fragment that is valid now is as good as one that was made at the position that is applied,
    /// because no record up to there invalidates it. That position is read *before* the fragment is
    /// looked at, so that a record that comes in between is later than it. Its own `as_of` would be
    /// right too, but what holds it would be dead on arrival if one of its own groups was
    /// invalidated since, for as long as the fragment lives.
    pub fn fragment(
        &self,
        key: &Key<'_>,
        persistent: bool,
        now: Moment,
    ) -> Option<(Arc<Fragment>, Origin)> {
        // As for pages, the lease comes first.
        if !self.holds_lease(now) {
            return None;
        }
        let ledger = self.ledger.load();
        let ledger = ledger.as_ref()?;
        let origin = Origin { log: ledger.log, as_of: ledger.applied() };
        let entry = self.entries(persistent).get(key.as_str())?;
        let verdict = entry.verdict(ledger);
        let usable = verdict == Verdict::Valid && entry.past_end(verdict, now).is_none();
        let fragment = entry.fragment().filter(|_| usable)?;
        Some((Arc::clone(fragment), origin))
    }
}

#[cfg(test)]
mod tests {
    use super::super::law_tests::{at, cache, fresh_for_100_s, new_fill};
    use super::super::{Content, Fill, Freshness};
    use super::*;
    use crate::log::{Invalidation, Position};

    #[test]
    fn a_fragment_is_found_until_it_is_invalidated_even_softly_or_its_time_is_over() {
        let card = || {
            let cache = cache();
            let groups = ["story".to_owned()];
            let freshness = Freshness { stale_if_error: Default::default(), ..fresh_for_100_s() };
            let fill = new_fill(&cache, "fragment:card", 0, &groups);
            cache.fill(Fill { freshness, content: Content::Fragment(Arc::default()), ..fill });
            cache
        };
        let found = |cache: &Cache, seconds| {
            cache.fragment(&Key::of_id("fragment:card"), false, at(seconds)).is_some()
        };
        assert!(found(&card(), 99));
        assert!(!found(&card(), 100));
        let story = || Invalidation::new().group("story");
        let pattern = Invalidation::new().pattern("^fragment:card$");
        for invalidation in [story(), story().soft(), pattern.clone(), pattern.soft()] {
            let cache = card();
            cache.apply([(Position(1), &invalidation)], Position(1), at(1));
            assert!(!found(&cache, 1), "{invalidation:?}");
        }
    }
}
