//! HTML's rules for one text.

use super::errors::{Errors, FormError};
use super::field::FormField;
use super::input_type::InputType;
use super::{steps, syntax};

/// Checks a text that is not empty against all rules of its field.
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
    // A pattern that does not compile is reported at the start.
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
        InputType::Number
        | InputType::Range
        | InputType::Date
        | InputType::Week
        | InputType::Month
        | InputType::Time
        | InputType::DatetimeLocal => match steps::number_of(input_type, text) {
            Some(number) => {
                check_range(field, place, number, errors);
                if let Some(mismatch) = steps::mismatch(field, number) {
                    errors.add_at(place, FormError::StepMismatch(mismatch));
                }
            }
            None => errors.add_at(place, FormError::BadInput { input_type }),
        },
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

/// Checks a value against `min` and `max`. If `min` is after `max`, the times from `min` over midnight to `max` are
/// valid (HTML, section 4.10.5.3.7, "reversed range"), because times are periodic.
fn check_range(field: &FormField, place: usize, number: f64, errors: &mut Errors) {
    let bound = |bound: Option<&'static str>| {
        bound.and_then(|text| Some((text, steps::number_of(field.input_type, text)?)))
    };
    let (min, max) = (bound(field.min), bound(field.max));
    if let (InputType::Time, Some((min, from)), Some((max, to))) = (field.input_type, min, max)
        && to < from
    {
        if to < number && number < from {
            errors.add_at(place, FormError::OutsideRange { min, max });
        }
        return;
    }
    if let Some((min, _)) = min.filter(|(_, least)| number < *least) {
        errors.add_at(place, FormError::RangeUnderflow { min });
    }
    if let Some((max, _)) = max.filter(|(_, most)| number > *most) {
        errors.add_at(place, FormError::RangeOverflow { max });
    }
}
