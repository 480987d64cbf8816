use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use headwater_tests::Seed;
use tokio::sync::watch;

/// The most breaches that are reported in full.
const REPORTED: usize = 10;

/// What was done in a trial and what went wrong.
pub(crate) struct Verdict {
    start: Instant,
    tally: Mutex<Tally>,
    history: Mutex<Vec<String>>,
    breaches: watch::Sender<Vec<String>>,
}

/// What was done, counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Reads that were answered with a page, by route.
    pub(crate) reads: BTreeMap<&'static str, u64>,
    /// Those of them that came from a cache, by route.
    pub(crate) hits: BTreeMap<&'static str, u64>,
    /// Reads and writes without a page, by what came instead.
    pub(crate) failures: BTreeMap<String, u64>,
    /// Writes that were answered.
    pub(crate) writes: u64,
    /// The longest that an undisturbed write took.
    pub(crate) longest: Duration,
}

impl Verdict {
    pub(crate) fn new() -> Verdict {
        Verdict {
            start: Instant::now(),
            tally: Mutex::default(),
            history: Mutex::default(),
            breaches: watch::Sender::default(),
        }
    }

    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        lock(&self.tally)
    }

    /// Something was done to a node.
    pub(crate) fn happened(&self, what: impl fmt::Display) {
        let line = format!("{} {what}", self.time(Instant::now()));
        println!("{line}");
        lock(&self.history).push(line);
    }

    /// Something is as it must not be.
    pub(crate) fn breach(&self, what: impl fmt::Display) {
        let line = format!("{} {what}", self.time(Instant::now()));
        self.breaches.send_modify(|breaches| breaches.push(line));
    }

    pub(crate) fn is_broken(&self) -> bool {
        !self.breaches.borrow().is_empty()
    }

    /// Waits for the first breach.
    pub(crate) async fn broken(&self) {
        let mut breaches = self.breaches.subscribe();
        let _ = breaches.wait_for(|breaches| !breaches.is_empty()).await;
    }

    /// A moment as the history writes it: seconds since the start.
    pub(crate) fn time(&self, moment: Instant) -> String {
        format!("{:8.3}", moment.saturating_duration_since(self.start).as_secs_f64())
    }

    /// Tells all, and panics if something was wrong or too little was done.
    pub(crate) fn deliver(&self, seed: Seed, faults: u64) {
        let tally = self.tally();
        println!("{:#?}\nfaults: {faults}", *tally);
        let breaches = self.breaches.borrow();
        let sum = |counts: &BTreeMap<&str, u64>| counts.values().sum::<u64>();
        assert!(
            breaches.is_empty(),
            "COHERENCE_SEED={seed}: {} breaches of the law, the first:\n{}\nWhat was done:\n{}",
            breaches.len(),
            breaches[..breaches.len().min(REPORTED)].join("\n"),
            lock(&self.history).join("\n"),
        );
        // Far below what a slow machine does, and above what shows nothing.
        assert!(sum(&tally.reads) >= 1500, "too few reads show nothing: {tally:?}");
        assert!(sum(&tally.hits) >= 300, "too few hits show nothing: {tally:?}");
        assert!(tally.hits.len() >= 7, "a route was never cached: {tally:?}");
        assert!(tally.writes >= 150, "too few writes show nothing: {tally:?}");
        assert!(faults >= 15, "too few faults show nothing: {faults}");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
