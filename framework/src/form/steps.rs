//! Which values are a whole number of steps away from where steps begin (WHATWG HTML, section 4.10.5.3.8, "The `step`
//! attribute").
//!
//! Steps begin at `min`, and without one at zero: at midnight, in January, on Thursday the first of 1970, or in its first week. A
//! browser begins at the `value` that the page has, before it begins at zero. On a page with a value that is not a whole number of steps
//! away from zero it would take those only that the server refuses, so such a page says `step="any"`
//! ([`attribute`]), and the server alone says what fits.

use super::errors::StepMismatch;
use super::field::FormField;
use super::input_type::InputType;
use super::{moment, syntax};

/// A value as the number that ranges and steps go by.
pub(super) fn number_of(input_type: InputType, text: &str) -> Option<f64> {
    match input_type {
        InputType::Number | InputType::Range => syntax::number(text),
        other => moment::number_of(other, text),
    }
}

/// The steps of a field.
struct Steps {
    /// As the field says it, or the usual one.
    word: &'static str,
    distance: f64,
    /// Where they begin.
    base: f64,
}

impl Steps {
    /// `None` where anything fits.
    fn of(field: &FormField) -> Option<Steps> {
        let (usual, scale) = match field.input_type {
            InputType::Number
            | InputType::Range
            | InputType::Date
            | InputType::Week
            | InputType::Month => ("1", 1.0),
            // Seconds, of which there are a thousandth in one of the number.
            InputType::Time | InputType::DatetimeLocal => ("60", 1000.0),
            _ => return None,
        };
        let word = field.step.unwrap_or(usual);
        let distance = syntax::number(word).filter(|distance| *distance > 0.0)? * scale;
        let base = field.min.and_then(|min| number_of(field.input_type, min)).unwrap_or_default();
        Some(Steps { word, distance, base })
    }

    /// Whether a value is on one.
    fn meet(&self, number: f64) -> bool {
        let steps = (number - self.base) / self.distance;
        // Tenths and the like are none in binary.
        (steps - steps.round()).abs() <= (steps.abs() * 4.0 * f64::EPSILON).max(1e-9)
    }
}

/// What is wrong with a value that is between two steps.
pub(super) fn mismatch(field: &FormField, number: f64) -> Option<StepMismatch> {
    let steps = Steps::of(field).filter(|steps| !steps.meet(number))?;
    let input_type = field.input_type;
    let bound = |bound: Option<&str>| bound.and_then(|bound| number_of(input_type, bound));
    let (least, most) = (bound(field.min), bound(field.max));
    let is_right = |near: f64| match (least, most) {
        // Over midnight.
        (Some(least), Some(most)) if most < least => near >= least || near <= most,
        (least, most) => least.is_none_or(|it| near >= it) && most.is_none_or(|it| near <= it),
    };
    let below = ((number - steps.base) / steps.distance).floor();
    let nearest = [below, below + 1.0].map(|count| {
        let near = steps.base + count * steps.distance;
        match input_type {
            _ if !is_right(near) => None,
            // Without what tenths leave behind in binary.
            InputType::Number | InputType::Range => Some(((near * 1e9).round() / 1e9).to_string()),
            other => moment::text_of(other, near),
        }
    });
    let is_number = matches!(input_type, InputType::Number | InputType::Range);
    let begins_at_zero = Steps { base: 0.0, ..steps }.meet(steps.base);
    Some(StepMismatch {
        step: steps.word,
        is_multiple: is_number && begins_at_zero,
        nearest: nearest.into_iter().flatten().collect(),
    })
}

/// The `step` of a field on a page with this value.
pub(super) fn attribute(field: &FormField, value: &str) -> Option<&'static str> {
    let begins_at_value = field.min.is_none_or(|min| number_of(field.input_type, min).is_none());
    let number = number_of(field.input_type, value).filter(|_| begins_at_value);
    let is_off = number.zip(Steps::of(field)).is_some_and(|(number, steps)| !steps.meet(number));
    if is_off { Some("any") } else { field.step }
}
