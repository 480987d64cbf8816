//! The sentences that visitors read, in English. A catalogue finds its own by [`FormError::key`], with
//! [`FormError::parameters`].

use std::fmt;

use super::errors::FormError;
use super::input_type::InputType;

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FormError::ValueMissing { input_type } => f.write_str(match input_type {
                InputType::Checkbox => "Please tick this.",
                InputType::Select | InputType::Radio => "Please choose one of these.",
                InputType::File => "Please choose a file.",
                _ => "Please fill in this field.",
            }),
            FormError::TypeMismatch { input_type } => f.write_str(match input_type {
                InputType::Email => "This is no e-mail address: ana@example.org is one.",
                InputType::Url => "This is no web address: https://example.org is one.",
                InputType::File => "A file of this type is not accepted here.",
                _ => "This does not have the form that is asked for.",
            }),
            FormError::PatternMismatch { title: Some(title) } => {
                write!(f, "This does not have the form that is asked for: {title}.")
            }
            FormError::PatternMismatch { title: None } => {
                f.write_str("This does not have the form that is asked for.")
            }
            FormError::TooLong { max, length } => {
                write!(f, "Please use {max} characters at most; there are {length}.")
            }
            FormError::TooShort { min, length } => {
                write!(f, "Please use {min} characters at least; there are {length}.")
            }
            FormError::RangeUnderflow { min } => write!(f, "This must be {min} or more."),
            FormError::RangeOverflow { max } => write!(f, "This must be {max} or less."),
            FormError::StepMismatch { step: "1" } => f.write_str("This must be a whole number."),
            FormError::StepMismatch { step } => write!(f, "This must be a multiple of {step}."),
            FormError::BadInput { input_type } => f.write_str(match input_type {
                InputType::Number | InputType::Range => "This is no number that can be used here.",
                InputType::Date => "This is no date.",
                InputType::Time => "This is no time of day.",
                InputType::DatetimeLocal => "This is no date with a time of day.",
                InputType::Month => "This is no month.",
                InputType::Color => "This is no colour.",
                InputType::Select | InputType::Radio | InputType::Checkbox => {
                    "This is not one of the choices."
                }
                _ => "This cannot be used here.",
            }),
            FormError::FileTooLarge { max } => {
                write!(f, "Please choose a file of {max} bytes at most.")
            }
            FormError::Custom { message, .. } => f.write_str(message),
        }
    }
}
