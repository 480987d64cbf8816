//! Moments in a site's values: the input of the filters `date` and `datetime` and of the function `DATETIME` of
//! a catalogue.
//!
//! A moment is an RFC 3339 date or date and time, or a whole number of milliseconds since 1970. It is shown in
//! the offset in which it is written, milliseconds in UTC, unless a zone is named. The zones are those of the
//! built-in IANA database, so that all front ends show the same, whatever their systems have.

use jiff::civil::Time;
use jiff::fmt::temporal::Pieces;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ZonedDateTime};

/// The format of a moment, for messages.
pub(crate) const EXPECTED: &str =
    "an RFC 3339 date (2009-11-03 or 2009-11-03T18:30:00Z) or milliseconds since 1970";

/// A moment, with its date and time where it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The date and time in that zone or offset.
    pub(crate) time: ZonedDateTime,
    /// Whether it is a date alone, which is the same in every zone.
    is_date: bool,
}

impl Moment {
    /// Returns the moment this many milliseconds after the beginning of 1970 in UTC.
    pub(crate) fn from_unix(milliseconds: i64) -> Option<Moment> {
        let time = Timestamp::from_millisecond(milliseconds).ok()?;
        Some(Moment { time: time.to_zoned_datetime(TimeZone::UTC), is_date: false })
    }

    /// Parses a moment.
    pub(crate) fn parse(text: &str) -> Option<Moment> {
        let pieces = Pieces::parse(text.trim()).ok()?;
        let is_date = pieces.time().is_none();
        let (time, offset) = match pieces.time() {
            Some(time) => (time, pieces.to_numeric_offset()?),
            None => (Time::midnight(), Offset::UTC),
        };
        let time = pieces.date().to_datetime(time);
        let time = offset.to_timestamp(time).ok()?.to_zoned_datetime(TimeZone::fixed(offset));
        Some(Moment { time, is_date })
    }

    /// Returns the same moment in the zone of this name, such as `Europe/Berlin`. A date alone stays the same.
    ///
    /// # Errors
    /// When there is no such zone.
    pub(crate) fn in_zone(self, name: &str) -> Result<Moment, String> {
        let zone = TimeZone::get(name).map_err(|_| {
            format!("there is no time zone `{name}`; write one of the IANA database, as \"Europe/Berlin\" or \"UTC\"")
        })?;
        if self.is_date {
            return Ok(self);
        }
        Ok(Moment { time: self.time.with_time_zone(zone), is_date: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        for text in [
            "",
            "2009",
            "2009-02-29",
            "2009-13-01",
            "2009-00-10",
            "2009-11-03T24:00:00Z",
            "2009-11-03T18:05:09",
            "2009-11-03T18:05:09+1",
            "2009-11-03é",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
        assert_eq!(Moment::from_unix(i64::MAX), None);
        assert_eq!(Moment::from_unix(i64::MIN), None);
    }

    #[test]
    fn a_zone_shows_another_time_of_the_same_moment_and_no_other_date() {
        let shown = |text: &str, zone: &str| {
            let moment = Moment::parse(text).unwrap().in_zone(zone).unwrap();
            moment.time.strftime("%F %T").to_string()
        };
        assert_eq!(shown("2026-07-01T23:30:00Z", "Europe/Berlin"), "2026-07-02 01:30:00");
        assert_eq!(shown("2026-12-01T23:30:00Z", "Europe/Berlin"), "2026-12-02 00:30:00");
        assert_eq!(shown("2026-07-01T10:00:00+02:00", "UTC"), "2026-07-01 08:00:00");
        assert_eq!(shown("2026-07-01", "America/New_York"), "2026-07-01 00:00:00");
        let error = Moment::from_unix(0).unwrap().in_zone("Europe/Alderwick").unwrap_err();
        assert!(error.contains("`Europe/Alderwick`"), "{error}");
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in ".*", zone in ".*") {
            if let Some(moment) = Moment::parse(&text).or(Moment::from_unix(0)) {
                let _ = moment.in_zone(&zone);
            }
        }
    }
}
