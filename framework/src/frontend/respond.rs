//! Responses, put together.

use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};

use super::cache_status::{CACHE_STATUS, CacheStatus};
use crate::body::Body;
use crate::cache::{Entry, Page};
use crate::clock::Moment;
use crate::pieces::{Piece, Pieces};

/// A page as it is kept, sent once more. The body is shared, not copied.
pub(super) fn page(_request: &Parts, page: &Page, status: CacheStatus) -> Response<Body> {
    let mut response = Response::new(body(&page.body));
    *response.status_mut() = page.status;
    *response.headers_mut() = page.headers.clone();
    response.headers_mut().insert(CACHE_STATUS, status.header());
    response
}

/// An entry that may be served.
pub(super) fn hit(request: &Parts, entry: &Entry, now: Moment) -> Response<Body> {
    stored(request, entry, CacheStatus::Hit(entry.remaining(now)))
}

/// The page of an entry.
pub(super) fn stored(request: &Parts, entry: &Entry, status: CacheStatus) -> Response<Body> {
    // Keys of pages and of fragments differ.
    let content = entry.page().expect("what is found by the key of a page is a page");
    page(request, content, status)
}

/// Content as a body.
pub(super) fn body(content: &Pieces) -> Body {
    match content.whole() {
        Some(bytes) => bytes.into(),
        None => Body::pieces(content.iter().filter_map(|piece| match piece {
            Piece::Bytes(bytes) => Some(bytes.clone()),
            Piece::Part(_) => None,
        })),
    }
}

/// A response that was made for this request alone.
pub(super) fn made(
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
    cache: CacheStatus,
) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.headers_mut().insert(CACHE_STATUS, cache.header());
    let caching = response.headers_mut().entry(header::CACHE_CONTROL);
    caching.or_insert(HeaderValue::from_static("no-store"));
    response
}

/// What HEAD gets: the headers that GET would get, and no body (RFC 9110, section 9.3.2).
pub(super) fn head_of(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    // These two have no body even for GET, so a length would say something else.
    let has_length = !matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if let Some(length) = http_body::Body::size_hint(&body).exact().filter(|_| has_length) {
        parts.headers.entry(header::CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}
