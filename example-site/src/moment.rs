use std::time::SystemTime;

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// A point in time as templates show it, in UTC.
#[derive(Serialize)]
pub struct Moment {
    /// For programs: `2026-03-01T09:30:00.25Z`.
    pub iso: String,
    /// For people: `1 March 2026, 09:30 UTC`.
    text: String,
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Moment {
        let time = OffsetDateTime::from(time).truncate_to_millisecond();
        let text =
            format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");
        Moment {
            iso: time.format(&Rfc3339).unwrap_or_default(),
            text: time.format(text).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_moment_is_shown_in_utc() {
        let moment = Moment::from(UNIX_EPOCH + Duration::from_millis(1_772_357_400_250));
        assert_eq!(moment.iso, "2026-03-01T09:30:00.25Z");
        assert_eq!(moment.text, "1 March 2026, 09:30 UTC");
    }
}
