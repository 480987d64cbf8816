//! What caches further out may do with a page that was put together.
//!
//! They know nothing of its parts: to them it is one response, so it may be reused no longer, and
//! for no more visitors, than any part of it. Policies are compared and not merged:
//!
//! - With a part that is *for this visitor only* (the cache had no part in it, it is of a variant
//!   that the page is not of, or it is `private`), the whole is `private, no-cache` and in no groups.
//!   Otherwise a CDN would show one visitor's badge to all.
//! - With a part whose `Cache-Control` or `CDN-Cache-Control` (RFC 9213) is another than the page's,
//!   the whole is `no-cache`, or `no-store` if either is. With a *fallback* in it, too, or an outage of
//!   a second would be seen for as long as the page may be reused.
//! - In both cases `CDN-Cache-Control` is left out. Otherwise the page's own policy stands.
//! - The page is in the groups of all (RFC 9875), and `Vary` names what any of them varies by, except
//!   for its coding.
//!
//! What a part says beyond that (`Set-Cookie`, `Link`, …) is not sent. A cookie would be set or
//! not depending on what happened to be in the cache.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use xxhash_rust::xxh3::xxh3_64;

use super::super::group_headers::GroupHeader;
use super::super::pages::vary;
use super::super::router::VariantKind;
use crate::cache::Page;
use crate::http::names::CDN_CACHE_CONTROL;

/// The headers of a part that matter to the whole, besides those of groups.
static RELEVANT: [HeaderName; 3] = [header::CACHE_CONTROL, header::VARY, CDN_CACHE_CONTROL];

/// What the parts of a page have to say about its reuse.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    reuse: Reuse,
    /// Headers of parts that differ from the page's.
    differing: Vec<HeaderMap>,
}

/// What a page or a part allows caches further out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy<'a> {
    headers: &'a HeaderMap,
    /// The same for headers that allow the same.
    number: u64,
    variant: &'a VariantKind,
}

impl<'a> Policy<'a> {
    /// That of these headers.
    pub(super) fn of(headers: &'a HeaderMap, variant: &'a VariantKind) -> Policy<'a> {
        Policy { headers, number: number(headers), variant }
    }

    /// That of a page that is kept, which remembers its number.
    pub(super) fn of_page(page: &'a Page, variant: &'a VariantKind) -> Policy<'a> {
        Policy {
            headers: page.header_template.template(),
            number: page.header_template.policy_number(number),
            variant,
        }
    }

    pub(super) fn variant(self) -> &'a VariantKind {
        self.variant
    }

    fn caching(self) -> [Vec<&'a HeaderValue>; 2] {
        [header::CACHE_CONTROL, CDN_CACHE_CONTROL]
            .map(|name| self.headers.get_all(name).iter().collect())
    }
}

/// The names of the headers that matter to the whole.
fn relevant() -> impl Iterator<Item = &'static HeaderName> {
    RELEVANT.iter().chain(GroupHeader::ALL.map(GroupHeader::name))
}

/// What of headers matters to the whole. That a page is sent in several codings matters to itself
/// alone: its parts are asked for as they are, and what it is put together of is encoded as a whole.
fn lines(headers: &HeaderMap) -> impl Iterator<Item = (&'static HeaderName, HeaderValue)> {
    relevant().flat_map(move |name| {
        let values = headers.get_all(name).iter().filter_map(move |value| match *name {
            header::VARY => without_coding(value),
            _ => Some(value.clone()),
        });
        values.map(move |value| (name, value))
    })
}

/// A line of `Vary` without `Accept-Encoding`, if there is more in it.
fn without_coding(value: &HeaderValue) -> Option<HeaderValue> {
    let is_coding = |name: &&str| name.eq_ignore_ascii_case(header::ACCEPT_ENCODING.as_str());
    let names: Vec<&str> = members(value).collect();
    match names.iter().any(is_coding) {
        true => {
            let others: Vec<&str> = names.into_iter().filter(|name| !is_coding(name)).collect();
            HeaderValue::try_from(others.join(", ")).ok().filter(|_| !others.is_empty())
        }
        false => Some(value.clone()),
    }
}

fn members(value: &HeaderValue) -> impl Iterator<Item = &str> {
    value.to_str().unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty())
}

/// A number that is the same for headers that allow the same.
fn number(headers: &HeaderMap) -> u64 {
    let mut text = Vec::new();
    for (name, value) in lines(headers) {
        for piece in [name.as_str().as_bytes(), value.as_bytes()] {
            text.extend_from_slice(&piece.len().to_le_bytes());
            text.extend_from_slice(piece);
        }
    }
    xxh3_64(&text)
}

/// How the whole may be reused, in the order of what is stricter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Reuse {
    /// As the page says.
    #[default]
    OfThePage,
    NoCache,
    Private,
    NoStore,
}

impl Reuse {
    /// The strictest that headers ask for where no time is allowed.
    fn without_time(headers: &HeaderMap) -> Reuse {
        let values = headers.get_all(header::CACHE_CONTROL).iter();
        let directives = values.flat_map(members).map(|directive| {
            let name = directive.split('=').next().unwrap_or_default().trim();
            match name.to_ascii_lowercase().as_str() {
                "no-store" => Reuse::NoStore,
                "private" => Reuse::Private,
                _ => Reuse::NoCache,
            }
        });
        directives.max().unwrap_or(Reuse::NoCache)
    }
}

impl Sharing {
    /// A part that depends on nothing but the variant and its headers' `Vary`.
    pub(super) fn take_in(&mut self, page: Policy<'_>, part: Policy<'_>) {
        if *part.variant != VariantKind::Yes && part.variant != page.variant {
            self.take_in_visitors_own();
        }
        if page.number == part.number {
            return;
        }
        if page.caching() != part.caching() {
            self.reuse = self.reuse.max(Reuse::without_time(part.headers));
        }
        let differing = lines(part.headers).map(|(name, value)| (name.clone(), value));
        self.differing.push(differing.collect());
    }

    /// A part that is for this visitor only.
    pub(super) fn take_in_visitors_own(&mut self) {
        self.reuse = self.reuse.max(Reuse::Private);
    }

    /// A fallback.
    pub(super) fn take_in_fallback(&mut self) {
        self.reuse = self.reuse.max(Reuse::NoCache);
    }

    /// What the parts of a part have to say.
    pub(super) fn extend(&mut self, other: Sharing) {
        self.reuse = self.reuse.max(other.reuse);
        self.differing.extend(other.differing);
    }

    /// Changes the headers of the page into those of the whole.
    pub(super) fn apply(&self, headers: &mut HeaderMap) {
        let lines = self.differing.iter().flat_map(|part| part.get_all(header::VARY));
        let names = lines.flat_map(members).filter_map(|name| name.parse().ok());
        let names: Vec<HeaderName> = names.collect();
        if !names.is_empty() {
            vary(headers, names.iter());
        }
        let reuse = match self.reuse {
            Reuse::OfThePage => Reuse::OfThePage,
            strict => strict.max(Reuse::without_time(headers)),
        };
        let cache_control = match reuse {
            Reuse::OfThePage => None,
            Reuse::NoCache => Some("no-cache"),
            Reuse::Private => Some("private, no-cache"),
            Reuse::NoStore => Some("no-store"),
        };
        if let Some(value) = cache_control {
            headers.remove(&CDN_CACHE_CONTROL);
            // What says nothing at all gets a value later, and not one that allows more.
            if headers.contains_key(header::CACHE_CONTROL) {
                headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
            }
        }
        for header in GroupHeader::ALL {
            let name = header.name();
            if reuse >= Reuse::Private {
                headers.remove(name);
            } else if !self.differing.is_empty() {
                let all = [&*headers].into_iter().chain(&self.differing);
                if let Some(merged) = header.merged(all.flat_map(|part| part.get_all(name))) {
                    headers.insert(name, merged);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        lines.iter().map(line).collect()
    }

    fn lines(headers: &HeaderMap) -> Vec<String> {
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}: {}", value.to_str().unwrap())
        };
        let mut lines: Vec<String> = headers.iter().map(line).collect();
        lines.sort_unstable();
        lines
    }

    const PAGE: [(&str, &str); 5] = [
        ("cache-control", "max-age=60"),
        ("cache-groups", "\"front\""),
        ("cdn-cache-control", "max-age=3600"),
        ("content-language", "en"),
        ("vary", "accept-language"),
    ];

    const PAGE_WITHOUT_VARY: (&str, &str) = ("cache-control", "no-cache");

    /// The page's headers, put together with those of one part.
    fn whole(part: &[(&'static str, &'static str)], variants: [VariantKind; 2]) -> Vec<String> {
        let (mut page, [page_variant, part_variant]) = (headers(&PAGE), variants);
        let mut sharing = Sharing::default();
        let part = headers(part);
        sharing.take_in(Policy::of(&page, &page_variant), Policy::of(&part, &part_variant));
        sharing.apply(&mut page);
        lines(&page)
    }

    fn shared(part: &[(&'static str, &'static str)]) -> Vec<String> {
        whole(part, [VariantKind::Yes, VariantKind::Yes])
    }

    #[test]
    fn a_part_like_the_page_changes_nothing() {
        assert_eq!(shared(&PAGE), lines(&headers(&PAGE)));
    }

    #[test]
    fn the_whole_varies_by_and_is_in_the_groups_of_all() {
        let part = [
            ("cache-control", "max-age=60"),
            ("cache-groups", "\"news\""),
            ("cache-tag", "news"),
            ("cdn-cache-control", "max-age=3600"),
            ("set-cookie", "a=b"),
            ("vary", "cookie"),
        ];
        let expected = [
            "cache-control: max-age=60",
            "cache-groups: \"front\", \"news\"",
            "cache-tag: news",
            "cdn-cache-control: max-age=3600",
            "content-language: en",
            "vary: accept-language, cookie",
        ];
        assert_eq!(shared(&part), expected);
    }

    #[test]
    fn with_a_part_of_another_policy_the_whole_is_asked_for_again() {
        for (name, value, expected) in [
            ("cache-control", "max-age=30", "no-cache"),
            ("cache-control", "no-cache", "no-cache"),
            ("cache-control", "public, Private=\"x\", max-age=30", "private, no-cache"),
            ("cache-control", "no-store", "no-store"),
            ("cdn-cache-control", "max-age=30", "no-cache"),
        ] {
            let mut part = PAGE;
            part.iter_mut().filter(|line| line.0 == name).for_each(|line| line.1 = value);
            let mut lines = vec![format!("cache-control: {expected}")];
            lines.extend((expected == "no-cache").then(|| "cache-groups: \"front\"".to_owned()));
            lines.extend(["content-language: en", "vary: accept-language"].map(str::to_owned));
            assert_eq!(shared(&part), lines, "{name}: {value}");
        }
        let without = PAGE.into_iter().filter(|line| line.0 != "cdn-cache-control");
        let whole = shared(&without.collect::<Vec<_>>());
        assert_eq!(whole[0], "cache-control: no-cache", "either may allow CDNs less");
        let mut page = headers(&[("cache-control", "private, max-age=60")]);
        let (part, yes) = (headers(&[("cache-control", "no-cache")]), VariantKind::Yes);
        let mut sharing = Sharing::default();
        sharing.take_in(Policy::of(&page, &yes), Policy::of(&part, &yes));
        sharing.apply(&mut page);
        assert_eq!(lines(&page), ["cache-control: private, no-cache"], "it is no less private");
    }

    #[test]
    fn in_which_coding_a_part_would_be_sent_does_not_matter() {
        let by = |vary: &'static str| headers(&[("cache-control", "no-cache"), ("vary", vary)]);
        let number = |vary| super::number(&by(vary));
        assert_eq!(number("accept-encoding"), super::number(&headers(&[PAGE_WITHOUT_VARY])));
        assert_eq!(number("cookie, Accept-Encoding"), number("cookie"));
        assert_ne!(number("cookie, accept-encoding"), number("accept-encoding"));
        let mut page = by("accept-encoding, cookie");
        let mut sharing = Sharing::default();
        let yes = VariantKind::Yes;
        for part in [by("Cookie"), by("cookie, x-shade"), by("Accept-Encoding, x-shade")] {
            sharing.take_in(Policy::of(&page, &yes), Policy::of(&part, &yes));
        }
        sharing.apply(&mut page);
        let expected = ["cache-control: no-cache", "vary: accept-encoding, cookie, x-shade"];
        assert_eq!(lines(&page), expected);
    }

    #[test]
    fn what_is_for_one_visitor_makes_the_whole_private() {
        let expected =
            ["cache-control: private, no-cache", "content-language: en", "vary: accept-language"];
        let (all, ann) = (VariantKind::Yes, VariantKind::Named("ann".to_owned()));
        assert_eq!(whole(&PAGE, [all.clone(), ann.clone()]), expected);
        assert_eq!(whole(&PAGE, [all, VariantKind::Key("/x".to_owned())]), expected);
        let ben = VariantKind::Named("ben".to_owned());
        assert_eq!(whole(&PAGE, [ben, ann.clone()]), expected);
        assert_eq!(whole(&PAGE, [ann.clone(), VariantKind::Yes]), lines(&headers(&PAGE)));
        assert_eq!(whole(&PAGE, [ann.clone(), ann]), lines(&headers(&PAGE)));
        let mut not_stored = headers(&[("cache-control", "no-store")]);
        let mut sharing = Sharing::default();
        sharing.take_in_fallback();
        sharing.take_in_visitors_own();
        sharing.take_in_fallback();
        sharing.apply(&mut not_stored);
        assert_eq!(lines(&not_stored), ["cache-control: no-store"]);
    }

    #[test]
    fn a_fallback_is_not_kept_for_long() {
        let mut page = headers(&PAGE);
        let mut within = Sharing::default();
        within.take_in_fallback();
        let mut sharing = Sharing::default();
        sharing.extend(within);
        sharing.apply(&mut page);
        let expected = [
            "cache-control: no-cache",
            "cache-groups: \"front\"",
            "content-language: en",
            "vary: accept-language",
        ];
        assert_eq!(lines(&page), expected);
    }
}
