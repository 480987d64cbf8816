//! From what was made to a page that is kept: the headers of all its forms.
//!
//! What the controller has said stays: its own `Cache-Control`, `CDN-Cache-Control`, `ETag`,
//! `Last-Modified`, `Cache-Groups` and the like are sent as they are, and to its `Vary` is added
//! what else the answer depends on.
//!
//! # The date of a page
//!
//! A page is as old as the moment when it was begun to be made, and [`validators`] says why that is shown
//! five seconds early at first. The argument there asks that a later version is made after an
//! earlier one was shown for the last time, or at most four seconds before. On one front end it is:
//! a page is shown until a record has invalidated it, and the next one is begun after that. Among several,
//! one may show the old page after another has begun the new one, for as long as it has not applied
//! the record: that is milliseconds, and never more than a lease. So clocks may differ by four seconds
//! less a lease, even while a link is down. Tags need none of this.
//!
//! [`validators`]: crate::http::validators

use std::time::SystemTime;

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::super::settings::Settings;
use super::header_templates::HeaderTemplates;
use crate::cache::{DateSource, Derived, HeaderSpec, Page, TagSource};
use crate::clock::{self, Moment};
use crate::dispatch::Route;
use crate::http::Coding;
use crate::http::encoding::SHORTEST;
use crate::http::names::{CDN_CACHE_CONTROL, SESSION_USER};
use crate::inline::InlineHashes;
use crate::media_type;
use crate::pieces::Pieces;
use crate::request_values::RequestUses;
use crate::server;

/// Headers that say something about the very bytes of the body.
const OF_BYTES: [&str; 4] = ["content-digest", "content-md5", "digest", "repr-digest"];

/// What was made of a page so far.
pub(super) struct PageDraft<'a> {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Pieces,
    pub(super) route: &'a Route,
    /// The groups that it is in, without those that are for the site itself.
    pub(super) groups: &'a [String],
    /// The scripts and styles that stand in it.
    pub(super) inline: InlineHashes,
    /// When it was begun.
    pub(super) begun: Moment,
}

/// Makes the page ready to be sent.
pub(super) fn page(
    draft: PageDraft<'_>,
    settings: &Settings,
    header_templates: &HeaderTemplates,
) -> Page {
    let PageDraft { status, mut headers, body, route, groups, inline, begun } = draft;
    keep_private(&mut headers, route);
    tell_caches(&mut headers, status, route);
    // Here already, so that the copied map of a hit need not grow.
    server::finish(&mut headers);
    let (body, flashes) = body.without_flashes();
    let is_whole = !body.has_parts();
    let may_be_encoded = may_be_encoded(status, &headers);
    let has_encodings =
        may_be_encoded && is_whole && body.len() >= SHORTEST && !settings.encodings.is_empty();
    let may_be_spliced = may_be_encoded && !is_whole && settings.encodings.contains(&Coding::Gzip);
    let may_be_encoded = has_encodings || may_be_spliced;
    let names = varying(route, settings);
    vary(&mut headers, names.chain(&may_be_encoded.then_some(header::ACCEPT_ENCODING)));
    for header in &settings.group_headers {
        if let Some(value) = header.value(groups.iter().map(String::as_str)) {
            headers.entry(header.name()).or_insert(value);
        }
    }
    let has_content = !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let (tag, date) = match is_whole {
        true => validators(&mut headers, status),
        false => {
            clear(&mut headers);
            (TagSource::OfParts, DateSource::None)
        }
    };
    let has_length = has_content || !is_whole;
    let spec = HeaderSpec { status, headers, has_length, tag, date, may_be_encoded, inline };
    let present = SystemTime::now();
    let made = present.checked_sub(clock::now().since(begun)).unwrap_or(present);
    let mut page = Page::new(header_templates.of(spec), body, made);
    page.flashes = flashes;
    if has_encodings {
        page.later.want(Derived::Encodings);
    }
    page
}

/// The headers that the pages of a route depend on: those that it names, and those by which their language is chosen.
fn varying<'r>(route: &'r Route, settings: &Settings) -> impl Iterator<Item = &'r HeaderName> {
    let named = route.vary.iter().map(|name| match *name == SESSION_USER {
        true => &header::COOKIE,
        false => name,
    });
    let uses = route.uses.get();
    let is_chosen = uses.has(RequestUses::LANG) && !uses.has(RequestUses::LANG_IN_PATH);
    named.chain(if is_chosen { settings.language_headers() } else { &[] })
}

/// Says what an answer depends on that is not kept here, where it may be kept elsewhere.
pub(super) fn vary_elsewhere(headers: &mut HeaderMap, route: &Route, settings: &Settings) {
    if headers.contains_key(header::CACHE_CONTROL) || headers.contains_key(CDN_CACHE_CONTROL) {
        vary(headers, varying(route, settings));
    }
}

/// Has no cache further out keep a page of one user, whatever its controller says.
pub(super) fn keep_private(headers: &mut HeaderMap, route: &Route) {
    if !route.is_by_user() {
        return;
    }
    headers.remove(CDN_CACHE_CONTROL);
    let mut values = headers.get_all(header::CACHE_CONTROL).iter();
    let is_no_store = |value: &HeaderValue| {
        value.to_str().is_ok_and(|value| value.to_ascii_lowercase().contains("no-store"))
    };
    if !values.any(is_no_store) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
}

/// What browsers and CDNs may do with an answer, if the controller has not said it itself. Nothing
/// reaches them when the page becomes wrong, so they are to ask again each time unless the route
/// says otherwise. It says so of the page, and not of an error in its place.
fn tell_caches(headers: &mut HeaderMap, status: StatusCode, route: &Route) {
    tell_as_the_route_says(headers, status, route);
    let caching = headers.entry(header::CACHE_CONTROL);
    caching.or_insert(HeaderValue::from_static("no-cache"));
}

/// The same for an answer that is not kept here. What sets a cookie is for one visitor, whatever the
/// route says.
pub(in crate::frontend) fn tell_uncached(
    headers: &mut HeaderMap,
    status: StatusCode,
    (route, settings): (&Route, &Settings),
) {
    if !headers.contains_key(header::SET_COOKIE) {
        tell_as_the_route_says(headers, status, route);
    }
    vary_elsewhere(headers, route, settings);
    let caching = headers.entry(header::CACHE_CONTROL);
    caching.or_insert(HeaderValue::from_static("no-store"));
}

fn tell_as_the_route_says(headers: &mut HeaderMap, status: StatusCode, route: &Route) {
    if status.is_client_error() || status.is_server_error() {
        return;
    }
    for (name, value) in [(header::CACHE_CONTROL, &route.browser), (CDN_CACHE_CONTROL, &route.cdn)]
    {
        if let Some(value) = value {
            headers.entry(name).or_insert_with(|| value.clone());
        }
    }
}

/// Adds names to `Vary` that are not there yet, and makes one line of it.
pub(in crate::frontend) fn vary<'a>(
    headers: &mut HeaderMap,
    names: impl Iterator<Item = &'a HeaderName>,
) {
    let lines = headers.get_all(header::VARY).iter().filter_map(|line| line.to_str().ok());
    let named = lines.flat_map(|line| line.split(',')).map(|name| name.trim().to_ascii_lowercase());
    let mut all: Vec<String> = named.filter(|name| !name.is_empty()).collect();
    for name in names {
        if !all.iter().any(|known| known == name.as_str() || known == "*") {
            all.push(name.as_str().to_owned());
        }
    }
    if let Some(value) = HeaderValue::try_from(all.join(", ")).ok().filter(|_| !all.is_empty()) {
        headers.insert(header::VARY, value);
    }
}

/// What a page says of itself without its parts. The latest of all dates would not do for the whole:
/// a part may be followed by an older one, when the visitor's variant changes for example.
static OF_THE_PAGE_ALONE: [HeaderName; 7] = [
    header::ETAG,
    header::LAST_MODIFIED,
    header::CONTENT_LENGTH,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("repr-digest"),
];

/// Takes away what the page says of itself alone.
pub(in crate::frontend) fn clear(headers: &mut HeaderMap) {
    for name in &OF_THE_PAGE_ALONE {
        headers.remove(name);
    }
}

/// The tag and the date of a page: those that the controller has given, or its own.
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

/// Whether the content may be sent in a coding: it is text, not encoded already, and nothing in its
/// headers says otherwise or would become wrong by it.
fn may_be_encoded(status: StatusCode, headers: &HeaderMap) -> bool {
    let is_text = headers.get(header::CONTENT_TYPE).is_some_and(media_type::is_text);
    let is_partial =
        status == StatusCode::PARTIAL_CONTENT || headers.contains_key(header::CONTENT_RANGE);
    let forbids = |value: &HeaderValue| {
        let words = value.to_str().unwrap_or("no-transform").split(',');
        words.map(str::trim).any(|word| word.eq_ignore_ascii_case("no-transform"))
    };
    is_text
        && !is_partial
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !OF_BYTES.iter().any(|name| headers.contains_key(*name))
        && !headers.get_all(header::CACHE_CONTROL).iter().any(forbids)
}
