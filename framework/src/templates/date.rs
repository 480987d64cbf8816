//! The filter `date(format="%Y-%m-%d")`.
//!
//! It takes an RFC 3339 date or date and time, or a whole number of milliseconds since 1970 in UTC.
//! A date and time is shown in the offset that it is written in. There is no "time ago": it would
//! be wrong in a page that is cached.

use jiff::civil::Time;
use jiff::fmt::strtime;
use jiff::fmt::temporal::Pieces;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ZonedDateTime};
use tera::{Error, Kwargs, State, TeraResult, Value};

pub(super) fn date(value: &Value, arguments: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let format = arguments.get::<&str>("format")?.unwrap_or("%Y-%m-%d");
    let time = match (value.as_str(), value.as_i64()) {
        (Some(text), _) => parse(text),
        (None, Some(milliseconds)) => from_unix(milliseconds),
        (None, None) => None,
    };
    let time = time.ok_or_else(|| {
        Error::message(format!(
            "the filter `date` takes an RFC 3339 date (2009-11-03 or 2009-11-03T18:30:00Z) or \
             milliseconds since 1970, but got {value}"
        ))
    })?;
    render(&time, format).map_err(|error| {
        Error::message(format!(
            "the filter `date` cannot write the format {format:?}: {error}; use \
             %Y %y %m %d %e %j %B %b %A %a %H %I %p %M %S %F %T %R %z %% or others of strftime"
        ))
    })
}

fn from_unix(milliseconds: i64) -> Option<ZonedDateTime> {
    let time = Timestamp::from_millisecond(milliseconds).ok()?;
    Some(time.to_zoned_datetime(TimeZone::UTC))
}

fn parse(text: &str) -> Option<ZonedDateTime> {
    let pieces = Pieces::parse(text.trim()).ok()?;
    let (time, offset) = match pieces.time() {
        Some(time) => (time, pieces.to_numeric_offset()?),
        None => (Time::midnight(), Offset::UTC),
    };
    let time = pieces.date().to_datetime(time);
    Some(offset.to_timestamp(time).ok()?.to_zoned_datetime(TimeZone::fixed(offset)))
}

/// The time in this format. `%e` is not padded: in HTML it stands within a sentence.
fn render(time: &ZonedDateTime, format: &str) -> Result<String, jiff::Error> {
    let unpadded = |literal: &str| literal.replace("%e", "%-e");
    let format = format.split("%%").map(unpadded).collect::<Vec<_>>().join("%%");
    strtime::format(format, time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn show(text: &str, format: &str) -> String {
        render(&parse(text).unwrap(), format).unwrap()
    }

    #[test]
    fn every_part_of_a_time_can_be_shown() {
        let text = "2009-11-03T18:05:09.123+01:30";
        assert_eq!(show(text, "%a, %d %b %Y %T %z"), "Tue, 03 Nov 2009 18:05:09 +0130");
        assert_eq!(
            show(text, "%A %e %B %y %I:%M %p %j %R %F%%"),
            "Tuesday 3 November 09 06:05 PM 307 18:05 2009-11-03%"
        );
        assert_eq!(show("2024-02-29", "%F %T"), "2024-02-29 00:00:00");
        assert_eq!(show("2024-02-09", "%e%%e"), "9%e");
    }

    #[test]
    fn milliseconds_are_shown_in_utc() {
        assert_eq!(
            render(&from_unix(1_257_271_509_123).unwrap(), "%F %T").unwrap(),
            "2009-11-03 18:05:09"
        );
        assert_eq!(render(&from_unix(-1).unwrap(), "%F %T").unwrap(), "1969-12-31 23:59:59");
        assert_eq!(from_unix(i64::MAX), None);
        assert_eq!(from_unix(i64::MIN), None);
    }

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
            assert_eq!(parse(text), None, "{text}");
        }
        let error = render(&from_unix(0).unwrap(), "%O").unwrap_err().to_string();
        assert!(error.contains("`O`"), "{error}");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*", format in ".*") {
            if let Some(time) = parse(&text).or(from_unix(0)) {
                let _ = render(&time, &format);
            }
        }
    }
}
