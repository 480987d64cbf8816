use std::fmt;

use serde_json::Value;

use super::input_type::InputType;
use super::spec::FormSpec;
use crate::catalogues::english;
use crate::reply::Message;

/// What is wrong with a field. The codes are those of a browser's `ValidityState`.
///
/// A page says it in the visitor's language: `{{ t(message=error) }}` with what a template has as an error, or with
/// [`message`](FormError::message). `Display` says it in English, for logs and programs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormError {
    /// Nothing was entered, and something is required.
    ValueMissing {
        /// The type of the input.
        input_type: InputType,
    },
    /// It is not an address of the kind that is asked for, or no file of those that are accepted.
    TypeMismatch {
        /// The type of the input.
        input_type: InputType,
    },
    /// It does not match the pattern.
    PatternMismatch {
        /// What the field's `title` says of the pattern.
        title: Option<&'static str>,
    },
    /// It is too long.
    TooLong {
        /// The most units of UTF-16.
        max: usize,
        /// How many there are.
        length: usize,
    },
    /// It is too short.
    TooShort {
        /// The fewest units of UTF-16.
        min: usize,
        /// How many there are.
        length: usize,
    },
    /// It is too small, or too early.
    RangeUnderflow {
        /// The least value.
        min: &'static str,
    },
    /// It is too large, or too late.
    RangeOverflow {
        /// The greatest value.
        max: &'static str,
    },
    /// It is a time between two others, between which none is right: such as noon where the range is a night.
    OutsideRange {
        /// The earliest time, of the evening.
        min: &'static str,
        /// The latest time, of the morning.
        max: &'static str,
    },
    /// It is between two steps.
    StepMismatch(StepMismatch),
    /// It is not a value of the field's type.
    BadInput {
        /// The type of the input.
        input_type: InputType,
    },
    /// A file is too large. It has the code `customError`, for browsers do not look at it.
    FileTooLarge {
        /// The most bytes.
        max: u64,
    },
    /// A rule of the site's own is broken: the key of the sentence in the site's catalogues and its arguments, or the
    /// sentence itself.
    Custom(Message),
}

/// A value is between two steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepMismatch {
    pub(super) step: &'static str,
    /// Whether the values that are right are the multiples of a number.
    pub(super) is_multiple: bool,
    pub(super) nearest: Vec<String>,
}

impl StepMismatch {
    /// The distance of two values, as in HTML.
    pub fn step(&self) -> &'static str {
        self.step
    }

    /// The nearest values that are right, the smaller first; one at an end of the range.
    pub fn nearest(&self) -> impl Iterator<Item = &str> {
        self.nearest.iter().map(String::as_str)
    }

    fn message(&self) -> Message {
        // Catalogues choose by numbers, and write them as their languages do.
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
    /// The name in `ValidityState`.
    pub fn code(&self) -> &'static str {
        match self {
            FormError::ValueMissing { .. } => "valueMissing",
            FormError::TypeMismatch { .. } => "typeMismatch",
            FormError::PatternMismatch { .. } => "patternMismatch",
            FormError::TooLong { .. } => "tooLong",
            FormError::TooShort { .. } => "tooShort",
            // A browser says both.
            FormError::RangeUnderflow { .. } | FormError::OutsideRange { .. } => "rangeUnderflow",
            FormError::RangeOverflow { .. } => "rangeOverflow",
            FormError::StepMismatch(_) => "stepMismatch",
            FormError::BadInput { .. } => "badInput",
            FormError::FileTooLarge { .. } | FormError::Custom(_) => "customError",
        }
    }

    /// The sentence, as a text of the catalogues: the framework's own have it in English and German, and a site's may say
    /// it otherwise under the same key.
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

/// What is wrong with a form: any number of errors for each field, and for the form as a whole.
#[derive(Debug, Clone)]
pub struct Errors {
    spec: &'static FormSpec,
    /// Where each stands: the place of a field, or none for the form.
    entries: Vec<(Option<usize>, FormError)>,
}

impl Errors {
    pub(super) fn new(spec: &'static FormSpec) -> Errors {
        Errors { spec, entries: Vec::new() }
    }

    /// Adds an error of the field with this name; of the form as a whole where it has no such field.
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

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Those of the field with this name.
    pub fn of(&self, field: &str) -> impl Iterator<Item = &FormError> {
        let place = self.spec.place(field);
        self.at(place.unwrap_or(usize::MAX))
    }

    pub(super) fn at(&self, place: usize) -> impl Iterator<Item = &FormError> {
        self.entries.iter().filter(move |(at, _)| *at == Some(place)).map(|(_, error)| error)
    }

    /// All of them, those of the form first, the others in the order of the fields.
    pub(super) fn sorted(&self) -> Vec<&(Option<usize>, FormError)> {
        let mut sorted: Vec<_> = self.entries.iter().collect();
        sorted.sort_by_key(|(place, _)| *place);
        sorted
    }
}
