//! Turns made content into a stored page: the headers of all its representations.
//!
//! The controller's headers remain: its `Cache-Control`, `CDN-Cache-Control`, `ETag`, `Last-Modified`, `Cache-Groups`
//! and the like are sent unchanged, and the other request headers that the answer depends on are added to its `Vary`.
//!
//! # The date of a page
//!
//! The date of a page is the time at which making it began, and [`validators`] explains why it is at first sent as
//! five seconds earlier. The argument there requires that a later version is made after an earlier one was sent for
//! the last time, or at most four seconds before. That holds on one front end: a page is sent until a record has
//! invalidated it, and the next one is begun after that. Among several front ends, one may send the old page after
//! another has begun the new one, until it has applied the record: for milliseconds, and never longer than a lease. So
//! clocks may differ by four seconds minus a lease, even while a link is down. Tags do not depend on clocks.
//!
//! [`validators`]: crate::http::validators

use std::time::SystemTime;

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::super::maker::{Made, MadeContent};
use super::super::router::Order;
use super::super::settings::Settings;
use super::header_templates::HeaderTemplates;
use crate::cache::{DateSource, Derived, HeaderSpec, Page, TagSource};
use crate::clock::{self, Moment};
use crate::dispatch::Route;
use crate::http::encoding::SHORTEST;
use crate::http::names::SESSION_USER;
use crate::http::{Coding, ReuseTerms};
use crate::media_type;
use crate::request_values::RequestUses;
use crate::server;

/// Headers that describe the exact bytes of the body.
const OF_BYTES: [&str; 4] = ["content-digest", "content-md5", "digest", "repr-digest"];

/// The default for stored pages: they are not shown again without validation, because invalidations do not reach
/// downstream caches.
pub(super) const VALIDATED: HeaderValue = HeaderValue::from_static("no-cache");

/// Determines the directives to downstream caches for content that was made for an order, with `named` as the
/// additional groups of its reply: those of its controller, else those of the route, else `otherwise`. The route's do
/// not apply to an error, or to a response that sets a cookie, which is for one visitor. A page of one user must not
/// be stored by downstream caches, whatever the directives.
///
/// Without any directives the response is stored nowhere, so its `Vary` and groups do not matter.
pub(in crate::frontend) fn settle_terms(
    made: &mut Made,
    order: &Order,
    named: &[String],
    settings: &Settings,
    otherwise: Option<&HeaderValue>,
) {
    let (route, status, terms) = (&*order.route, made.status, &mut made.terms);
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error && !made.headers.contains_key(header::SET_COOKIE) {
        terms.offer(route.browser.as_ref(), route.cdn.as_ref());
    }
    terms.offer(otherwise, None);
    if terms.are_unset() {
        return;
    }
    terms.vary_by(varying(route, settings));
    let groups = order.groups.iter().chain(named);
    terms.name_groups(&settings.group_headers, groups.map(String::as_str));
    terms.restrict(order.reuse());
}

/// Returns the headers that the pages of a route depend on: those that it names, and those by which their language is
/// chosen.
fn varying<'r>(route: &'r Route, settings: &Settings) -> impl Iterator<Item = &'r HeaderName> {
    let named = route.vary.iter().map(|name| match *name == SESSION_USER {
        true => &header::COOKIE,
        false => name,
    });
    let uses = route.uses.get();
    let is_chosen = uses.has(RequestUses::LANG) && !uses.has(RequestUses::LANG_IN_PATH);
    named.chain(if is_chosen { settings.language_headers() } else { &[] })
}

/// Turns content that was made since `begun`, and whose body is complete, into a page.
pub(super) fn page(
    made: Made,
    begun: Moment,
    settings: &Settings,
    header_templates: &HeaderTemplates,
) -> Page {
    let Made { status, mut headers, mut terms, content, inline, is_governed } = made;
    let MadeContent::Rendered { content, .. } = content else {
        unreachable!("the body of what is kept was read")
    };
    let (body, flashes) = content.joined().without_flashes();
    let is_whole = !body.has_parts();
    let may_be_encoded = may_be_encoded(status, &headers, &terms);
    let has_encodings =
        may_be_encoded && is_whole && body.len() >= SHORTEST && !settings.encodings.is_empty();
    let may_be_spliced = may_be_encoded && !is_whole && settings.encodings.contains(&Coding::Gzip);
    let may_be_encoded = has_encodings || may_be_spliced;
    terms.vary_by(may_be_encoded.then_some(&header::ACCEPT_ENCODING));
    terms.write(&mut headers);
    // Done here, so that a hit's copy of the map need not grow.
    server::finish(&mut headers);
    let has_content = !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let (tag, date) = match is_whole {
        true => validators(&mut headers, status),
        false => {
            clear(&mut headers);
            (TagSource::OfParts, DateSource::None)
        }
    };
    let spec = HeaderSpec {
        status,
        headers,
        terms,
        has_length: has_content || !is_whole,
        tag,
        date,
        may_be_encoded,
        inline,
        is_governed,
    };
    let present = SystemTime::now();
    let made = present.checked_sub(clock::now().since(begun)).unwrap_or(present);
    let mut page = Page::new(header_templates.of(spec), body, made);
    page.flashes = flashes;
    if has_encodings {
        page.later.want(Derived::Encodings);
    }
    page
}

/// The headers that describe a page without its parts. The latest of all dates would be wrong for the whole: a part
/// may be replaced by an older one, for example when the visitor's variant changes.
static OF_THE_PAGE_ALONE: [HeaderName; 7] = [
    header::ETAG,
    header::LAST_MODIFIED,
    header::CONTENT_LENGTH,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("repr-digest"),
];

/// Removes the headers that describe a page without its parts.
pub(in crate::frontend) fn clear(headers: &mut HeaderMap) {
    for name in &OF_THE_PAGE_ALONE {
        headers.remove(name);
    }
}

/// Returns the sources of a page's tag and date: the controller's values, or the page's own.
fn validators(headers: &mut HeaderMap, status: StatusCode) -> (TagSource, DateSource) {
    let given = headers.remove(header::ETAG).map(TagSource::Given);
    if status != StatusCode::OK {
        return (given.unwrap_or_default(), DateSource::None);
    }
    let date = match headers.get(header::LAST_MODIFIED) {
        None => DateSource::OfPage,
        Some(given) => {
            let date = given.to_str().ok().and_then(|date| httpdate::parse_http_date(date).ok());
            date.map_or(DateSource::None, DateSource::Given)
        }
    };
    (given.unwrap_or(TagSource::OfBytes), date)
}

/// Returns whether the content may be sent in a coding: it is text and not encoded already, and no header forbids
/// encoding or would become wrong by it.
fn may_be_encoded(status: StatusCode, headers: &HeaderMap, terms: &ReuseTerms) -> bool {
    let is_text = headers.get(header::CONTENT_TYPE).is_some_and(media_type::is_text);
    let is_partial =
        status == StatusCode::PARTIAL_CONTENT || headers.contains_key(header::CONTENT_RANGE);
    is_text
        && !is_partial
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !OF_BYTES.iter().any(|name| headers.contains_key(*name))
        && !terms.forbid_transforming()
}
