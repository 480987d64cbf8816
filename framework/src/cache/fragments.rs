use std::sync::Arc;

use super::entry::Standing;
use super::key::Key;
use super::ledger::Generation;
use super::store::Cache;
use super::validity::LogOrigin;
use crate::clock::Moment;
use crate::pieces::Fragment;

impl Cache {
    /// Returns the fragment of this key, if it may be used, and the origin that it counts as: the
    /// content around it must not claim a later one. `now` must have been read after the request
    /// was, and `generation` before the content was begun, so that the content contains no fragment
    /// of other files.
    ///
    /// A fragment that is valid now is as good as one made at the applied position, because no
    /// record up to there invalidates it. That position is read *before* the fragment is checked,
    /// so a record that arrives in between is later than it. The fragment's own `as_of` would be
    /// correct too, but content that contains the fragment would be dead on arrival if one of the
    /// content's own groups was invalidated since, for as long as the fragment lives.
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

    /// Returns the position that a fragment of the group `news`, made at position 1, counts as
    /// being from.
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
    fn a_valid_fragment_counts_as_of_the_applied_position() {
        let cache = filled();
        assert_eq!(found(&cache, 1), Some(0));
        apply(&cache, 7, Invalidation::new().group("others").pattern("^fragment:b"));
        assert_eq!(found(&cache, 1), Some(7));
    }

    #[test]
    fn a_dead_stale_or_expired_fragment_is_not_found() {
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
    fn no_fragment_is_found_without_a_lease_or_for_another_generation() {
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
    fn a_fragment_never_counts_as_of_a_position_that_invalidated_it() {
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
                assert!(origin.as_of.0 <= made, "the record {} has invalidated it", made + 1);
            }
        });
    }

    #[test]
    fn a_page_is_not_returned_as_a_fragment() {
        let cache = cache();
        cache.fill(new_fill(&cache, "fragment:a", 1, &[]));
        assert_eq!(found(&cache, 1), None);
    }
}
