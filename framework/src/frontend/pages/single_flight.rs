//! A page that is not in the cache is made once for all requests that wait for it ("single-flight").
//!
//! [`Flights`](crate::cache::Flights) determines which requests may share a result. Two kinds of requests wait for no
//! other:
//!
//! - A request that gets a stale page under `stale_while_revalidate`. A flight like any other makes the new page,
//!   unless one is under way: so requests that miss meanwhile may share it by the same rules, and there is one
//!   refresh, however many clients get the stale page.
//! - A request for content that is known to be uncacheable ("hit-for-miss"): another request's fill would be of no use
//!   to it. A fill with this result marks its key for some time. The mark is removed as soon as a fill of the key is
//!   stored. A failure leaves no mark.

use std::sync::Arc;

use http::StatusCode;
use tokio::sync::OwnedSemaphorePermit;

use super::super::counters::Event;
use super::super::failure::Failure;
use super::super::respond::{CacheStatus, Forward};
use super::super::router::{Edition, Order, PageRequest};
use super::{Filler, Pages, Served};
use crate::cache::{Entry, Join, Key, Lead, Lookup};
use crate::clock::{self, Moment};
use crate::link::Call;
use crate::shown::{shown, shown_cause};

/// The result of a flight, for all requests that waited for it.
#[derive(Debug, Clone)]
pub(super) enum Landed {
    /// An entry, stored or overtaken.
    Entry(Arc<Entry>),
    /// An error that does not depend on one client.
    Failed(Box<Failure>),
    /// A result that must not be shared.
    Private,
}

impl Landed {
    fn of(served: &Served) -> Landed {
        match served {
            Served::Entry { entry, .. } => Landed::Entry(Arc::clone(entry)),
            Served::Failed(failed) if failed.failure.headers.is_empty() => {
                Landed::Failed(failed.failure.clone().into())
            }
            Served::Failed(_) | Served::Page { .. } | Served::Made { .. } | Served::Response(_) => {
                Landed::Private
            }
        }
    }
}

impl Pages {
    /// Returns the page of an order: makes it, or waits until another request has made it.
    pub(in crate::frontend) async fn get(&self, order: Order, call: Call) -> Served {
        let key = order.page_key();
        if !self.settings.caching || self.cache.is_hit_for_miss(key, order.now) {
            // Boxed, so that the future of a request that waits for another's fill does not reserve room for its own.
            let served = Box::pin(self.filler.fill(&order, call)).await;
            return self.or_stale(&order, served);
        }
        // The law only requires the result to include the records known when the request arrives, however long it
        // waits.
        let arrival = self.flights.arrive(self.cache.knowledge(clock::now()));
        let name = flight_name(&order.edition, key);
        loop {
            let known = self.cache.knowledge(clock::now());
            match self.flights.join(&name, known) {
                Join::Lead(lead) => {
                    let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
                        let busy = "The site has too many pages to make. Please try again soon.";
                        let failure = Failure::new(StatusCode::SERVICE_UNAVAILABLE, busy);
                        lead.land(Landed::Failed(failure.clone().into()));
                        return self.failed(&order, failure);
                    };
                    // A task of its own, so that a client that disconnects does not leave others waiting.
                    let (filler, order) = (Arc::clone(&self.filler), Arc::new(order));
                    let flight = fly(filler, Arc::clone(&order), call, lead, permit);
                    return match tokio::spawn(flight).await {
                        Ok(served) => self.or_stale(&order, served),
                        Err(error) => self.failed(&order, Failure::internal(error.to_string())),
                    };
                }
                Join::Wait(mut wait) => match wait.landed().await {
                    Some(Landed::Entry(entry))
                        if wait.suits(&arrival)
                            || (arrival.had_lease() && self.cache.is_valid(&entry)) =>
                    {
                        let why = order.why;
                        let cache = CacheStatus::Forwarded { why, stored: false, collapsed: true };
                        return self.serve(entry, order.variant, cache, clock::now());
                    }
                    Some(Landed::Failed(failure)) if wait.suits(&arrival) => {
                        return self.failed(&order, *failure);
                    }
                    Some(Landed::Entry(_) | Landed::Failed(_)) => {}
                    Some(Landed::Private) | None => {
                        let served = Box::pin(self.filler.fill(&order, call)).await;
                        return self.or_stale(&order, served);
                    }
                },
            }
        }
    }

    /// Has a stale page replaced in the background, unless that is under way or all permits are taken: then a later
    /// request will try again. No request waits for it.
    pub(super) fn refresh(&self, request: PageRequest<'_>, found_at: Moment) {
        let Ok(key) = &request.key else { return };
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else { return };
        let now = clock::now();
        let flight = flight_name(request.edition(), key);
        let Join::Lead(lead) = self.flights.join(&flight, self.cache.knowledge(now)) else {
            return;
        };
        // Another flight may have stored the new page after the stale one was found.
        if matches!(self.cache.lookup(key, false, now), Lookup::Hit(_)) {
            return;
        }
        let (order, call) = request.into_order(Forward::Stale, None, found_at, &self.settings);
        // The visitor gets the stale page, so the rate limit does not apply.
        let call = Call { rate: None, ..call };
        let flight = fly(Arc::clone(&self.filler), Arc::new(order), call, lead, permit);
        tokio::spawn(async move {
            let Served::Failed(failed) = flight.await else { return };
            let (id, request_id) = (&*shown(&failed.path), &failed.request_id);
            let failure = &failed.failure;
            let status = failure.status.as_u16();
            let cause = &*shown_cause(failure.cause.as_deref().unwrap_or_default());
            match failure.status.is_server_error() && !failure.is_known {
                true => {
                    tracing::warn!(
                        request_id,
                        id,
                        status,
                        cause,
                        "a stale page cannot be replaced"
                    );
                }
                false => {
                    tracing::debug!(
                        request_id,
                        id,
                        status,
                        cause,
                        "a stale page has no replacement"
                    );
                }
            }
        });
    }

    fn failed(&self, order: &Order, failure: Failure) -> Served {
        self.or_stale(order, Served::Failed(order.failed(failure).into()))
    }

    /// Returns what was made for an order, or, in place of an error, a stale page that may be served instead.
    fn or_stale(&self, order: &Order, served: Served) -> Served {
        let status = served.unstored_status().filter(StatusCode::is_server_error);
        // The page may have been invalidated while the call was under way.
        let stale = order.stale.as_ref().filter(|entry| self.cache.may_stand_in(entry, order.now));
        let Some((status, entry)) = status.zip(stale) else { return served };
        self.counters.count(Event::Stale);
        let cause = match &served {
            Served::Failed(failed) => failed.failure.cause.as_deref().unwrap_or_default(),
            _ => "the reply has this status",
        };
        let (id, cause) = (&*shown(entry.id()), &*shown_cause(cause));
        let (request_id, status) = (&order.request_id, status.as_u16());
        tracing::warn!(request_id, id, status, cause, "serving a stale page in place of an error");
        let cache = CacheStatus::StaleIfError { status };
        self.serve(Arc::clone(entry), order.variant.clone(), cache, clock::now())
    }
}

/// Fills on behalf of all requests that wait for the result.
async fn fly(
    filler: Arc<Filler>,
    order: Arc<Order>,
    call: Call,
    lead: Lead<Landed>,
    permit: OwnedSemaphorePermit,
) -> Served {
    let served = filler.fill(&order, call).await;
    lead.land(Landed::of(&served));
    drop(permit);
    served
}

/// Returns the name that identifies a flight. Results of an older edition are not shared with a newer one: see
/// [`Edition`].
fn flight_name(edition: &Edition, key: &Key<'_>) -> String {
    format!("{}\n{}", edition.number, key.as_str())
}
