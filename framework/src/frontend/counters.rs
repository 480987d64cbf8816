use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// A front end's counters since its start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    bypasses: AtomicU64,
    stale: AtomicU64,
    errors: AtomicU64,
    fills: AtomicU64,
    fragment_hits: AtomicU64,
    fragment_misses: AtomicU64,
}

/// A counted event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// A response from the cache.
    Hit,
    /// A response that might have come from the cache but had to be made.
    Miss,
    /// A response that bypassed the cache.
    Bypass,
    /// A stale entry was served in place of an error.
    Stale,
    /// A response with a status of 500 or more.
    Error,
    /// An entry was stored.
    Fill,
    /// A fragment was found in the cache while a page was made.
    FragmentHit,
    /// A fragment had to be evaluated.
    FragmentMiss,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Counts {
    /// Responses, and parts of them, from the cache.
    pub hits: u64,
    /// Responses, and parts of them, that might have come from the cache but had to be made.
    pub misses: u64,
    /// Responses, and parts of them, that bypassed the cache.
    pub bypasses: u64,
    /// Stale entries served in place of errors.
    pub stale: u64,
    /// Responses with a status of 500 or more.
    pub errors: u64,
    /// Entries that were stored.
    pub fills: u64,
    /// Fragments that were found in the cache while pages were made.
    pub fragment_hits: u64,
    /// Fragments that had to be evaluated.
    pub fragment_misses: u64,
    /// Hits divided by hits and misses, from 0 to 1; 0 without either.
    pub hit_ratio: f64,
}

impl Counters {
    /// Counts an event; returns the count before.
    pub(super) fn count(&self, event: Event) -> u64 {
        self.count_all(event, 1)
    }

    /// Counts an event several times; returns the count before.
    pub(super) fn count_all(&self, event: Event, times: u64) -> u64 {
        let counter = match event {
            Event::Hit => &self.hits,
            Event::Miss => &self.misses,
            Event::Bypass => &self.bypasses,
            Event::Stale => &self.stale,
            Event::Error => &self.errors,
            Event::Fill => &self.fills,
            Event::FragmentHit => &self.fragment_hits,
            Event::FragmentMiss => &self.fragment_misses,
        };
        counter.fetch_add(times, Ordering::Relaxed)
    }

    /// Returns the current counters.
    pub(crate) fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (hits, misses) = (read(&self.hits), read(&self.misses));
        let hit_ratio = if hits == 0 { 0.0 } else { hits as f64 / (hits + misses) as f64 };
        Counts {
            hits,
            misses,
            bypasses: read(&self.bypasses),
            stale: read(&self.stale),
            errors: read(&self.errors),
            fills: read(&self.fills),
            fragment_hits: read(&self.fragment_hits),
            fragment_misses: read(&self.fragment_misses),
            hit_ratio,
        }
    }
}
