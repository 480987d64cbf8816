//! Responses, put together.
//!
//! What there is for a request goes out in one of these forms (RFC 9110, sections 13 to 15):
//!
//! ```text
//! conditions ─┬─ 412, 304
//!             └─ ranges ─┬─ 416, 206   of the content as it is
//!                        └─ 200        in the coding that the client likes best, of those that there are
//! ```
//!
//! Only answers with status 200 have conditions and ranges (section 13.2.1).
//!
//! # What is not acceptable
//!
//! A client that takes neither the content as it is (`identity;q=0`) nor any coding that there is gets
//! the content as it is. Section 12.5.3 lets a server answer 406 instead, and section 12.1 lets it
//! disregard the header; whether there is an encoding depends on the time and on the page, and a
//! page that is sometimes an error helps nobody.
//!
//! # Old pages
//!
//! `Age` stands wherever a page is sent that was not made for this very request. What time ends has
//! the age of its fill. What lives until it is invalidated was confirmed by the back end with each
//! lease (section 5.1 of RFC 9111: "generated or successfully validated at the origin server"), so its
//! age is that of the lease. A page that is sent though it is stale says so: it keeps its age, and
//! nothing in its headers lets a cache further out take it for fresh (RFC 9111, section 4.2.4).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};

use super::FrontEnd;
use super::cache_status::{CACHE_STATUS, CacheStatus};
use super::parts::Whole;
use super::prepare::{self, CDN_CACHE_CONTROL};
use super::served::page_of;
use super::version::Version;
use crate::body::Body;
use crate::cache::{Entry, LastModified, Page, Validation};
use crate::clock::{self, Moment};
use crate::http::conditions::{self, Precondition};
use crate::http::negotiation::acceptable;
use crate::http::ranges::{self, Ranges, Selection};
use crate::http::validators::SETTLED;
use crate::http::{Coding, Preferences};
use crate::pieces::{Piece, Pieces};

impl FrontEnd {
    /// An entry that may be served.
    pub(super) fn hit(&self, request: &Parts, entry: &Arc<Entry>, now: Moment) -> Response<Body> {
        let (page, status) = (page_of(entry), CacheStatus::Hit(entry.remaining(now)));
        self.encoder.ask(entry, page);
        kept(request, page, self.aging_of(entry, status, now), status)
    }

    /// The page of an entry that was just made, or that is served in the place of something else.
    pub(super) fn stored(
        &self,
        request: &Parts,
        entry: &Arc<Entry>,
        status: CacheStatus,
    ) -> Response<Body> {
        kept(request, page_of(entry), self.aging_of(entry, status, clock::now()), status)
    }

    /// How old the page of an entry is when it is sent with this status.
    pub(super) fn aging_of(&self, entry: &Entry, status: CacheStatus, now: Moment) -> Aging {
        if let CacheStatus::Forwarded { collapsed: false, .. } = status {
            return Aging::NEW;
        }
        Aging {
            age: Some(self.age_of(entry, now)),
            is_settled: entry.age(now) >= SETTLED,
            is_stale: status.is_stale(),
        }
    }

    /// Since when nobody has made or confirmed an entry.
    pub(super) fn age_of(&self, entry: &Entry, now: Moment) -> Duration {
        let filled = entry.age(now);
        match entry.remaining(now) {
            Some(_) => filled,
            None => filled.min(self.cache.confirmed(now)),
        }
    }
}

/// A page that was just made.
pub(super) fn page(request: &Parts, page: &Page, status: CacheStatus) -> Response<Body> {
    kept(request, page, Aging::NEW, status)
}

/// How old a page is that is sent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Aging {
    /// Since when nobody has made or confirmed it. None when it was made for this request.
    age: Option<Duration>,
    /// Whether its date can no longer be mistaken for that of another version.
    is_settled: bool,
    is_stale: bool,
}

impl Aging {
    /// Made for this request.
    pub(super) const NEW: Aging = Aging { age: None, is_settled: false, is_stale: false };

    /// With something in it that has aged like this. What was made within the second makes nothing
    /// old.
    pub(super) fn with(self, other: Aging) -> Aging {
        let age = other.age.filter(|age| age.as_secs() > 0);
        Aging { age: self.age.max(age), is_stale: self.is_stale || other.is_stale, ..self }
    }

    /// Makes the headers of a page those of one that is as old as this.
    pub(super) fn tell(self, headers: &mut HeaderMap, last_modified: Option<&LastModified>) {
        match self.age {
            Some(age) => drop(headers.insert(header::AGE, HeaderValue::from(age.as_secs()))),
            None => drop(headers.remove(header::AGE)),
        }
        if let Some(early) = last_modified.and_then(|modified| modified.early.as_ref())
            && !self.is_settled
        {
            headers.insert(header::LAST_MODIFIED, early.clone());
        }
        if self.is_stale {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            headers.remove(CDN_CACHE_CONTROL);
            headers.remove(header::EXPIRES);
        }
    }
}

/// A page as it is kept, in the form that the request asks for. Its body is shared, not copied.
fn kept(request: &Parts, page: &Page, aging: Aging, cache: CacheStatus) -> Response<Body> {
    let Validation { not_modified, last_modified, .. } = &*page.validation;
    let last_modified = last_modified.as_ref();
    let aged = |headers: &HeaderMap| {
        let mut headers = headers.clone();
        aging.tell(&mut headers, last_modified);
        headers
    };
    let Some(content) = page.body.whole() else {
        return send(page.status, aged(&page.headers), body(&page.body), cache, page.status);
    };
    let accepted = acceptable(&request.headers);
    let version = Version::new(page.headers.get(header::ETAG), last_modified, accepted);
    match wanted(request, page.status, content.len(), &version) {
        Wanted::Whole => {}
        Wanted::Some(ranges) => {
            return partial(&ranges, aged(&page.headers), &[content], cache);
        }
        Wanted::NotModified => {
            return unmodified(&version, aged(not_modified), cache);
        }
        refused => return refuse(&refused, &version, content.len(), cache),
    }
    let made = page.encodings.made();
    let offers = made.iter().map(|encoded| (encoded.coding, encoded.body.len() as u64));
    let identity = (Coding::Identity, content.len() as u64);
    let best = accepted.best(offers.chain([identity]));
    match made.iter().find(|encoded| Some(encoded.coding) == best) {
        Some(encoded) => {
            let body = encoded.body.clone().into();
            send(page.status, aged(&encoded.headers), body, cache, page.status)
        }
        None => send(page.status, aged(&page.headers), content.into(), cache, page.status),
    }
}

/// Content that was put together for this response.
pub(super) struct Composed {
    pub(super) status: StatusCode,
    /// The headers, without length and tag: they are added.
    pub(super) headers: HeaderMap,
    pub(super) body: Whole,
    /// The tag of exactly these bytes, as they are.
    pub(super) tag: HeaderValue,
    /// What the client takes, of the forms that there may be.
    pub(super) accepted: Preferences,
    /// Whether it is to be sent as gzip, and the headers say so, unless only some of it is sent.
    pub(super) is_gzip: bool,
}

/// Composed content, in the form that the request asks for.
pub(super) fn composed(request: &Parts, composed: Composed, cache: CacheStatus) -> Response<Body> {
    let Composed { status, mut headers, body, tag, accepted, is_gzip } = composed;
    let length = body.len();
    // It has no date: the latest of those of its parts may be followed by an older one.
    let version = Version::new(Some(&tag), None, accepted);
    let wanted = wanted(request, status, length, &version);
    if is_gzip && matches!(wanted, Wanted::Whole) {
        let gzip = body.into_gzip();
        let length: usize = gzip.iter().map(Bytes::len).sum();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        if let Some(tag) = prepare::tag_of(&tag, Coding::Gzip) {
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
        Wanted::NotModified => unmodified(&version, prepare::not_modified(&headers), cache),
        refused => refuse(&refused, &version, length, cache),
    }
}

/// What a request asks for of content that there is.
enum Wanted {
    /// All of it.
    Whole,
    /// Some of its bytes.
    Some(Ranges),
    /// Bytes that it has not.
    Unsatisfiable,
    /// Nothing, for the client has it.
    NotModified,
    /// Nothing, for the client wants something of another version only.
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
        Precondition::Failed => return Wanted::Failed,
    }
    // Whoever takes no content as it is can do nothing with pieces of it.
    if !version.accepted.takes(Coding::Identity) {
        return Wanted::Whole;
    }
    match ranges::select(method, headers, length as u64, &version.plain()) {
        Selection::Whole => Wanted::Whole,
        Selection::Partial(ranges) => Wanted::Some(ranges),
        Selection::Unsatisfiable => Wanted::Unsatisfiable,
    }
}

fn partial(
    ranges: &Ranges,
    mut headers: HeaderMap,
    content: &[Bytes],
    cache: CacheStatus,
) -> Response<Body> {
    // These are of the bytes that are sent, which are others now (RFC 9530, section 2).
    for name in ["content-digest", "content-md5"] {
        headers.remove(name);
    }
    let partial = ranges.answer(headers.get(header::CONTENT_TYPE));
    partial.insert_into(&mut headers);
    let body = Body::pieces(partial.cut(content));
    send(StatusCode::PARTIAL_CONTENT, headers, body, cache, StatusCode::OK)
}

/// `headers` are those of a 304 for the content as it is.
fn unmodified(version: &Version<'_>, mut headers: HeaderMap, cache: CacheStatus) -> Response<Body> {
    if let Some(tag) = version.known_tag() {
        headers.insert(header::ETAG, tag);
    }
    send(StatusCode::NOT_MODIFIED, headers, Body::empty(), cache, StatusCode::OK)
}

/// 412 or 416, which nobody is to keep: the page's own `Cache-Control` is not about them.
fn refuse(
    refused: &Wanted,
    version: &Version<'_>,
    length: usize,
    cache: CacheStatus,
) -> Response<Body> {
    let mut headers = HeaderMap::new();
    if let Some(tag) = version.tag {
        headers.insert(header::ETAG, tag.clone());
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let status = match refused {
        Wanted::Unsatisfiable => {
            headers.insert(header::CONTENT_RANGE, ranges::unsatisfiable(length as u64));
            StatusCode::RANGE_NOT_SATISFIABLE
        }
        _ => StatusCode::PRECONDITION_FAILED,
    };
    send(status, headers, Body::empty(), cache, StatusCode::OK)
}

/// A response with this status in the place of one that was `made` with another.
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

/// Content as a body, without its parts.
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

/// What a 205 may be: without content, and it says so (RFC 9110, section 15.3.6).
pub(super) fn emptied(response: Response<Body>) -> Response<Body> {
    let mut response = response.map(|_| Body::empty());
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
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

#[cfg(test)]
mod tests;
