use std::sync::Arc;

use super::entry::Standing;
use super::key::Key;
use super::ledger::Generation;
use super::store::Cache;
use super::validity::LogOrigin;
use crate::clock::Moment;
use crate::pieces::Fragment;

impl Cache {
    /// The fragment of this key, if it may be used, and from when it counts as being: what holds it
    /// must not say that it is younger. `now` must have been read after the request was, and
    /// `generation` before the content was begun, so that it holds no fragment of other files.
    ///
    /// A fragment that is valid now is as good as one that was made at the position that is applied,
    /// because no record up to there invalidates it. That position is read *before* the fragment is
    /// looked at, so that a record that comes in between is later than it. Its own `as_of` would be
    /// right too, but what holds it would be dead on arrival if one of its own groups was
    /// invalidated since, for as long as the fragment lives.
    pub fn fragment(
        &self,
        key: &Key<'_>,
        generation: Generation,
        persistent: bool,
        now: Moment,
    ) -> Option<(Arc<Fragment>, LogOrigin)> {
        // As for pages, the lease comes first.
        if !self.holds_lease(now) {
            return None;
        }
        let ledger = self.ledger.load();
        let ledger = ledger.as_ref().filter(|ledger| ledger.generation == generation)?;
        let origin = ledger.position();
        let entry = self.entries(persistent).get(key.as_str())?;
        let is_fresh = entry.standing(ledger, now) == Standing::Fresh;
        let fragment = entry.fragment().filter(|_| is_fresh)?;
        Some((Arc::clone(fragment), origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::law_tests::{at, cache, new_fill};
    use crate::cache::{EntryContent, Fill};
    use crate::log::{Invalidation, Position};

    /// From when a fragment of the group `news` that was made at position 1 counts as being.
    fn found(cache: &Cache, now: u64) -> Option<u64> {
        let (key, generation) = (Key::of_id("fragment:a"), cache.generation());
        let found = cache.fragment(&key, generation, false, at(now));
        found.map(|(_, origin)| origin.as_of.0)
    }

    fn filled() -> Cache {
        let cache = cache();
        let groups = ["news".to_owned()];
        let content = EntryContent::Fragment(Arc::default());
        cache.fill(Fill { content, ..new_fill(&cache, "fragment:a", 1, &groups) });
        cache
    }

    fn apply(cache: &Cache, position: u64, invalidation: Invalidation) {
        cache.apply([(Position(position), &invalidation)], Position(position), at(1));
    }

    #[test]
    fn a_valid_fragment_counts_as_of_what_is_applied() {
        let cache = filled();
        assert_eq!(found(&cache, 1), Some(0));
        apply(&cache, 7, Invalidation::new().group("others").pattern("^fragment:b"));
        assert_eq!(found(&cache, 1), Some(7));
    }

    #[test]
    fn a_fragment_that_is_dead_or_stale_or_over_is_not_there() {
        for invalidation in [
            Invalidation::new().group("news"),
            Invalidation::new().pattern("^fragment:a"),
            Invalidation::new().group("news").soft(),
            Invalidation::new().pattern("a").soft(),
        ] {
            let cache = filled();
            apply(&cache, 7, invalidation);
            assert_eq!(found(&cache, 1), None);
        }
        let cache = filled();
        assert_eq!(found(&cache, 99), Some(0));
        assert_eq!(found(&cache, 100), None);
    }

    #[test]
    fn without_a_lease_or_of_another_generation_there_is_no_fragment() {
        let cache = filled();
        let before = cache.generation();
        cache.forget();
        let content = EntryContent::Fragment(Arc::default());
        cache.fill(Fill { content, ..new_fill(&cache, "fragment:a", 1, &[]) });
        assert_eq!(found(&cache, 1), Some(0));
        assert!(cache.fragment(&Key::of_id("fragment:a"), before, false, at(1)).is_none());
        cache.end_lease();
        assert_eq!(found(&cache, 1), None);
    }

    #[test]
    fn a_fragment_counts_from_no_position_that_has_ended_it() {
        const RECORDS: u64 = 20_000;
        let cache = cache();
        let groups = ["news".to_owned()];
        let key = Key::of_id("fragment:a");
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for position in 1..RECORDS {
                    let contains = [position.to_string().into()].into();
                    let fragment = Fragment { contains, ..Fragment::default() };
                    let content = EntryContent::Fragment(fragment.into());
                    let origin =
                        LogOrigin { as_of: Position(position), ..cache.position().unwrap() };
                    let fill = new_fill(&cache, "fragment:a", 1, &groups);
                    cache.fill(Fill { content, origin, ..fill });
                    apply(&cache, position + 1, Invalidation::new().group("news"));
                }
            });
            while !writer.is_finished() {
                let found = cache.fragment(&key, cache.generation(), false, at(1));
                let Some((fragment, origin)) = found else { continue };
                let made: u64 = fragment.contains[0].parse().unwrap();
                assert!(origin.as_of.0 <= made, "the record {} has ended it", made + 1);
            }
        });
    }

    #[test]
    fn a_page_is_no_fragment() {
        let cache = cache();
        cache.fill(new_fill(&cache, "fragment:a", 1, &[]));
        assert_eq!(found(&cache, 1), None);
    }
}
