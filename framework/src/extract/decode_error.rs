use std::fmt;

use http::StatusCode;
use serde::de;

use super::rejection::Rejection;

/// Error of decoding text of the request into the type that the controller takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    pub(super) field: Option<String>,
    pub(super) kind: DecodeErrorKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DecodeErrorKind {
    /// The text is not valid for the type.
    Value(String),
    /// The text is a non-canonical spelling of the value. Contains the message, which names the
    /// canonical spelling if that is a single text.
    Spelling(String),
    /// The field is missing.
    Missing,
    /// The number of fields exceeds this limit.
    TooMany(usize),
    /// The type cannot be decoded from any text.
    Shape(String),
}

impl DecodeError {
    pub(super) fn value(field: &str, text: &str, reason: impl fmt::Display) -> DecodeError {
        let kind = DecodeErrorKind::Value(format!("{:?} does not fit: {reason}", shortened(text)));
        DecodeError { field: Some(field.to_owned()), kind }
    }

    pub(super) fn shape(reason: impl fmt::Display) -> DecodeError {
        DecodeError { field: None, kind: DecodeErrorKind::Shape(reason.to_string()) }
    }

    pub(super) fn too_many(most: usize) -> DecodeError {
        DecodeError { field: None, kind: DecodeErrorKind::TooMany(most) }
    }

    /// Creates the error for a `text` that is not the canonical spelling of its value, which is
    /// `written` if that is a single text.
    pub(super) fn spelling(field: &str, text: &str, written: Option<&str>) -> DecodeError {
        let text = shortened(text);
        let reason = match written {
            Some(written) => format!("{text:?} is another spelling of {:?}", shortened(written)),
            None => format!("{text:?} is not how this value is spelled"),
        };
        DecodeError { field: Some(field.to_owned()), kind: DecodeErrorKind::Spelling(reason) }
    }

    /// Sets the field, unless it is set already.
    pub(super) fn at(mut self, field: &str) -> DecodeError {
        self.field.get_or_insert_with(|| field.to_owned());
        self
    }

    /// Returns the field whose text is invalid, if known.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Returns whether the number of fields exceeds the limit.
    pub(super) fn is_of_size(&self) -> bool {
        matches!(self.kind, DecodeErrorKind::TooMany(_))
    }

    /// Returns whether the controller's type is at fault, not the request.
    pub(crate) fn is_of_the_site(&self) -> bool {
        matches!(self.kind, DecodeErrorKind::Shape(_))
    }

    /// Returns whether only the spelling of a value is wrong.
    pub(super) fn is_spelling(&self) -> bool {
        matches!(self.kind, DecodeErrorKind::Spelling(_))
    }
}

fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(60).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(f, "`{field}`: ")?;
        }
        match &self.kind {
            DecodeErrorKind::Value(reason)
            | DecodeErrorKind::Spelling(reason)
            | DecodeErrorKind::Shape(reason) => f.write_str(reason),
            DecodeErrorKind::Missing => f.write_str("missing"),
            DecodeErrorKind::TooMany(most) => write!(f, "there are more than {most} fields"),
        }
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(reason: T) -> DecodeError {
        DecodeError { field: None, kind: DecodeErrorKind::Value(reason.to_string()) }
    }

    fn missing_field(field: &'static str) -> DecodeError {
        DecodeError { field: Some(field.to_owned()), kind: DecodeErrorKind::Missing }
    }
}

impl Rejection for DecodeError {
    fn status(&self) -> StatusCode {
        if self.is_of_the_site() {
            StatusCode::INTERNAL_SERVER_ERROR
        } else if self.is_spelling() {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::BAD_REQUEST
        }
    }
}
