use http::header::{self, HeaderMap, HeaderName};
use http::request::Parts;
use http::{Method, Uri};

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
#[derive(Debug, Clone)]
pub(super) struct PartRequest(Parts);

impl PartRequest {
    /// The visitor's request, still for the page.
    pub(super) fn of(visitor: &Parts) -> PartRequest {
        let mut parts = visitor.clone();
        parts.method = Method::GET;
        if names_any(&parts.headers) {
            for name in &OF_THE_PAGE {
                parts.headers.remove(name);
            }
        }
        PartRequest(parts)
    }

    /// Asks for `uri`.
    pub(super) fn ask_for(&mut self, uri: Uri) {
        self.0.uri = uri;
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.0
    }
}

fn names_any(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| OF_THE_PAGE.contains(name))
}

#[cfg(test)]
mod tests {
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
        let Parts { method, uri, headers, .. } = request.parts();
        assert_eq!((method, uri.path()), (&Method::GET, "/badge"));
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept-language", "cookie"]);
    }
}
