//! One fill at a time for a key.
//!
//! # Why sharing obeys the law
//!
//! A request remembers at which position it arrived. The result of a flight that *started* at that
//! position or later is made after everything the request could know of, so the request may have it
//! even if it has been overtaken since. The result of a flight that started before is good enough
//! only if nothing has invalidated it up to now; otherwise the request starts, or joins, the next
//! flight, which starts at its own position or later. So nobody waits for more than two flights.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::log::Position;

/// Up to where a front end knew the log when a request arrived or a fill started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Knowledge {
    /// Tells positions of different logs apart.
    pub(super) generation: u64,
    pub(super) applied: Position,
}

impl Knowledge {
    fn includes(self, other: Knowledge) -> bool {
        self.generation == other.generation && self.applied >= other.applied
    }
}

/// The fills that are under way, by key.
#[derive(Debug)]
pub struct Flights<T> {
    under_way: Mutex<HashMap<Box<str>, Flight<T>>>,
}

#[derive(Debug)]
struct Flight<T> {
    started: Knowledge,
    landed: watch::Receiver<Option<T>>,
}

/// What a request does about a fill.
#[derive(Debug)]
pub enum Join<T> {
    /// It makes the fill.
    Lead(Lead<T>),
    /// It waits for the one that is under way.
    Wait(Wait<T>),
}

/// The duty to make a fill. Dropping it without [`land`](Lead::land) lets the waiting requests try
/// for themselves.
#[derive(Debug)]
pub struct Lead<T> {
    flights: Arc<Flights<T>>,
    /// Taken when the flight leaves the map.
    key: Option<Box<str>>,
    landing: watch::Sender<Option<T>>,
}

/// A place in the queue for the result of a fill.
#[derive(Debug)]
pub struct Wait<T> {
    started: Knowledge,
    landed: watch::Receiver<Option<T>>,
}

impl<T: Clone> Flights<T> {
    /// No fills yet.
    pub fn new() -> Arc<Flights<T>> {
        Arc::new(Flights { under_way: Mutex::default() })
    }

    /// Joins the fill of `key`, or starts it.
    pub fn join(self: &Arc<Self>, key: &str, known: Knowledge) -> Join<T> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = under_way.get(key) {
            let landed = flight.landed.clone();
            return Join::Wait(Wait { started: flight.started, landed });
        }
        let (landing, landed) = watch::channel(None);
        under_way.insert(key.into(), Flight { started: known, landed });
        Join::Lead(Lead { flights: Arc::clone(self), key: Some(key.into()), landing })
    }
}

impl<T> Lead<T> {
    /// Hands the result to all that wait.
    pub fn land(mut self, result: T) {
        // Out of the map first: who comes later must start anew.
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
    /// Whether the fill started knowing all that was known at `arrival`, so that a request of then
    /// may have its result whatever happened since.
    pub fn started_knowing(&self, arrival: Knowledge) -> bool {
        self.started.includes(arrival)
    }

    /// The result; `None` when the one who made the fill gave up.
    pub async fn landed(&mut self) -> Option<T> {
        let landed = self.landed.wait_for(Option::is_some).await.ok()?;
        landed.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(generation: u64, applied: u64) -> Knowledge {
        Knowledge { generation, applied: Position(applied) }
    }

    #[tokio::test]
    async fn the_second_request_gets_the_result_of_the_first() {
        let flights = Flights::new();
        let Join::Lead(lead) = flights.join("/a", at(1, 3)) else { panic!("must lead") };
        let Join::Wait(mut wait) = flights.join("/a", at(1, 4)) else { panic!("must wait") };
        assert!(wait.started_knowing(at(1, 3)));
        assert!(!wait.started_knowing(at(1, 4)));
        assert!(!wait.started_knowing(at(2, 1)), "a position of another log says nothing");
        lead.land("page");
        assert_eq!(wait.landed().await, Some("page"));
        assert!(matches!(flights.join("/a", at(1, 4)), Join::Lead(_)));
    }

    #[tokio::test]
    async fn a_leader_that_gives_up_frees_the_waiting() {
        let flights = Flights::<()>::new();
        let Join::Lead(lead) = flights.join("/a", at(1, 3)) else { panic!("must lead") };
        let Join::Wait(mut wait) = flights.join("/a", at(1, 3)) else { panic!("must wait") };
        drop(lead);
        assert_eq!(wait.landed().await, None);
        assert!(matches!(flights.join("/a", at(1, 3)), Join::Lead(_)));
    }
}
