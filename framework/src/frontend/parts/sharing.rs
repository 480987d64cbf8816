//! What caches further out may do with a page that was put together.
//!
//! They know nothing of its parts: to them it is one response, so it may be kept no longer, and for
//! no more visitors, than any part of it.
//!
//! - A part that is *for this visitor only* (the cache had no part in it, or it is of a variant
//!   that the page is not of) makes the whole `private, no-cache`, and what is meant for shared
//!   caches alone is left out. Otherwise a CDN would show one visitor's badge to all.
//! - With a *fallback* in it, the page is to be asked for again, or an outage of a second would be
//!   seen for as long as the page may be kept.
//! - Otherwise `Cache-Control` and `CDN-Cache-Control` (RFC 9213) allow what all of them allow, and the
//!   page is in the groups of all of them (RFC 9875).
//! - `Vary` names what any of them varies by.
//!
//! What a part says beyond that (`Set-Cookie`, `Link`, …) is not sent. A cookie would be set or
//! not depending on what happened to be in the cache.

use http::header::{self, HeaderMap, HeaderName};

use super::super::variant::VariantKind;
use super::allowed::Allowed;

static CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// The headers that name groups.
static GROUPS: [HeaderName; 3] = [
    HeaderName::from_static("cache-groups"),
    HeaderName::from_static("surrogate-key"),
    HeaderName::from_static("cache-tag"),
];

/// The headers of a part that matter to the whole, besides those of groups.
static RELEVANT: [HeaderName; 3] =
    [header::CACHE_CONTROL, header::VARY, HeaderName::from_static("cdn-cache-control")];

/// What the parts of a page have to say about keeping it.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    audience: Audience,
    /// Headers of parts that differ from the page's.
    differing: Vec<HeaderMap>,
}

/// Whom the parts are for, in the order of what is stricter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Audience {
    /// Whoever may have the page.
    #[default]
    Everybody,
    /// They may too, but not for long.
    AtTheMoment,
    /// This visitor only.
    OneVisitor,
}

impl Sharing {
    /// A part that depends on nothing but the variant and its headers' `Vary`.
    pub(super) fn take_in(
        &mut self,
        (page, page_variant): (&HeaderMap, &VariantKind),
        (part, part_variant): (&HeaderMap, &VariantKind),
    ) {
        if *part_variant != VariantKind::Yes && part_variant != page_variant {
            self.take_in_visitors_own();
        }
        let differs = |name: &HeaderName| page.get_all(name) != part.get_all(name);
        let relevant = || RELEVANT.iter().chain(&GROUPS);
        if relevant().any(differs) {
            let values = |name: &HeaderName| {
                let values = part.get_all(name).iter().cloned();
                values.map(|value| (name.clone(), value)).collect::<Vec<_>>()
            };
            self.differing.push(relevant().flat_map(values).collect());
        }
    }

    /// A part that is for this visitor only.
    pub(super) fn take_in_visitors_own(&mut self) {
        self.audience = Audience::OneVisitor;
    }

    /// A fallback.
    pub(super) fn take_in_fallback(&mut self) {
        self.audience = self.audience.max(Audience::AtTheMoment);
    }

    /// What the parts of a part have to say.
    pub(super) fn extend(&mut self, other: Sharing) {
        self.audience = self.audience.max(other.audience);
        self.differing.extend(other.differing);
    }

    /// Changes the headers of the page into those of the whole.
    pub(super) fn apply(&self, headers: &mut HeaderMap) {
        if self.differing.is_empty() && self.audience == Audience::Everybody {
            return;
        }
        for part in &self.differing {
            add_missing(headers, part, &header::VARY);
        }
        // What says nothing at all gets a value later, and not one that allows more.
        if let Some(page) = Allowed::by(headers, &header::CACHE_CONTROL) {
            let parts = self
                .differing
                .iter()
                .map(|part| Allowed::by(part, &header::CACHE_CONTROL).unwrap_or(Allowed::NO_CACHE));
            let all = parts.fold(page, Allowed::and).and(match self.audience {
                Audience::Everybody => page,
                Audience::AtTheMoment => Allowed::NO_CACHE,
                Audience::OneVisitor => Allowed::PRIVATE,
            });
            // What means the same may say it in its own words.
            if all != page {
                headers.insert(header::CACHE_CONTROL, all.header());
            }
        }
        let for_shared_caches = Allowed::by(headers, &CDN_CACHE_CONTROL)
            .filter(|_| self.audience == Audience::Everybody);
        let parts = self.differing.iter().map(|part| Allowed::by(part, &CDN_CACHE_CONTROL));
        match parts.fold(for_shared_caches, |all, part| Some(all?.and(part?))) {
            Some(all) if Allowed::by(headers, &CDN_CACHE_CONTROL) == Some(all) => {}
            Some(all) => drop(headers.insert(&CDN_CACHE_CONTROL, all.header())),
            None => drop(headers.remove(&CDN_CACHE_CONTROL)),
        }
        for name in &GROUPS {
            match self.audience {
                Audience::OneVisitor => drop(headers.remove(name)),
                _ => self.differing.iter().for_each(|part| add_missing(headers, part, name)),
            }
        }
    }
}

/// Adds the values of `name` that are not there yet.
fn add_missing(headers: &mut HeaderMap, part: &HeaderMap, name: &HeaderName) {
    for value in part.get_all(name) {
        if !headers.get_all(name).iter().any(|known| known == value) {
            headers.append(name, value.clone());
        }
    }
}
