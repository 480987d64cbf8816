//! The notice that every page displays to a site's author while changed files cannot be loaded, after the auditor has
//! found something, or if there is advice.

use std::fmt::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::escape::escape;
use super::page_headers;
use crate::body::{Body, BodyError};
use crate::problem::{Problem, Problems};

/// The largest number of problems in a page; the log contains all of them.
const MOST: usize = 100;

/// Request headers that could lead to a response with less than the whole page, or with one to which nothing can be
/// appended.
const CONDITIONS: [HeaderName; 5] = [
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_RANGE,
    header::RANGE,
    header::ACCEPT_ENCODING,
];

/// Response headers that describe the page without the notice.
const OF_THE_PAGE: [HeaderName; 7] = [
    header::ETAG,
    header::LAST_MODIFIED,
    header::DATE,
    header::AGE,
    header::ACCEPT_RANGES,
    header::EXPIRES,
    HeaderName::from_static("cdn-cache-control"),
];

/// Problems, and the HTML that displays them.
#[derive(Debug)]
pub(super) struct Notice {
    problems: Problems,
    html: Bytes,
}

impl Notice {
    /// Creates a notice about files that could not be loaded.
    pub(super) fn new(problems: Problems) -> Notice {
        let lines: Vec<String> = problems.iter().take(MOST + 1).map(Problem::to_string).collect();
        let summary =
            "The changed files could not be loaded. This page is made from the previous ones.";
        let html = html(summary, &lines, problems.iter().count()).into();
        Notice { problems, html }
    }

    /// Creates a notice about cached pages that differ from fresh ones.
    pub(super) fn of_findings(findings: &[String]) -> Notice {
        let summary = "The auditor has found cached pages that differ from fresh ones.";
        let html = html(summary, findings, findings.len()).into();
        Notice { problems: Problems::new(), html }
    }

    /// Creates a notice about probable mistakes.
    pub(super) fn of_advice(pieces: &[String]) -> Notice {
        let html = html(
            "This page is correct, but something on the site looks like a mistake.",
            pieces,
            pieces.len(),
        )
        .into();
        Notice { problems: Problems::new(), html }
    }

    pub(super) fn problems(&self) -> &Problems {
        &self.problems
    }

    /// Appends the notice to a response that is a page. No browser stores the result.
    pub(super) fn put_into(&self, mut response: Response<Body>) -> Response<Body> {
        if is_page(&response) {
            page_headers::allow_style(response.headers_mut(), STYLE);
        }
        with_end(response, self.html.clone())
    }
}

/// Makes a request ask for the whole page, without an encoding.
pub(crate) fn ask_for_whole_page(request: &mut Request<Body>) {
    if request.method().is_safe() {
        for name in &CONDITIONS {
            request.headers_mut().remove(name);
        }
    }
}

/// Appends HTML to a response that is a page. No browser stores the result.
pub(crate) fn with_end(response: Response<Body>, html: Bytes) -> Response<Body> {
    if !is_page(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    for name in &OF_THE_PAGE {
        parts.headers.remove(name);
    }
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let length = parts.headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if let Some(length) = length {
        let length = HeaderValue::from(length + html.len() as u64);
        parts.headers.insert(header::CONTENT_LENGTH, length);
    }
    Response::from_parts(parts, Body::stream(WithEnd { body, end: Some(html) }))
}

fn is_page(response: &Response<Body>) -> bool {
    is_whole(response.status()) && is_plain_html(response.headers())
}

fn is_whole(status: StatusCode) -> bool {
    let none = [StatusCode::NO_CONTENT, StatusCode::PARTIAL_CONTENT, StatusCode::NOT_MODIFIED];
    !status.is_informational() && !none.contains(&status)
}

fn is_plain_html(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("text/html")
        && !headers.contains_key(header::CONTENT_ENCODING)
}

/// The style of the notice. It is in an element, because a policy can allow an element by its hash, and it does not
/// use the site's styles.
const STYLE: &str = "#headwater-notice { all: initial; position: fixed; inset: auto auto 0 0; box-sizing: border-box; \
    max-width: 100%; z-index: 2147483647; max-height: 35vh; overflow: auto; padding: .6em 1em; background: #7a1020; \
    color: #fff; font: 14px/1.5 ui-monospace, monospace; box-shadow: 0 0 1em #0008 } \
    #headwater-notice * { all: revert } \
    #headwater-notice summary { cursor: pointer; font-weight: bold } \
    #headwater-notice pre { margin: .4em 0; white-space: pre-wrap; overflow-wrap: anywhere } \
    #headwater-notice p { margin: .4em 0 } \
    #headwater-notice-room { all: initial; display: block; height: 64px }";

/// Formats the notice. It is at the end, so that the page still begins with its doctype, and is displayed at the
/// bottom of the window. It can be collapsed without a script, which a site's `Content-Security-Policy` might forbid.
fn html(summary: &str, lines: &[String], number: usize) -> String {
    let mut html = format!(
        "\n<section role=\"alert\" id=\"headwater-notice\"><style>{STYLE}</style>\n<details open>\
         <summary>{summary}</summary>\n"
    );
    for line in lines.iter().take(MOST) {
        // Writing to a string cannot fail.
        let _ = writeln!(html, "<pre>{}</pre>", escape(line));
    }
    let more = number.saturating_sub(MOST);
    if more > 0 {
        let _ = writeln!(html, "<p>And {more} more, which are in the log.</p>");
    }
    // Room at the end of the page, so that all of it is visible above the collapsed notice.
    html.push_str("</details></section>\n<div id=\"headwater-notice-room\"></div>\n");
    html
}

/// A body followed by these bytes.
struct WithEnd {
    body: Body,
    end: Option<Bytes>,
}

impl HttpBody for WithEnd {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.end.is_none() {
            return Poll::Ready(None);
        }
        match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            Some(Ok(frame)) if frame.is_data() => Poll::Ready(Some(Ok(frame))),
            Some(Err(error)) => {
                self.end = None;
                Poll::Ready(Some(Err(error)))
            }
            // Trailers describe the original body.
            Some(Ok(_)) | None => Poll::Ready(self.end.take().map(|end| Ok(Frame::data(end)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.end.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let end = self.end.as_ref().map_or(0, |end| end.len() as u64);
        let hint = self.body.size_hint();
        let mut whole = SizeHint::new();
        whole.set_lower(hint.lower().saturating_add(end));
        if let Some(upper) = hint.upper() {
            whole.set_upper(upper.saturating_add(end));
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice() -> Notice {
        let problem = Problem::at_line("a<b>.html", 7, "`</pre><script>` & \"more\"");
        Notice::new(problem.into())
    }

    fn response(content_type: &'static str, body: Body) -> Response<Body> {
        Response::builder().header("content-type", content_type).body(body).unwrap()
    }

    async fn text(response: Response<Body>) -> String {
        String::from_utf8(response.into_body().collect(1 << 20).await.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_page_ends_with_the_problems_and_is_not_stored() {
        let pieces = ["<!doctype html>", "<p>old"].map(Bytes::from);
        let mut page = response("Text/HTML; charset=utf-8", Body::pieces(pieces));
        page.headers_mut().insert("content-length", 21.into());
        page.headers_mut().insert("etag", HeaderValue::from_static("\"x\""));
        page.headers_mut().insert("cache-control", HeaderValue::from_static("max-age=60"));
        let shown = notice().put_into(page);
        assert_eq!(shown.headers()["cache-control"], "no-store");
        assert!(!shown.headers().contains_key("etag"));
        let length: usize = shown.headers()["content-length"].to_str().unwrap().parse().unwrap();
        let text = text(shown).await;
        assert_eq!(text.len(), length);
        assert!(text.starts_with("<!doctype html><p>old\n<section role=\"alert\""), "{text}");
        assert!(text.contains("a&lt;b&gt;.html:7: `&lt;/pre&gt;&lt;script&gt;` &amp; &quot;more"));
        assert!(!text.contains("<script>"));
        assert!(text.contains("<details open") && text.contains("inset: auto auto 0 0;"), "{text}");
    }

    #[tokio::test]
    async fn other_responses_are_unchanged() {
        for content_type in ["application/json", "text/htmlx", ""] {
            let untouched = notice().put_into(response(content_type, "{}".into()));
            assert_eq!(text(untouched).await, "{}");
        }
        let mut encoded = response("text/html", "xyz".into());
        encoded.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"));
        assert_eq!(text(notice().put_into(encoded)).await, "xyz");
        let mut unchanged = response("text/html", Body::empty());
        *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
        assert_eq!(text(notice().put_into(unchanged)).await, "");
    }

    #[tokio::test]
    async fn an_interrupted_page_is_still_an_error() {
        let broken = futures_util::stream::iter([
            Ok(Frame::data(Bytes::from_static(b"<p>"))),
            Err(BodyError::TooSlow),
        ]);
        let body = Body::stream(http_body_util::StreamBody::new(broken));
        let shown = notice().put_into(response("text/html", body));
        assert!(shown.into_body().collect(1 << 20).await.is_err());
    }

    #[test]
    fn the_number_of_displayed_problems_is_bounded() {
        let mut problems = Problems::new();
        (0..1000).for_each(|line| problems.push(Problem::at_line("a", line, "wrong")));
        let notice = Notice::new(problems);
        let html = std::str::from_utf8(&notice.html).unwrap();
        assert!(html.contains("a:99: wrong") && !html.contains("a:100: wrong"), "{html}");
        assert!(html.contains("And 900 more"));
    }
}
