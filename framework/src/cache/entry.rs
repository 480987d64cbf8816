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

/// Cached content and all that decides whether it may be served.
#[derive(Debug)]
pub struct Entry {
    pub(super) key: Box<str>,
    /// How much of the key is the id.
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

/// For how long content may be served as far as time is concerned. Its end is when its lifetime is
/// over or when it is first softly invalidated, whichever comes first.
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
    /// Whether its author has said that it may be old for its lifetime.
    pub timed: bool,
}

/// What is kept of a [`Freshness`], in nanoseconds; what is longer than 584 years is that long.
#[derive(Debug)]
struct Windows {
    /// `FOR_EVER` when only an invalidation ends it.
    lifetime: u64,
    stale_while_revalidate: u64,
    stale_if_error: u64,
}

const FOR_EVER: u64 = u64::MAX;

/// What an entry is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is right.
    Fresh,
    /// Its time is over, or a soft record has invalidated it, for this long. No hard record has.
    PastEnd(Duration),
    /// A hard record has invalidated it, or it is no longer known that none has.
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
        // A key is made of an address and headers, which are bounded by far less.
        let id = u32::try_from(id).unwrap_or(u32::MAX);
        let contains = (!contains.is_empty()).then(|| Box::new(contains));
        Entry { key, id, is_persistent, is_timed, validity, windows, filled, contains, content }
    }

    /// The answer, if that is what it holds.
    pub fn page(&self) -> Option<&Page> {
        match &self.content {
            EntryContent::Page(page) => Some(page),
            EntryContent::Fragment(_) => None,
        }
    }

    /// The fragment, if that is what it holds.
    pub fn fragment(&self) -> Option<&Arc<Fragment>> {
        match &self.content {
            EntryContent::Fragment(fragment) => Some(fragment),
            EntryContent::Page(_) => None,
        }
    }

    /// What patterns are matched with.
    pub fn id(&self) -> &str {
        &self.key[..self.id as usize]
    }

    /// What it is found by.
    pub fn key(&self) -> Key<'_> {
        Key::of_parts(&self.key, self.id as usize)
    }

    /// A position from before the content was made.
    pub fn as_of(&self) -> Position {
        self.validity.as_of
    }

    /// Whether its author has said that it may be old for its lifetime.
    pub fn is_timed(&self) -> bool {
        self.is_timed
    }

    /// How long ago it was filled.
    pub fn age(&self, now: Moment) -> Duration {
        now.since(self.filled)
    }

    /// How much longer it is fresh; `None` when time does not end it.
    pub fn remaining(&self, now: Moment) -> Option<Duration> {
        self.lifetime().map(|lifetime| lifetime.saturating_sub(self.age(now)))
    }

    /// What the law says of it.
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

    /// What law and time together make of it at `now`.
    pub(super) fn standing(&self, ledger: &Ledger, now: Moment) -> Standing {
        let softly = match self.verdict(ledger) {
            Verdict::Dead => return Standing::Dead,
            // The record may have come after the clock was read.
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

    /// For how long it may be served past its end while it is made anew.
    pub(super) fn stale_while_revalidate(&self) -> Duration {
        Duration::from_nanos(self.windows.stale_while_revalidate)
    }

    /// For how long it may be served past its end, or without a lease, when the back end fails.
    pub(super) fn stale_if_error(&self) -> Duration {
        Duration::from_nanos(self.windows.stale_if_error)
    }

    /// Whether nothing can make it servable again.
    pub(super) fn is_over(&self, ledger: &Ledger, now: Moment) -> bool {
        match self.standing(ledger, now) {
            Standing::Fresh => false,
            Standing::PastEnd(past_end) => {
                past_end >= self.stale_while_revalidate().max(self.stale_if_error())
            }
            Standing::Dead => true,
        }
    }

    /// Whether it is among the entries that are evicted last.
    pub(super) fn is_persistent(&self) -> bool {
        self.is_persistent
    }

    /// About how many bytes of memory it takes.
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
