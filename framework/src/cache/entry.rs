use std::sync::Arc;
use std::time::Duration;

use super::content::EntryContent;
use super::key::Key;
use super::ledger::Ledger;
use super::page::Page;
use super::validity::{Ids, Validity, Verdict};
use crate::clock::Moment;
use crate::log::Position;
use crate::pieces::Fragment;

/// Cached content with the data that decides whether it may be served.
#[derive(Debug)]
pub struct Entry {
    pub(super) key: Box<str>,
    /// The length of the id, with which the key begins, in bytes.
    id: u32,
    is_persistent: bool,
    is_timed: bool,
    pub(super) validity: Validity,
    windows: Windows,
    filled: Moment,
    /// The ids of the fragments within, if there are any.
    contains: Option<Box<Box<[Box<str>]>>>,
    content: EntryContent,
}

/// For how long content may be served as far as time is concerned. Its end is the end of its
/// lifetime or its first soft invalidation, whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// From the fill to the end; `None` when only an invalidation ends it.
    pub lifetime: Option<Duration>,
    /// Beyond its end: how long it may be served while it is made anew.
    pub stale_while_revalidate: Duration,
    /// Beyond its end, or without a lease: how long it may be served, marked as stale, when the
    /// back end fails.
    pub stale_if_error: Duration,
    /// Whether the entry is evicted last.
    pub persistent: bool,
    /// Whether its author allows it to be out of date for its lifetime.
    pub timed: bool,
}

/// The stored form of a [`Freshness`], in nanoseconds; windows above 584 years are cut to that.
#[derive(Debug)]
struct Windows {
    /// `FOR_EVER` when only an invalidation ends it.
    lifetime: u64,
    stale_while_revalidate: u64,
    stale_if_error: u64,
}

const FOR_EVER: u64 = u64::MAX;

/// The state of an entry under the law and the clock together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is valid and within its lifetime.
    Fresh,
    /// Its lifetime ended, or a soft record invalidated it, this long ago. No hard record has
    /// invalidated it.
    PastEnd(Duration),
    /// A hard record has invalidated it, or it can no longer be shown that none has.
    Dead,
}

impl Entry {
    pub(super) fn new(
        key: (Box<str>, usize),
        validity: Validity,
        freshness: Freshness,
        filled: Moment,
        contains: Box<[Box<str>]>,
        content: EntryContent,
    ) -> Entry {
        let (key, id) = key;
        let Freshness {
            lifetime,
            stale_while_revalidate,
            stale_if_error,
            persistent: is_persistent,
            timed: is_timed,
        } = freshness;
        let nanos = |window: Duration| u64::try_from(window.as_nanos()).unwrap_or(FOR_EVER - 1);
        let windows = Windows {
            lifetime: lifetime.map_or(FOR_EVER, nanos),
            stale_while_revalidate: nanos(stale_while_revalidate),
            stale_if_error: nanos(stale_if_error),
        };
        // A key is made of an address and headers, which are limited to far less.
        let id = u32::try_from(id).unwrap_or(u32::MAX);
        let contains = (!contains.is_empty()).then(|| Box::new(contains));
        Entry { key, id, is_persistent, is_timed, validity, windows, filled, contains, content }
    }

    /// Returns the page, if the content is one.
    pub fn page(&self) -> Option<&Page> {
        match &self.content {
            EntryContent::Page(page) => Some(page),
            EntryContent::Fragment(_) => None,
        }
    }

    /// Returns the fragment, if the content is one.
    pub fn fragment(&self) -> Option<&Arc<Fragment>> {
        match &self.content {
            EntryContent::Fragment(fragment) => Some(fragment),
            EntryContent::Page(_) => None,
        }
    }

    /// Returns the id, which patterns are matched with.
    pub fn id(&self) -> &str {
        &self.key[..self.id as usize]
    }

    /// Returns the key.
    pub fn key(&self) -> Key<'_> {
        Key::of_parts(&self.key, self.id as usize)
    }

    /// Returns a position from before the content was made.
    pub fn as_of(&self) -> Position {
        self.validity.as_of
    }

    /// Returns whether its author allows it to be out of date for its lifetime.
    pub fn is_timed(&self) -> bool {
        self.is_timed
    }

    /// Returns the time since the fill.
    pub fn age(&self, now: Moment) -> Duration {
        now.since(self.filled)
    }

    /// Returns how much longer it is fresh; `None` if time does not end it.
    pub fn remaining(&self, now: Moment) -> Option<Duration> {
        self.lifetime().map(|lifetime| lifetime.saturating_sub(self.age(now)))
    }

    /// Returns the law's verdict on it.
    pub(super) fn verdict(&self, ledger: &Ledger) -> Verdict {
        self.validity.verdict(Ids { own: self.id(), contains: self.contains() }, ledger)
    }

    fn contains(&self) -> &[Box<str>] {
        self.contains.as_ref().map_or(&[], |contains| contains)
    }

    fn lifetime(&self) -> Option<Duration> {
        let lifetime = self.windows.lifetime;
        (lifetime != FOR_EVER).then(|| Duration::from_nanos(lifetime))
    }

    /// Returns its state at `now` under the law and the clock together.
    pub(super) fn standing(&self, ledger: &Ledger, now: Moment) -> Standing {
        let softly = match self.verdict(ledger) {
            Verdict::Dead => return Standing::Dead,
            // `since` may be later than `now`, if the record arrived after the clock was read.
            Verdict::Stale { since } => Some(now.since(since)),
            Verdict::Valid => None,
        };
        let lifetime = self.lifetime();
        let by_time = lifetime.and_then(|lifetime| self.age(now).checked_sub(lifetime));
        match by_time.max(softly) {
            None => Standing::Fresh,
            Some(past_end) => Standing::PastEnd(past_end),
        }
    }

    /// Returns for how long it may be served past its end while it is made anew.
    pub(super) fn stale_while_revalidate(&self) -> Duration {
        Duration::from_nanos(self.windows.stale_while_revalidate)
    }

    /// Returns for how long it may be served past its end, or without a lease, when the back end
    /// fails.
    pub(super) fn stale_if_error(&self) -> Duration {
        Duration::from_nanos(self.windows.stale_if_error)
    }

    /// Returns whether it can never be served again.
    pub(super) fn is_over(&self, ledger: &Ledger, now: Moment) -> bool {
        match self.standing(ledger, now) {
            Standing::Fresh => false,
            Standing::PastEnd(past_end) => {
                past_end >= self.stale_while_revalidate().max(self.stale_if_error())
            }
            Standing::Dead => true,
        }
    }

    /// Returns whether it is among the entries that are evicted last.
    pub(super) fn is_persistent(&self) -> bool {
        self.is_persistent
    }

    /// Returns roughly how many bytes of memory it takes.
    pub(super) fn size(&self) -> usize {
        // The map's own nodes and what allocators add, measured over 100,000 pages.
        const OVERHEAD: usize = 400;
        size_of::<Self>()
            + OVERHEAD
            + self.key.len()
            + self.validity.size()
            + self.contains().iter().map(|id| id.len() + 32).sum::<usize>()
            + self.content.size()
    }
}
