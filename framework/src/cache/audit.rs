//! What the auditor asks: which pages there are, and what can be held against them.

use std::sync::Arc;

use super::entry::Entry;
use super::group::GroupCell;
use super::lookup::Lookup;
use super::store::Cache;
use super::validity::LogOrigin;
use crate::clock::Moment;

impl Cache {
    /// All pages, one after the other. Those that come meanwhile may be missed.
    pub fn pages(&self) -> impl Iterator<Item = Arc<Entry>> {
        let entries = self.ordinary.iter().chain(self.persistent.iter());
        entries.filter(|entry| entry.page().is_some())
    }

    /// Whether a request that arrives at `now` would get this very entry as a hit.
    pub fn serves(&self, entry: &Arc<Entry>, now: Moment) -> bool {
        let found = self.lookup(&entry.key(), entry.is_persistent(), now);
        matches!(found, Lookup::Hit(found) if Arc::ptr_eq(&found, entry))
    }

    /// Whether content from `origin` can be held against the entry: both are of the log that is
    /// followed, and the content is no older.
    pub fn is_comparable(&self, entry: &Entry, origin: LogOrigin) -> bool {
        let ledger = self.ledger.load();
        ledger.as_ref().is_some_and(|ledger| {
            let validity = &entry.validity;
            validity.generation == ledger.generation
                && ledger.log() == origin.log
                && validity.as_of <= origin.as_of
        })
    }

    /// In which of these groups the entry is, and in how many others: the cache does not know their
    /// names.
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
            let place = others.iter().position(|other| Arc::ptr_eq(other, &cell));
            if let Some(place) = place {
                others.remove(place);
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
    fn the_pages_are_there_and_no_fragments() {
        let cache = cache();
        let page = stored(fill(&cache, "/a", 1, &[]));
        let content = EntryContent::Fragment(Arc::default());
        cache.fill(Fill { content, ..new_fill(&cache, "fragment:a", 1, &[]) });
        let pages: Vec<_> = cache.pages().collect();
        assert!(pages.len() == 1 && Arc::ptr_eq(&pages[0], &page));
        assert!(cache.serves(&page, at(1)) && !cache.serves(&page, at(100)));
    }

    #[test]
    fn older_content_and_that_of_another_log_is_not_held_against_an_entry() {
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
    fn the_groups_of_an_entry_are_known_by_the_names_that_are_asked_for() {
        let cache = cache();
        let entry = stored(fill(&cache, "/a", 1, &["news", "tag:old", "news"]));
        let names = ["tag:new", "news", "unheard"].map(str::to_owned);
        fill(&cache, "/b", 1, &["tag:new"]);
        assert_eq!(cache.groups_among(&entry, &names), (vec!["news"], 1));
    }
}
