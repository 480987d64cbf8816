use std::borrow::Cow;
use std::fmt;

use http::StatusCode;
use http::header::LOCATION;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::{Content, Reply};
use crate::body::Body;

/// The characters that must be encoded in URLs; existing percent-encodings do not change.
const NOT_IN_URLS: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`').add(b'{');

/// Redirects the browser to `url` with a `GET`, whatever the method was (303): the usual reply to a form.
///
/// Spaces and letters beyond ASCII are encoded. A URL with control characters in it makes the reply an error.
#[track_caller]
pub fn redirect_to(url: impl AsRef<str>) -> Reply {
    redirect_with(StatusCode::SEE_OTHER, url)
}

/// Redirects the browser to `url` permanently, with the same method (308). Browsers remember it.
#[track_caller]
pub fn redirect_permanent(url: impl AsRef<str>) -> Reply {
    redirect_with(StatusCode::PERMANENT_REDIRECT, url)
}

/// Redirects the browser to `url` with any status of a redirection (3xx).
#[track_caller]
pub fn redirect_with<S>(status: S, url: impl AsRef<str>) -> Reply
where
    S: TryInto<StatusCode, Error: fmt::Display>,
{
    let mut reply = Reply::new(StatusCode::SEE_OTHER, Content::Body(Body::empty()));
    match status.try_into() {
        Ok(status) if status.is_redirection() => reply.status = status,
        Ok(status) => reply.fail(format_args!("a redirect cannot have the status {status}")),
        Err(error) => reply.fail(format_args!("the status of a redirect: {error}")),
    }
    let url = url.as_ref();
    if url.chars().any(|letter| letter.is_ascii_control()) {
        reply.fail(format_args!("a redirect to {url:?}: a URL has no control characters"));
        return reply;
    }
    let encoded: Cow<'_, str> = utf8_percent_encode(url, NOT_IN_URLS).into();
    match http::HeaderValue::try_from(&*encoded) {
        Ok(value) if reply.status.is_redirection() => {
            reply.headers.insert(LOCATION, value);
        }
        Ok(_) => {}
        Err(error) => reply.fail(format_args!("a redirect to {url:?}: {error}")),
    }
    reply
}

/// Redirects the browser to the page from which it was sent: the usual reply to a sign-in, whose page received the
/// address as `back`. If the address is not a path of this site, the target is `otherwise`.
///
/// ```
/// use headwater::prelude::*;
///
/// let reply = redirect_back("/drafts?page=2", "/");
/// assert_eq!(reply.headers()["location"], "/drafts?page=2");
/// assert_eq!(redirect_back("//elsewhere.example", "/").headers()["location"], "/");
/// ```
#[track_caller]
pub fn redirect_back(back: impl AsRef<str>, otherwise: impl AsRef<str>) -> Reply {
    let back = back.as_ref();
    // Browsers treat a backslash as a slash, and remove tabs and line breaks.
    let is_path = back.starts_with('/') && !back.starts_with("//");
    let is_own = is_path && !back.contains(|letter: char| letter == '\\' || letter.is_control());
    redirect_to(if is_own { back } else { otherwise.as_ref() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_after_a_form_is_a_303() {
        let reply = redirect_to("/stories/rain?page=2#comments");
        assert_eq!(reply.status(), 303);
        assert_eq!(reply.headers()["location"], "/stories/rain?page=2#comments");
        assert_eq!(redirect_permanent("/").status(), 308);
        assert_eq!(redirect_with(302, "/").status(), 302);
    }

    #[test]
    fn letters_beyond_ascii_are_encoded_once() {
        let reply = redirect_to("/stories/café au lait%21");
        assert_eq!(reply.headers()["location"], "/stories/caf%C3%A9%20au%20lait%21");
    }

    #[test]
    fn a_line_break_in_the_url_becomes_a_500_without_location() {
        let reply = redirect_to("/\r\nset-cookie: a=b");
        assert_eq!(reply.status(), 500);
        assert!(reply.headers().is_empty());
    }

    #[test]
    fn no_redirect_back_leads_to_another_site() {
        for own in ["/", "/drafts?page=2#x", "/a//b", "/%5Cevil.example"] {
            assert_eq!(redirect_back(own, "/home").headers()["location"], own);
        }
        for other in [
            "",
            "drafts",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/a\nb",
        ] {
            assert_eq!(redirect_back(other, "/home").headers()["location"], "/home", "{other:?}");
        }
    }

    #[test]
    fn a_redirect_needs_a_status_that_redirects() {
        assert_eq!(redirect_with(200, "/").status(), 500);
        assert_eq!(redirect_with(9999, "/").status(), 500);
    }
}
