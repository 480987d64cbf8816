//! Formats numbers and moments for a language.
//!
//! The rules are those of Unicode's CLDR, by ICU4X, with its compiled-in data. Dates use the Gregorian calendar in
//! every language, because a site's values do.

use std::str::FromStr;
use std::sync::OnceLock;

use fluent_bundle::FluentValue;
use fluent_bundle::types::FluentNumber;
use icu_calendar::Gregorian;
use icu_datetime::fieldsets::{T, YMD, YMDE, YMDET, YMDT};
use icu_datetime::input::{Date, DateTime, Time};
use icu_datetime::{
    DateTimeFormatterPreferences, FixedCalendarDateTimeFormatter, NoCalendarFormatter,
};
use icu_decimal::input::Decimal;
use icu_decimal::options::{DecimalFormatterOptions, GroupingStrategy};
use icu_decimal::{DecimalFormatter, DecimalFormatterPreferences};
use icu_locale_core::Locale;
use intl_memoizer::Memoizable;
use intl_memoizer::concurrent::IntlLangMemoizer;
use unic_langid::LanguageIdentifier;

use crate::zoned::Moment;

/// The limit on decimals.
pub(crate) const MOST_DIGITS: usize = 20;

/// The length of a formatted date or time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `29.11.26`, `14:05`
    Short,
    /// `29.11.2026`, `14:05:09`
    Medium,
    /// `29. November 2026`, `14:05:09`
    Long,
    /// `Sonntag, 29. November 2026`, `14:05:09`
    Full,
}

impl Style {
    /// The names of the styles, in this order.
    pub(crate) const WORDS: [&str; 4] = ["short", "medium", "long", "full"];

    /// Returns the style with this name.
    pub(crate) fn parse(word: &str) -> Option<Style> {
        let all = [Style::Short, Style::Medium, Style::Long, Style::Full];
        Style::WORDS.iter().position(|known| *known == word).map(|index| all[index])
    }
}

/// The number of digits of a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Digits {
    /// The minimum before the decimal point.
    pub(crate) integer: usize,
    /// The minimum of decimals.
    pub(crate) least: usize,
    /// The maximum of decimals; half is rounded to even.
    pub(crate) most: usize,
}

/// The formatters of one language.
pub(crate) struct Formats {
    locale: Locale,
    numbers: Option<Numbers>,
    /// The formatters of moments, by the styles of date and time, created on first use.
    moments: [[OnceLock<Option<Moments>>; 3]; 5],
}

/// The formatters of numbers.
struct Numbers {
    grouped: DecimalFormatter,
    plain: DecimalFormatter,
}

/// A formatter of moments.
enum Moments {
    Date(FixedCalendarDateTimeFormatter<Gregorian, YMD>),
    DateWithWeekday(FixedCalendarDateTimeFormatter<Gregorian, YMDE>),
    Both(FixedCalendarDateTimeFormatter<Gregorian, YMDT>),
    BothWithWeekday(FixedCalendarDateTimeFormatter<Gregorian, YMDET>),
    Time(NoCalendarFormatter<T>),
}

impl Formats {
    /// Returns the formats for the language with this tag.
    pub(super) fn of(tag: &str) -> Formats {
        let locale = Locale::from_str(tag).unwrap_or(Locale::UNKNOWN);
        Formats { numbers: Numbers::of(&locale), locale, moments: Default::default() }
    }

    /// Formats a number, given as its decimal digits; returns any other text unchanged.
    pub(crate) fn number(&self, text: &str, digits: Digits, is_grouped: bool) -> String {
        let written =
            self.numbers.as_ref().and_then(|numbers| numbers.write(text, digits, is_grouped));
        written.unwrap_or_else(|| text.to_owned())
    }

    /// Formats a moment with these styles for date and time; one outside of the calendar is written in its default
    /// format.
    pub(crate) fn moment(
        &self,
        moment: &Moment,
        date: Option<Style>,
        time: Option<Style>,
    ) -> String {
        let by_date = date.map_or(0, |style| style as usize + 1);
        // For times, all styles but the short one are the same.
        let by_time = time.map_or(0, |style| 1 + usize::from(style != Style::Short));
        let moments = &self.moments[by_date][by_time];
        let moments = moments.get_or_init(|| Moments::of(&self.locale, date, time));
        let written = moments.as_ref().and_then(|moments| moments.write(moment));
        written.unwrap_or_else(|| moment.time.to_string())
    }
}

impl Numbers {
    fn of(locale: &Locale) -> Option<Numbers> {
        let formatter = |strategy| {
            let mut options = DecimalFormatterOptions::default();
            options.grouping_strategy = Some(strategy);
            DecimalFormatter::try_new(DecimalFormatterPreferences::from(locale), options).ok()
        };
        let (grouped, plain) =
            (formatter(GroupingStrategy::Auto)?, formatter(GroupingStrategy::Never)?);
        Some(Numbers { grouped, plain })
    }

    fn write(&self, text: &str, digits: Digits, is_grouped: bool) -> Option<String> {
        let place = |digits: usize| -(digits.min(MOST_DIGITS) as i16);
        let mut decimal = Decimal::from_str(text).ok()?;
        decimal.round(place(digits.most.max(digits.least)));
        decimal.trim_end();
        decimal.pad_end(place(digits.least));
        decimal.pad_start(-place(digits.integer));
        let formatter = if is_grouped { &self.grouped } else { &self.plain };
        Some(formatter.format(&decimal).to_string())
    }
}

impl Moments {
    fn of(locale: &Locale, date: Option<Style>, time: Option<Style>) -> Option<Moments> {
        let preferences = || DateTimeFormatterPreferences::from(locale);
        macro_rules! formatter {
            ($formatter:ident, $fields:expr) => {
                $formatter::try_new(preferences(), $fields).ok()?
            };
        }
        macro_rules! with_time {
            ($fields:ident) => {{
                let fields = match date {
                    Some(Style::Short) => $fields::short(),
                    Some(Style::Long | Style::Full) => $fields::long(),
                    Some(Style::Medium) | None => $fields::medium(),
                };
                let precision = match time {
                    Some(Style::Short) => icu_datetime::options::TimePrecision::Minute,
                    _ => icu_datetime::options::TimePrecision::Second,
                };
                fields.with_time_precision(precision)
            }};
        }
        Some(match (date, time) {
            (None, _) => Moments::Time(formatter!(NoCalendarFormatter, with_time!(T))),
            (Some(Style::Short), None) => {
                Moments::Date(formatter!(FixedCalendarDateTimeFormatter, YMD::short()))
            }
            (Some(Style::Medium), None) => {
                Moments::Date(formatter!(FixedCalendarDateTimeFormatter, YMD::medium()))
            }
            (Some(Style::Long), None) => {
                Moments::Date(formatter!(FixedCalendarDateTimeFormatter, YMD::long()))
            }
            (Some(Style::Full), None) => {
                Moments::DateWithWeekday(formatter!(FixedCalendarDateTimeFormatter, YMDE::long()))
            }
            (Some(Style::Full), Some(_)) => Moments::BothWithWeekday(formatter!(
                FixedCalendarDateTimeFormatter,
                with_time!(YMDET)
            )),
            (Some(_), Some(_)) => {
                Moments::Both(formatter!(FixedCalendarDateTimeFormatter, with_time!(YMDT)))
            }
        })
    }

    fn write(&self, moment: &Moment) -> Option<String> {
        let at = &moment.time;
        let part = |part: i8| u8::try_from(part).ok();
        let date =
            Date::try_new_gregorian(i32::from(at.year()), part(at.month())?, part(at.day())?);
        let date = date.ok()?;
        // The values contain no leap seconds.
        let time =
            Time::try_new(part(at.hour())?, part(at.minute())?, part(at.second())?, 0).ok()?;
        let both = DateTime { date, time };
        Some(match self {
            Moments::Date(formatter) => formatter.format(&date).to_string(),
            Moments::DateWithWeekday(formatter) => formatter.format(&date).to_string(),
            Moments::Both(formatter) => formatter.format(&both).to_string(),
            Moments::BothWithWeekday(formatter) => formatter.format(&both).to_string(),
            Moments::Time(formatter) => formatter.format(&time).to_string(),
        })
    }
}

/// The number formatters of a language, as memoized by `fluent-bundle`.
struct KeptNumbers(Option<Numbers>);

impl Memoizable for KeptNumbers {
    type Args = ();
    type Error = ();

    fn construct(lang: LanguageIdentifier, (): ()) -> Result<KeptNumbers, ()> {
        let locale = Locale::from_str(&lang.to_string()).map_err(|_| ())?;
        Ok(KeptNumbers(Numbers::of(&locale)))
    }
}

/// Formats the numbers in a text.
pub(super) fn number_in_text(value: &FluentValue<'_>, kept: &IntlLangMemoizer) -> Option<String> {
    let FluentValue::Number(FluentNumber { value, options }) = value else { return None };
    let least = options.minimum_fraction_digits.unwrap_or(0);
    let digits = Digits {
        integer: options.minimum_integer_digits.unwrap_or(1),
        least,
        most: options.maximum_fraction_digits.unwrap_or(least.max(3)),
    };
    let text = value.to_string();
    let written = kept.with_try_get::<KeptNumbers, _, _>((), |numbers| {
        numbers.0.as_ref()?.write(&text, digits, options.use_grouping)
    });
    Some(written.ok().flatten().unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Digits = Digits { integer: 1, least: 0, most: 3 };

    /// Replaces special spaces with plain ones.
    fn plain(text: String) -> String {
        text.replace(['\u{a0}', '\u{202f}'], " ")
    }

    #[test]
    fn numbers_are_formatted_for_the_language() {
        let number =
            |tag: &str, text: &str, digits| plain(Formats::of(tag).number(text, digits, true));
        assert_eq!(number("en", "1234567.891", USUAL), "1,234,567.891");
        assert_eq!(number("de", "1234567.8915", USUAL), "1.234.567,892");
        assert_eq!(number("fr", "-1234.5", USUAL), "-1 234,5");
        assert_eq!(number("hi", "1234567", USUAL), "12,34,567");
        assert_eq!(number("en", "1500", Digits { least: 2, ..USUAL }), "1,500.00");
        assert_eq!(number("en", "7", Digits { integer: 3, ..USUAL }), "007");
        assert_eq!(number("xx", "1.5", USUAL), "1.5");
        assert_eq!(number("en", "NaN", USUAL), "NaN");
        assert_eq!(Formats::of("en").number("1234", USUAL, false), "1234");
    }

    #[test]
    fn moments_are_formatted_for_the_language() {
        let moment = Moment::parse("2026-11-29T14:05:09Z").unwrap();
        let written = |tag: &str, date, time| plain(Formats::of(tag).moment(&moment, date, time));
        let (short, medium) = (Some(Style::Short), Some(Style::Medium));
        let (long, full) = (Some(Style::Long), Some(Style::Full));
        assert_eq!(written("en", long, None), "November 29, 2026");
        assert_eq!(written("de", long, None), "29. November 2026");
        assert_eq!(written("de", full, None), "Sonntag, 29. November 2026");
        assert_eq!(written("de", short, short), "29.11.26, 14:05");
        assert_eq!(written("en", medium, medium), "Nov 29, 2026, 2:05:09 PM");
        assert_eq!(written("pt-BR", None, short), "14:05");
        assert!(written("de", full, short).starts_with("Sonntag, 29. November 2026"));
    }

    #[test]
    fn moments_outside_of_the_calendar_are_written_too() {
        let moment = Moment::from_unix(-377_000_000_000_000).unwrap();
        assert!(
            !Formats::of("en").moment(&moment, Some(Style::Full), Some(Style::Full)).is_empty()
        );
    }
}
