use std::sync::Arc;

use super::content::EntryContent;
use super::entry::{Entry, Freshness};
use super::key::Key;
use super::ledger::{Generation, Ledger};
use super::store::Cache;
use super::validity::{LogOrigin, Validity};
use crate::clock::Moment;

/// New content for the cache.
#[derive(Debug)]
pub struct Fill<'a> {
    /// Its key.
    pub key: Key<'a>,
    /// The result of [`Cache::generation`] from before the content was begun.
    pub generation: Generation,
    /// The log and the position that it is from.
    pub origin: LogOrigin,
    /// The groups it is in.
    pub groups: &'a [String],
    /// For how long it may be served.
    pub freshness: Freshness,
    /// The ids of the fragments within: a pattern that matches one of them matches the content too.
    pub contains: Box<[Box<str>]>,
    /// The content.
    pub content: EntryContent,
    /// The present.
    pub now: Moment,
}

/// The result of a fill.
#[derive(Debug)]
pub enum Filled {
    /// The entry is in the cache.
    Stored(Arc<Entry>),
    /// A record has invalidated it while it was made. It may be served to requests from before.
    Overtaken(Arc<Entry>),
    /// It cannot be shown to be valid: it is of another log, opening or generation, or from before
    /// the floor.
    Unplaced(EntryContent),
}

impl Cache {
    /// Returns the generation of content that is begun from now on.
    ///
    /// Content depends on the site's files too. A reload puts new files in place before it calls
    /// [`forget`](Cache::forget), and a fill reads the generation before it looks up the files. So
    /// the new generation is never filled with content of the old files.
    pub fn generation(&self) -> Generation {
        self.ledger.load().as_ref().map_or(Generation::NONE, |ledger| ledger.generation)
    }

    /// Stores content in the cache, unless it is known to be invalid already.
    pub fn fill(&self, fill: Fill<'_>) -> Filled {
        let Fill { key, generation, origin, groups, freshness, contains, content, now } = fill;
        let ledger = self.ledger.load();
        let current =
            |ledger: &&Arc<Ledger>| ledger.generation == generation && ledger.admits(origin);
        let Some(ledger) = ledger.as_ref().filter(current) else {
            return Filled::Unplaced(content);
        };
        let Some(validity) = Validity::new(ledger, origin.as_of, groups) else {
            return Filled::Unplaced(content);
        };
        let entry =
            Arc::new(Entry::new(key.into_stored(), validity, freshness, now, contains, content));
        if entry.is_over(ledger, now) {
            return Filled::Overtaken(entry);
        }
        self.hit_for_miss.unmark(&entry.key);
        self.entries(freshness.persistent).insert(Arc::clone(&entry));
        self.entries(!freshness.persistent).remove(&entry.key);
        Filled::Stored(entry)
    }

    /// Removes the content of the key from the cache.
    pub fn remove(&self, key: &Key<'_>) {
        self.ordinary.remove(key.as_str());
        self.persistent.remove(key.as_str());
    }

    /// Marks the key as hit-for-miss: its content cannot be cached, so for a while requests for it
    /// do not wait for each other's fills. A fill of the key removes the mark.
    pub fn mark_hit_for_miss(&self, key: &Key<'_>, now: Moment) {
        self.hit_for_miss.mark(key.as_str(), now);
    }

    /// Returns whether the key is marked as hit-for-miss.
    pub fn is_hit_for_miss(&self, key: &Key<'_>, now: Moment) -> bool {
        self.hit_for_miss.is_marked(key.as_str(), now)
    }
}
