use std::fmt;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use super::{Content, Reply};
use crate::body::Body;
use crate::packed::Packed;

/// Replies with a template of the site, rendered by the front end. Values are added by [`Reply::with`].
///
/// For a literal name, write [`template!`](crate::template!): a template that does not exist is then an error at the
/// start.
pub fn template(name: impl Into<String>) -> Reply {
    let values = Packed::new();
    Reply::new(StatusCode::OK, Content::Template { name: name.into(), values })
}

/// Replies with a template of the site, like [`template()`](template()), under a literal name.
///
/// In a function with `#[controller]`, a template that the site does not have is an error at the start of a front end,
/// with the line of the code. `check` reports it wherever it is in the site's code.
///
/// ```
/// use headwater::prelude::*;
///
/// #[controller("about")]
/// async fn about() -> Reply {
///     template!("about.html").with("since", 2019)
/// }
/// # assert_eq!(controllers![about].iter().count(), 1);
/// ```
#[macro_export]
macro_rules! template {
    ($name:literal $(,)?) => {
        $crate::reply::template($name)
    };
}

/// Replies with HTML. Nothing in it is escaped.
pub fn html(html: impl Into<String>) -> Reply {
    Reply::with_body("text/html; charset=utf-8", html.into())
}

/// Replies with plain text.
pub fn text(text: impl Into<String>) -> Reply {
    Reply::with_body("text/plain; charset=utf-8", text.into())
}

/// Replies with a value as JSON. A value that does not serialize makes the reply an error.
#[track_caller]
pub fn json<T: Serialize + ?Sized>(value: &T) -> Reply {
    match serde_json::to_vec(value) {
        Ok(bytes) => Reply::with_body("application/json", bytes),
        Err(error) => {
            let mut reply = Reply::new(StatusCode::OK, Content::Body(Body::empty()));
            reply.fail(format_args!("the reply cannot be written as JSON: {error}"));
            reply
        }
    }
}

/// Replies with bytes of this media type. Text that is not a valid header value makes the reply an error; a
/// [`HeaderValue`] cannot.
#[track_caller]
pub fn bytes<V>(content_type: V, bytes: impl Into<Bytes>) -> Reply
where
    V: TryInto<HeaderValue, Error: fmt::Display>,
{
    Reply::new(StatusCode::OK, Content::Body(Body::from(bytes.into())))
        .header(http::header::CONTENT_TYPE, content_type)
}

/// Replies with the site's error page for a status.
///
/// The visitor's message can be changed with [`Reply::message`]; the text of [`Reply::cause`] is shown in development
/// only, and is logged.
#[track_caller]
pub fn error<S>(status: S) -> Reply
where
    S: TryInto<StatusCode, Error: fmt::Display>,
{
    let server_error = StatusCode::INTERNAL_SERVER_ERROR;
    let content =
        |status| Content::Error { message: usual_message(status).to_owned(), cause: None };
    match status.try_into() {
        Ok(status) => Reply::new(server_error, content(status)).with_status(status),
        Err(error) => Reply::new(server_error, content(server_error))
            .cause(format_args!("the status of an error: {error}")),
    }
}

/// Replies with a status and no content; for 400 and above with the site's error page.
#[track_caller]
pub fn status<S>(status: S) -> Reply
where
    S: TryInto<StatusCode, Error: fmt::Display>,
{
    match status.try_into() {
        Ok(status) if status.is_client_error() || status.is_server_error() => error(status),
        Ok(status) => Reply::new(StatusCode::OK, Content::Body(Body::empty())).with_status(status),
        Err(error) => self::error(StatusCode::INTERNAL_SERVER_ERROR)
            .cause(format_args!("the status of a reply: {error}")),
    }
}

/// Returns the default message for a visitor about a status.
fn usual_message(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "This page does not exist.",
        StatusCode::FORBIDDEN => "This is not for you to see or do.",
        StatusCode::UNAUTHORIZED => "You have to log in first.",
        StatusCode::SERVICE_UNAVAILABLE => "The site cannot answer just now. Try again soon.",
        status if status.is_server_error() => "Something went wrong on our side.",
        status => status.canonical_reason().unwrap_or("The request cannot be answered."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn content_type(reply: &Reply) -> &str {
        reply.headers()["content-type"].to_str().unwrap()
    }

    #[test]
    fn each_kind_of_body_has_its_media_type() {
        assert_eq!(content_type(&html("<p>")), "text/html; charset=utf-8");
        assert_eq!(content_type(&text("x")), "text/plain; charset=utf-8");
        assert_eq!(content_type(&json(&[1])), "application/json");
        assert_eq!(content_type(&bytes("image/png", "PNG")), "image/png");
        const WEBP: HeaderValue = HeaderValue::from_static("image/webp");
        assert_eq!(content_type(&bytes(WEBP, "WEBP")), "image/webp");
    }

    #[test]
    fn a_media_type_with_a_line_break_becomes_a_500() {
        assert_eq!(bytes("text/html\r\nset-cookie: a=b", "x").status(), 500);
    }

    #[test]
    fn json_that_does_not_serialize_becomes_a_500() {
        assert_eq!(json(&BTreeMap::from([((1, 2), 3)])).status(), 500);
    }

    #[test]
    fn a_bare_status_of_a_failure_shows_the_error_page() {
        assert!(matches!(status(404).content(), Content::Error { .. }));
        assert!(matches!(status(204).content(), Content::Body(_)));
        assert_eq!(status(12).status(), 500);
        assert_eq!(error(410).status(), 410);
        assert_eq!(error(7).status(), 500);
    }
}
