//! The time of records.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The difference between clocks from which on a warning is logged.
const AHEAD: Duration = Duration::from_secs(5 * 60);

/// Returns the time of the machine's clock, in the unit of records.
pub(crate) fn milliseconds_since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// The clock from which the time of records is read. Clones share one clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecordClock(Arc<Hands>);

#[derive(Debug, Default)]
struct Hands {
    /// The time to which it was set, in milliseconds since 1970-01-01T00:00:00Z; 0 while it follows the
    /// machine's clock.
    set: AtomicU64,
    /// The time of the last record.
    last: AtomicU64,
}

impl RecordClock {
    /// Returns its time, in milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) fn now(&self) -> u64 {
        match self.0.set.load(Ordering::Relaxed) {
            0 => milliseconds_since_1970(),
            set => set,
        }
    }

    /// Returns the time of a record that is written now, after a record with the time `last`.
    pub(super) fn after(&self, last: u64) -> u64 {
        let time = last.max(self.now());
        self.0.last.store(time, Ordering::Relaxed);
        time
    }

    /// Stops it at this time.
    ///
    /// # Errors
    /// Returns the time of the last record if that is later: the time of records never decreases.
    #[cfg(feature = "test")]
    pub(crate) fn set(&self, time: u64) -> Result<(), u64> {
        let last = self.0.last.load(Ordering::Relaxed);
        if time < last {
            return Err(last);
        }
        self.0.set.store(time, Ordering::Relaxed);
        Ok(())
    }
}

/// Warns if the time of the last record in the log at `path` is in the future: the time of records never
/// decreases.
pub(super) fn warn_of(path: &Path, last: u64) {
    if let Some(ahead) = ahead(last, milliseconds_since_1970()) {
        tracing::warn!(
            file = %path.display(),
            minutes = ahead.as_secs() / 60,
            "the last record's time is in the future, and later records get the same time until then: the clock is \
             slow, or was fast",
        );
    }
}

/// Returns how far a time is ahead of the clock, if it is by more than clocks usually differ.
fn ahead(last: u64, now: u64) -> Option<Duration> {
    let ahead = Duration::from_millis(last.saturating_sub(now));
    (ahead > AHEAD).then_some(ahead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_the_future_is_reported_from_some_minutes_on() {
        let minutes = |minutes: u64| minutes * 60_000;
        assert_eq!(ahead(minutes(9), minutes(10)), None);
        assert_eq!(ahead(minutes(15), minutes(10)), None);
        assert_eq!(ahead(minutes(20), minutes(10)), Some(Duration::from_secs(600)));
    }
}
