//! The terms on which downstream caches may reuse a response: `Cache-Control` (RFC 9111, section 5.2),
//! `CDN-Cache-Control` (RFC 9213), `Vary` (RFC 9110, section 12.5.5), and the names of its groups.
//!
//! The headers of a reply are parsed when the reply arrives, and those of a response are written when all its
//! dependencies are known. In between, the terms are data.

use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, VARY};

use super::cache_control::Directives;
use super::group_headers::{GroupHeader, GroupNames};
use super::names::CDN_CACHE_CONTROL;

/// `Vary: *`: the response varies by something other than request headers.
const ANYTHING: HeaderName = HeaderName::from_static("*");

/// The terms on which downstream caches may reuse a response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReuseTerms {
    /// `Cache-Control`.
    all: Control,
    /// `CDN-Cache-Control`.
    cdn: Control,
    vary: Vec<HeaderName>,
    groups: GroupNames,
}

/// A header value, and the directives in it that matter here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Control {
    value: Option<HeaderValue>,
    directives: Directives,
}

impl From<HeaderValue> for Control {
    fn from(value: HeaderValue) -> Control {
        Control { directives: Directives::of(&value), value: Some(value) }
    }
}

/// Limits on reusing a response, from the least to the most strict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reuse {
    /// No limit beyond the response's own directives.
    #[default]
    Unrestricted,
    /// Only after validation, on each use.
    Validated,
    /// Only after validation, and by private caches only.
    Private,
    /// Never.
    Never,
}

impl ReuseTerms {
    /// Removes the headers with the terms from those of a reply, and parses them.
    pub(crate) fn take(headers: &mut HeaderMap) -> ReuseTerms {
        let mut control = |name: &HeaderName| take_line(headers, name, ", ").map(Control::from);
        let all = control(&CACHE_CONTROL).unwrap_or_default();
        let cdn = control(&CDN_CACHE_CONTROL).unwrap_or_default();
        let vary = take_line(headers, &VARY, ", ").map(|vary| names_in(&vary)).unwrap_or_default();
        ReuseTerms { all, cdn, vary, groups: GroupNames::take(headers) }
    }

    /// Parses the terms in these headers.
    pub(crate) fn of(headers: &HeaderMap) -> ReuseTerms {
        ReuseTerms::take(&mut headers.clone())
    }

    /// Returns whether neither `Cache-Control` nor `CDN-Cache-Control` is set. The response is then sent with
    /// `no-store`.
    pub(crate) fn are_unset(&self) -> bool {
        self.all.value.is_none() && self.cdn.value.is_none()
    }

    /// Returns whether the terms limit the response to one visitor, or it varies by something that no key contains.
    pub(crate) fn are_for_one_visitor(&self) -> bool {
        self.all.directives.are_for_one_visitor() || self.vary.contains(&ANYTHING)
    }

    /// Returns whether the content must be sent unchanged.
    pub(crate) fn forbid_transforming(&self) -> bool {
        self.all.directives.no_transform || self.all.directives.unreadable
    }

    /// Sets `Cache-Control` and `CDN-Cache-Control`, where they are not set yet.
    pub(crate) fn offer(&mut self, all: Option<&HeaderValue>, cdn: Option<&HeaderValue>) {
        for (current, offered) in [(&mut self.all, all), (&mut self.cdn, cdn)] {
            if let Some(offered) = offered.filter(|_| current.value.is_none()) {
                *current = offered.clone().into();
            }
        }
    }

    /// Adds headers by which the response varies.
    pub(crate) fn vary_by<'a>(&mut self, names: impl IntoIterator<Item = &'a HeaderName>) {
        for name in names {
            if !self.vary.iter().any(|known| known == name || *known == ANYTHING) {
                self.vary.push(name.clone());
            }
        }
    }

    /// Names `groups` in these headers, except in those that a controller has written.
    pub(crate) fn name_groups<'a>(
        &mut self,
        headers: &[GroupHeader],
        groups: impl Iterator<Item = &'a str> + Clone,
    ) {
        self.groups.offer(headers, groups);
    }

    /// Tightens these terms to at most `reuse`: `Cache-Control`, if there is one, and without the directives for CDNs;
    /// from [`Reuse::Private`] on, without groups. A response without `Cache-Control` is sent with `no-store` anyway.
    pub(crate) fn restrict(&mut self, reuse: Reuse) {
        let reuse = self.restricted(reuse);
        if reuse > Reuse::Unrestricted {
            self.cdn = Control::default();
        }
        if let Some(value) = reuse.value().filter(|_| self.all.value.is_some()) {
            self.all = value.into();
        }
        if reuse >= Reuse::Private {
            self.groups = GroupNames::default();
        }
    }

    /// Returns the stricter of `reuse` and the existing directives; [`Reuse::Unrestricted`] remains.
    fn restricted(&self, reuse: Reuse) -> Reuse {
        if reuse > Reuse::Unrestricted { reuse.max(self.without_lifetime()) } else { reuse }
    }

    /// Returns the limit that remains if the lifetime is dropped from the directives: `no-store` remains, `private`
    /// remains and is validated, anything else is validated.
    pub(crate) fn without_lifetime(&self) -> Reuse {
        match self.all.directives {
            Directives { no_store: true, .. } => Reuse::Never,
            directives if directives.are_for_one_visitor() => Reuse::Private,
            _ => Reuse::Validated,
        }
    }

    /// Returns whether other terms have the same `Cache-Control` and `CDN-Cache-Control`.
    pub(crate) fn control_like(&self, others: &ReuseTerms) -> bool {
        self.all == others.all && self.cdn == others.cdn
    }

    /// Returns whether other terms are the same for content without an encoding.
    pub(crate) fn are_like(&self, others: &ReuseTerms) -> bool {
        let by_content = ReuseTerms::varying_by_content;
        self.control_like(others)
            && by_content(self).eq(by_content(others))
            && self.groups == others.groups
    }

    /// Adds the dependencies and the groups of other terms. The coding does not matter, so `Accept-Encoding` is left
    /// out.
    pub(crate) fn add(&mut self, others: &ReuseTerms) {
        self.vary_by(others.varying_by_content());
        self.groups.extend(&others.groups);
    }

    fn varying_by_content(&self) -> impl Iterator<Item = &HeaderName> {
        self.vary.iter().filter(|name| **name != ACCEPT_ENCODING)
    }

    /// Writes the terms into headers. If these cannot name all groups, the response must be validated on each use.
    pub(crate) fn write(&mut self, headers: &mut HeaderMap) {
        if !self.groups.write(headers) {
            self.restrict(Reuse::Validated);
        }
        put_line(headers, &CACHE_CONTROL, self.all.value.clone());
        put_line(headers, &CDN_CACHE_CONTROL, self.cdn.value.clone());
        let names: Vec<&str> = self.vary.iter().map(HeaderName::as_str).collect();
        let vary = (!names.is_empty()).then(|| HeaderValue::try_from(names.join(", ")).ok());
        put_line(headers, &VARY, vary.flatten());
    }

    /// Restricts headers that already contain these terms to at most `reuse`.
    pub(crate) fn write_restricted(&self, reuse: Reuse, headers: &mut HeaderMap) {
        let reuse = self.restricted(reuse);
        let Some(value) = reuse.value() else { return };
        headers.remove(CDN_CACHE_CONTROL);
        if self.all.value.is_some() {
            headers.insert(CACHE_CONTROL, value);
        }
        if reuse >= Reuse::Private {
            GroupNames::default().write(headers);
        }
    }

    /// Returns the approximate number of bytes on the heap.
    pub(crate) fn size(&self) -> usize {
        self.vary.len() * size_of::<HeaderName>() + self.groups.size()
    }
}

impl Reuse {
    /// Returns the value of `Cache-Control` for this limit.
    fn value(self) -> Option<HeaderValue> {
        let value = match self {
            Reuse::Unrestricted => return None,
            Reuse::Validated => "no-cache",
            Reuse::Private => "private, no-cache",
            Reuse::Never => "no-store",
        };
        Some(HeaderValue::from_static(value))
    }
}

/// Parses the names in a value of `Vary`. A name that cannot be parsed counts as `*`.
fn names_in(vary: &HeaderValue) -> Vec<HeaderName> {
    let text = vary.to_str().unwrap_or("*");
    let members = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    let mut names = Vec::new();
    for member in members {
        let name = member.parse().unwrap_or(ANYTHING);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Removes a header and joins its lines to one value.
pub(super) fn take_line(
    headers: &mut HeaderMap,
    name: &HeaderName,
    separator: &str,
) -> Option<HeaderValue> {
    let lines: Vec<&[u8]> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
    let joined = (lines.len() > 1).then(|| lines.join(separator.as_bytes()));
    let first = headers.remove(name);
    // Joining valid values with a separator yields a valid value.
    joined.and_then(|joined| HeaderValue::try_from(joined).ok()).or(first)
}

/// Sets a header to a single value, or removes it.
pub(super) fn put_line(headers: &mut HeaderMap, name: &HeaderName, value: Option<HeaderValue>) {
    match value {
        Some(value) => drop(headers.insert(name, value)),
        None => drop(headers.remove(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn multiple_header_lines_are_merged_into_one() {
        let mut found = headers(&[
            ("cache-control", "public"),
            ("cache-control", "max-age=60"),
            ("cdn-cache-control", "max-age=600"),
            ("vary", "X-Shade, Cookie"),
            ("vary", "cookie"),
            ("cache-groups", "\"a\""),
            ("cache-groups", "\"b\""),
            ("etag", "\"1\""),
        ]);
        let mut terms = ReuseTerms::take(&mut found);
        assert_eq!(found, headers(&[("etag", "\"1\"")]));
        terms.vary_by(&[HeaderName::from_static("x-shade"), ACCEPT_ENCODING]);
        terms.write(&mut found);
        let expected = headers(&[
            ("cache-control", "public, max-age=60"),
            ("cdn-cache-control", "max-age=600"),
            ("vary", "x-shade, cookie, accept-encoding"),
            ("cache-groups", "\"a\", \"b\""),
            ("etag", "\"1\""),
        ]);
        assert_eq!(found, expected);
    }

    #[test]
    fn offered_directives_do_not_replace_existing_ones() {
        let offered = HeaderValue::from_static("max-age=60");
        let mut terms = ReuseTerms::of(&headers(&[("cache-control", "max-age=5")]));
        terms.offer(Some(&offered), Some(&offered));
        let mut written = HeaderMap::new();
        terms.write(&mut written);
        let expected = [("cache-control", "max-age=5"), ("cdn-cache-control", "max-age=60")];
        assert_eq!(written, headers(&expected));
        let mut unset = ReuseTerms::default();
        unset.offer(None, None);
        unset.restrict(Reuse::Private);
        unset.write(&mut written);
        assert!(unset.are_unset() && written.is_empty(), "a restriction sets no header");
    }

    const DIRECTIVES: [&str; 6] =
        ["max-age=60", "no-cache", "private=\"x\"", "private, max-age=9", "no-store", "x=\""];
    const REUSES: [Reuse; 4] =
        [Reuse::Unrestricted, Reuse::Validated, Reuse::Private, Reuse::Never];

    proptest! {
        #[test]
        fn a_restriction_never_allows_more(
            directives in 0..DIRECTIVES.len(),
            restrictions in proptest::collection::vec(0..REUSES.len(), 0..4),
        ) {
            let reply = [
                ("cache-control", DIRECTIVES[directives]),
                ("cdn-cache-control", "max-age=600"),
                ("surrogate-key", "a"),
            ];
            let mut terms = ReuseTerms::of(&headers(&reply));
            for restriction in restrictions {
                let (before, reuse) = (terms.clone(), REUSES[restriction]);
                let mut written = HeaderMap::new();
                terms.write(&mut written);
                terms.restrict(reuse);
                prop_assert!(terms.without_lifetime() >= before.without_lifetime().max(reuse));
                // The restriction has the same effect before and after writing.
                before.write_restricted(reuse, &mut written);
                let mut expected = HeaderMap::new();
                terms.write(&mut expected);
                prop_assert_eq!(written, expected);
            }
        }
    }
}
