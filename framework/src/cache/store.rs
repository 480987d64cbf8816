use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;

use super::content::Content;
use super::entry::{Entry, Freshness};
use super::flight::Knowledge;
use super::key::Key;
use super::lease::Lease;
use super::ledger::Ledger;
use super::validity::{Origin, Validity};
use crate::clock::Moment;
use crate::log::{Invalidation, LogId, Position};

type Entries = moka::sync::Cache<Box<str>, Arc<Entry>>;

/// A front end's cache.
#[derive(Debug)]
pub struct Cache {
    /// Entries that time or pressure may end.
    pub(super) ordinary: Entries,
    /// Persistent entries have memory of their own, so that nothing else can push them out.
    pub(super) persistent: Entries,
    pub(super) ledger: ArcSwapOption<Ledger>,
    pub(super) limits: Limits,
    /// The moment of the last sweep.
    pub(super) swept: AtomicU64,
    lease: Lease,
    /// The latest moment up to which a lease has confirmed everything.
    confirmed: AtomicU64,
}

/// How much a cache may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Memory for ordinary entries, in bytes.
    pub bytes: u64,
    /// Memory for persistent entries, in bytes.
    pub persistent_bytes: u64,
    /// Groups that are remembered though no entry is in them.
    pub groups: usize,
    /// Patterns that are outstanding.
    pub patterns: usize,
}

/// What the cache has for a key.
#[derive(Debug)]
pub enum Lookup {
    /// This may be served.
    Hit(Arc<Entry>),
    /// The content must be made.
    Miss(Miss),
    /// The front end holds no lease, so nothing may be served as if it were right. The entry is
    /// there if it may be served as stale should the back end fail.
    Fenced(Option<Arc<Entry>>),
}

/// Why there is no hit.
#[derive(Debug)]
pub enum Miss {
    /// There is no such entry.
    Absent,
    /// There is one, but a record has invalidated it.
    Invalidated,
    /// Its time is over. The entry is there if it may be served as stale should the back end fail.
    Expired(Option<Arc<Entry>>),
}

/// New content for the cache.
#[derive(Debug)]
pub struct Fill<'a> {
    /// What it is found by.
    pub key: Key<'a>,
    /// From when it is.
    pub origin: Origin,
    /// The groups it is in.
    pub groups: &'a [String],
    /// For how long it is good.
    pub freshness: Freshness,
    /// The ids of the fragments within: a pattern that finds one of them finds this too.
    pub contains: Box<[Box<str>]>,
    /// The content.
    pub content: Content,
    /// The present.
    pub now: Moment,
}

/// What became of a fill.
#[derive(Debug)]
pub enum Filled {
    /// It is in the cache.
    Stored(Arc<Entry>),
    /// A record has invalidated it while it was made. Requests from before may have it.
    Overtaken(Arc<Entry>),
    /// It cannot be shown to be valid: it is of another log, or from before what is remembered.
    Unplaced(Content),
}

/// Figures about a cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Entries, persistent ones included.
    pub entries: u64,
    /// Bytes, persistent entries included.
    pub bytes: u64,
    /// Groups that are remembered.
    pub groups: usize,
    /// Patterns that are outstanding.
    pub patterns: usize,
}

impl Cache {
    /// An empty cache that follows no log and holds no lease.
    pub fn new(limits: Limits) -> Cache {
        Cache {
            ordinary: entries(limits.bytes),
            persistent: entries(limits.persistent_bytes),
            ledger: ArcSwapOption::empty(),
            limits,
            swept: AtomicU64::new(0),
            lease: Lease::default(),
            confirmed: AtomicU64::new(0),
        }
    }

    /// What there is for the key. `now` must have been read after the request was.
    pub fn lookup(&self, key: &Key<'_>, persistent: bool, now: Moment) -> Lookup {
        // The lease first: were it looked at last, it might be one that was given for another
        // ledger than the one that the entry is held against.
        let leased = self.lease.holds(now);
        let ledger = self.ledger.load();
        let found = self.entries(persistent).get(key.as_str());
        let valid = |entry: &Arc<Entry>| {
            ledger.as_ref().is_some_and(|ledger| entry.validity.holds(entry.id(), ledger))
        };
        if !leased {
            let fenced = self.lease.ended(now);
            let usable = |entry: &Arc<Entry>| {
                valid(entry) && entry.is_usable_on_error(now) && fenced < entry.stale_if_error()
            };
            return Lookup::Fenced(found.filter(usable));
        }
        match found {
            None => Lookup::Miss(Miss::Absent),
            Some(entry) if !valid(&entry) => Lookup::Miss(Miss::Invalidated),
            Some(entry) if entry.is_fresh(now) => Lookup::Hit(entry),
            Some(entry) => Lookup::Miss(Miss::Expired(
                Some(entry).filter(|entry| entry.is_usable_on_error(now)),
            )),
        }
    }

    /// Puts content into the cache, unless it is known to be invalid already.
    pub fn fill(&self, fill: Fill<'_>) -> Filled {
        let Fill { key, origin, groups, freshness, contains, content, now } = fill;
        let ledger = self.ledger.load();
        let Some(ledger) = ledger.as_ref().filter(|ledger| ledger.log == origin.log) else {
            return Filled::Unplaced(content);
        };
        let Some(validity) = Validity::new(ledger, origin.as_of, groups) else {
            return Filled::Unplaced(content);
        };
        let entry =
            Arc::new(Entry::new(key.into_stored(), validity, freshness, now, contains, content));
        if !entry.validity.holds(entry.id(), ledger) {
            return Filled::Overtaken(entry);
        }
        self.entries(freshness.persistent).insert(entry.key.clone(), Arc::clone(&entry));
        Filled::Stored(entry)
    }

    /// Whether no record has invalidated the entry up to now.
    pub fn is_valid(&self, entry: &Entry) -> bool {
        let ledger = self.ledger.load();
        ledger.as_ref().is_some_and(|ledger| entry.validity.holds(entry.id(), ledger))
    }

    /// The log that is followed and the position up to which it was applied.
    pub fn position(&self) -> Option<Origin> {
        let ledger = self.ledger.load();
        ledger.as_ref().map(|ledger| Origin { log: ledger.log, as_of: ledger.applied() })
    }

    /// Up to where the log is known; `None` without a lease, when the log may have gone further.
    pub fn knowledge(&self, now: Moment) -> Option<Knowledge> {
        if !self.lease.holds(now) {
            return None;
        }
        let ledger = self.ledger.load();
        let ledger = ledger.as_ref()?;
        Some(Knowledge { generation: ledger.generation, applied: ledger.applied() })
    }

    /// Takes in records in their order. When this returns, nothing that they invalidate is served.
    pub fn apply<'a>(
        &self,
        records: impl IntoIterator<Item = (Position, &'a Invalidation)>,
        through: Position,
    ) {
        let ledger = self.ledger.load();
        let Some(ledger) = ledger.as_ref() else { return };
        for (position, invalidation) in records {
            ledger.invalidate(position, invalidation);
        }
        ledger.patterns.shrink_to(self.limits.patterns);
        ledger.advance(through);
    }

    /// Forgets everything and follows `log` from `start` on. There is no lease until it is renewed.
    pub fn follow(&self, log: LogId, start: Position) {
        self.lease.end();
        let generation = self.ledger.load().as_ref().map_or(1, |ledger| ledger.generation + 1);
        self.ledger.store(Some(Arc::new(Ledger::new(generation, log, start))));
        self.ordinary.invalidate_all();
        self.persistent.invalidate_all();
    }

    /// Lets the cache be served from for `lease` after `asked`, the moment when the front end asked
    /// for the renewal.
    pub fn renew(&self, asked: Moment, lease: Duration) {
        self.lease.extend(asked.after(lease));
        self.confirmed.fetch_max(asked.as_nanos(), Ordering::Relaxed);
    }

    /// How long ago a back end has last confirmed that all that is served is right.
    pub fn confirmed(&self, now: Moment) -> Duration {
        now.since(Moment::from_nanos(self.confirmed.load(Ordering::Relaxed)))
    }

    /// Whether the cache may be served from.
    pub fn holds_lease(&self, now: Moment) -> bool {
        self.lease.holds(now)
    }

    /// Gives the lease up for good: nothing is served from here any more.
    pub fn close(&self) {
        self.lease.close();
    }

    #[cfg(test)]
    pub(super) fn end_lease(&self) {
        self.lease.end();
    }

    /// Figures for the admin page.
    pub fn usage(&self) -> Usage {
        let ledger = self.ledger.load();
        let ledger = ledger.as_ref();
        Usage {
            entries: self.ordinary.entry_count() + self.persistent.entry_count(),
            bytes: self.ordinary.weighted_size() + self.persistent.weighted_size(),
            groups: ledger.map_or(0, |ledger| ledger.groups.len()),
            patterns: ledger.map_or(0, |ledger| ledger.patterns.len()),
        }
    }

    pub(super) fn entries(&self, persistent: bool) -> &Entries {
        if persistent { &self.persistent } else { &self.ordinary }
    }
}

fn entries(bytes: u64) -> Entries {
    moka::sync::Cache::builder()
        .max_capacity(bytes)
        .weigher(|_, entry: &Arc<Entry>| u32::try_from(entry.size()).unwrap_or(u32::MAX))
        .build()
}
