//! The groups of a page, in the headers that caches further out read.
//!
//! Each header has a syntax of its own, in which not every name can be written. A name that cannot
//! is left out, and so is what would make the header longer than [`LONGEST`]: a page is then in
//! fewer groups out there than it is here, and a purge out there by such a name does not reach it.

use std::borrow::Cow;

use http::HeaderValue;
use http::header::HeaderName;
use serde::{Deserialize, Serialize};
use sfv::{ItemSerializer, StringRef};

/// A header that tells caches further out which groups a page is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum GroupHeader {
    /// `Cache-Groups` (RFC 9875).
    CacheGroups,
    /// `Surrogate-Key`, as Fastly and Varnish know it.
    SurrogateKey,
    /// `Cache-Tag`, as Cloudflare and Akamai know it.
    CacheTag,
}

static NAMES: [HeaderName; 3] = [
    HeaderName::from_static("cache-groups"),
    HeaderName::from_static("surrogate-key"),
    HeaderName::from_static("cache-tag"),
];

/// The longest value, in bytes: many servers take no longer line.
const LONGEST: usize = 8 * 1024;

impl GroupHeader {
    /// All of them.
    pub(super) const ALL: [GroupHeader; 3] =
        [GroupHeader::CacheGroups, GroupHeader::SurrogateKey, GroupHeader::CacheTag];

    pub(super) fn name(self) -> &'static HeaderName {
        &NAMES[self as usize]
    }

    /// What stands between two names.
    fn separator(self) -> &'static str {
        match self {
            GroupHeader::CacheGroups => ", ",
            GroupHeader::SurrogateKey => " ",
            GroupHeader::CacheTag => ",",
        }
    }

    /// How a name is written, if it can be.
    fn spelled(self, group: &str) -> Option<Cow<'_, str>> {
        match self {
            // RFC 9651 has Strings of printable ASCII only.
            GroupHeader::CacheGroups => StringRef::from_str(group)
                .ok()
                .map(|group| ItemSerializer::new().bare_item(group).finish().into()),
            GroupHeader::SurrogateKey => is_plain(group).then_some(group.into()),
            GroupHeader::CacheTag => {
                (is_plain(group) && !group.contains(',')).then_some(group.into())
            }
        }
    }

    /// The value that names these groups; none when there is no group that it can name.
    pub(super) fn value<'a>(
        self,
        groups: impl IntoIterator<Item = &'a str>,
    ) -> Option<HeaderValue> {
        let mut seen = Vec::new();
        let groups = groups.into_iter().filter(|group| {
            let is_new = !seen.contains(group);
            if is_new {
                seen.push(*group);
            }
            is_new
        });
        let names: Vec<Cow<'_, str>> = groups.filter_map(|group| self.spelled(group)).collect();
        self.joined(names.iter().map(|name| name.as_bytes()))
    }

    /// One value of several: of a page and of its parts.
    pub(super) fn merged<'a>(
        self,
        values: impl IntoIterator<Item = &'a HeaderValue>,
    ) -> Option<HeaderValue> {
        let mut distinct: Vec<&HeaderValue> = Vec::new();
        for value in values {
            if !distinct.contains(&value) {
                distinct.push(value);
            }
        }
        self.joined(distinct.into_iter().map(HeaderValue::as_bytes))
    }

    fn joined<'a>(self, names: impl Iterator<Item = &'a [u8]>) -> Option<HeaderValue> {
        let separator = self.separator().as_bytes();
        let mut list = Vec::new();
        for name in names {
            let before = if list.is_empty() { &b""[..] } else { separator };
            if list.len() + before.len() + name.len() > LONGEST {
                break;
            }
            list.extend_from_slice(before);
            list.extend_from_slice(name);
        }
        HeaderValue::try_from(list).ok().filter(|value| !value.is_empty())
    }
}

/// Whether a name is made of visible ASCII characters only.
fn is_plain(group: &str) -> bool {
    !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [GroupHeader; 3] = GroupHeader::ALL;

    fn values(groups: &[&str]) -> [String; 3] {
        ALL.map(|header| {
            let found = header.value(groups.iter().copied());
            found.map_or(String::new(), |value| value.to_str().unwrap().to_owned())
        })
    }

    #[test]
    fn each_header_has_its_own_name() {
        let names = ALL.map(|header| header.name().as_str());
        assert_eq!(names, ["cache-groups", "surrogate-key", "cache-tag"]);
    }

    #[test]
    fn each_header_has_its_own_syntax() {
        let [groups, keys, tags] = values(&["news", "story:7", "news", "a,b", "c d", "\"e\\"]);
        assert_eq!(groups, r#""news", "story:7", "a,b", "c d", "\"e\\""#);
        assert_eq!(keys, r#"news story:7 a,b "e\"#);
        assert_eq!(tags, r#"news,story:7,"e\"#);
    }

    #[test]
    fn a_name_that_cannot_be_written_is_left_out() {
        let [groups, keys, tags] = values(&["grün", "a\nset-cookie: b", "", "c"]);
        assert_eq!([groups, keys, tags], [r#""", "c""#, "c", "c"]);
        assert!(ALL.iter().all(|header| header.value(["grün"]).is_none()));
    }

    #[test]
    fn only_whole_names_are_written_and_not_too_many() {
        let groups: Vec<String> = (0..10_000).map(|number| format!("group-{number}")).collect();
        for header in ALL {
            let value = header.value(groups.iter().map(String::as_str)).unwrap();
            assert!((LONGEST - 20..=LONGEST).contains(&value.len()), "{header:?}: {}", value.len());
            let last = value.to_str().unwrap().rsplit([' ', ',']).next().unwrap().trim_matches('"');
            assert!(groups.iter().any(|group| group == last), "{header:?}: {last}");
        }
    }

    proptest! {
        #[test]
        fn what_cache_groups_says_are_groups_of_the_page(
            groups in proptest::collection::vec("[ -~é]{0,6}", 0..8),
        ) {
            let found = GroupHeader::CacheGroups.value(groups.iter().map(String::as_str));
            let field = found.as_ref().map_or(&b""[..], HeaderValue::as_bytes);
            for member in sfv::Parser::new(field).parse::<sfv::List>().unwrap() {
                let sfv::ListEntry::Item(item) = member else { panic!("{member:?}") };
                let read = item.bare_item.as_string().unwrap();
                prop_assert!(groups.iter().any(|group| group == read.as_str()));
            }
        }
    }
}
