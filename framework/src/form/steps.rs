//! Checks that values are a whole number of steps away from the step base (WHATWG HTML, section 4.10.5.3.8, "The
//! `step` attribute").
//!
//! The step base is `min`, or else zero: midnight, January, Thursday the first of 1970, or the first week of that
//! year. A browser uses the `value` in the page before it uses zero. On a page with a value that is not a whole
//! number of steps away from zero, it would accept only values that the server refuses. So such a page contains
//! `step="any"` ([`attribute`]), and only the server checks the steps.

use super::errors::StepMismatch;
use super::field::FormField;
use super::input_type::InputType;
use super::{moment, syntax};

/// Converts a value to the number that ranges and steps use.
pub(super) fn number_of(input_type: InputType, text: &str) -> Option<f64> {
    match input_type {
        InputType::Number | InputType::Range => syntax::number(text),
        other => moment::number_of(other, text),
    }
}

/// The steps of a field.
struct Steps {
    /// The step as declared in the field, or the default.
    word: &'static str,
    distance: f64,
    /// The step base.
    base: f64,
}

impl Steps {
    /// Returns the steps of a field; `None` if it accepts any value.
    fn of(field: &FormField) -> Option<Steps> {
        let (usual, scale) = match field.input_type {
            InputType::Number
            | InputType::Range
            | InputType::Date
            | InputType::Week
            | InputType::Month => ("1", 1.0),
            // In seconds, while the number is in milliseconds.
            InputType::Time | InputType::DatetimeLocal => ("60", 1000.0),
            _ => return None,
        };
        let word = field.step.unwrap_or(usual);
        let distance = syntax::number(word).filter(|distance| *distance > 0.0)? * scale;
        let base = field.min.and_then(|min| number_of(field.input_type, min)).unwrap_or_default();
        Some(Steps { word, distance, base })
    }

    /// Returns whether a value is on a step.
    fn meet(&self, number: f64) -> bool {
        let steps = (number - self.base) / self.distance;
        // Tenths and the like have no exact binary representation.
        (steps - steps.round()).abs() <= (steps.abs() * 4.0 * f64::EPSILON).max(1e-9)
    }
}

/// Returns the error for a value between two steps.
pub(super) fn mismatch(field: &FormField, number: f64) -> Option<StepMismatch> {
    let steps = Steps::of(field).filter(|steps| !steps.meet(number))?;
    let input_type = field.input_type;
    let bound = |bound: Option<&str>| bound.and_then(|bound| number_of(input_type, bound));
    let (least, most) = (bound(field.min), bound(field.max));
    let is_right = |near: f64| match (least, most) {
        // The range extends over midnight.
        (Some(least), Some(most)) if most < least => near >= least || near <= most,
        (least, most) => least.is_none_or(|it| near >= it) && most.is_none_or(|it| near <= it),
    };
    let below = ((number - steps.base) / steps.distance).floor();
    let nearest = [below, below + 1.0].map(|count| {
        let near = steps.base + count * steps.distance;
        match input_type {
            _ if !is_right(near) => None,
            // Removes the rounding errors of tenths.
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

/// Returns the `step` attribute of a field on a page with this value.
pub(super) fn attribute(field: &FormField, value: &str) -> Option<&'static str> {
    let begins_at_value = field.min.is_none_or(|min| number_of(field.input_type, min).is_none());
    let number = number_of(field.input_type, value).filter(|_| begins_at_value);
    let is_off = number.zip(Steps::of(field)).is_some_and(|(number, steps)| !steps.meet(number));
    if is_off { Some("any") } else { field.step }
}
