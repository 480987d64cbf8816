//! The page cache: finds pages by their keys, and fills itself.
//!
//! - [`Pages::find`]: returns the page for a request if the cache has it, otherwise the [`Order`] for it.
//! - [`Pages::get`]: returns the page of an order (`single_flight`: made once for all requests that wait for it).
//! - `fill`: makes a page and stores it; `storable` decides whether and for how long, `prepare` computes its headers
//!   (`header_templates` are shared by pages with equal headers), `collect` reads the body.
//! - `encoder`: encodes stored pages in the background.
//! - [`Served`]: the content for a request.
//!
//! The page cache does not route, and accesses a request only through its [`PageRequest`].

mod collect;
mod encoder;
mod fill;
mod header_templates;
mod prepare;
mod served;
mod single_flight;
mod storable;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::advice::Advice;
use super::auditor::{Auditor, Turn};
use super::counters::{Counters, Event};
use super::maker::Maker;
use super::respond::{Aging, CacheStatus, Forward};
use super::router::{Order, PageRequest, VariantKind};
use super::settings::Settings;
use crate::budget::Share;
use crate::cache::{Cache, Entry, Flights, Lookup, Miss};
use crate::clock::{self, Moment};
use crate::dispatch::{CacheType, Route};
use crate::http::validators::SETTLED;
use crate::link::Call;

pub(super) use collect::{Collected, collect};
pub(super) use encoder::SHORTEST_PIECE;
use fill::Filler;
pub(super) use prepare::{clear, settle_terms};
pub(super) use served::{Served, page_of};
use single_flight::Landed;

/// The pages of a front end.
pub(super) struct Pages {
    settings: Arc<Settings>,
    cache: Arc<Cache>,
    flights: Arc<Flights<Landed>>,
    /// Permits for fills, which may continue after their clients have disconnected.
    permits: Arc<Semaphore>,
    filler: Arc<Filler>,
    auditor: Arc<Auditor>,
    counters: Arc<Counters>,
}

impl Pages {
    /// Creates the page cache in front of `maker`. `auditor` compares a sample of the hits.
    pub(super) fn new(
        (settings, cache, counters): (Arc<Settings>, Arc<Cache>, Arc<Counters>),
        maker: Arc<Maker>,
        auditor: Arc<Auditor>,
        advice: Arc<Advice>,
    ) -> Pages {
        let permits = settings.flights.min(Semaphore::MAX_PERMITS);
        let filler = Filler::new(
            Arc::clone(&settings),
            Arc::clone(&cache),
            maker,
            advice,
            Arc::clone(&counters),
        );
        Pages {
            settings,
            cache,
            flights: Flights::new(),
            permits: Arc::new(Semaphore::new(permits)),
            filler: Arc::new(filler),
            auditor,
            counters,
        }
    }

    /// Returns the page for a request if the cache may serve it, otherwise the order for it, without waiting. A stale
    /// page that may be served is replaced in the background, and a hit in the auditor's sample is compared there.
    ///
    /// The clock is read here, after the request: a request that was suspended before finds that the lease has
    /// expired.
    pub(super) fn find(&self, request: PageRequest<'_>) -> Result<Served, Box<(Order, Call)>> {
        let now = clock::now();
        let (why, stale) = match &request.key {
            Err(why) => (*why, None),
            Ok(_) if !self.settings.caching => (Forward::Bypass, None),
            Ok(key) => match self.cache.lookup(key, is_persistent(request.route()), now) {
                Lookup::Hit(entry) => {
                    let hit = self.counters.count(Event::Hit);
                    let policy = &request.route().audit;
                    if let Some(turn) = self.auditor.takes(hit, policy, &entry, now) {
                        return Ok(self.serve_and_audit(entry, turn, request, now));
                    }
                    let cache = CacheStatus::Hit(entry.remaining(now));
                    return Ok(self.serve(entry, request.variant.kind, cache, now));
                }
                Lookup::Stale { entry, past_end } => {
                    self.counters.count(Event::Hit);
                    return Ok(self.serve_and_refresh(entry, past_end, request, now));
                }
                Lookup::Miss(Miss::Absent) => (Forward::UriMiss, None),
                Lookup::Miss(Miss::Invalidated) => (Forward::Stale, None),
                Lookup::Miss(Miss::Expired(stale)) => (Forward::Stale, stale),
                Lookup::Fenced(stale) => (Forward::Fenced, stale),
            },
        };
        let is_miss = request.key.is_ok() && self.settings.caching;
        self.counters.count(if is_miss { Event::Miss } else { Event::Bypass });
        Err(Box::new(request.into_order(why, stale, now, &self.settings)))
    }

    /// Serves an entry with its age at `now`.
    pub(super) fn serve(
        &self,
        entry: Arc<Entry>,
        variant: VariantKind,
        cache: CacheStatus,
        now: Moment,
    ) -> Served {
        let (filled, is_stale) = (entry.age(now), cache.is_stale());
        let age = if is_stale { filled } else { filled.min(self.cache.confirmed(now)) };
        let aging = Aging::of(age, filled >= SETTLED, is_stale);
        Served::Entry { entry, variant, cache, aging }
    }

    fn serve_and_refresh(
        &self,
        entry: Arc<Entry>,
        past_end: Duration,
        request: PageRequest<'_>,
        now: Moment,
    ) -> Served {
        let variant = request.variant.kind.clone();
        self.refresh(request, now);
        self.serve(entry, variant, CacheStatus::StaleWhileRevalidate { past_end }, clock::now())
    }

    fn serve_and_audit(
        &self,
        entry: Arc<Entry>,
        turn: Turn,
        request: PageRequest<'_>,
        now: Moment,
    ) -> Served {
        let variant = request.variant.kind.clone();
        let order = request.into_order(Forward::Bypass, None, now, &self.settings);
        self.auditor.examine(turn, Arc::clone(&entry), order);
        let cache = CacheStatus::Hit(entry.remaining(now));
        self.serve(entry, variant, cache, now)
    }

    /// Requests the encodings of a page that is served by itself.
    pub(super) fn encode(&self, entry: &Arc<Entry>) {
        self.filler.encoder.ask(entry, page_of(entry));
    }

    /// Requests the deflated pieces of a page that is inserted into another one.
    pub(super) fn deflate(&self, entry: &Arc<Entry>) {
        self.filler.encoder.ask_for_pieces(entry, page_of(entry));
    }

    /// Returns a share of the memory for replies that are collected.
    pub(super) fn memory(&self) -> Share {
        self.filler.memory.share()
    }
}

/// Returns whether pages of the route are among those that are evicted last.
fn is_persistent(route: &Route) -> bool {
    route.cache.kind == CacheType::Persistent
}
