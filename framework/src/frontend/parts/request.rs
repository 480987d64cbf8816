use std::mem;

use http::header::{self, HeaderName};
use http::request::Parts;
use http::{Request, Uri};

/// What a visitor says about the representation of the page, or the body of the request, and what
/// therefore does not go to its parts (RFC 9110, sections 6.6.2, 8, 10.1.1, 12.5.3, 13.1 and 14.2).
static OF_THE_PAGE: [HeaderName; 15] = [
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
    header::IF_RANGE,
    header::RANGE,
    header::ACCEPT_ENCODING,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::CONTENT_LOCATION,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
    header::EXPECT,
];

/// The visitor's request, as one for a part.
///
/// Most parts are found by their URL alone, so the headers are copied when something looks at them.
#[derive(Debug, Clone)]
pub(super) struct PartRequest<'a> {
    visitor: &'a Parts,
    parts: Parts,
    has_headers: bool,
}

impl<'a> PartRequest<'a> {
    /// The visitor's request, not yet for any part.
    pub(super) fn of(visitor: &'a Parts) -> PartRequest<'a> {
        let (parts, ()) = Request::new(()).into_parts();
        PartRequest { visitor, parts, has_headers: false }
    }

    /// Asks for `uri`.
    pub(super) fn ask_for(&mut self, uri: Uri) {
        self.parts.uri = uri;
    }

    /// What it asks for, with or without the headers.
    pub(super) fn line(&self) -> &Parts {
        &self.parts
    }

    /// All of it.
    pub(super) fn whole(&mut self) -> &Parts {
        if !self.has_headers {
            let line = mem::replace(&mut self.parts, self.visitor.clone());
            (self.parts.method, self.parts.uri) = (line.method, line.uri);
            for name in &OF_THE_PAGE {
                self.parts.headers.remove(name);
            }
            self.has_headers = true;
        }
        &self.parts
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    #[test]
    fn a_part_is_asked_for_as_the_visitor_asks_but_for_the_page_as_a_whole() {
        let request = http::Request::post("/form?a=1")
            .header("cookie", "name=ann")
            .header("accept-language", "de")
            .header("accept-encoding", "gzip")
            .header("if-none-match", "\"1\"")
            .header("range", "bytes=0-1")
            .header("content-length", "3")
            .body(());
        let (visitor, ()) = request.unwrap().into_parts();
        let mut request = PartRequest::of(&visitor);
        request.ask_for(Uri::from_static("/badge"));
        assert!(request.line().headers.is_empty());
        let Parts { method, uri, headers, .. } = request.whole();
        assert_eq!((method, uri.path()), (&Method::GET, "/badge"));
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept-language", "cookie"]);
    }
}
