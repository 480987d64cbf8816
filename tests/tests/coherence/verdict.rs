use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use headwater_tests::Seed;
use tokio::sync::watch;

/// The maximum number of breaches that are reported in full.
const REPORTED: usize = 10;

/// The work done in a trial, and the breaches of the law.
pub(crate) struct Verdict {
    start: Instant,
    tally: Mutex<Tally>,
    history: Mutex<Vec<String>>,
    breaches: watch::Sender<Vec<String>>,
}

/// Counts of the work done.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Reads that were answered with a page, by route.
    pub(crate) reads: BTreeMap<&'static str, u64>,
    /// Those of them that were answered from a cache, by route.
    pub(crate) hits: BTreeMap<&'static str, u64>,
    /// Reads and writes without a page, by kind of failure.
    pub(crate) failures: BTreeMap<String, u64>,
    /// Writes that were answered.
    pub(crate) writes: u64,
    /// The longest duration of an undisturbed write.
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

    /// Records an event at a node.
    pub(crate) fn happened(&self, what: impl fmt::Display) {
        let line = format!("{} {what}", self.time(Instant::now()));
        println!("{line}");
        lock(&self.history).push(line);
    }

    /// Records a breach of the law.
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

    /// Formats a moment for the history: seconds since the start.
    pub(crate) fn time(&self, moment: Instant) -> String {
        format!("{:8.3}", moment.saturating_duration_since(self.start).as_secs_f64())
    }

    /// Prints the result, and panics if there was a breach or too little work was done.
    pub(crate) fn deliver(&self, seed: Seed, faults: u64) {
        let tally = self.tally();
        println!("{:#?}\nfaults: {faults}", *tally);
        let breaches = self.breaches.borrow();
        let sum = |counts: &BTreeMap<&str, u64>| counts.values().sum::<u64>();
        assert!(
            breaches.is_empty(),
            "COHERENCE_SEED={seed}: {} breaches of the law, the first:
{}
History:
{}",
            breaches.len(),
            breaches[..breaches.len().min(REPORTED)].join("\n"),
            lock(&self.history).join("\n"),
        );
        // Far below the numbers on a slow machine, but enough to be meaningful.
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
