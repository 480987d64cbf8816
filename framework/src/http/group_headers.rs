//! The groups of a page, in the headers that downstream caches read.
//!
//! Each header has a syntax of its own, which cannot express every name. A name that cannot be expressed is left out:
//! no purge of a downstream cache can name it either.
//!
//! Many servers accept no line longer than [`LONGEST`]. If the names of a page do not fit, the purge of an omitted name
//! would not reach the page, and no wider name exists that the purges of all sites include. So the header contains as
//! many names as fit, and downstream caches must validate the page on each use
//! ([`ReuseTerms::write`](super::ReuseTerms::write)): a page that is always validated needs no purge.

use std::borrow::Cow;
use std::collections::HashSet;

use http::HeaderValue;
use http::header::{HeaderMap, HeaderName};
use serde::{Deserialize, Serialize};
use sfv::{ItemSerializer, ListEntry, Parser, StringRef};

use super::reuse::{put_line, take_line};

/// A header that names the groups of a page for downstream caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum GroupHeader {
    /// `Cache-Groups` (RFC 9875).
    CacheGroups,
    /// `Surrogate-Key`, as used by Fastly and Varnish.
    SurrogateKey,
    /// `Cache-Tag`, as used by Cloudflare and Akamai.
    CacheTag,
}

/// All headers.
const ALL: [GroupHeader; 3] =
    [GroupHeader::CacheGroups, GroupHeader::SurrogateKey, GroupHeader::CacheTag];

static NAMES: [HeaderName; 3] = [
    HeaderName::from_static("cache-groups"),
    HeaderName::from_static("surrogate-key"),
    HeaderName::from_static("cache-tag"),
];

/// The longest value, in bytes.
const LONGEST: usize = 8 * 1024;

impl GroupHeader {
    fn name(self) -> &'static HeaderName {
        &NAMES[self as usize]
    }

    /// Returns the separator between two names.
    fn separator(self) -> &'static str {
        match self {
            GroupHeader::CacheGroups => ", ",
            GroupHeader::SurrogateKey => " ",
            GroupHeader::CacheTag => ",",
        }
    }

    /// Returns the spelling of a name in this header; `None` if the syntax cannot express it.
    fn spelled(self, group: &str) -> Option<Cow<'_, str>> {
        match self {
            // RFC 9651 permits only printable ASCII in Strings.
            GroupHeader::CacheGroups => StringRef::from_str(group)
                .ok()
                .map(|group| ItemSerializer::new().bare_item(group).finish().into()),
            GroupHeader::SurrogateKey => is_plain(group).then_some(group.into()),
            GroupHeader::CacheTag => {
                (is_plain(group) && !group.contains(',')).then_some(group.into())
            }
        }
    }

    /// Returns the names in a value; none if the value is malformed, because caches ignore it then.
    fn names_in(self, value: &HeaderValue) -> Vec<String> {
        let text = || value.to_str().unwrap_or_default();
        let owned = |name: &str| Some(name.trim().to_owned()).filter(|name| !name.is_empty());
        match self {
            GroupHeader::CacheGroups => strings_of(value.as_bytes()).unwrap_or_default(),
            GroupHeader::SurrogateKey => {
                text().split_ascii_whitespace().map(str::to_owned).collect()
            }
            GroupHeader::CacheTag => text().split(',').filter_map(owned).collect(),
        }
    }

    /// Returns the value that names these groups, and whether it contains all names that the syntax can express. There
    /// is no value when it would contain no name.
    fn value(self, groups: &[String]) -> (Option<HeaderValue>, bool) {
        let (mut seen, mut list) = (HashSet::new(), String::new());
        let mut names_all = true;
        for group in groups.iter().filter(|group| seen.insert(group.as_str())) {
            let Some(name) = self.spelled(group) else { continue };
            let before = if list.is_empty() { "" } else { self.separator() };
            if list.len() + before.len() + name.len() > LONGEST {
                names_all = false;
                break;
            }
            list.push_str(before);
            list.push_str(&name);
        }
        (HeaderValue::try_from(list).ok().filter(|value| !value.is_empty()), names_all)
    }
}

/// Returns whether a name consists of visible ASCII characters only.
fn is_plain(group: &str) -> bool {
    !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Parses a List of Strings (RFC 9651) and ignores the parameters of its members.
///
/// # Errors
/// Fails if the field is not such a list; section 4.2 then requires to ignore all of it.
pub(crate) fn strings_of(field: &[u8]) -> Result<Vec<String>, String> {
    let list = Parser::new(field).parse::<sfv::List>().map_err(|error| error.to_string())?;
    let string = |member: &ListEntry| match member {
        ListEntry::Item(item) => item.bare_item.as_string().map(|text| text.as_str().to_owned()),
        ListEntry::InnerList(_) => None,
    };
    let strings: Option<Vec<String>> = list.iter().map(string).collect();
    strings.ok_or_else(|| "a member is not a string".to_owned())
}

/// Names of the groups of a page, for each header that contains them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GroupNames([Option<Named>; 3]);

/// Names in one header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Named {
    names: Vec<String>,
    /// Value written by a controller, if any; `names` was parsed from it.
    written: Option<HeaderValue>,
}

impl GroupNames {
    /// Removes the group headers that a controller has written, and parses them.
    pub(super) fn take(headers: &mut HeaderMap) -> GroupNames {
        GroupNames(ALL.map(|header| {
            let written = take_line(headers, header.name(), header.separator())?;
            Some(Named { names: header.names_in(&written), written: Some(written) })
        }))
    }

    /// Names `groups` in these headers, except in those that a controller has written.
    pub(super) fn offer<'a>(
        &mut self,
        headers: &[GroupHeader],
        groups: impl Iterator<Item = &'a str> + Clone,
    ) {
        if groups.clone().next().is_none() {
            return;
        }
        for header in headers {
            self.0[*header as usize].get_or_insert_with(|| Named {
                names: groups.clone().map(str::to_owned).collect(),
                written: None,
            });
        }
    }

    /// Adds the names of another page.
    pub(super) fn extend(&mut self, others: &GroupNames) {
        for (named, others) in self.0.iter_mut().zip(&others.0) {
            let Some(others) = others else { continue };
            let named = named.get_or_insert_default();
            named.names.extend_from_slice(&others.names);
            named.written = None;
        }
    }

    /// Writes the headers. Returns whether they contain all names that their syntax can express.
    pub(super) fn write(&self, headers: &mut HeaderMap) -> bool {
        let mut names_all = true;
        for (header, named) in ALL.into_iter().zip(&self.0) {
            let value = match named {
                None => None,
                Some(Named { written: Some(written), .. }) => Some(written.clone()),
                Some(Named { names, written: None }) => {
                    let (value, has_all) = header.value(names);
                    names_all &= has_all;
                    value
                }
            };
            put_line(headers, header.name(), value);
        }
        names_all
    }

    /// Returns the approximate number of bytes on the heap.
    pub(super) fn size(&self) -> usize {
        let names = self.0.iter().flatten().flat_map(|named| &named.names);
        names.map(|name| size_of::<String>() + name.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn owned(groups: &[&str]) -> Vec<String> {
        groups.iter().map(|group| (*group).to_owned()).collect()
    }

    fn values(groups: &[&str]) -> [String; 3] {
        ALL.map(|header| {
            let (found, names_all) = header.value(&owned(groups));
            assert!(names_all, "{header:?}");
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
        assert!(ALL.iter().all(|header| header.value(&owned(&["grün"])).0.is_none()));
    }

    #[test]
    fn only_whole_names_are_written_and_not_too_many() {
        let groups: Vec<String> = (0..10_000).map(|number| format!("group-{number}")).collect();
        for header in ALL {
            let (value, names_all) = header.value(&groups);
            let value = value.unwrap();
            assert!(!names_all, "{header:?}");
            assert!((LONGEST - 20..=LONGEST).contains(&value.len()), "{header:?}: {}", value.len());
            let last = value.to_str().unwrap().rsplit([' ', ',']).next().unwrap().trim_matches('"');
            assert!(groups.iter().any(|group| group == last), "{header:?}: {last}");
        }
    }

    #[test]
    fn a_header_of_a_controller_is_sent_unchanged_until_names_are_added() {
        let written = [
            ("cache-groups", "\"a\";x=1,  \"b\""),
            ("surrogate-key", "a  b"),
            ("cache-tag", "a , b,"),
        ];
        let header = |(name, value): (&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let given: HeaderMap = written.into_iter().map(header).collect();
        let mut headers = given.clone();
        let mut names = GroupNames::take(&mut headers);
        assert!(headers.is_empty());
        names.offer(&ALL, ["c"].into_iter());
        assert!(names.write(&mut headers));
        assert_eq!(headers, given);
        let mut others = GroupNames::default();
        others.offer(&ALL, ["b", "d"].into_iter());
        names.extend(&others);
        assert!(names.write(&mut headers));
        let expected = [
            ("cache-groups", "\"a\", \"b\", \"d\""),
            ("surrogate-key", "a b d"),
            ("cache-tag", "a,b,d"),
        ];
        assert_eq!(headers, expected.into_iter().map(header).collect::<HeaderMap>());
    }

    #[test]
    fn a_field_that_is_no_list_of_strings_names_nothing() {
        for field in ["a", "\"a\" \"b\"", "(\"a\")", "\"a"] {
            assert!(strings_of(field.as_bytes()).is_err(), "{field}");
        }
        assert_eq!(strings_of(b"\"a\";x, \"b\"").unwrap(), ["a", "b"]);
    }

    proptest! {
        #[test]
        fn cache_groups_names_only_groups_of_the_page(
            groups in proptest::collection::vec("[ -~é]{0,6}", 0..8),
        ) {
            let (found, _) = GroupHeader::CacheGroups.value(&groups);
            let field = found.as_ref().map_or(&b""[..], HeaderValue::as_bytes);
            for name in strings_of(field).unwrap() {
                prop_assert!(groups.contains(&name));
            }
        }
    }
}
