use http::StatusCode;

use crate::body::BodyError;
use crate::extract::form::declared;
use crate::extract::rejection::Rejection;

/// Error of extracting [`Multipart`](super::Multipart).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MultipartRejection {
    /// The body has another media type: status 415.
    #[error("the body must be a form with files (multipart/form-data), but {}", declared(.0))]
    MediaType(Option<String>),
    /// Its media type names no boundary of 1 to 70 characters: status 400.
    #[error("the media type of the body must name the boundary between its fields")]
    Boundary,
}

/// Error of reading a form with files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MultipartError {
    /// The body could not be read.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The body ended before the form did: status 400.
    #[error("the form broke off before its end")]
    Incomplete,
    /// The headers of a field do not conform to RFC 7578: status 400.
    #[error("the headers of a field of the form are wrong: {0}")]
    Head(&'static str),
    /// There are more fields than `[limits] fields` allows: status 413.
    #[error("there are more than {most} fields")]
    TooManyFields {
        /// The limit.
        most: usize,
    },
    /// A field is not text in UTF-8: status 400.
    #[error("the field `{name}` is not text in UTF-8")]
    NotUtf8 {
        /// The field's name.
        name: String,
    },
}

impl Rejection for MultipartRejection {
    fn status(&self) -> StatusCode {
        match self {
            MultipartRejection::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            MultipartRejection::Boundary => StatusCode::BAD_REQUEST,
        }
    }
}

impl Rejection for MultipartError {
    fn status(&self) -> StatusCode {
        match self {
            MultipartError::Body(error) => error.status(),
            MultipartError::Incomplete | MultipartError::Head(_) => StatusCode::BAD_REQUEST,
            MultipartError::TooManyFields { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            MultipartError::NotUtf8 { .. } => StatusCode::BAD_REQUEST,
        }
    }
}
