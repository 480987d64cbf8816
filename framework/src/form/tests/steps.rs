//! Ranges and steps, compared to those of browsers.

use serde_json::Value;

use crate::prelude::*;

#[derive(Debug, Form)]
struct Booking {
    #[form(min = 1, step = 2)]
    odd: Option<u8>,
    #[form(min = 1, max = 6, step = 4)]
    few: Option<u8>,
    #[form(step = 2)]
    pairs: Option<i32>,
    #[form(min = "0.5", step = 0.25)]
    litres: Option<f64>,
    #[form(type = "time")]
    at: Option<String>,
    #[form(type = "time", step = 1)]
    sharp: Option<String>,
    #[form(type = "time", min = "21:00", max = "06:00", step = 1800)]
    night: Option<String>,
    #[form(type = "date", min = "2026-03-02", step = 7)]
    monday: Option<String>,
    #[form(type = "datetime-local", step = "any")]
    moment: Option<String>,
    #[form(type = "month", step = 3)]
    quarter: Option<String>,
    #[form(type = "week", min = "2026-W01", max = "2026-W53")]
    week: Option<String>,
}

fn sent(field: &str, text: &str) -> Submitted<Booking> {
    Submitted::of(&[(field, text)])
}

fn codes(field: &str, text: &str) -> Vec<&'static str> {
    sent(field, text).errors().of(field).map(FormError::code).collect()
}

fn sentence(field: &str, text: &str) -> String {
    sent(field, text).errors().of(field).map(FormError::to_string).collect()
}

#[test]
fn steps_are_counted_from_the_least_value_or_from_zero() {
    for (field, right, wrong) in [
        ("odd", &["1", "3", "255"][..], &["2", "4"][..]),
        ("pairs", &["0", "-2", "4"], &["1", "-3"]),
        ("litres", &["0.5", "0.75", "1"], &["0.6"]),
        ("at", &["09:30", "09:30:00", "00:00"], &["09:30:15", "09:30:00.5"]),
        ("sharp", &["09:30:15"], &["09:30:15.5"]),
        ("night", &["21:00", "21:30", "00:00", "06:00"], &["21:15", "05:59"]),
        ("monday", &["2026-03-02", "2026-03-30"], &["2026-03-03"]),
        ("moment", &["2026-03-01T09:30:15.123"], &[]),
        ("quarter", &["1970-01", "2026-04"], &["2026-05"]),
        ("week", &["2026-W53", "2026-W07"], &[]),
    ] {
        for text in right {
            assert_eq!(codes(field, text), [""; 0], "{field}={text}");
        }
        for text in wrong {
            assert_eq!(codes(field, text), ["stepMismatch"], "{field}={text}");
        }
    }
}

#[test]
fn an_error_lists_the_nearest_valid_values() {
    for (field, text, expected) in [
        ("odd", "4", "The nearest values that are possible here are 3 and 5."),
        ("few", "6", "The nearest value that is possible here is 5."),
        ("pairs", "3", "This must be a multiple of 2."),
        ("pairs", "2.5", "This must be a multiple of 2."),
        ("litres", "0.6", "This must be a multiple of 0.25."),
        ("at", "09:30:15", "The nearest values that are possible here are 09:30 and 09:31."),
        ("at", "23:59:30", "The nearest value that is possible here is 23:59."),
        ("night", "05:59", "The nearest values that are possible here are 05:30 and 06:00."),
        (
            "monday",
            "2026-03-03",
            "The nearest values that are possible here are 2026-03-02 and 2026-03-09.",
        ),
        (
            "quarter",
            "2026-05",
            "The nearest values that are possible here are 2026-04 and 2026-07.",
        ),
        ("night", "12:00", "This must be 21:00 or later, or 06:00 or earlier."),
        ("week", "2027-W01", "This must be 2026-W53 or less."),
        ("week", "2026-W54", "This is not a week."),
    ] {
        assert_eq!(sentence(field, text), expected, "{field}={text}");
    }
}

#[test]
fn times_may_go_over_midnight() {
    for text in ["21:00", "23:30", "00:00", "06:00"] {
        assert_eq!(codes("night", text), [""; 0], "{text}");
    }
    for text in ["20:30", "06:30", "12:00"] {
        assert_eq!(codes("night", text), ["rangeUnderflow"], "{text}");
    }
}

/// Returns the attribute `step` of a field that shows this value.
fn step(field: &str, text: &str) -> Value {
    let mut found = None;
    let mut form = sent(field, text);
    form.add_error(field, "The page is to be seen.");
    let _ = form.valid(|form| {
        found = serde_json::to_value(&form).ok();
        "refused"
    });
    found.unwrap()["fields"][field]["attributes"]["step"].clone()
}

#[test]
fn a_browser_never_bases_steps_on_a_value_that_the_server_refuses() {
    // Without `min`, the step base is the value in the page.
    for (field, text, expected) in [
        ("pairs", "4", Value::from("2")),
        ("pairs", "3", Value::from("any")),
        ("pairs", "three", Value::from("2")),
        ("pairs", "", Value::from("2")),
        ("at", "09:30", Value::Null),
        ("at", "09:30:15", Value::from("any")),
        ("odd", "4", Value::from("2")),
        ("moment", "2026-03-01T09:30:15", Value::from("any")),
        ("quarter", "2026-05", Value::from("any")),
    ] {
        assert_eq!(step(field, text), expected, "{field}={text}");
    }
}

#[test]
fn an_invalid_bound_is_reported_at_the_start() {
    #[derive(Form)]
    struct Leap {
        #[form(name = "day", type = "date", max = "2026-02-29")]
        _day: String,
    }
    assert_eq!(
        Leap::spec().wrong().as_deref(),
        Some("`max` of the form's field `day` is not a date: 2026-02-29")
    );
    assert_eq!(Booking::spec().wrong(), None);
}
