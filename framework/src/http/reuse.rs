//! On which terms caches further out may reuse a response: `Cache-Control` (RFC 9111, section 5.2), its kin for CDNs
//! (RFC 9213), `Vary` (RFC 9110, section 12.5.5), and the groups that it is in.
//!
//! The text of a reply's headers is read when the reply comes, and that of a response is written when all is known that
//! it depends on. Between the two the terms are data.

use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, VARY};

use super::cache_control::Directives;
use super::group_headers::{GroupHeader, GroupNames};
use super::names::CDN_CACHE_CONTROL;

/// In `Vary`: the response depends on what no header says.
const ANYTHING: HeaderName = HeaderName::from_static("*");

/// On which terms caches further out may reuse a response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReuseTerms {
    /// `Cache-Control`.
    all: Control,
    /// `CDN-Cache-Control`.
    cdn: Control,
    vary: Vec<HeaderName>,
    groups: GroupNames,
}

/// What caches are told, and what of it counts here.
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

/// How a response may be reused, from what is as its page says to what is stricter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reuse {
    /// As it says itself.
    #[default]
    AsItSays,
    /// Each time only after it was validated.
    Validated,
    /// The same, and by one visitor's own cache only.
    Private,
    /// Not at all.
    Never,
}

impl ReuseTerms {
    /// Takes what a reply says out of its headers.
    pub(crate) fn take(headers: &mut HeaderMap) -> ReuseTerms {
        let mut control = |name: &HeaderName| take_line(headers, name, ", ").map(Control::from);
        let all = control(&CACHE_CONTROL).unwrap_or_default();
        let cdn = control(&CDN_CACHE_CONTROL).unwrap_or_default();
        let vary = take_line(headers, &VARY, ", ").map(|vary| names_in(&vary)).unwrap_or_default();
        ReuseTerms { all, cdn, vary, groups: GroupNames::take(headers) }
    }

    /// What these headers say.
    pub(crate) fn of(headers: &HeaderMap) -> ReuseTerms {
        ReuseTerms::take(&mut headers.clone())
    }

    /// Whether neither all caches nor CDNs are told anything: then none is to keep the response.
    pub(crate) fn are_silent(&self) -> bool {
        self.all.value.is_none() && self.cdn.value.is_none()
    }

    /// Whether they say that the response is for one visitor only, or depends on what no key holds.
    pub(crate) fn are_for_one_visitor(&self) -> bool {
        self.all.directives.are_for_one_visitor() || self.vary.contains(&ANYTHING)
    }

    /// Whether the content is to be sent as it is.
    pub(crate) fn forbid_transforming(&self) -> bool {
        self.all.directives.no_transform || self.all.directives.unreadable
    }

    /// Says something to all caches, and to CDNs, where nothing is said yet.
    pub(crate) fn offer(&mut self, all: Option<&HeaderValue>, cdn: Option<&HeaderValue>) {
        for (said, offered) in [(&mut self.all, all), (&mut self.cdn, cdn)] {
            if let Some(offered) = offered.filter(|_| said.value.is_none()) {
                *said = offered.clone().into();
            }
        }
    }

    /// Adds headers that the response depends on.
    pub(crate) fn vary_by<'a>(&mut self, names: impl IntoIterator<Item = &'a HeaderName>) {
        for name in names {
            if !self.vary.iter().any(|known| known == name || *known == ANYTHING) {
                self.vary.push(name.clone());
            }
        }
    }

    /// Names groups in these headers, except in those that a controller has written.
    pub(crate) fn name_groups<'a>(
        &mut self,
        headers: &[GroupHeader],
        groups: impl Iterator<Item = &'a str> + Clone,
    ) {
        self.groups.offer(headers, groups);
    }

    /// Allows no more than `reuse`. What says nothing at all allows less.
    pub(crate) fn restrict(&mut self, reuse: Reuse) {
        let reuse = self.restricted(reuse);
        if reuse > Reuse::AsItSays {
            self.cdn = Control::default();
        }
        if let Some(value) = reuse.value().filter(|_| self.all.value.is_some()) {
            self.all = value.into();
        }
        if reuse >= Reuse::Private {
            self.groups = GroupNames::default();
        }
    }

    /// What is left of `reuse` in the presence of what they say.
    fn restricted(&self, reuse: Reuse) -> Reuse {
        if reuse > Reuse::AsItSays { reuse.max(self.without_time()) } else { reuse }
    }

    /// The most that they allow where no time is.
    pub(crate) fn without_time(&self) -> Reuse {
        match self.all.directives {
            Directives { no_store: true, .. } => Reuse::Never,
            directives if directives.are_for_one_visitor() => Reuse::Private,
            _ => Reuse::Validated,
        }
    }

    /// Whether others allow the same for the same time.
    pub(crate) fn control_like(&self, others: &ReuseTerms) -> bool {
        self.all == others.all && self.cdn == others.cdn
    }

    /// Whether others say the same of what is sent as it is.
    pub(crate) fn are_like(&self, others: &ReuseTerms) -> bool {
        let by_content = ReuseTerms::varying_by_content;
        self.control_like(others)
            && by_content(self).eq(by_content(others))
            && self.groups == others.groups
    }

    /// Adds what others depend on and which groups they are in. In which coding they would be sent does not matter.
    pub(crate) fn add(&mut self, others: &ReuseTerms) {
        self.vary_by(others.varying_by_content());
        self.groups.extend(&others.groups);
    }

    fn varying_by_content(&self) -> impl Iterator<Item = &HeaderName> {
        self.vary.iter().filter(|name| **name != ACCEPT_ENCODING)
    }

    /// Writes them into headers. Where these cannot name all groups, the response is validated each time.
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

    /// Changes headers into which they are written into those of a response that allows no more than `reuse`.
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

    /// About how many bytes of memory they take beside the struct.
    pub(crate) fn size(&self) -> usize {
        self.vary.len() * size_of::<HeaderName>() + self.groups.size()
    }
}

impl Reuse {
    /// The value of `Cache-Control` that says so.
    fn value(self) -> Option<HeaderValue> {
        let value = match self {
            Reuse::AsItSays => return None,
            Reuse::Validated => "no-cache",
            Reuse::Private => "private, no-cache",
            Reuse::Never => "no-store",
        };
        Some(HeaderValue::from_static(value))
    }
}

/// The names in a value of `Vary`. One that cannot be read may stand for anything.
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

/// Takes a header out, as one line.
pub(super) fn take_line(
    headers: &mut HeaderMap,
    name: &HeaderName,
    separator: &str,
) -> Option<HeaderValue> {
    let lines: Vec<&[u8]> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
    let joined = (lines.len() > 1).then(|| lines.join(separator.as_bytes()));
    let first = headers.remove(name);
    // Values with a separator between them are a value.
    joined.and_then(|joined| HeaderValue::try_from(joined).ok()).or(first)
}

/// Has a header say this and nothing else.
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
    fn what_a_reply_says_is_taken_out_and_written_in_one_line_each() {
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
    fn what_is_said_already_is_not_said_otherwise() {
        let offered = HeaderValue::from_static("max-age=60");
        let mut terms = ReuseTerms::of(&headers(&[("cache-control", "max-age=5")]));
        terms.offer(Some(&offered), Some(&offered));
        let mut written = HeaderMap::new();
        terms.write(&mut written);
        let expected = [("cache-control", "max-age=5"), ("cdn-cache-control", "max-age=60")];
        assert_eq!(written, headers(&expected));
        let mut silent = ReuseTerms::default();
        silent.offer(None, None);
        silent.restrict(Reuse::Private);
        silent.write(&mut written);
        assert!(silent.are_silent() && written.is_empty(), "that allows more than nothing");
    }

    const SAID: [&str; 6] =
        ["max-age=60", "no-cache", "private=\"x\"", "private, max-age=9", "no-store", "x=\""];
    const REUSES: [Reuse; 4] = [Reuse::AsItSays, Reuse::Validated, Reuse::Private, Reuse::Never];

    proptest! {
        #[test]
        fn a_restriction_never_allows_more(
            said in 0..SAID.len(),
            restrictions in proptest::collection::vec(0..REUSES.len(), 0..4),
        ) {
            let reply = [
                ("cache-control", SAID[said]),
                ("cdn-cache-control", "max-age=600"),
                ("surrogate-key", "a"),
            ];
            let mut terms = ReuseTerms::of(&headers(&reply));
            for restriction in restrictions {
                let (before, reuse) = (terms.clone(), REUSES[restriction]);
                let mut written = HeaderMap::new();
                terms.write(&mut written);
                terms.restrict(reuse);
                prop_assert!(terms.without_time() >= before.without_time().max(reuse));
                // Whether it is written before or afterwards.
                before.write_restricted(reuse, &mut written);
                let mut expected = HeaderMap::new();
                terms.write(&mut expected);
                prop_assert_eq!(written, expected);
            }
        }
    }
}
