//! Durations and sizes in a site's files: `"20s"`, `"64 KiB"`.
//!
//! The free functions parse them; [`DurationText`] and [`SizeText`] do so within a type that serde
//! deserializes.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// The units of durations, in nanoseconds.
const TIMES: [(&str, u128); 5] = [
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// The units of sizes, in bytes.
const SIZES: [(&str, u128); 5] =
    [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];

/// The longest duration that a file may contain, in nanoseconds: the range of a `u64` (584 years).
const LONGEST: u128 = u64::MAX as u128;

/// The largest size that a file may contain, in bytes: TOML's largest integer.
const LARGEST: u128 = i64::MAX as u128;

/// Text that is not a duration or not a size; the message shows the format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UnitError(String);

/// Reads a duration: a number and one of the units `ms`, `s`, `m`, `h`, `d`, as in `"20s"`,
/// `"500 ms"` or `"1.5h"`. A lone `0` needs no unit.
///
/// # Errors
/// When the number or the unit is missing, unknown, or the duration is longer than 584 years.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let nanos = parse(text, &TIMES, LONGEST).ok_or_else(|| {
        UnitError(format!(
            "`{text}` is not a duration; write a number and a unit (ms, s, m, h, d), as in \"20s\""
        ))
    })?;
    Ok(Duration::from_nanos(nanos))
}

/// Reads a size in bytes: a number and one of the units `B`, `KiB`, `MiB`, `GiB`, `TiB`, as in
/// `"64 KiB"` or `"1.5GiB"`. A lone `0` needs no unit.
///
/// # Errors
/// When the number or the unit is missing, unknown, or the size is larger than 2⁶³ - 1 bytes.
pub(crate) fn parse_size(text: &str) -> Result<u64, UnitError> {
    parse(text, &SIZES, LARGEST).ok_or_else(|| {
        UnitError(format!(
            "`{text}` is not a size; write a number and a unit (B, KiB, MiB, GiB), as in \"64 KiB\""
        ))
    })
}

/// Returns the number in `text` times its unit, if that is a whole number of at most `most`.
fn parse(text: &str, units: &[(&str, u128)], most: u128) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..end], text[end..].trim_start());
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    // More than nine digits are rejected: `10^digits` must not overflow.
    let digits = u32::try_from(fraction.len()).ok().filter(|digits| (1..=9).contains(digits))?;
    let scale = 10_u128.pow(digits);
    let parts = whole.parse::<u64>().ok()? as u128 * scale + fraction.parse::<u64>().ok()? as u128;
    let factor = match units.iter().find(|(name, _)| *name == unit) {
        Some((_, factor)) => *factor,
        None if unit.is_empty() && parts == 0 => 1,
        None => return None,
    };
    let total = parts.checked_mul(factor)?;
    let value = total / scale;
    if total % scale != 0 || value > most {
        return None;
    }
    u64::try_from(value).ok()
}

/// Formats a duration for [`parse_duration`], with the largest unit that makes it a whole number. Fractions of
/// a millisecond are cut off.
pub(crate) fn format_duration(duration: Duration) -> String {
    format(duration.as_nanos() / TIMES[0].1 * TIMES[0].1, &TIMES, "")
}

/// Formats a size in bytes for [`parse_size`], with the largest unit that makes it a whole number.
pub(crate) fn format_size(bytes: u64) -> String {
    format(u128::from(bytes), &SIZES, " ")
}

fn format(value: u128, units: &[(&str, u128)], between: &str) -> String {
    if value == 0 {
        return "0".to_owned();
    }
    let fits = units.iter().rev().find(|(_, factor)| value.is_multiple_of(*factor));
    let (name, factor) = fits.unwrap_or(&units[0]);
    format!("{}{between}{name}", value / factor)
}

/// A duration that serde deserializes from text such as `"20s"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct DurationText(pub Duration);

/// A number of bytes that serde deserializes from text such as `"64 KiB"` or from an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SizeText(pub u64);

impl fmt::Display for DurationText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_duration(self.0))
    }
}

impl fmt::Display for SizeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_size(self.0))
    }
}

impl<'de> Deserialize<'de> for DurationText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DurationText, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = DurationText;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration as text, like \"20s\" (units: ms, s, m, h, d)")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<DurationText, E> {
                parse_duration(text).map(DurationText).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Text)
    }
}

impl<'de> Deserialize<'de> for SizeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SizeText, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = SizeText;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size like \"64 KiB\" (units: B, KiB, MiB, GiB) or a number of bytes")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<SizeText, E> {
                parse_size(text).map(SizeText).map_err(E::custom)
            }
            fn visit_u64<E: Error>(self, bytes: u64) -> Result<SizeText, E> {
                Ok(SizeText(bytes))
            }
            fn visit_i64<E: Error>(self, bytes: i64) -> Result<SizeText, E> {
                u64::try_from(bytes)
                    .map(SizeText)
                    .map_err(|_| E::custom("a size cannot be negative"))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, millis) in [
            ("20s", 20_000),
            ("500ms", 500),
            ("10 m", 600_000),
            ("1.5h", 5_400_000),
            ("2d", 172_800_000),
            ("0", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn an_invalid_duration_is_refused_with_an_example() {
        for text in [
            "",
            "20",
            "s",
            "20 sec",
            "-1s",
            "1..5s",
            ".5s",
            "1.s",
            "1e3s",
            "99999999999999999999d",
            "9999999d",
            "٣s",
        ] {
            let message = parse_duration(text).unwrap_err().to_string();
            assert!(message.contains("as in \"20s\""), "{text}: {message}");
        }
    }

    #[test]
    fn sizes_are_a_number_and_a_unit() {
        for (text, bytes) in [
            ("64 KiB", 65_536),
            ("8MiB", 8 << 20),
            ("2 GiB", 2 << 30),
            ("1.5 KiB", 1536),
            ("17 B", 17),
            ("0", 0),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        assert!(parse_size("0.3 B").is_err());
        assert!(parse_size("8 MB").is_err());
        assert!(parse_size("9999999999 GiB").is_err());
    }

    #[test]
    fn formatted_values_round_trip() {
        for millis in [1, 500, 1500, 20_000, 600_000, 86_400_000, 0] {
            let duration = Duration::from_millis(millis);
            assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }
        for bytes in [0, 1, 1023, 1024, 8 << 20, 3 << 30, 1536] {
            assert_eq!(parse_size(&format_size(bytes)), Ok(bytes));
        }
        assert_eq!(format_duration(Duration::from_secs(600)), "10m");
        assert_eq!(format_size(8 << 20), "8 MiB");
    }

    #[test]
    fn serde_deserializes_both_and_errors_name_the_format() {
        #[derive(Debug, serde::Deserialize)]
        struct Limits {
            wait: DurationText,
            text: SizeText,
            number: SizeText,
        }
        let limits: Limits =
            toml::from_str("wait = \"2s\"\ntext = \"1 KiB\"\nnumber = 1000").unwrap();
        assert_eq!(limits.wait.0, Duration::from_secs(2));
        assert_eq!((limits.text.0, limits.number.0), (1024, 1000));
        let error = toml::from_str::<Limits>("wait = 2").unwrap_err();
        assert!(error.message().contains("a duration as text"), "{error}");
        let error = toml::from_str::<Limits>("wait = \"2s\"\ntext = -4").unwrap_err();
        assert!(error.message().contains("negative"), "{error}");
    }
}
