//! The filter `date(format="%Y-%m-%d")`.
//!
//! It takes an RFC 3339 date or date and time, or a whole number of milliseconds since 1970 in UTC.
//! A date and time is shown in the offset that it is written in. There is no "time ago": it would
//! be wrong in a page that is cached.

use tera::{Error, Kwargs, State, TeraResult, Value};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

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
    render(&time, format).map_err(|unknown| {
        Error::message(format!(
            "the filter `date` does not know `%{unknown}`; it knows \
             %Y %y %m %d %e %j %B %b %A %a %H %I %p %M %S %F %T %R %z %%"
        ))
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Time {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    /// Minutes east of UTC.
    offset: i64,
}

impl Time {
    /// Days since 1970-01-01 in the proleptic Gregorian calendar, counting years from March so
    /// that the leap day is the last of its year.
    fn days(&self) -> i64 {
        let year = if self.month <= 2 { self.year - 1 } else { self.year };
        let month = (self.month + 9) % 12;
        let day_of_year = (153 * month + 2) / 5 + self.day - 1;
        365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year
            - 719_468
    }

    fn weekday(&self) -> usize {
        (self.days() + 4).rem_euclid(7) as usize
    }

    fn day_of_year(&self) -> i64 {
        self.days() - Time { month: 1, day: 1, ..*self }.days() + 1
    }
}

fn from_unix(milliseconds: i64) -> Option<Time> {
    let seconds = milliseconds.div_euclid(1000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (0..=9999).contains(&year).then_some(Time {
        year,
        month,
        day,
        hour: second / 3600,
        minute: second / 60 % 60,
        second: second % 60,
        offset: 0,
    })
}

fn parse(text: &str) -> Option<Time> {
    let mut rest = text.trim().as_bytes();
    let year = number(&mut rest, 4)?;
    let month = separated(&mut rest, b"-", 2)?;
    let day = separated(&mut rest, b"-", 2)?;
    let mut time = Time { year, month, day, hour: 0, minute: 0, second: 0, offset: 0 };
    if !rest.is_empty() {
        time.hour = separated(&mut rest, b"Tt ", 2)?;
        time.minute = separated(&mut rest, b":", 2)?;
        time.second = separated(&mut rest, b":", 2)?;
        if rest.first() == Some(&b'.') {
            let digits = rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            rest = &rest[1 + digits..];
        }
        time.offset = offset(rest)?;
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let valid = (1..=12).contains(&month)
        && (1..=days).contains(&day)
        && time.hour < 24
        && time.minute < 60
        && time.second <= 60;
    valid.then_some(time)
}

fn offset(text: &[u8]) -> Option<i64> {
    let (sign, mut rest) = match text {
        b"Z" | b"z" => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = (number(&mut rest, 2)?, separated(&mut rest, b":", 2)?);
    (rest.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn separated(text: &mut &[u8], separators: &[u8], digits: usize) -> Option<i64> {
    let (first, rest) = text.split_first()?;
    *text = rest;
    separators.contains(first).then(|| number(text, digits))?
}

fn number(text: &mut &[u8], digits: usize) -> Option<i64> {
    let (number, rest) = text.split_at_checked(digits)?;
    *text = rest;
    number
        .iter()
        .try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

/// The time in this format, or the first specifier that is not known.
fn render(time: &Time, format: &str) -> Result<String, String> {
    let mut text = String::with_capacity(format.len() + 16);
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        let specifier = characters.next();
        let (month, weekday) = (MONTHS[time.month as usize - 1], DAYS[time.weekday()]);
        let hour_of_12 = (time.hour + 11) % 12 + 1;
        let piece = match specifier {
            Some('Y') => format!("{:04}", time.year),
            Some('y') => format!("{:02}", time.year % 100),
            Some('m') => format!("{:02}", time.month),
            Some('d') => format!("{:02}", time.day),
            Some('e') => time.day.to_string(),
            Some('j') => format!("{:03}", time.day_of_year()),
            Some('B') => month.to_owned(),
            Some('b') => month[..3].to_owned(),
            Some('A') => weekday.to_owned(),
            Some('a') => weekday[..3].to_owned(),
            Some('H') => format!("{:02}", time.hour),
            Some('I') => format!("{hour_of_12:02}"),
            Some('p') => if time.hour < 12 { "AM" } else { "PM" }.to_owned(),
            Some('M') => format!("{:02}", time.minute),
            Some('S') => format!("{:02}", time.second),
            Some('F') => render(time, "%Y-%m-%d")?,
            Some('T') => render(time, "%H:%M:%S")?,
            Some('R') => render(time, "%H:%M")?,
            Some('z') => {
                let sign = if time.offset < 0 { '-' } else { '+' };
                format!("{sign}{:02}{:02}", time.offset.abs() / 60, time.offset.abs() % 60)
            }
            Some('%') => "%".to_owned(),
            Some(unknown) => return Err(unknown.to_string()),
            None => return Err(String::new()),
        };
        text.push_str(&piece);
    }
    Ok(text)
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
        assert_eq!(render(&from_unix(0).unwrap(), "%Q"), Err("Q".to_owned()));
    }

    proptest! {
        #[test]
        fn days_and_dates_agree(milliseconds in -62_167_219_200_000_i64..253_402_300_800_000) {
            let time = from_unix(milliseconds).unwrap();
            prop_assert_eq!(time.days(), milliseconds.div_euclid(86_400_000));
            prop_assert_eq!(parse(&render(&time, "%FT%TZ").unwrap()), Some(time));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*", format in ".*") {
            if let Some(time) = parse(&text) {
                let _ = render(&time, &format);
            }
        }
    }
}
