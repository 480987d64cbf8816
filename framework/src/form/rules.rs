//! The rules of HTML for one text.

use super::errors::{Errors, FormError};
use super::field::FormField;
use super::input_type::InputType;
use super::syntax;

/// Holds a text that is not empty to all rules of its field.
pub(super) fn check(field: &FormField, place: usize, text: &str, errors: &mut Errors) {
    check_type(field, place, text, errors);
    if field.minlength.is_some() || field.maxlength.is_some() {
        let length = syntax::length(text);
        if let Some(max) = field.maxlength.filter(|max| length > *max) {
            errors.add_at(place, FormError::TooLong { max, length });
        }
        if let Some(min) = field.minlength.filter(|min| length < *min) {
            errors.add_at(place, FormError::TooShort { min, length });
        }
    }
    // One that does not compile is an error of the start.
    let pattern = field.pattern.and_then(|pattern| pattern.compiled().ok());
    if pattern.is_some_and(|pattern| !pattern.is_match(text)) {
        let title = field.plain.iter().find(|(name, _)| *name == "title");
        let title = title.map(|(_, title)| *title);
        errors.add_at(place, FormError::PatternMismatch { title });
    }
}

fn check_type(field: &FormField, place: usize, text: &str, errors: &mut Errors) {
    let input_type = field.input_type;
    match input_type {
        InputType::Email if !syntax::is_email(text) => {
            errors.add_at(place, FormError::TypeMismatch { input_type });
        }
        InputType::Url if !syntax::is_web_address(text) => {
            errors.add_at(place, FormError::TypeMismatch { input_type });
        }
        InputType::Number | InputType::Range => match syntax::number(text) {
            Some(number) => check_number(field, place, number, errors),
            None => errors.add_at(place, FormError::BadInput { input_type }),
        },
        InputType::Date | InputType::Time | InputType::DatetimeLocal | InputType::Month => {
            match syntax::moment(input_type, text) {
                Some(moment) => {
                    let of = |bound: &str| syntax::moment(input_type, bound);
                    check_range(field, place, Some(moment), of, errors);
                }
                None => errors.add_at(place, FormError::BadInput { input_type }),
            }
        }
        InputType::Color if !syntax::is_colour(text) => {
            errors.add_at(place, FormError::BadInput { input_type });
        }
        InputType::Select | InputType::Radio | InputType::Checkbox => {
            let is_one = field.options.iter().any(|(value, _)| *value == text);
            if !field.options.is_empty() && !is_one {
                errors.add_at(place, FormError::BadInput { input_type });
            }
        }
        _ => {}
    }
}

fn check_number(field: &FormField, place: usize, number: f64, errors: &mut Errors) {
    check_range(field, place, Some(number), syntax::number, errors);
    let step = field.step.unwrap_or("1");
    let Some(distance) = syntax::number(step).filter(|distance| *distance > 0.0) else { return };
    // Steps are counted from the least value.
    let base = field.min.and_then(syntax::number).unwrap_or_default();
    let steps = (number - base) / distance;
    // Tenths and the like are none in binary.
    if (steps - steps.round()).abs() > (steps.abs() * 4.0 * f64::EPSILON).max(1e-9) {
        errors.add_at(place, FormError::StepMismatch { step });
    }
}

fn check_range<T: PartialOrd>(
    field: &FormField,
    place: usize,
    value: Option<T>,
    of: impl Fn(&str) -> Option<T>,
    errors: &mut Errors,
) {
    if let Some(min) = field.min.filter(|min| value < of(min)) {
        errors.add_at(place, FormError::RangeUnderflow { min });
    }
    if let Some(max) = field.max.filter(|max| of(max).is_some() && value > of(max)) {
        errors.add_at(place, FormError::RangeOverflow { max });
    }
}
