use std::fmt;

use super::input_type::InputType;
use super::spec::FormSpec;

/// What is wrong with a field. The codes are those of a browser's `ValidityState`.
///
/// `Display` says it in a sentence for the visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormError {
    /// Nothing was entered, and something is required.
    ValueMissing {
        /// The type of the input.
        input_type: InputType,
    },
    /// It is no address of the kind that is asked for, or no file of those that are accepted.
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
    /// It is between two steps.
    StepMismatch {
        /// The distance of two values.
        step: &'static str,
    },
    /// It is no value of the field's type.
    BadInput {
        /// The type of the input.
        input_type: InputType,
    },
    /// A file is too large. It has the code `customError`, for browsers do not look at it.
    FileTooLarge {
        /// The most bytes.
        max: u64,
    },
    /// A rule of the site's own is broken.
    Custom {
        /// The sentence, or its key in the site's catalogue.
        message: String,
        /// What belongs into the sentence, by name.
        parameters: Vec<(String, String)>,
    },
}

impl FormError {
    /// An error of the site's own: a sentence, or its key in the site's catalogue.
    pub fn custom(message: impl Into<String>) -> FormError {
        FormError::Custom { message: message.into(), parameters: Vec::new() }
    }

    /// Adds a parameter to an error of the site's own.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl fmt::Display) -> FormError {
        if let FormError::Custom { parameters, .. } = &mut self {
            parameters.push((name.into(), value.to_string()));
        }
        self
    }

    /// The name in `ValidityState`.
    pub fn code(&self) -> &'static str {
        match self {
            FormError::ValueMissing { .. } => "valueMissing",
            FormError::TypeMismatch { .. } => "typeMismatch",
            FormError::PatternMismatch { .. } => "patternMismatch",
            FormError::TooLong { .. } => "tooLong",
            FormError::TooShort { .. } => "tooShort",
            FormError::RangeUnderflow { .. } => "rangeUnderflow",
            FormError::RangeOverflow { .. } => "rangeOverflow",
            FormError::StepMismatch { .. } => "stepMismatch",
            FormError::BadInput { .. } => "badInput",
            FormError::FileTooLarge { .. } | FormError::Custom { .. } => "customError",
        }
    }

    /// The key of the sentence in a catalogue.
    pub fn key(&self) -> &str {
        match self {
            FormError::ValueMissing { .. } => "form-value-missing",
            FormError::TypeMismatch { .. } => "form-type-mismatch",
            FormError::PatternMismatch { .. } => "form-pattern-mismatch",
            FormError::TooLong { .. } => "form-too-long",
            FormError::TooShort { .. } => "form-too-short",
            FormError::RangeUnderflow { .. } => "form-range-underflow",
            FormError::RangeOverflow { .. } => "form-range-overflow",
            FormError::StepMismatch { .. } => "form-step-mismatch",
            FormError::BadInput { .. } => "form-bad-input",
            FormError::FileTooLarge { .. } => "form-file-too-large",
            FormError::Custom { message, .. } => message,
        }
    }

    /// What belongs into the sentence, by name.
    pub fn parameters(&self) -> Vec<(&str, String)> {
        match self {
            FormError::ValueMissing { input_type }
            | FormError::TypeMismatch { input_type }
            | FormError::BadInput { input_type } => vec![("type", input_type.name().to_owned())],
            FormError::PatternMismatch { title } => {
                title.iter().map(|title| ("title", (*title).to_owned())).collect()
            }
            FormError::TooLong { max, length } => {
                vec![("max", max.to_string()), ("length", length.to_string())]
            }
            FormError::TooShort { min, length } => {
                vec![("min", min.to_string()), ("length", length.to_string())]
            }
            FormError::FileTooLarge { max } => vec![("max", max.to_string())],
            FormError::RangeUnderflow { min } => vec![("min", (*min).to_owned())],
            FormError::RangeOverflow { max } => vec![("max", (*max).to_owned())],
            FormError::StepMismatch { step } => vec![("step", (*step).to_owned())],
            FormError::Custom { parameters, .. } => {
                parameters.iter().map(|(name, value)| (name.as_str(), value.clone())).collect()
            }
        }
    }
}

impl From<&str> for FormError {
    fn from(message: &str) -> FormError {
        FormError::custom(message)
    }
}

impl From<String> for FormError {
    fn from(message: String) -> FormError {
        FormError::custom(message)
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
