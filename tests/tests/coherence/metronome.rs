use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

const BEAT: Duration = Duration::from_millis(20);
/// A beat up to this late counts as punctual.
const TOLERANCE: Duration = Duration::from_millis(100);

/// Measures for how long the machine did not run this process, and so probably not the nodes
/// either, to excuse delays for this reason.
pub(crate) struct Metronome(Arc<Mutex<Vec<Stall>>>);

struct Stall {
    end: Instant,
    length: Duration,
}

impl Metronome {
    pub(crate) fn start() -> Metronome {
        let stalls = Arc::new(Mutex::default());
        let beats = Arc::downgrade(&stalls);
        std::thread::spawn(move || beat(&beats));
        Metronome(stalls)
    }

    /// Returns the time lost since `start`.
    pub(crate) fn lost_since(&self, start: Instant) -> Duration {
        let stalls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stalls.iter().filter(|stall| stall.end >= start).map(|stall| stall.length).sum()
    }
}

fn beat(stalls: &Weak<Mutex<Vec<Stall>>>) {
    loop {
        let start = Instant::now();
        std::thread::sleep(BEAT);
        let length = start.elapsed().saturating_sub(BEAT);
        let Some(stalls) = stalls.upgrade() else { return };
        if length > TOLERANCE {
            let stall = Stall { end: Instant::now(), length };
            stalls.lock().unwrap_or_else(PoisonError::into_inner).push(stall);
        }
    }
}
