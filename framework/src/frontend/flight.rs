//! Who makes what is not in the cache, and who waits for it.
//!
//! What is not in the cache is made once for all who wait for it ([`Flights`](crate::cache::Flights)
//! says who may). Two kinds of request wait for nobody:
//!
//! - one that gets an old page under `stale_while_revalidate`. The page is made anew by a flight
//!   like any other, unless one is under way: so whoever misses meanwhile may share it by the same
//!   rules, and there is one refresh, however many visitors see the old page;
//! - one for content of which it is known that it is not for the cache ("hit for miss"): a fill by
//!   another would give it nothing. When a fill comes to that, its key is marked for a while. The
//!   mark is gone as soon as a fill of the key is stored. A failure marks nothing.

use std::sync::Arc;

use http::StatusCode;
use tokio::sync::OwnedSemaphorePermit;

use super::cache_status::{CacheStatus, Forward};
use super::counters::Event;
use super::failure::Failure;
use super::fill::{Cacheable, Outcome};
use super::served::{Failed, Served};
use super::variant::VariantKind;
use super::{Edition, FrontEnd};
use crate::cache::{Entry, Join, Key, Lead, Lookup};
use crate::clock::{self, Moment};
use crate::shown::{shown, shown_cause};

/// How a fill ended, for all who waited for it.
#[derive(Debug, Clone)]
pub(super) enum Landed {
    /// With an entry, stored or overtaken.
    Entry(Arc<Entry>),
    /// With an error that says nothing of one visitor.
    Failed(Box<Failure>),
    /// With something that is not for others.
    Private,
}

/// That there is no hit for a request.
pub(super) struct Lack {
    pub(super) why: Forward,
    /// What may be served should the back end fail.
    pub(super) stale: Option<Arc<Entry>>,
    /// When the cache was asked.
    pub(super) now: Moment,
}

impl FrontEnd {
    /// Makes what is not in the cache, or waits for somebody who does.
    pub(super) async fn miss(
        self: &Arc<Self>,
        wanted: Arc<Cacheable>,
        variant: VariantKind,
        lack: Lack,
    ) -> Served {
        // The future is handed back before it runs, so it cannot borrow what it is begun with.
        let wanted = &wanted;
        if !self.settings.caching || self.cache.is_passed(&wanted.key, lack.now) {
            // In a box, so that who waits for another's fill has room for no own one.
            let outcome = Box::pin(self.fill(wanted)).await;
            return self.served(wanted, variant, outcome, lack);
        }
        // What is known now is all that the law asks of this request, however long it waits.
        let arrival = self.flights.arrive(self.cache.knowledge(clock::now()));
        let name = flight_name(&wanted.edition, &wanted.key);
        loop {
            let known = self.cache.knowledge(clock::now());
            match self.flights.join(&name, known) {
                Join::Lead(lead) => {
                    let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
                        let busy = "The site has too many pages to make. Please try again soon.";
                        let failure = Failure::new(StatusCode::SERVICE_UNAVAILABLE, busy);
                        lead.land(Landed::Failed(failure.clone().into()));
                        return self.served(wanted, variant, Outcome::Failed(failure), lack);
                    };
                    // A task of its own, so that a visitor who goes away leaves nobody waiting.
                    let flight = Arc::clone(self).fly(Arc::clone(wanted), lead, place);
                    let outcome = tokio::spawn(flight).await.unwrap_or_else(|error| {
                        Outcome::Failed(Failure::internal(error.to_string()))
                    });
                    return self.served(wanted, variant, outcome, lack);
                }
                Join::Wait(mut wait) => match wait.landed().await {
                    Some(Landed::Entry(entry))
                        if wait.suits(&arrival)
                            || (arrival.had_lease() && self.cache.is_valid(&entry)) =>
                    {
                        let why = lack.why;
                        let cache = CacheStatus::Forwarded { why, stored: false, collapsed: true };
                        return Served::Stored { entry, variant, cache };
                    }
                    Some(Landed::Failed(failure)) if wait.suits(&arrival) => {
                        return self.served(wanted, variant, Outcome::Failed(*failure), lack);
                    }
                    Some(Landed::Entry(_) | Landed::Failed(_)) => {}
                    Some(Landed::Private) | None => {
                        let outcome = Box::pin(self.fill(wanted)).await;
                        return self.served(wanted, variant, outcome, lack);
                    }
                },
            }
        }
    }

    /// Has an old page made anew, unless somebody is at it or every place is taken: then one of the
    /// next visitors will try. Nobody waits for it.
    pub(super) fn refresh(
        self: &Arc<Self>,
        edition: &Edition,
        key: &Key<'_>,
        wanted: impl FnOnce() -> Arc<Cacheable>,
    ) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { return };
        let now = clock::now();
        let flight = self.flights.join(&flight_name(edition, key), self.cache.knowledge(now));
        let Join::Lead(lead) = flight else { return };
        // The flight of another may have landed after the old page was found.
        if matches!(self.cache.lookup(key, false, now), Lookup::Hit(_)) {
            return;
        }
        let wanted = wanted();
        let flight = Arc::clone(self).fly(Arc::clone(&wanted), lead, place);
        tokio::spawn(async move {
            let Outcome::Failed(failure) = flight.await else { return };
            let Cacheable { key, request_id, .. } = &*wanted;
            let (id, status) = (&*shown(key.id()), failure.status.as_u16());
            let cause = &*shown_cause(failure.cause.as_deref().unwrap_or_default());
            match failure.status.is_server_error() && !failure.is_known {
                true => {
                    tracing::warn!(
                        request_id,
                        id,
                        status,
                        cause,
                        "an old page cannot be made anew"
                    );
                }
                false => {
                    tracing::debug!(request_id, id, status, cause, "an old page has no new one");
                }
            }
        });
    }

    /// A fill on behalf of all who wait for it.
    async fn fly(
        self: Arc<Self>,
        wanted: Arc<Cacheable>,
        lead: Lead<Landed>,
        place: OwnedSemaphorePermit,
    ) -> Outcome {
        let outcome = self.fill(&wanted).await;
        lead.land(outcome.for_others());
        drop(place);
        outcome
    }

    /// What the one who made the content has of it.
    fn served(
        &self,
        wanted: &Cacheable,
        variant: VariantKind,
        outcome: Outcome,
        lack: Lack,
    ) -> Served {
        let Lack { why, stale, now } = lack;
        // It may have been invalidated while the call was under way.
        let stale = stale.filter(|entry| self.cache.may_stand_in(entry, now));
        if let Some(status) = outcome.status().filter(|status| status.is_server_error())
            && let Some(entry) = stale
        {
            return self.instead(wanted, variant, entry, status, &outcome);
        }
        let made = |stored| CacheStatus::Forwarded { why, stored, collapsed: false };
        match outcome {
            Outcome::Entry { entry, stored } => {
                Served::Stored { entry, variant, cache: made(stored) }
            }
            Outcome::Page(page) => {
                Served::Page { page: Box::new(page), variant, cache: made(false) }
            }
            Outcome::Made { status, headers, content } => {
                Served::Made { status, headers, content, cache: made(false) }
            }
            Outcome::Failed(failure) => Served::Failed(Failed {
                failure,
                scope: wanted.route.scope,
                request_id: wanted.request_id.clone(),
                path: wanted.key.id().to_owned(),
                cache: made(false),
            }),
        }
    }

    /// An old page in the place of an outcome with this status.
    fn instead(
        &self,
        wanted: &Cacheable,
        variant: VariantKind,
        entry: Arc<Entry>,
        status: StatusCode,
        outcome: &Outcome,
    ) -> Served {
        self.counters.count(Event::Stale);
        let cause = match outcome {
            Outcome::Failed(failure) => failure.cause.as_deref().unwrap_or_default(),
            _ => "the reply has this status",
        };
        let (id, cause) = (&*shown(entry.id()), &*shown_cause(cause));
        let (request_id, status) = (&wanted.request_id, status.as_u16());
        tracing::warn!(
            request_id,
            id,
            status,
            cause,
            "serving an old page in the place of an error"
        );
        Served::Stored { entry, variant, cache: CacheStatus::StaleIfError { status } }
    }
}

/// What tells a flight from others. What an older edition makes is not for a newer one: see
/// [`Edition`].
fn flight_name(edition: &Edition, key: &Key<'_>) -> String {
    format!("{}\n{}", edition.number, key.as_str())
}
