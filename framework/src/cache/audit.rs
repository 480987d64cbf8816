//! Queries of the auditor: which pages are cached, and how fresh content can be compared with them.

use std::sync::Arc;

use super::entry::Entry;
use super::group::GroupCell;
use super::lookup::Lookup;
use super::store::Cache;
use super::validity::LogOrigin;
use crate::clock::Moment;

impl Cache {
    /// Iterates over all pages. Those that are stored meanwhile may be missed.
    pub fn pages(&self) -> impl Iterator<Item = Arc<Entry>> {
        let entries = self.ordinary.iter().chain(self.persistent.iter());
        entries.filter(|entry| entry.page().is_some())
    }

    /// Returns whether a request that arrives at `now` would get this very entry as a hit.
    pub fn serves(&self, entry: &Arc<Entry>, now: Moment) -> bool {
        let found = self.lookup(&entry.key(), entry.is_persistent(), now);
        matches!(found, Lookup::Hit(found) if Arc::ptr_eq(&found, entry))
    }

    /// Returns whether content from `origin` can be compared with the entry: both are of the log
    /// that is followed, and the content is no older.
    pub fn is_comparable(&self, entry: &Entry, origin: LogOrigin) -> bool {
        let ledger = self.ledger.load();
        ledger.as_ref().is_some_and(|ledger| {
            let validity = &entry.validity;
            validity.generation == ledger.generation
                && ledger.log() == origin.log
                && validity.as_of <= origin.as_of
        })
    }

    /// Returns which of these groups the entry is in, and the number of its other groups: the cache
    /// does not store the names of groups.
    pub fn groups_among<'a>(&self, entry: &Entry, names: &'a [String]) -> (Vec<&'a str>, usize) {
        let ledger = self.ledger.load();
        let Some(ledger) = ledger.as_ref() else { return (Vec::new(), 0) };
        let mut others: Vec<&Arc<GroupCell>> = Vec::new();
        for cell in &entry.validity.groups {
            if !others.iter().any(|other| Arc::ptr_eq(other, cell)) {
                others.push(cell);
            }
        }
        let mut known = Vec::new();
        for name in names {
            let Some(cell) = ledger.groups.known(name) else { continue };
            let index = others.iter().position(|other| Arc::ptr_eq(other, &cell));
            if let Some(index) = index {
                others.remove(index);
                known.push(name.as_str());
            }
        }
        (known, others.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::law_tests::{at, cache, fill, new_fill};
    use super::super::{EntryContent, Fill, Filled};
    use super::*;
    use crate::log::{LogEpoch, Position};

    fn stored(filled: Filled) -> Arc<Entry> {
        let Filled::Stored(entry) = filled else { panic!("{filled:?}") };
        entry
    }

    #[test]
    fn pages_are_listed_and_fragments_are_not() {
        let cache = cache();
        let page = stored(fill(&cache, "/a", 1, &[]));
        let content = EntryContent::Fragment(Arc::default());
        cache.fill(Fill { content, ..new_fill(&cache, "fragment:a", 1, &[]) });
        let pages: Vec<_> = cache.pages().collect();
        assert!(pages.len() == 1 && Arc::ptr_eq(&pages[0], &page));
        assert!(cache.serves(&page, at(1)) && !cache.serves(&page, at(100)));
    }

    #[test]
    fn older_content_and_content_of_another_log_is_not_comparable() {
        let cache = cache();
        let entry = stored(fill(&cache, "/a", 5, &[]));
        let log = cache.position().unwrap().log;
        let is_comparable =
            |log, as_of| cache.is_comparable(&entry, LogOrigin { log, as_of: Position(as_of) });
        assert!(is_comparable(log, 5) && is_comparable(log, 6));
        assert!(!is_comparable(log, 4) && !is_comparable(LogEpoch::first_of(2), 6));
        cache.forget();
        assert!(!is_comparable(log, 6));
    }

    #[test]
    fn the_groups_of_an_entry_are_found_among_the_given_names() {
        let cache = cache();
        let entry = stored(fill(&cache, "/a", 1, &["news", "tag:old", "news"]));
        let names = ["tag:new", "news", "unheard"].map(str::to_owned);
        fill(&cache, "/b", 1, &["tag:new"]);
        assert_eq!(cache.groups_among(&entry, &names), (vec!["news"], 1));
    }
}
