use std::fmt;

use serde_json::Value;

use super::input_type::InputType;
use super::spec::FormSpec;
use crate::catalogues::english;
use crate::reply::Message;

/// An error of a field. The codes are those of a browser's `ValidityState`.
///
/// A page shows it in the visitor's language: `{{ t(message=error) }}`, with an error from the template's values or a
/// [`message`](FormError::message). `Display` formats it in English, for logs and programs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormError {
    /// A required value is missing.
    ValueMissing {
        /// The type of the input.
        input_type: InputType,
    },
    /// The value is not a valid address of the required kind, or the file's type is not accepted.
    TypeMismatch {
        /// The type of the input.
        input_type: InputType,
    },
    /// The value does not match the pattern.
    PatternMismatch {
        /// The field's `title`, which describes the pattern.
        title: Option<&'static str>,
    },
    /// The value is too long.
    TooLong {
        /// The limit in UTF-16 code units.
        max: usize,
        /// The actual length.
        length: usize,
    },
    /// The value is too short.
    TooShort {
        /// The limit in UTF-16 code units.
        min: usize,
        /// The actual length.
        length: usize,
    },
    /// The value is too small, or too early.
    RangeUnderflow {
        /// The minimum.
        min: &'static str,
    },
    /// The value is too large, or too late.
    RangeOverflow {
        /// The maximum.
        max: &'static str,
    },
    /// The time is outside of a range over midnight, such as noon for a range in the night.
    OutsideRange {
        /// The beginning of the range, in the evening.
        min: &'static str,
        /// The end of the range, in the morning.
        max: &'static str,
    },
    /// The value is between two steps.
    StepMismatch(StepMismatch),
    /// The value does not have the field's type.
    BadInput {
        /// The type of the input.
        input_type: InputType,
    },
    /// A file is too large. Its code is `customError`, because browsers do not check this.
    FileTooLarge {
        /// The limit in bytes.
        max: u64,
    },
    /// The value breaks a rule of the site's own: a key in the site's catalogues with its arguments, or a sentence.
    Custom(Message),
}

/// A value between two steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepMismatch {
    pub(super) step: &'static str,
    /// Whether the valid values are the multiples of a number.
    pub(super) is_multiple: bool,
    pub(super) nearest: Vec<String>,
}

impl StepMismatch {
    /// Returns the distance between two values, as in HTML.
    pub fn step(&self) -> &'static str {
        self.step
    }

    /// Returns the nearest valid values, the smaller first; only one at an end of the range.
    pub fn nearest(&self) -> impl Iterator<Item = &str> {
        self.nearest.iter().map(String::as_str)
    }

    fn message(&self) -> Message {
        // Catalogues select by numbers, and format them for their language.
        let value =
            |text: &str| text.parse::<f64>().map_or_else(|_| Value::from(text), Value::from);
        let message = Message::new("form-step-mismatch").with("step", value(self.step));
        let (below, above) = (self.nearest.first(), self.nearest.last());
        let values = match self.nearest.len() {
            _ if self.is_multiple && self.step == "1" => "whole",
            _ if self.is_multiple => "multiples",
            1 => "one",
            _ => "two",
        };
        let message = message.with("values", values);
        let near = [("below", below), ("above", above)].into_iter();
        let near = near.filter_map(|(name, text)| Some((name, value(text?))));
        near.fold(message, |message, (name, value)| message.with(name, value))
    }
}

impl FormError {
    /// Returns the name in `ValidityState`.
    pub fn code(&self) -> &'static str {
        match self {
            FormError::ValueMissing { .. } => "valueMissing",
            FormError::TypeMismatch { .. } => "typeMismatch",
            FormError::PatternMismatch { .. } => "patternMismatch",
            FormError::TooLong { .. } => "tooLong",
            FormError::TooShort { .. } => "tooShort",
            // A browser reports both.
            FormError::RangeUnderflow { .. } | FormError::OutsideRange { .. } => "rangeUnderflow",
            FormError::RangeOverflow { .. } => "rangeOverflow",
            FormError::StepMismatch(_) => "stepMismatch",
            FormError::BadInput { .. } => "badInput",
            FormError::FileTooLarge { .. } | FormError::Custom(_) => "customError",
        }
    }

    /// Returns the message as a text of the catalogues. The framework contains it in English and German, and a site
    /// may override it with the same key.
    pub fn message(&self) -> Message {
        match self {
            FormError::ValueMissing { input_type } => {
                Message::new("form-value-missing").with("type", input_type.name())
            }
            FormError::TypeMismatch { input_type } => {
                Message::new("form-type-mismatch").with("type", input_type.name())
            }
            FormError::PatternMismatch { title } => {
                Message::new("form-pattern-mismatch").with("title", title.unwrap_or("none"))
            }
            FormError::TooLong { max, length } => {
                Message::new("form-too-long").with("max", *max).with("length", *length)
            }
            FormError::TooShort { min, length } => {
                Message::new("form-too-short").with("min", *min).with("length", *length)
            }
            FormError::RangeUnderflow { min } => {
                Message::new("form-range-underflow").with("min", *min)
            }
            FormError::RangeOverflow { max } => {
                Message::new("form-range-overflow").with("max", *max)
            }
            FormError::OutsideRange { min, max } => {
                Message::new("form-outside-range").with("min", *min).with("max", *max)
            }
            FormError::StepMismatch(mismatch) => mismatch.message(),
            FormError::BadInput { input_type } => {
                Message::new("form-bad-input").with("type", input_type.name())
            }
            FormError::FileTooLarge { max } => {
                Message::new("form-file-too-large").with("max", *max)
            }
            FormError::Custom(message) => message.clone(),
        }
    }
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.message();
        f.write_str(&english(message.key(), message.arguments()))
    }
}

impl From<Message> for FormError {
    fn from(message: Message) -> FormError {
        FormError::Custom(message)
    }
}

impl From<&str> for FormError {
    fn from(message: &str) -> FormError {
        FormError::Custom(Message::new(message))
    }
}

impl From<String> for FormError {
    fn from(message: String) -> FormError {
        FormError::Custom(Message::new(message))
    }
}

/// The errors of a form: any number for each field, and for the form as a whole.
#[derive(Debug, Clone)]
pub struct Errors {
    spec: &'static FormSpec,
    /// The errors, each with the index of its field; `None` for the form.
    entries: Vec<(Option<usize>, FormError)>,
}

impl Errors {
    pub(super) fn new(spec: &'static FormSpec) -> Errors {
        Errors { spec, entries: Vec::new() }
    }

    /// Adds an error of the field with this name, or of the form as a whole if it has no such field.
    pub fn add(&mut self, field: &str, error: impl Into<FormError>) {
        self.entries.push((self.spec.place(field), error.into()));
    }

    /// Adds an error of the form as a whole.
    pub fn add_to_form(&mut self, error: impl Into<FormError>) {
        self.entries.push((None, error.into()));
    }

    pub(super) fn add_at(&mut self, place: usize, error: FormError) {
        self.entries.push((Some(place), error));
    }

    /// Returns whether there are no errors.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the number of errors.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the errors of the field with this name.
    pub fn of(&self, field: &str) -> impl Iterator<Item = &FormError> {
        let place = self.spec.place(field);
        self.at(place.unwrap_or(usize::MAX))
    }

    pub(super) fn at(&self, place: usize) -> impl Iterator<Item = &FormError> {
        self.entries.iter().filter(move |(at, _)| *at == Some(place)).map(|(_, error)| error)
    }

    /// Returns all errors, those of the form first, the others in the order of the fields.
    pub(super) fn sorted(&self) -> Vec<&(Option<usize>, FormError)> {
        let mut sorted: Vec<_> = self.entries.iter().collect();
        sorted.sort_by_key(|(place, _)| *place);
        sorted
    }
}
