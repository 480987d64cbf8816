use std::error::Error;

use http::StatusCode;
use http::header::RETRY_AFTER;

use super::{
    BytesRejection, DataMutRejection, DecodeError, FormRejection, JsonRejection, MissingExtension,
    MultipartError, MultipartRejection, NoSuchResource, NoSuchState, NotKnown, PathRejection,
    QueryRejection, StringRejection,
};
use crate::body::BodyError;
use crate::reply::{IntoReply, Reply, error};
use crate::request::NotInKey;
use crate::state::{Violation, WriteError};

/// An error with a response for the visitor.
pub(crate) trait Rejection: Error {
    /// Returns the status of the reply.
    fn status(&self) -> StatusCode;

    /// Returns additional information for the developer.
    fn hint(&self) -> Option<String> {
        None
    }

    /// Returns the reply.
    fn reply(&self) -> Reply {
        self.error_page()
    }

    /// Builds the error page. It tells the visitor about errors of the request, but nothing about
    /// errors of the site.
    fn error_page(&self) -> Reply {
        let reply = error(self.status());
        if self.status().is_server_error() {
            return reply.cause(self);
        }
        let reply = reply.message(sentence(self.to_string()));
        match self.hint() {
            Some(hint) => reply.cause(hint),
            None => reply,
        }
    }
}

fn sentence(text: String) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).chain(['.']).collect(),
        None => text,
    }
}

/// Declares the types that are rejections: each becomes a reply, and `?` in a controller preserves
/// its status.
macro_rules! rejections {
    ($($rejection:ty),+ $(,)?) => {
        $(
            impl IntoReply for $rejection {
                fn into_reply(self) -> Reply {
                    self.reply()
                }
            }
        )+

        /// Returns the reply of an error that is a rejection.
        pub(crate) fn reply_of(error: &(dyn Error + 'static)) -> Option<Reply> {
            $(
                if let Some(rejection) = error.downcast_ref::<$rejection>() {
                    return Some(rejection.reply());
                }
            )+
            None
        }
    };
}

rejections![
    BodyError,
    BytesRejection,
    DataMutRejection,
    DecodeError,
    FormRejection,
    JsonRejection,
    MissingExtension,
    MultipartError,
    MultipartRejection,
    NoSuchResource,
    NoSuchState,
    NotInKey,
    NotKnown,
    PathRejection,
    QueryRejection,
    StringRejection,
    Violation,
    WriteError,
];

impl Rejection for NotInKey {
    fn status(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }
}

impl Rejection for BodyError {
    fn status(&self) -> StatusCode {
        match self {
            BodyError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
            BodyError::NoMemory => StatusCode::SERVICE_UNAVAILABLE,
            BodyError::Broken(_) => StatusCode::BAD_REQUEST,
        }
    }
}

impl Rejection for Violation {
    fn status(&self) -> StatusCode {
        match self {
            Violation::Missing { .. } => StatusCode::NOT_FOUND,
            _ => StatusCode::CONFLICT,
        }
    }

    /// Hides the names of rows and indexes, which only concern the developer.
    fn reply(&self) -> Reply {
        let message = match self {
            Violation::Missing { .. } => "This is not there.",
            Violation::Exists { .. } | Violation::NotUnique { .. } => "This already exists.",
            Violation::KeyChanged { .. } => "This cannot be changed.",
        };
        error(self.status()).message(message).cause(self)
    }
}

impl Rejection for WriteError {
    fn status(&self) -> StatusCode {
        match self {
            WriteError::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            WriteError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            WriteError::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            WriteError::Unrepeatable { .. } => StatusCode::CONFLICT,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn reply(&self) -> Reply {
        match self {
            WriteError::Stopping => error(self.status()).cause(self).header(RETRY_AFTER, 1),
            WriteError::TooLarge { .. } => error(self.status())
                .message("This is more than the site can store at once.")
                .cause(self),
            WriteError::KeyReused => error(self.status())
                .message(
                    "This Idempotency-Key was sent with another request before. Send a new request with a new key, \
                     and one that you repeat exactly as it was.",
                )
                .cause(self),
            WriteError::Unrepeatable { .. } => error(self.status())
                .message(
                    "This request was sent before, and its answer cannot be given again. See whether your change \
                     is there before you send it with a new key.",
                )
                .cause(self),
            _ => error(self.status()).cause(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::Content;

    #[test]
    fn a_visitor_sees_what_was_wrong_with_the_request() {
        let reply = BodyError::TooLarge { limit: 9 }.into_reply();
        assert_eq!(reply.status(), 413);
        let Content::Error { message, .. } = reply.content() else { panic!() };
        assert_eq!(message, "The body is longer than the 9 bytes that are allowed here.");
    }

    #[test]
    fn a_visitor_does_not_see_which_row_a_table_refuses() {
        let violation =
            Violation::NotUnique { row: "Recipe", index: "title", value: "Größe".into() };
        let reply = violation.into_reply();
        assert_eq!(reply.status(), 409);
        let Content::Error { message, cause } = reply.content() else { panic!() };
        assert_eq!(message, "This already exists.");
        assert_eq!(cause.as_deref(), Some("there is another Recipe with the title Größe"));
    }

    #[test]
    fn a_visitor_does_not_see_errors_of_the_site() {
        let reply = WriteError::Storage { reason: "disk full".to_owned() }.into_reply();
        assert_eq!(reply.status(), 500);
        let Content::Error { message, cause } = reply.content() else { panic!() };
        assert!(!message.contains("disk"), "{message}");
        assert!(cause.as_ref().unwrap().contains("disk full"));
    }
}
