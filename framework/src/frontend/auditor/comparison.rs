//! Compares two pages and finds their first difference.
//!
//! The status, the body and the headers that describe the content or its address are compared. A part is compared as a
//! placeholder: by its URL and its fallback.

use std::borrow::Cow;
use std::sync::LazyLock;

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use regex::bytes::Regex;

use super::super::maker::UNAUDITED;
use super::finding::Difference;
use crate::cache::Page;
use crate::dispatch::AuditPolicy;
use crate::pieces::{Piece, Pieces};

/// The headers that are compared.
static HEADERS: [HeaderName; 3] =
    [header::CONTENT_TYPE, header::CONTENT_LANGUAGE, header::LOCATION];

/// A request id.
static REQUEST_ID: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b[0-9a-f]{16}\b").expect("it is an expression"));

/// The replacement for text that a route's policy ignores.
const IGNORED: &[u8] = b"[ignored]";

/// How many bytes of a body are shown before the first difference, and from there on.
const BEFORE: usize = 24;
const AFTER: usize = 48;

/// The compared properties of a page.
#[derive(Debug)]
pub(super) struct Compared {
    status: StatusCode,
    headers: Vec<Option<HeaderValue>>,
    /// The body. Any text may appear between two of its pieces.
    body: Vec<Vec<u8>>,
}

impl Compared {
    /// Collects the compared properties of a response.
    pub(super) fn new(
        status: StatusCode,
        headers: &HeaderMap,
        body: &Pieces,
        policy: &AuditPolicy,
    ) -> Compared {
        let mut pieces = vec![Vec::new()];
        for piece in body.iter() {
            let last = pieces.last_mut().expect("there is one from the start");
            match piece {
                Piece::Bytes(bytes) => last.extend_from_slice(bytes),
                // A flash message does not belong to the page.
                Piece::Part(part) if part.is_flash() => {}
                Piece::Part(part) if part.url() == UNAUDITED => pieces.push(Vec::new()),
                Piece::Part(part) => {
                    last.extend_from_slice(b"{{ part(url=\"");
                    last.extend_from_slice(part.url().as_bytes());
                    last.extend_from_slice(b"\") }}");
                    last.extend_from_slice(part.fallback());
                }
            }
        }
        for piece in &mut pieces {
            for expression in &policy.ignored {
                replace(piece, expression, IGNORED);
            }
        }
        let headers = HEADERS.iter().map(|name| headers.get(name).cloned()).collect();
        Compared { status, headers, body: pieces }
    }

    /// Collects the compared properties of a cached page.
    pub(super) fn of_page(page: &Page, policy: &AuditPolicy) -> Compared {
        let compared =
            Compared::new(page.status(), page.header_template.template(), &page.body, policy);
        match page.status().is_success() {
            true => compared,
            // It may be the site's error page, which contains the id of the request that it was made for.
            false => compared.without_request_id(),
        }
    }

    /// Replaces everything that looks like a request id.
    pub(super) fn without_request_id(mut self) -> Compared {
        self.body.iter_mut().for_each(|piece| replace(piece, &REQUEST_ID, b"[request]"));
        self
    }

    /// Returns the first difference between this page, which has one piece, and a fresh one.
    pub(super) fn difference(&self, fresh: &Compared) -> Option<Difference> {
        if self.status != fresh.status {
            let [cached, fresh] = [self, fresh].map(|page| page.status.as_str().to_owned());
            return Some(Difference { place: "the status".to_owned(), cached, fresh });
        }
        let headers = HEADERS.iter().zip(self.headers.iter().zip(&fresh.headers));
        for (name, (cached, fresh)) in headers {
            if cached != fresh {
                let [cached, fresh] = [cached, fresh].map(|value| {
                    value.as_ref().map_or(String::new(), |value| text(value.as_bytes(), 0))
                });
                return Some(Difference { place: format!("the header `{name}`"), cached, fresh });
            }
        }
        // A second fresh page has several pieces too, at the same places.
        let cached = self.body.join(&b""[..]);
        match &fresh.body[..] {
            [] => None,
            [whole] => in_bodies(&cached, 0, whole, whole.len() == cached.len()),
            pieces => in_pieces(&cached, pieces),
        }
    }
}

/// Returns the first difference between a body and pieces with any text between them: the body must begin with the
/// first piece, end with the last, and contain the others in between, in their order.
fn in_pieces(cached: &[u8], pieces: &[Vec<u8>]) -> Option<Difference> {
    let (first, others) = pieces.split_first()?;
    let (last, between) = others.split_last()?;
    let begin = in_bodies(cached, 0, first, true);
    if begin.is_some() {
        return begin;
    }
    let mut at = first.len();
    for piece in between {
        match memchr::memmem::find(&cached[at..], piece) {
            Some(found) => at += found + piece.len(),
            None => return Some(shown(cached, at, piece, 0)),
        }
    }
    let end = cached.len().saturating_sub(last.len()).max(at);
    in_bodies(cached, end, last, end + last.len() == cached.len())
}

/// Returns the first difference between a body, from `at` on, and a fresh one. The body may be longer if it
/// `may_go_on`.
fn in_bodies(cached: &[u8], at: usize, fresh: &[u8], may_go_on: bool) -> Option<Difference> {
    let rest = &cached[at..];
    let equal = rest.iter().zip(fresh).take_while(|(cached, fresh)| cached == fresh).count();
    let is_equal = equal == fresh.len() && may_go_on;
    (!is_equal).then(|| shown(cached, at + equal, fresh, equal))
}

fn shown(cached: &[u8], at: usize, fresh: &[u8], at_in_fresh: usize) -> Difference {
    let line = 1 + memchr::memchr_iter(b'\n', &cached[..at]).count();
    let place = format!("byte {at} of the body (line {line})");
    Difference { place, cached: text(cached, at), fresh: text(fresh, at_in_fresh) }
}

/// Returns the text around a position.
fn text(bytes: &[u8], at: usize) -> String {
    // Both sides are equal up to this position, so they are cut at the same place.
    let begin = floor(bytes, at.saturating_sub(BEFORE));
    let end = floor(bytes, at.saturating_add(AFTER));
    let shown = String::from_utf8_lossy(&bytes[begin..end]);
    let (before, after) = (begin > 0, end < bytes.len());
    let dots = |are_there| if are_there { "…" } else { "" };
    format!("{}{}{}", dots(before), shown.escape_debug(), dots(after))
}

/// Returns the last character boundary up to `at`.
fn floor(bytes: &[u8], at: usize) -> usize {
    let at = at.min(bytes.len());
    let begins = |at: &usize| bytes.get(*at).is_none_or(|byte| byte & 0xC0 != 0x80);
    (at.saturating_sub(3)..=at).rev().find(begins).unwrap_or(at)
}

fn replace(bytes: &mut Vec<u8>, expression: &Regex, replacement: &[u8]) {
    let replaced = expression.replace_all(bytes, regex::bytes::NoExpand(replacement));
    if let Cow::Owned(replaced) = replaced {
        *bytes = replaced;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pieces::Part;
    use bytes::Bytes;

    /// The pieces of a body: `%` stands for any text, `{…}` for a part.
    fn compared(body: &str, policy: &AuditPolicy) -> Compared {
        let mut pieces = Pieces::new();
        for text in body.split_inclusive(['%', '}']) {
            let (text, part) = match text.split_once(['{', '%']) {
                Some((text, "")) => (text, Some(UNAUDITED)),
                Some((text, url)) => (text, Some(url.trim_end_matches('}'))),
                None => (text, None),
            };
            pieces.push_bytes(Bytes::copy_from_slice(text.as_bytes()));
            if let Some(url) = part {
                pieces.push_part(Part::new(url, Bytes::new()));
            }
        }
        Compared::new(StatusCode::OK, &HeaderMap::new(), &pieces, policy)
    }

    fn difference(cached: &str, fresh: &str) -> Option<Difference> {
        let policy = AuditPolicy::default();
        compared(cached, &policy).difference(&compared(fresh, &policy))
    }

    #[test]
    fn the_first_difference_is_shown_with_the_text_around_it() {
        let before = "x".repeat(30);
        let found =
            difference(&format!("{before}\nan öld page"), &format!("{before}\nan own page"));
        let found = found.unwrap();
        assert_eq!(found.place, "byte 34 of the body (line 2)");
        assert_eq!(found.cached, format!("…{}\\nan öld page", "x".repeat(20)));
        assert_eq!(found.fresh, format!("…{}\\nan own page", "x".repeat(20)));
    }

    #[test]
    fn a_longer_body_differs_where_the_other_ends() {
        assert_eq!(difference("abc", "ab").unwrap().place, "byte 2 of the body (line 1)");
        assert_eq!(difference("ab", "abc").unwrap().place, "byte 2 of the body (line 1)");
        assert_eq!(difference("", "a").unwrap().fresh, "a");
        assert_eq!(difference("ab", "ab"), None);
    }

    #[test]
    fn any_text_may_appear_at_an_unaudited_place() {
        for (cached, fresh) in
            [("a1b", "a%b"), ("ab", "a%b"), ("a1b2c", "a%b%c"), ("1", "%"), ("abab", "a%b")]
        {
            assert_eq!(difference(cached, fresh), None, "{cached} {fresh}");
        }
        for (cached, fresh, place) in [
            ("x1b", "a%b", 0),
            ("a1x", "a%b", 2),
            ("a1x2c", "a%b%c", 1),
            ("a", "a%a", 1),
            ("a1b2cd", "a%b%c", 5),
        ] {
            let found = difference(cached, fresh).unwrap();
            let expected = format!("byte {place} of the body (line 1)");
            assert_eq!(found.place, expected, "{cached} {fresh}");
        }
    }

    #[test]
    fn parts_are_compared_as_placeholders() {
        assert_eq!(difference("a{/badge}b", "a{/badge}b"), None);
        assert!(difference("a{/badge}b", "a{/other}b").is_some());
        assert!(difference("a{/badge}b", "ab").is_some());
    }

    #[test]
    fn text_that_a_route_ignores_is_no_difference() {
        let ignored = vec![Regex::new("<time>[^<]*</time>").unwrap()];
        let policy = AuditPolicy { ignored, ..AuditPolicy::default() };
        let cached = compared("<p>old <time>1</time> and <time>2</time>", &policy);
        let fresh = |text| cached.difference(&compared(text, &policy));
        assert_eq!(fresh("<p>old <time>11:59</time> and <time></time>"), None);
        assert!(fresh("<p>new <time>1</time> and <time>2</time>").is_some());
        assert!(fresh("<p>old <time>1</time>").is_some());
    }

    #[test]
    fn status_and_type_are_compared_but_no_date() {
        let policy = AuditPolicy::default();
        let page = |status, headers: &[(HeaderName, &'static str)]| {
            let headers = headers.iter();
            let headers =
                headers.map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
            let headers = HeaderMap::from_iter(headers);
            Compared::new(status, &headers, &Pieces::new(), &policy)
        };
        let html = (header::CONTENT_TYPE, "text/html");
        let cached = page(StatusCode::OK, std::slice::from_ref(&html));
        let found =
            cached.difference(&page(StatusCode::NOT_FOUND, std::slice::from_ref(&html))).unwrap();
        assert_eq!([&*found.place, &found.cached, &found.fresh], ["the status", "200", "404"]);
        let other = [(header::CONTENT_TYPE, "text/plain")];
        let found = cached.difference(&page(StatusCode::OK, &other)).unwrap();
        assert_eq!(found.place, "the header `content-type`");
        let dated = [html, (header::DATE, "today"), (header::AGE, "7"), (header::ETAG, "\"x\"")];
        assert_eq!(cached.difference(&page(StatusCode::OK, &dated)), None);
    }

    proptest::proptest! {
        #[test]
        fn two_bodies_differ_if_they_are_not_the_same(left: Vec<u8>, right: Vec<u8>) {
            let found = in_bodies(&left, 0, &right, left.len() == right.len());
            proptest::prop_assert_eq!(found.is_none(), left == right);
        }
    }
}
