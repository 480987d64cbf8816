use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::log::{Position, Record};

/// Where and when an update happens: the same on every replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// The position of the update's record: unique in the log and growing, so it can serve as an id.
    pub position: Position,
    /// When the update was appended, to the millisecond. It never goes back from one update to the
    /// next, even where the machine's clock does.
    pub time: SystemTime,
}

impl At {
    /// Where and when `record` was appended.
    pub(crate) fn record(record: &Record) -> At {
        let time = UNIX_EPOCH.checked_add(Duration::from_millis(record.time));
        At { position: record.position, time: time.unwrap_or(UNIX_EPOCH) }
    }

    /// `time` as milliseconds since 1970-01-01T00:00:00Z.
    pub fn millis(self) -> u64 {
        self.time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
    }
}
