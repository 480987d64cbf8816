//! The time of records.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How far clocks may differ before it is said.
const AHEAD: Duration = Duration::from_secs(5 * 60);

/// What the machine's clock says, as records have it.
pub(crate) fn milliseconds_since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// The clock that the time of records is read from. Clones are one clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecordClock(Arc<Hands>);

#[derive(Debug, Default)]
struct Hands {
    /// What it has been set to, in milliseconds since 1970-01-01T00:00:00Z; 0 while it is the machine's clock.
    set: AtomicU64,
    /// The time of the last record.
    last: AtomicU64,
}

impl RecordClock {
    /// What it says, in milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) fn now(&self) -> u64 {
        match self.0.set.load(Ordering::Relaxed) {
            0 => milliseconds_since_1970(),
            set => set,
        }
    }

    /// The time of a record that is written now, after one of the time `last`.
    pub(super) fn after(&self, last: u64) -> u64 {
        let time = last.max(self.now());
        self.0.last.store(time, Ordering::Relaxed);
        time
    }

    /// Has it stand at this time.
    ///
    /// # Errors
    /// With the time of the last record, when that is later: the time of records never goes back.
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

/// Warns when the last record of the log at `path` is of a time to come: the time of records never goes back.
pub(super) fn warn_of(path: &Path, last: u64) {
    if let Some(ahead) = ahead(last, milliseconds_since_1970()) {
        tracing::warn!(
            file = %path.display(),
            minutes = ahead.as_secs() / 60,
            "the last record is of a time to come, and all others get its time until then: the clock is slow, or \
             was fast",
        );
    }
}

/// How far a time is ahead of the clock, if that is more than clocks differ.
fn ahead(last: u64, now: u64) -> Option<Duration> {
    let ahead = Duration::from_millis(last.saturating_sub(now));
    (ahead > AHEAD).then_some(ahead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_come_is_said_when_it_is_more_than_minutes_away() {
        let minutes = |minutes: u64| minutes * 60_000;
        assert_eq!(ahead(minutes(9), minutes(10)), None);
        assert_eq!(ahead(minutes(15), minutes(10)), None);
        assert_eq!(ahead(minutes(20), minutes(10)), Some(Duration::from_secs(600)));
    }
}
