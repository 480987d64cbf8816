//! The groups of a page, in the headers that caches further out read.
//!
//! Each header has a syntax of its own, in which not every name can be written. A name that cannot
//! is left out, and so is what would make the header longer than [`LONGEST`]: a page is then in
//! fewer groups out there than it is here, and a purge out there by such a name does not reach it.

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

/// The longest value, in bytes: many servers take no longer line.
const LONGEST: usize = 8 * 1024;

/// The header and its value; none when there is no group that it can name.
pub(super) fn of<'a>(
    header: GroupHeader,
    groups: impl IntoIterator<Item = &'a str>,
) -> Option<(HeaderName, HeaderValue)> {
    let (name, push): (_, fn(&str, &mut String)) = match header {
        GroupHeader::CacheGroups => ("cache-groups", |group, list| {
            // RFC 9651 has Strings of printable ASCII only.
            if let Ok(group) = StringRef::from_str(group) {
                push_after(", ", &ItemSerializer::new().bare_item(group).finish(), list);
            }
        }),
        GroupHeader::SurrogateKey => ("surrogate-key", |group, list| {
            if is_plain(group) {
                push_after(" ", group, list);
            }
        }),
        GroupHeader::CacheTag => ("cache-tag", |group, list| {
            if is_plain(group) && !group.contains(',') {
                push_after(",", group, list);
            }
        }),
    };
    let mut list = String::new();
    let mut seen = Vec::new();
    for group in groups {
        let length = list.len();
        if !seen.contains(&group) {
            seen.push(group);
            push(group, &mut list);
        }
        if list.len() > LONGEST {
            list.truncate(length);
            break;
        }
    }
    let value = HeaderValue::try_from(list).ok().filter(|value| !value.is_empty())?;
    Some((HeaderName::from_static(name), value))
}

/// Whether a name is made of visible ASCII characters only.
fn is_plain(group: &str) -> bool {
    !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_graphic())
}

fn push_after(separator: &str, group: &str, list: &mut String) {
    if !list.is_empty() {
        list.push_str(separator);
    }
    list.push_str(group);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [GroupHeader; 3] =
        [GroupHeader::CacheGroups, GroupHeader::SurrogateKey, GroupHeader::CacheTag];

    fn values(groups: &[&str]) -> [String; 3] {
        ALL.map(|header| {
            let found = of(header, groups.iter().copied());
            found.map_or(String::new(), |(_, value)| value.to_str().unwrap().to_owned())
        })
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
        assert!(ALL.iter().all(|header| of(*header, ["grün"]).is_none()));
    }

    #[test]
    fn only_whole_names_are_written_and_not_too_many() {
        let groups: Vec<String> = (0..10_000).map(|number| format!("group-{number}")).collect();
        for header in ALL {
            let (_, value) = of(header, groups.iter().map(String::as_str)).unwrap();
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
            let found = of(GroupHeader::CacheGroups, groups.iter().map(String::as_str));
            let field = found.as_ref().map_or(&b""[..], |(_, value)| value.as_bytes());
            for member in sfv::Parser::new(field).parse::<sfv::List>().unwrap() {
                let sfv::ListEntry::Item(item) = member else { panic!("{member:?}") };
                let read = item.bare_item.as_string().unwrap();
                prop_assert!(groups.iter().any(|group| group == read.as_str()));
            }
        }
    }
}
