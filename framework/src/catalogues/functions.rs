//! The functions of catalogues: `NUMBER($n, minimumFractionDigits: 2)` and
//! `DATETIME($when, dateStyle: "long", timeStyle: "short", timeZone: "Europe/Berlin")`.

use std::borrow::Cow;
use std::sync::Arc;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

use super::formats::{self, Formats, Style};
use crate::zoned::Moment;

/// The functions, with the options that each of them accepts.
pub(super) const FUNCTIONS: [(&str, &[&str]); 2] = [
    ("DATETIME", &["dateStyle", "timeStyle", "timeZone"]),
    (
        "NUMBER",
        &[
            "type",
            "useGrouping",
            "minimumIntegerDigits",
            "minimumFractionDigits",
            "maximumFractionDigits",
        ],
    ),
];

/// Adds the functions to the texts of a language with these formats.
pub(super) fn add(bundle: &mut FluentBundle<FluentResource>, formats: Arc<Formats>) {
    bundle.set_formatter(Some(formats::number_in_text));
    // Names cannot conflict in a new bundle.
    let _ = bundle.add_builtins();
    let _ = bundle.add_function("DATETIME", move |values, options| {
        let written = datetime(&formats, values, options);
        written.map_or(FluentValue::Error, |text| FluentValue::String(Cow::Owned(text)))
    });
}

fn datetime(
    formats: &Formats,
    values: &[FluentValue<'_>],
    options: &FluentArgs<'_>,
) -> Option<String> {
    let moment = match values.first()? {
        FluentValue::String(text) => Moment::parse(text)?,
        FluentValue::Number(number) => Moment::from_unix(number.value as i64)?,
        _ => return None,
    };
    let option = |name: &'static str| match options.get(name) {
        Some(FluentValue::String(word)) => Some(&**word),
        _ => None,
    };
    let moment = match option("timeZone") {
        Some(zone) => moment.in_zone(zone).ok()?,
        None => moment,
    };
    let date = option("dateStyle").and_then(Style::parse);
    let time = option("timeStyle").and_then(Style::parse);
    let date = date.or_else(|| time.is_none().then_some(Style::Medium));
    Some(formats.moment(&moment, date, time))
}
