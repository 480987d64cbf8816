use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{Method, Request};
use proptest::prelude::*;

use super::*;
use crate::cache::{DateSource, Encoded, HeaderSpec, HeaderTemplate, TagSource};
use crate::http::ReuseTerms;
use crate::http::encoding::{MADE, encode};
use crate::http::gzip::Deflated;
use crate::http::names::CDN_CACHE_CONTROL;
use crate::http::validators::{SETTLED, shown_date};
use crate::inline::InlineHashes;

/// The headers of a page.
fn spec() -> HeaderSpec {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
    headers.insert(CDN_CACHE_CONTROL, HeaderValue::from_static("max-age=600"));
    let terms = ReuseTerms::of(&headers);
    HeaderSpec {
        status: StatusCode::OK,
        headers,
        terms,
        has_length: true,
        tag: TagSource::Given(HeaderValue::from_static("\"a\"")),
        date: DateSource::OfPage,
        may_be_encoded: true,
        inline: InlineHashes::default(),
        is_governed: false,
    }
}

/// A page that was made at `made`, with these encodings.
fn page(made: SystemTime, codings: &[Coding]) -> Page {
    page_with(spec(), made, codings)
}

fn page_with(spec: HeaderSpec, made: SystemTime, codings: &[Coding]) -> Page {
    let content = Bytes::from("<p>The ferry does not run.</p>\n".repeat(100));
    let encoded = codings
        .iter()
        .map(|coding| Encoded { coding: *coding, body: encode(*coding, &content).unwrap().into() });
    let encoded = encoded.collect();
    let page = Page::new(Arc::new(HeaderTemplate::new(spec)), content.into(), made);
    page.later.put_encodings(encoded);
    page
}

fn get(headers: &[(&str, HeaderValue)]) -> Parts {
    let mut request = Request::new(());
    *request.method_mut() = Method::GET;
    for (name, value) in headers {
        let name = header::HeaderName::from_bytes(name.as_bytes()).unwrap();
        request.headers_mut().append(name, value.clone());
    }
    request.into_parts().0
}

fn hit(request: &Parts, page: &Page, age: Duration) -> Response<Body> {
    let aging = Aging::of(age, age >= SETTLED, false);
    super::page(request, page, aging, CacheStatus::Hit(None))
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

#[test]
fn a_stale_page_keeps_its_age_and_looks_stale_in_every_form() {
    let page = page(SystemTime::now(), &[Coding::Gzip]);
    let aging = Aging::of(seconds(700.9), true, true);
    let old = CacheStatus::StaleIfError { status: 503 };
    for (name, value, status) in [
        ("x-plain", "", 200),
        ("accept-encoding", "gzip", 200),
        ("if-none-match", "*", 304),
        ("range", "bytes=0-3", 206),
    ] {
        let response = super::page(&get(&[(name, value.parse().unwrap())]), &page, aging, old);
        assert_eq!(response.status(), status);
        let headers = response.headers();
        assert_eq!(headers[header::AGE], "700", "{name}");
        let date = httpdate::parse_http_date(headers[header::DATE].to_str().unwrap()).unwrap();
        let ago = SystemTime::now().duration_since(date).unwrap();
        assert!((700..=702).contains(&ago.as_secs()), "{name}: {ago:?}");
        assert_eq!(headers[header::CACHE_CONTROL], "no-cache", "{name}");
        assert!(!headers.contains_key(CDN_CACHE_CONTROL), "{name}");
    }
}

#[test]
fn a_page_made_for_this_request_has_no_age_and_reports_its_own_status() {
    let page = page(SystemTime::now(), &[]);
    let made = CacheStatus::Forwarded { why: Forward::UriMiss, stored: true, collapsed: false };
    let response = super::page(&get(&[]), &page, Aging::NEW, made);
    assert!(!response.headers().contains_key(header::AGE));
    assert_eq!(response.headers()[CACHE_STATUS], "headwater; fwd=uri-miss; stored");
    let known = get(&[("if-none-match", HeaderValue::from_static("\"a\""))]);
    let response = super::page(&known, &page, Aging::NEW, made);
    let status = "headwater; fwd=uri-miss; stored; fwd-status=200";
    assert_eq!(response.headers()[CACHE_STATUS], status);
}

/// The response with content composed of these pieces, each of which is deflated if possible.
fn answer_composed(request: &Parts, pieces: &[&str], is_gzip: bool) -> Response<Body> {
    let mut body = ComposedBody::with_capacity(pieces.len(), is_gzip);
    for piece in pieces {
        let bytes = Bytes::copy_from_slice(piece.as_bytes());
        let deflated = Deflated::of(&bytes);
        body.push(bytes, deflated.as_ref());
    }
    let (mut headers, tag) = (HeaderMap::new(), HeaderValue::from_static("\"b\""));
    if is_gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let accepted = acceptable(&request.headers);
    let composed = Composed { status: StatusCode::OK, headers, body, tag, accepted, is_gzip };
    super::composed(request, composed, CacheStatus::Hit(None))
}

fn asked(name: &str, value: &'static str) -> Parts {
    get(&[("accept-encoding", "gzip, br".parse().unwrap()), (name, value.parse().unwrap())])
}

#[test]
fn ranges_of_composed_content_span_pieces() {
    let of = |name, value| answer_composed(&asked(name, value), &["<p>", "Ann", "</p>"], true);
    let response = of("range", "bytes=2-6");
    assert_eq!(response.status(), 206);
    assert_eq!(response.headers()[header::CONTENT_RANGE], "bytes 2-6/10");
    let exact = http_body::Body::size_hint(response.body()).exact();
    assert_eq!(exact, Some(5));
    assert_eq!(of("if-none-match", "\"b\"").status(), 304);
    assert_eq!(of("if-match", "\"c\"").status(), 412);
}

#[test]
fn composed_content_is_sent_as_gzip_unless_only_some_of_it_is_wanted() {
    let text = "<p>The ferry does not run.</p>\n".repeat(60);
    let length = text.len() * 2 + 3;
    let of = |name, value| answer_composed(&asked(name, value), &[&*text, "Ann", &text], true);
    let response = of("x-mark", "a");
    let headers = response.headers();
    assert_eq!(headers[header::CONTENT_ENCODING], "gzip");
    assert_eq!(headers[header::ETAG], "\"b-gzip\"");
    let sent = http_body::Body::size_hint(response.body()).exact().unwrap();
    assert_eq!(headers[header::CONTENT_LENGTH], sent.to_string());
    assert!(sent < length as u64 / 8, "{sent}");
    for tag in ["\"b\"", "\"b-gzip\""] {
        let response = of("if-none-match", tag);
        assert_eq!(response.status(), 304);
        assert_eq!(response.headers()[header::ETAG], tag);
        assert!(!response.headers().contains_key(header::CONTENT_ENCODING));
        assert_eq!(of("if-match", tag).status(), 200);
    }
    let response = of("range", "bytes=2-6");
    let headers = response.headers();
    assert_eq!(headers[header::CONTENT_RANGE], format!("bytes 2-6/{length}"));
    assert_eq!(headers[header::ETAG], "\"b\"");
    assert!(!headers.contains_key(header::CONTENT_ENCODING));
}

proptest! {
    #[test]
    fn the_selected_coding_is_acceptable_and_the_best_available(
        lines in prop::collection::vec(
            "((gzip|br|zstd|identity|x-gzip|deflate|\\*|)( ?; ?q=(0|1|0\\.[0-9]{1,3}|x))?,? ?){0,5}",
            0..3,
        ),
        made in prop::sample::subsequence(MADE.to_vec(), 0..=MADE.len()),
    ) {
        let lines: Vec<_> = lines.iter().map(|line| {
            ("accept-encoding", HeaderValue::try_from(line).unwrap())
        }).collect();
        let request = get(&lines);
        let page = page(SystemTime::now(), &made);
        let response = hit(&request, &page, Duration::ZERO);
        prop_assert_eq!(response.status(), 200);
        let accepted = acceptable(&request.headers);
        let chosen = response.headers().get(header::CONTENT_ENCODING);
        let chosen = match chosen {
            None => Coding::Identity,
            Some(name) => made.iter().copied().find(|coding| name == coding.name()).unwrap(),
        };
        let there = || made.iter().copied().chain([Coding::Identity]);
        if there().any(|coding| accepted.takes(coding)) {
            prop_assert!(accepted.takes(chosen), "{:?}", chosen);
            let best = there().map(|coding| accepted.quality(coding)).max().unwrap();
            prop_assert_eq!(accepted.quality(chosen), best);
        } else {
            prop_assert_eq!(chosen, Coding::Identity);
        }
    }

    /// A visitor gets the first version some time before the second one is made on the same or on another front end,
    /// and later sends a request with the date of the first.
    #[test]
    fn no_date_of_a_version_matches_a_later_version(
        first in 10.0..11.0_f64,
        got_after in 0.0..12.0_f64,
        second_after in 0.0..1.5_f64,
        asked_after in 0.0..12.0_f64,
        behind in 0.0..4.0_f64,
    ) {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let got_at = first + got_after;
        // A version that is later by the log may be earlier by the clock of another front end.
        let second = got_at + second_after - behind;
        let old = page(start + seconds(first), &[]);
        let got = hit(&get(&[]), &old, seconds(got_after));
        let shown = got.headers()[header::LAST_MODIFIED].clone();
        let new = page(start + seconds(second), &[]);
        let again = hit(&get(&[("if-modified-since", shown)]), &new, seconds(asked_after));
        prop_assert_eq!(again.status(), 200);
    }
}

#[test]
fn partial_responses_have_no_digest_of_the_whole_content() {
    let mut spec = spec();
    for name in ["content-digest", "content-md5", "repr-digest"] {
        spec.headers.insert(name, HeaderValue::from_static("x"));
    }
    let page = page_with(spec, SystemTime::now(), &[]);
    for (range, status) in [("bytes=0-3", 206), ("bytes=0-3,9-12", 206), ("x", 200)] {
        let response = hit(&get(&[("range", range.parse().unwrap())]), &page, seconds(0.0));
        assert_eq!(response.status(), status);
        for name in ["content-digest", "content-md5"] {
            assert_eq!(response.headers().contains_key(name), status == 200, "{name}: {range}");
        }
        assert!(response.headers().contains_key("repr-digest"), "it is that of the whole");
    }
}

#[test]
fn a_date_set_by_the_controller_does_not_satisfy_if_range() {
    let made = SystemTime::now() - seconds(60.0);
    let date = shown_date(made, made + SETTLED);
    let page = page(made, &[]);
    let request = get(&[("range", "bytes=0-3".parse().unwrap()), ("if-range", date.clone())]);
    assert_eq!(hit(&request, &page, seconds(60.0)).status(), 206);
    // Two versions may have the same date, which is in whole seconds and set by the site.
    let mut spec = spec();
    spec.headers.insert(header::LAST_MODIFIED, date.clone());
    let given = httpdate::parse_http_date(date.to_str().unwrap()).unwrap();
    let page = page_with(HeaderSpec { date: DateSource::Given(given), ..spec }, made, &[]);
    assert_eq!(hit(&request, &page, seconds(60.0)).status(), 200);
    let request = get(&[("if-modified-since", date)]);
    assert_eq!(hit(&request, &page, seconds(60.0)).status(), 304);
}
