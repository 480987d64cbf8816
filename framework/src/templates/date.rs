//! The filters `date(format="%Y-%m-%d")`, whose output is the same in all languages, and
//! `datetime(date="long", time="short")`, which uses the page's language. Both format moments (see `crate::zoned`).
//!
//! Both take `zone="Europe/Berlin"`. There is no "time ago" filter, because its output would be wrong in a cached
//! page.

use std::sync::Arc;

use jiff::ZonedDateTime;
use jiff::fmt::strtime;
use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

use super::fragments;
use crate::catalogues::{Catalogues, Style};
use crate::zoned::{EXPECTED, Moment};

pub(super) fn register(tera: &mut Tera, catalogues: Arc<Catalogues>) {
    tera.register_filter("date", date);
    tera.register_filter("datetime", move |value: &Value, arguments: Kwargs, _: &State<'_>| {
        let moment = moment("datetime", value, &arguments)?;
        let style = |name: &str| -> TeraResult<Option<Style>> {
            let Some(word) = arguments.get::<&str>(name)? else { return Ok(None) };
            let style = Style::parse(word).ok_or_else(|| {
                Error::message(format!(
                    "`{name}` must be one of {}, not {word:?}",
                    Style::WORDS.join(", ")
                ))
            })?;
            Ok(Some(style))
        };
        let (date, time) = (style("date")?, style("time")?);
        let date = date.or_else(|| time.is_none().then_some(Style::Medium));
        let lang = fragments::lang()?;
        Ok(catalogues.formats(&lang).moment(&moment, date, time))
    });
}

fn date(value: &Value, arguments: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let format = arguments.get::<&str>("format")?.unwrap_or("%Y-%m-%d");
    let moment = moment("date", value, &arguments)?;
    render(&moment.time, format).map_err(|error| {
        Error::message(format!(
            "the filter `date` cannot write the format {format:?}: {error}; use \
             %Y %y %m %d %e %j %B %b %A %a %H %I %p %M %S %F %T %R %z %% or others of strftime"
        ))
    })
}

fn moment(filter: &str, value: &Value, arguments: &Kwargs) -> TeraResult<Moment> {
    let moment = match (value.as_str(), value.as_i64()) {
        (Some(text), _) => Moment::parse(text),
        (None, Some(milliseconds)) => Moment::from_unix(milliseconds),
        (None, None) => None,
    };
    let moment = moment.ok_or_else(|| {
        Error::message(format!("the filter `{filter}` takes {EXPECTED}, but got {value}"))
    })?;
    match arguments.get::<&str>("zone")? {
        Some(zone) => moment.in_zone(zone).map_err(Error::message),
        None => Ok(moment),
    }
}

/// Formats a time. `%e` is not padded, because in HTML it is part of a sentence.
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
        render(&Moment::parse(text).unwrap().time, format).unwrap()
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
        let show =
            |milliseconds| render(&Moment::from_unix(milliseconds).unwrap().time, "%F %T").unwrap();
        assert_eq!(show(1_257_271_509_123), "2009-11-03 18:05:09");
        assert_eq!(show(-1), "1969-12-31 23:59:59");
    }

    #[test]
    fn an_unknown_format_is_refused() {
        let error = render(&Moment::from_unix(0).unwrap().time, "%O").unwrap_err().to_string();
        assert!(error.contains("`O`"), "{error}");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*", format in ".*") {
            if let Some(moment) = Moment::parse(&text).or(Moment::from_unix(0)) {
                let _ = render(&moment.time, &format);
            }
        }
    }
}
