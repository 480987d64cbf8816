use std::borrow::Cow;
use std::convert::Infallible;

use bytes::Bytes;
use http::StatusCode;

use super::{Content, Reply, bytes, status, text};
use crate::body::Body;

/// A type that a controller may return instead of a [`Reply`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the reply of a controller",
    label = "not a reply",
    note = "controllers return a `Reply` (made by `template`, `html`, `json`, `redirect_to`, …), a \
            `Result<Reply>`, text, bytes, a `StatusCode`, or a type with `impl IntoReply`"
)]
pub trait IntoReply {
    /// Converts the value to a reply.
    fn into_reply(self) -> Reply;
}

impl IntoReply for Reply {
    fn into_reply(self) -> Reply {
        self
    }
}

impl IntoReply for () {
    fn into_reply(self) -> Reply {
        status(StatusCode::OK)
    }
}

impl IntoReply for Infallible {
    fn into_reply(self) -> Reply {
        match self {}
    }
}

impl IntoReply for &'static str {
    fn into_reply(self) -> Reply {
        Reply::with_body("text/plain; charset=utf-8", self)
    }
}

impl IntoReply for String {
    fn into_reply(self) -> Reply {
        text(self)
    }
}

impl IntoReply for Cow<'static, str> {
    fn into_reply(self) -> Reply {
        text(self)
    }
}

impl IntoReply for Bytes {
    fn into_reply(self) -> Reply {
        bytes("application/octet-stream", self)
    }
}

impl IntoReply for Vec<u8> {
    fn into_reply(self) -> Reply {
        bytes("application/octet-stream", self)
    }
}

impl IntoReply for Body {
    fn into_reply(self) -> Reply {
        Reply::new(StatusCode::OK, Content::Body(self))
            .header(http::header::CONTENT_TYPE, "application/octet-stream")
    }
}

impl IntoReply for StatusCode {
    fn into_reply(self) -> Reply {
        status(self)
    }
}

impl<T: IntoReply> IntoReply for (StatusCode, T) {
    fn into_reply(self) -> Reply {
        self.1.into_reply().with_status(self.0)
    }
}

impl<T: IntoReply, E: IntoReply> IntoReply for Result<T, E> {
    fn into_reply(self) -> Reply {
        match self {
            Ok(reply) => reply.into_reply(),
            Err(error) => error.into_reply(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_bytes_and_statuses_are_replies() {
        assert_eq!("x".into_reply().headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(
            Bytes::from("x").into_reply().headers()["content-type"],
            "application/octet-stream"
        );
        assert_eq!(().into_reply().status(), 200);
        assert_eq!(StatusCode::GONE.into_reply().status(), 410);
        assert_eq!((StatusCode::CREATED, "made").into_reply().status(), 201);
        assert_eq!(Err::<(), _>(StatusCode::CONFLICT).into_reply().status(), 409);
    }
}
