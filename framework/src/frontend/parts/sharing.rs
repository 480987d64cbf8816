//! Limits on the reuse of composed pages by downstream caches.
//!
//! Downstream caches cannot see the parts: to them the page is one response, so it may be reused no longer, and for no
//! more visitors, than any part of it. Policies are compared and not merged:
//!
//! - With a part that is *for this visitor only* (it bypassed the cache, it is of a variant that differs from the
//!   page's, or it is `private`), the whole is `private, no-cache` and in no groups. Otherwise a CDN would show one
//!   visitor's badge to all.
//! - With a part whose `Cache-Control` or `CDN-Cache-Control` (RFC 9213) differs from the page's, the whole is
//!   `no-cache`, or `no-store` if either is. The same holds for a *fallback*, because otherwise an outage of a second
//!   would be visible for as long as the page may be reused.
//! - In both cases `CDN-Cache-Control` is omitted. Otherwise the page's own policy remains, unless the headers cannot
//!   list all groups (`http/group_headers.rs`).
//! - The page is in the groups of all its parts (RFC 9875), and `Vary` lists everything that any of them varies by,
//!   except for its coding.
//!
//! Other headers of a part (`Set-Cookie`, `Link`, …) are not sent. Whether a cookie is set would otherwise depend on
//! the contents of the cache.

use http::header::HeaderMap;

use super::super::router::VariantKind;
use crate::http::{Reuse, ReuseTerms};

/// The reuse that the parts of a page permit.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    /// The limit that they impose.
    reuse: Reuse,
    /// The parts' groups and `Vary` in addition to the page's; `None` if there are none.
    added: Option<Box<ReuseTerms>>,
}

/// The reuse that a page or a part permits to downstream caches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy<'a> {
    pub(super) terms: &'a ReuseTerms,
    pub(super) variant: &'a VariantKind,
}

impl Sharing {
    /// Adds a part that depends only on the variant and the headers in its `Vary`.
    pub(super) fn add_part(&mut self, page: Policy<'_>, part: Policy<'_>) {
        if *part.variant != VariantKind::Yes && part.variant != page.variant {
            self.restrict(Reuse::Private);
        }
        if std::ptr::eq(page.terms, part.terms) || page.terms.are_like(part.terms) {
            return;
        }
        if !page.terms.control_like(part.terms) {
            self.restrict(part.terms.without_lifetime());
        }
        self.added.get_or_insert_default().add(part.terms);
    }

    /// Restricts reuse to at most this.
    pub(super) fn restrict(&mut self, reuse: Reuse) {
        self.reuse = self.reuse.max(reuse);
    }

    /// Adds the parts of a part.
    pub(super) fn extend(&mut self, other: Sharing) {
        self.restrict(other.reuse);
        match (&mut self.added, other.added) {
            (Some(added), Some(other)) => added.add(&other),
            (added, other) => *added = added.take().or(other),
        }
    }

    /// Changes the headers of the page, which contain its own terms, into those of the whole.
    pub(super) fn apply(self, page: &ReuseTerms, headers: &mut HeaderMap) {
        let Some(added) = self.added else { return page.write_restricted(self.reuse, headers) };
        let mut whole = page.clone();
        whole.add(&added);
        whole.restrict(self.reuse);
        whole.write(headers);
    }
}

#[cfg(test)]
mod tests {
    use http::header::{HeaderName, HeaderValue};

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

    /// The page's headers, combined with those of one part.
    fn whole(part: &[(&'static str, &'static str)], variants: [VariantKind; 2]) -> Vec<String> {
        let mut page = headers(&PAGE);
        let terms = [&page, &headers(part)].map(ReuseTerms::of);
        let mut sharing = Sharing::default();
        let [page_policy, part_policy] =
            [0, 1].map(|index| Policy { terms: &terms[index], variant: &variants[index] });
        sharing.add_part(page_policy, part_policy);
        sharing.apply(&terms[0], &mut page);
        lines(&page)
    }

    /// The headers of a page, combined with those of these parts.
    fn put_together(mut page: HeaderMap, parts: &[HeaderMap]) -> Vec<String> {
        let (terms, variant) = (ReuseTerms::of(&page), &VariantKind::Yes);
        let mut sharing = Sharing::default();
        for part in parts {
            let part = ReuseTerms::of(part);
            sharing.add_part(Policy { terms: &terms, variant }, Policy { terms: &part, variant });
        }
        sharing.apply(&terms, &mut page);
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
    fn with_a_part_of_another_policy_the_whole_must_be_revalidated() {
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
        let page = headers(&[("cache-control", "private, max-age=60")]);
        let part = headers(&[("cache-control", "no-cache")]);
        assert_eq!(put_together(page, &[part]), ["cache-control: private, no-cache"]);
    }

    #[test]
    fn the_coding_of_a_part_does_not_matter() {
        let by = |vary: &'static str| headers(&[("cache-control", "no-cache"), ("vary", vary)]);
        let like = |one, other| ReuseTerms::of(&by(one)).are_like(&ReuseTerms::of(&by(other)));
        assert!(like("accept-encoding", "") && like("cookie, Accept-Encoding", "Cookie"));
        assert!(!like("cookie, accept-encoding", "accept-encoding"));
        let parts = ["Cookie", "cookie, x-shade", "Accept-Encoding, x-shade"].map(by);
        let expected = ["cache-control: no-cache", "vary: accept-encoding, cookie, x-shade"];
        assert_eq!(put_together(by("accept-encoding, cookie"), &parts), expected);
    }

    #[test]
    fn a_part_for_one_visitor_makes_the_whole_private() {
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
        for reuse in [Reuse::Validated, Reuse::Private, Reuse::Validated] {
            sharing.restrict(reuse);
        }
        sharing.apply(&ReuseTerms::of(&not_stored), &mut not_stored);
        assert_eq!(lines(&not_stored), ["cache-control: no-store"]);
    }

    #[test]
    fn a_page_with_a_fallback_must_be_revalidated() {
        let mut page = headers(&PAGE);
        let mut within = Sharing::default();
        within.restrict(Reuse::Validated);
        let mut sharing = Sharing::default();
        sharing.extend(within);
        sharing.apply(&ReuseTerms::of(&page), &mut page);
        let expected = [
            "cache-control: no-cache",
            "cache-groups: \"front\"",
            "content-language: en",
            "vary: accept-language",
        ];
        assert_eq!(lines(&page), expected);
    }

    #[test]
    fn the_whole_must_be_revalidated_if_the_headers_cannot_list_all_groups() {
        let named = |range: std::ops::Range<u32>| -> HeaderMap {
            let names: Vec<String> = range.map(|number| format!("\"group-{number:05}\"")).collect();
            let mut headers = headers(&PAGE);
            headers.insert("cache-groups", names.join(", ").parse().unwrap());
            headers
        };
        let groups = |lines: &[String]| lines[1].matches("group-").count();
        // The page's names take 6 of 8 KiB; two thirds of the part's names are the page's.
        let whole = put_together(named(0..400), &[named(200..500)]);
        assert_eq!((whole[0].as_str(), groups(&whole)), ("cache-control: max-age=60", 500));
        assert_eq!(whole[2], "cdn-cache-control: max-age=3600");
        let whole = put_together(named(0..400), &[named(400..500), named(500..700)]);
        assert_eq!(whole[0], "cache-control: no-cache");
        assert_eq!(groups(&whole), 546);
        assert!(!whole.iter().any(|line| line.starts_with("cdn-cache-control")));
    }
}
