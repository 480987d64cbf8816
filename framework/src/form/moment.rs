//! Parses and formats dates and times as browsers do, and converts them to the numbers that ranges and steps use
//! (WHATWG HTML, section 2.3.5, "Dates and times", and section 4.10.5.1, for each type "convert a string to a number"
//! and back). Years have four digits.

use jiff::SignedDuration;
use jiff::civil::{Date, ISOWeekDate, Weekday};

use super::input_type::InputType;

const EPOCH: Date = Date::constant(1970, 1, 1);

/// The milliseconds of a day.
const DAY: f64 = 86_400_000.0;

/// The days from the Monday of the first week of 1970 to January 1.
const OF_FIRST_WEEK: f64 = 3.0;

/// Converts a value to a number: a date to days, a week to weeks and a month to months since the beginning of 1970, a
/// time to milliseconds since midnight, and a date with a time to milliseconds since the beginning of 1970.
pub(super) fn number_of(input_type: InputType, text: &str) -> Option<f64> {
    Some(match input_type {
        InputType::Date => days(date(text)?),
        InputType::Week => (days(monday(text)?) + OF_FIRST_WEEK) / 7.0,
        InputType::Month => {
            let (year, month) = month(text)?;
            (f64::from(year) - 1970.0) * 12.0 + f64::from(month) - 1.0
        }
        InputType::Time => time(text)?,
        InputType::DatetimeLocal => {
            let (day, clock) = text.split_once(['T', ' '])?;
            days(date(day)?) * DAY + time(clock)?
        }
        _ => return None,
    })
}

/// Converts a number back to the value, if there is one.
pub(super) fn text_of(input_type: InputType, number: f64) -> Option<String> {
    match input_type {
        InputType::Date => day(number).map(|day| day.to_string()),
        InputType::Week => {
            let week = day(number * 7.0 - OF_FIRST_WEEK)?.iso_week_date();
            Some(format!("{:04}-W{:02}", week.year(), week.week()))
        }
        InputType::Month => {
            let month = number as i64;
            Some(format!("{:04}-{:02}", 1970 + month.div_euclid(12), month.rem_euclid(12) + 1))
        }
        InputType::Time => clock(number),
        InputType::DatetimeLocal => {
            let days = (number / DAY).floor();
            Some(format!("{}T{}", day(days)?, clock(number - days * DAY)?))
        }
        _ => None,
    }
}

fn days(date: Date) -> f64 {
    (date.duration_since(EPOCH).as_hours() / 24) as f64
}

fn day(days: f64) -> Option<Date> {
    EPOCH.checked_add(SignedDuration::from_secs((days as i64).checked_mul(86_400)?)).ok()
}

/// Parses a number with exactly `count` digits, `most` at most.
fn digits(text: &str, count: usize, most: i16) -> Option<i16> {
    let is_written = text.len() == count && text.bytes().all(|digit| digit.is_ascii_digit());
    text.parse().ok().filter(|number| is_written && *number <= most)
}

fn year(text: &str) -> Option<i16> {
    digits(text, 4, 9999).filter(|year| *year > 0)
}

/// Parses year and month.
fn month(text: &str) -> Option<(i16, i16)> {
    let (before, month) = text.split_once('-')?;
    Some((year(before)?, digits(month, 2, 12).filter(|month| *month > 0)?))
}

fn date(text: &str) -> Option<Date> {
    let (before, day) = text.rsplit_once('-')?;
    let (year, month) = month(before)?;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(digits(day, 2, 31)?).ok()?).ok()
}

/// Returns the first day of a week.
fn monday(text: &str) -> Option<Date> {
    let (before, week) = text.split_once("-W")?;
    let week = i8::try_from(digits(week, 2, 53)?).ok()?;
    Some(ISOWeekDate::new(year(before)?, week, Weekday::Monday).ok()?.date())
}

/// Returns the milliseconds of a time of day.
fn time(text: &str) -> Option<f64> {
    let mut parts = text.splitn(3, ':');
    let (hours, minutes) = (digits(parts.next()?, 2, 23)?, digits(parts.next()?, 2, 59)?);
    let (seconds, fraction) = match parts.next() {
        None => ("00", "0"),
        Some(rest) => rest.split_once('.').unwrap_or((rest, "0")),
    };
    let thousandths =
        digits(&format!("{fraction:0<3}"), 3, 999).filter(|_| !fraction.is_empty())?;
    let minutes = f64::from(hours) * 60.0 + f64::from(minutes);
    let seconds = minutes * 60.0 + f64::from(digits(seconds, 2, 59)?);
    Some(seconds * 1000.0 + f64::from(thousandths))
}

/// Formats the time of day after so many milliseconds, without unnecessary digits.
fn clock(milliseconds: f64) -> Option<String> {
    let all = milliseconds.round();
    if !(0.0..DAY).contains(&all) {
        return None;
    }
    let all = all as u64;
    let (minutes, seconds, thousandths) = (all / 60_000, all / 1000 % 60, all % 1000);
    let text = format!("{:02}:{:02}", minutes / 60, minutes % 60);
    Some(match (seconds, thousandths) {
        (0, 0) => text,
        (_, 0) => format!("{text}:{seconds:02}"),
        _ => format!("{text}:{seconds:02}.{thousandths:03}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_valid_days_and_times_are_accepted() {
        let is = |input_type, text| number_of(input_type, text).is_some();
        for right in ["2024-02-29", "2026-12-31", "0001-01-01"] {
            assert!(is(InputType::Date, right), "{right}");
        }
        for wrong in [
            "2026-02-29",
            "1900-02-29",
            "2026-13-01",
            "2026-1-01",
            "0000-01-01",
            "2026-04-31",
            "2026-04-00",
            "",
            "-1-01-01",
            "12026-01-01",
        ] {
            assert!(!is(InputType::Date, wrong), "{wrong}");
        }
        assert!(is(InputType::Month, "2026-03") && !is(InputType::Month, "2026-00"));
        for right in ["2026-W01", "2026-W53", "2025-W52"] {
            assert!(is(InputType::Week, right), "{right}");
        }
        for wrong in ["2025-W53", "2026-W00", "2026-W54", "2026-W1", "2026-01", "2026W01"] {
            assert!(!is(InputType::Week, wrong), "{wrong}");
        }
        for wrong in ["24:00", "9:30", "09:60", "09:30:60", "09:30:00.", "09:30:00.1234", "09"] {
            assert!(!is(InputType::Time, wrong), "{wrong}");
        }
        assert!(is(InputType::DatetimeLocal, "2026-03-01T09:30"));
        assert!(!is(InputType::DatetimeLocal, "2026-03-01"));
    }

    #[test]
    fn values_are_converted_to_the_numbers_of_the_standard() {
        for (input_type, text, number) in [
            (InputType::Date, "1970-01-01", 0.0),
            (InputType::Date, "1969-12-31", -1.0),
            (InputType::Date, "2026-03-01", 20_513.0),
            (InputType::Week, "1970-W01", 0.0),
            (InputType::Week, "1970-W02", 1.0),
            (InputType::Week, "1969-W52", -1.0),
            (InputType::Month, "1970-01", 0.0),
            (InputType::Month, "1969-12", -1.0),
            (InputType::Time, "09:30", 34_200_000.0),
            (InputType::Time, "09:30:01.5", 34_201_500.0),
            (InputType::Time, "00:00:00.050", 50.0),
            (InputType::DatetimeLocal, "1970-01-02T00:01", 86_460_000.0),
            (InputType::DatetimeLocal, "1969-12-31 23:59", -60_000.0),
        ] {
            assert_eq!(number_of(input_type, text), Some(number), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_number_survives_formatting_and_parsing(number in -700_000i64..2_900_000) {
            for (input_type, scale) in [
                (InputType::Date, 1.0),
                (InputType::Week, 0.14),
                (InputType::Month, 0.03),
                (InputType::DatetimeLocal, 86_399_001.0),
            ] {
                let number = (number as f64 * scale).floor();
                let text = text_of(input_type, number).unwrap();
                prop_assert_eq!(number_of(input_type, &text), Some(number), "{}", text);
            }
            let time = number.rem_euclid(86_400) as f64 * 1000.0 + number.rem_euclid(7) as f64;
            let text = text_of(InputType::Time, time).unwrap();
            prop_assert_eq!(number_of(InputType::Time, &text), Some(time), "{}", text);
        }

        #[test]
        fn nothing_makes_it_panic(text in "[-0-9:.TW ]{0,24}|.*", number: f64) {
            for input_type in [
                InputType::Date,
                InputType::Week,
                InputType::Month,
                InputType::Time,
                InputType::DatetimeLocal,
            ] {
                number_of(input_type, &text);
                text_of(input_type, number);
            }
        }
    }
}
