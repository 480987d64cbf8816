//! What becomes of a part that cannot be had.

use std::sync::OnceLock;

use bytes::Bytes;
use http::header::{self, HeaderMap};

use super::super::router::request_id as new_request_id;
use super::chain::Chain;
use super::insertion::Insertion;
use crate::pieces::Part;
use crate::shown::{shown, shown_cause};

/// Why a part cannot be had.
#[derive(Debug)]
pub(super) struct Cause {
    text: String,
    /// Under which id the log has more of it.
    request_id: Option<String>,
    /// Whether the log says elsewhere why such requests fail.
    is_known: bool,
}

impl Cause {
    /// The request that failed is in the log under this id.
    pub(super) fn of_request(text: String, request_id: String, is_known: bool) -> Cause {
        Cause { text, request_id: Some(request_id), is_known }
    }
}

impl Cause {
    /// The log has it already.
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

/// Shows and logs what fails in one response.
#[derive(Debug)]
pub(super) struct Failing {
    /// Whether the page itself shows why: in development, where a comment does no harm.
    comments: bool,
    /// Names the response in the log, once something is logged.
    request_id: OnceLock<String>,
}

impl Failing {
    /// For a page with these headers.
    pub(super) fn of(headers: &HeaderMap, development: bool) -> Failing {
        let is_html = || {
            let media_type = headers.get(header::CONTENT_TYPE);
            media_type.is_some_and(|media_type| media_type.as_bytes().starts_with(b"text/html"))
        };
        Failing { comments: development && is_html(), request_id: OnceLock::new() }
    }

    /// What is shown in the place of `part`, which fails within `page`.
    pub(super) fn instead(
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
        // While no back end answers, every request ends here, and the link has said why.
        if *is_known {
            tracing::debug!(request_id, page, part = part_url, cause, "a part is not there");
        } else {
            tracing::warn!(request_id, page, part = part_url, cause, "a part is not there");
        }
        let changed = insertion.changed(part.fallback());
        let fallback = changed.unwrap_or_else(|| part.fallback().clone());
        match self.comments {
            true => [fallback.as_ref(), comment(url, text).as_bytes()].concat().into(),
            false => fallback,
        }
    }
}

/// A comment that nothing in the text can end, whatever it is put into.
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
    fn nothing_ends_a_comment_but_its_end() {
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
            Failing::of(&headers, development).instead(
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
