//! Handling of parts that fail.

use std::sync::OnceLock;

use bytes::Bytes;
use http::header::{self, HeaderMap};

use super::super::router::request_id as new_request_id;
use super::chain::Chain;
use super::insertion::Insertion;
use crate::pieces::Part;
use crate::shown::{shown, shown_cause};

/// The reason why a part fails.
#[derive(Debug)]
pub(super) struct Cause {
    text: String,
    /// The request id under which the log contains details.
    request_id: Option<String>,
    /// Whether the log already contains the reason why such requests fail.
    is_known: bool,
}

impl Cause {
    /// Creates the cause for a failed request, which is in the log under this id.
    pub(super) fn of_request(text: String, request_id: String, is_known: bool) -> Cause {
        Cause { text, request_id: Some(request_id), is_known }
    }
}

impl Cause {
    /// Creates a cause that the log already contains.
    pub(super) fn known(text: &str) -> Cause {
        Cause { is_known: true, ..text.into() }
    }
}

impl From<String> for Cause {
    fn from(text: String) -> Cause {
        Cause { text, request_id: None, is_known: false }
    }
}

impl From<&str> for Cause {
    fn from(text: &str) -> Cause {
        text.to_owned().into()
    }
}

/// Displays and logs the failures in one response.
#[derive(Debug)]
pub(super) struct Failing {
    /// Whether the page shows the reason in a comment: in development, and in HTML only.
    comments: bool,
    /// The id of the response in the log, set when something is logged.
    request_id: OnceLock<String>,
}

impl Failing {
    /// Creates the handler for a page with these headers.
    pub(super) fn of(headers: &HeaderMap, development: bool) -> Failing {
        let is_html = || {
            let media_type = headers.get(header::CONTENT_TYPE);
            media_type.is_some_and(|media_type| media_type.as_bytes().starts_with(b"text/html"))
        };
        Failing { comments: development && is_html(), request_id: OnceLock::new() }
    }

    /// Logs the failure of `part` within `page`, and returns the content to show instead.
    pub(super) fn fallback_for(
        &self,
        page: &Chain<'_>,
        part: &Part,
        insertion: Insertion,
        cause: &Cause,
    ) -> Bytes {
        let Cause { text, request_id, is_known } = cause;
        let request_id =
            request_id.as_ref().unwrap_or_else(|| self.request_id.get_or_init(new_request_id));
        let url = part.url();
        let page = page.to_string();
        let (page, part_url) = (&*shown(&page), &*shown(url));
        let cause = &*shown_cause(text);
        // While no back end answers, every request ends here, and the link has logged the reason.
        if *is_known {
            tracing::debug!(request_id, page, part = part_url, cause, "a part cannot be inserted");
        } else {
            tracing::warn!(request_id, page, part = part_url, cause, "a part cannot be inserted");
        }
        let changed = insertion.changed(part.fallback());
        let fallback = changed.unwrap_or_else(|| part.fallback().clone());
        match self.comments {
            true => [fallback.as_ref(), comment(url, text).as_bytes()].concat().into(),
            false => fallback,
        }
    }
}

/// Formats an HTML comment that no text within can end.
fn comment(url: &str, cause: &str) -> String {
    let text = format!("part {url}: {cause}");
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let text = text.replace('"', "&quot;").replace('\'', "&#39;").replace("--", "-&#45;");
    format!("<!-- {text} -->")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_a_comment() {
        let comment = comment("/a--><script>", "--!> \"' -- > <!--");
        assert_eq!(comment.matches("--").count(), 2);
        assert_eq!(comment.matches(['<', '>']).count(), 2);
        assert!(!comment.contains(['"', '\'']));
    }

    #[test]
    fn only_html_in_development_gets_comments() {
        let part = Part::new("/badge", Bytes::from_static(b"(no badge)"));
        let instead = |media_type: &'static str, development| {
            let value = http::HeaderValue::from_static(media_type);
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value)]);
            Failing::of(&headers, development).fallback_for(
                &Chain::begin(None),
                &part,
                Insertion::Verbatim,
                &"it is away".into(),
            )
        };
        let html = "text/html; charset=utf-8";
        assert_eq!(instead(html, true), "(no badge)<!-- part /badge: it is away -->");
        assert_eq!(instead(html, false), "(no badge)");
        assert_eq!(instead("application/json", true), "(no badge)");
    }
}
