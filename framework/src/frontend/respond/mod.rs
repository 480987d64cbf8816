//! Building responses.
//!
//! Content is sent in one of these representations (RFC 9110, sections 13 to 15):
//!
//! ```text
//! conditions ─┬─ 412, 304
//!             └─ ranges ─┬─ 416, 206   of the unencoded content
//!                        └─ 200        in the available coding that the client prefers
//! ```
//!
//! Only answers with status 200 have conditions and ranges (section 13.2.1).
//!
//! # Clients that accept no available coding
//!
//! A client that accepts neither the unencoded content (`identity;q=0`) nor any available coding receives the
//! unencoded content. Section 12.5.3 lets a server answer 406 instead, and section 12.1 lets it disregard the header;
//! whether an encoding is available depends on the time and on the page, and a page that is sometimes an error is of
//! no use.

mod aging;
mod cache_status;
mod composed_body;
mod version;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};

use crate::body::Body;
use crate::cache::{Page, Representation, not_modified, tag_in};
use crate::http::conditions::{self, Precondition};
use crate::http::names::CACHE_STATUS;
use crate::http::negotiation::acceptable;
use crate::http::ranges::{self, Ranges, Selection};
use crate::http::{Coding, Preferences};
use crate::pieces::{Piece, Pieces};

pub(super) use aging::Aging;
pub(super) use cache_status::{CacheStatus, Forward};
pub(super) use composed_body::ComposedBody;
use version::Version;

/// The selected representation of a page.
enum Choice {
    /// All of it, or a 304 without content.
    Representation(Representation),
    /// Some of its bytes.
    Some(Ranges),
    /// An error.
    Refused(Refusal),
}

/// Selects the representation of a page. Nearly all requests ask for the whole page, so everything else is computed
/// only when a request needs it.
fn choose(request: &Parts, page: &Page) -> Choice {
    if page.body.as_slice().is_none() {
        return Choice::Representation(Representation::Plain);
    }
    let made = page.later.encodings();
    let is_selective = request.headers.keys().any(conditions::selects);
    if made.is_empty() && !is_selective {
        return Choice::Representation(Representation::Plain);
    }
    let accepted = acceptable(&request.headers);
    let length = page.body.len();
    if is_selective {
        let tag = page.tag();
        let version = Version::new(tag.as_ref(), page.last_modified(), accepted);
        match wanted(request, page.status(), length, &version) {
            Wanted::Whole => {}
            Wanted::Some(ranges) => return Choice::Some(ranges),
            Wanted::NotModified => {
                return Choice::Representation(Representation::NotModified(version.known()));
            }
            Wanted::Refused(refusal) => return Choice::Refused(refusal),
        }
    }
    let offers = made.iter().map(|encoded| (encoded.coding, encoded.body.len() as u64));
    match accepted.best(offers.chain([(Coding::Identity, length as u64)])) {
        None | Some(Coding::Identity) => Choice::Representation(Representation::Plain),
        Some(coding) => Choice::Representation(Representation::Encoded(coding)),
    }
}

/// Builds the response with a page without parts, in the requested representation. The body is shared, not copied.
pub(super) fn page(
    request: &Parts,
    page: &Page,
    aging: Aging,
    cache: CacheStatus,
) -> Response<Body> {
    match choose(request, page) {
        Choice::Representation(representation) => represented(page, representation, aging, cache),
        Choice::Some(ranges) => {
            let headers = headers(page, Representation::Plain, aging, cache);
            partial(&ranges, headers, page.body.whole().as_slice(), cache)
        }
        Choice::Refused(refusal) => refuse(refusal, page.tag().as_ref(), page.body.len(), cache),
    }
}

/// Builds the response with one of a page's representations.
fn represented(
    page: &Page,
    representation: Representation,
    aging: Aging,
    cache: CacheStatus,
) -> Response<Body> {
    let body = match representation {
        Representation::Plain => body(&page.body),
        Representation::Encoded(coding) => page.encoded(coding).cloned().unwrap_or_default().into(),
        Representation::NotModified(_) => Body::empty(),
    };
    let mut response = Response::new(body);
    *response.status_mut() = page.status_as(representation);
    *response.headers_mut() = headers(page, representation, aging, cache);
    response
}

fn headers(
    page: &Page,
    representation: Representation,
    aging: Aging,
    cache: CacheStatus,
) -> HeaderMap {
    let cache_status = cache.header_with(page.status_as(representation), page.status());
    let mut headers = page.headers(representation, aging.present(cache_status));
    aging.write_into(&mut headers, &page.header_template.terms);
    headers
}

/// Content that was composed for this response.
pub(super) struct Composed {
    pub(super) status: StatusCode,
    /// The headers; length and tag are added later.
    pub(super) headers: HeaderMap,
    pub(super) body: ComposedBody,
    /// The tag of exactly these bytes, without an encoding.
    pub(super) tag: HeaderValue,
    /// The codings that the client accepts, if there are several representations.
    pub(super) accepted: Preferences,
    /// Whether to send it as gzip, unless only some of it is sent. The headers then declare gzip.
    pub(super) is_gzip: bool,
}

/// Builds the response with composed content, in the requested representation.
pub(super) fn composed(request: &Parts, composed: Composed, cache: CacheStatus) -> Response<Body> {
    let Composed { status, mut headers, body, tag, accepted, is_gzip } = composed;
    let length = body.len();
    // It has no date: the latest date of its parts may be followed by an older one.
    let version = Version::new(Some(&tag), None, accepted);
    let wanted = wanted(request, status, length, &version);
    if is_gzip && matches!(wanted, Wanted::Whole) {
        let gzip = body.into_gzip();
        let length: usize = gzip.iter().map(Bytes::len).sum();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        if let Some(tag) = tag_in(&tag, Coding::Gzip) {
            headers.insert(header::ETAG, tag);
        }
        return send(status, headers, Body::pieces(gzip), cache, status);
    }
    if is_gzip {
        headers.remove(header::CONTENT_ENCODING);
    }
    headers.insert(header::ETAG, tag.clone());
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    match wanted {
        Wanted::Whole => send(status, headers, Body::pieces(body.into_plain()), cache, status),
        Wanted::Some(ranges) => partial(&ranges, headers, &body.into_plain(), cache),
        Wanted::NotModified => {
            let mut kept = not_modified(&headers);
            for name in [header::AGE, header::DATE] {
                kept.extend(headers.remove(&name).map(|value| (name, value)));
            }
            unmodified(&version, kept, cache)
        }
        Wanted::Refused(refusal) => refuse(refusal, version.tag, length, cache),
    }
}

/// The result of a request's conditions and ranges.
enum Wanted {
    /// All of it.
    Whole,
    /// Some of its bytes.
    Some(Ranges),
    /// Nothing, because the client has the current version.
    NotModified,
    /// An error.
    Refused(Refusal),
}

/// The reason why conditions or ranges fail.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    /// The requested bytes do not exist.
    Unsatisfiable,
    /// A precondition does not hold.
    Failed,
}

fn wanted(request: &Parts, status: StatusCode, length: usize, version: &Version<'_>) -> Wanted {
    let (method, headers) = (&request.method, &request.headers);
    if status != StatusCode::OK {
        return Wanted::Whole;
    }
    match conditions::evaluate(method, headers, version) {
        Precondition::Proceed => {}
        Precondition::NotModified => return Wanted::NotModified,
        Precondition::Failed => return Wanted::Refused(Refusal::Failed),
    }
    // A client that does not accept unencoded content cannot use pieces of it.
    if !version.accepted.takes(Coding::Identity) {
        return Wanted::Whole;
    }
    match ranges::select(method, headers, length as u64, &version.plain()) {
        Selection::Whole => Wanted::Whole,
        Selection::Partial(ranges) => Wanted::Some(ranges),
        Selection::Unsatisfiable => Wanted::Refused(Refusal::Unsatisfiable),
    }
}

fn partial(
    ranges: &Ranges,
    mut headers: HeaderMap,
    content: &[Bytes],
    cache: CacheStatus,
) -> Response<Body> {
    // These describe the bytes that are sent, which differ now (RFC 9530, section 2).
    for name in ["content-digest", "content-md5"] {
        headers.remove(name);
    }
    let partial = ranges.answer(headers.get(header::CONTENT_TYPE));
    partial.insert_into(&mut headers);
    let body = Body::pieces(partial.cut(content));
    send(StatusCode::PARTIAL_CONTENT, headers, body, cache, StatusCode::OK)
}

/// Builds a 304; `headers` are those for the unencoded content.
fn unmodified(version: &Version<'_>, mut headers: HeaderMap, cache: CacheStatus) -> Response<Body> {
    if let Some(tag) = version.known_tag() {
        headers.insert(header::ETAG, tag);
    }
    send(StatusCode::NOT_MODIFIED, headers, Body::empty(), cache, StatusCode::OK)
}

/// Builds a 412 or 416, which must not be stored: the page's own `Cache-Control` does not concern them.
fn refuse(
    refusal: Refusal,
    tag: Option<&HeaderValue>,
    length: usize,
    cache: CacheStatus,
) -> Response<Body> {
    let mut headers = HeaderMap::new();
    if let Some(tag) = tag {
        headers.insert(header::ETAG, tag.clone());
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let status = match refusal {
        Refusal::Unsatisfiable => {
            headers.insert(header::CONTENT_RANGE, ranges::unsatisfiable(length as u64));
            StatusCode::RANGE_NOT_SATISFIABLE
        }
        Refusal::Failed => StatusCode::PRECONDITION_FAILED,
    };
    send(status, headers, Body::empty(), cache, StatusCode::OK)
}

/// Builds a response with this status for content that was `made` with another.
fn send(
    status: StatusCode,
    mut headers: HeaderMap,
    body: Body,
    cache: CacheStatus,
    made: StatusCode,
) -> Response<Body> {
    headers.insert(CACHE_STATUS, cache.header_with(status, made));
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Returns content as a body, without its parts.
pub(super) fn body(content: &Pieces) -> Body {
    match content.whole() {
        Some(bytes) => bytes.into(),
        None => Body::pieces(content.iter().filter_map(|piece| match piece {
            Piece::Bytes(bytes) => Some(bytes.clone()),
            Piece::Part(_) => None,
        })),
    }
}

/// Builds a redirect to `location`.
pub(super) fn redirect(status: StatusCode, location: HeaderValue) -> Response<Body> {
    let headers = HeaderMap::from_iter([(header::LOCATION, location)]);
    made(status, headers, Body::empty(), CacheStatus::forwarded(Forward::Bypass))
}

/// Builds the answer to OPTIONS with the allowed methods (RFC 9110, section 9.3.7).
pub(super) fn options(allow: &str) -> Response<Body> {
    let cache = CacheStatus::forwarded(Forward::Method);
    made(StatusCode::NO_CONTENT, allow_header(allow), Body::empty(), cache)
}

/// Returns the header `Allow` with these methods.
pub(super) fn allow_header(allow: &str) -> HeaderMap {
    let allow = HeaderValue::try_from(allow);
    allow.map(|allow| HeaderMap::from_iter([(header::ALLOW, allow)])).unwrap_or_default()
}

/// Builds a response that was made for this request only.
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

/// Empties a 205, which must not have content (RFC 9110, section 15.3.6).
pub(super) fn emptied(response: Response<Body>) -> Response<Body> {
    let mut response = response.map(|_| Body::empty());
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    response
}

/// Returns the response to HEAD: the headers that GET would get, and no body (RFC 9110, section 9.3.2).
pub(super) fn head_of(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    // These two have no body even for GET, so a length would be wrong.
    let has_length = !matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if let Some(length) = http_body::Body::size_hint(&body).exact().filter(|_| has_length) {
        parts.headers.entry(header::CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}

#[cfg(test)]
mod tests;
