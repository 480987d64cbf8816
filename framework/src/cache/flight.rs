//! Single-flight: one fill at a time for a key.
//!
//! # Why sharing obeys the law
//!
//! On arrival, a request notes the position up to which the log was applied here, if there was a
//! lease, and how many flights had begun. It may have the result of a flight
//!
//! - that began after the request arrived: nothing in the result is older than the request;
//! - that began with at least the records applied here that were applied when the request arrived:
//!   every record that was acknowledged to a writer before then was applied before the content was
//!   made;
//! - that began earlier, if the request arrived under a lease and no record applied by now has
//!   invalidated the result. Without a lease there may have been records that have not arrived
//!   here.
//!
//! Otherwise the request starts, or joins, the next flight, which begins after it arrived. So no
//! request waits for more than two flights.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::ledger::Generation;
use crate::log::Position;

/// The position up to which a front end that holds a lease has applied the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Knowledge {
    /// Distinguishes positions of different ledgers.
    pub(super) generation: Generation,
    pub(super) applied: Position,
}

impl Knowledge {
    fn includes(self, other: Knowledge) -> bool {
        self.generation == other.generation && self.applied >= other.applied
    }
}

/// The state of the front end when a request arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    known: Option<Knowledge>,
    begun: u64,
}

impl Arrival {
    /// Returns whether there was a lease, so that a result may be checked against the records
    /// applied here.
    pub(crate) fn had_lease(&self) -> bool {
        self.known.is_some()
    }
}

/// The fills that are under way, by key.
#[derive(Debug)]
pub(crate) struct Flights<T> {
    /// The number of flights that have begun so far.
    begun: AtomicU64,
    under_way: Mutex<HashMap<Box<str>, Flight<T>>>,
}

#[derive(Debug)]
struct Flight<T> {
    start: Start,
    landed: watch::Receiver<Option<T>>,
}

/// When a flight began.
#[derive(Debug, Clone, Copy)]
struct Start {
    number: u64,
    known: Option<Knowledge>,
}

/// The role of a request in a fill.
#[derive(Debug)]
pub(crate) enum Join<T> {
    /// It makes the fill.
    Lead(Lead<T>),
    /// It waits for the fill that is under way.
    Wait(Wait<T>),
}

/// The duty to make a fill. If it is dropped without [`land`](Lead::land), the waiting requests try
/// for themselves.
#[derive(Debug)]
pub(crate) struct Lead<T> {
    flights: Arc<Flights<T>>,
    /// Taken when the flight leaves the map.
    key: Option<Box<str>>,
    landing: watch::Sender<Option<T>>,
}

/// A place in the queue for the result of a fill.
#[derive(Debug)]
pub(crate) struct Wait<T> {
    start: Start,
    landed: watch::Receiver<Option<T>>,
}

impl<T: Clone> Flights<T> {
    /// Creates an empty map.
    pub(crate) fn new() -> Arc<Flights<T>> {
        Arc::new(Flights { begun: AtomicU64::new(0), under_way: Mutex::default() })
    }

    /// Notes the arrival of a request, with the present knowledge of the log.
    pub(crate) fn arrive(&self, known: Option<Knowledge>) -> Arrival {
        Arrival { known, begun: self.begun.load(Ordering::SeqCst) }
    }

    /// Joins the fill of `key`, or starts it with the present knowledge of the log.
    pub(crate) fn join(self: &Arc<Self>, key: &str, known: Option<Knowledge>) -> Join<T> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = under_way.get(key) {
            return Join::Wait(Wait { start: flight.start, landed: flight.landed.clone() });
        }
        let start = Start { number: self.begun.fetch_add(1, Ordering::SeqCst) + 1, known };
        let (landing, landed) = watch::channel(None);
        under_way.insert(key.into(), Flight { start, landed });
        Join::Lead(Lead { flights: Arc::clone(self), key: Some(key.into()), landing })
    }
}

impl<T> Lead<T> {
    /// Passes the result to all waiting requests.
    pub(crate) fn land(mut self, result: T) {
        // Removed from the map first: later requests must start a new flight.
        self.depart();
        self.landing.send_replace(Some(result));
    }

    fn depart(&mut self) {
        if let Some(key) = self.key.take() {
            let flights = &self.flights.under_way;
            flights.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        }
    }
}

impl<T> Drop for Lead<T> {
    fn drop(&mut self) {
        self.depart();
    }
}

impl<T: Clone> Wait<T> {
    /// Returns whether the request may have the result regardless of later records.
    pub(crate) fn suits(&self, arrival: &Arrival) -> bool {
        let knew_enough = match (self.start.known, arrival.known) {
            (Some(started), Some(arrived)) => started.includes(arrived),
            _ => false,
        };
        knew_enough || self.start.number > arrival.begun
    }

    /// Waits for the result; `None` if the fill was abandoned.
    pub(crate) async fn landed(&mut self) -> Option<T> {
        let landed = self.landed.wait_for(Option::is_some).await.ok()?;
        landed.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(generation: u64, applied: u64) -> Option<Knowledge> {
        Some(Knowledge { generation: Generation(generation), applied: Position(applied) })
    }

    #[tokio::test]
    async fn the_second_request_gets_the_result_of_the_first() {
        let flights = Flights::new();
        let earlier = flights.arrive(at(1, 3));
        let Join::Lead(lead) = flights.join("/a", at(1, 3)) else { panic!("must lead") };
        let Join::Wait(mut wait) = flights.join("/a", at(1, 4)) else { panic!("must wait") };
        assert!(wait.suits(&earlier));
        assert!(wait.suits(&flights.arrive(at(1, 3))));
        assert!(!wait.suits(&flights.arrive(at(1, 4))));
        assert!(
            !wait.suits(&flights.arrive(at(2, 1))),
            "positions of different ledgers are not comparable"
        );
        assert!(
            !wait.suits(&flights.arrive(None)),
            "there may be records that have not arrived here"
        );
        lead.land("page");
        assert_eq!(wait.landed().await, Some("page"));
        assert!(matches!(flights.join("/a", at(1, 4)), Join::Lead(_)));
    }

    #[tokio::test]
    async fn without_a_lease_the_next_flight_suits() {
        let flights = Flights::new();
        let Join::Lead(first) = flights.join("/a", None) else { panic!("must lead") };
        let arrival = flights.arrive(None);
        let Join::Wait(wait) = flights.join("/a", None) else { panic!("must wait") };
        assert!(!wait.suits(&arrival));
        first.land("old");
        let Join::Lead(_second) = flights.join("/a", None) else { panic!("must lead") };
        let Join::Wait(wait) = flights.join("/a", None) else { panic!("must wait") };
        assert!(wait.suits(&arrival));
    }

    #[tokio::test]
    async fn a_leader_that_is_dropped_releases_the_waiting_requests() {
        let flights = Flights::<()>::new();
        let Join::Lead(lead) = flights.join("/a", at(1, 3)) else { panic!("must lead") };
        let Join::Wait(mut wait) = flights.join("/a", at(1, 3)) else { panic!("must wait") };
        drop(lead);
        assert_eq!(wait.landed().await, None);
        assert!(matches!(flights.join("/a", at(1, 3)), Join::Lead(_)));
    }
}
