//! Conditional requests: whether a request must be carried out, given the current version of the resource (RFC 9110,
//! section 13).
//!
//! - [`Current`]: the current version, as far as conditions depend on it.
//! - [`evaluate`]: four conditions in the order of section 13.2.2. The fifth, `If-Range`, belongs to
//!   [`ranges`](super::ranges).
//! - [`EntityTags`]: the entity tags in a header.
//!
//! Conditions count only where the request would be answered with 2xx without them (section 13.2.1), so they are not
//! evaluated for error pages and redirects.
//!
//! Lists of tags are read once, from the front, however long or broken they are: the parser skips anything that is not
//! a tag up to the next comma, and an unterminated quote ends the list. So a broken header can only make a tag unknown.
//! That is safe for both headers: `If-Match` then fails, and `If-None-Match` sends the content once more.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{self, HeaderMap, HeaderName};
use http::{HeaderValue, Method};

/// Result of evaluating the preconditions of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    /// The request must be carried out.
    Proceed,
    /// The client has the current version: 304.
    NotModified,
    /// A precondition excludes the current version: 412.
    Failed,
}

/// The current version of a resource.
pub trait Current {
    /// Returns whether `tag`, in its quotes and without `W/`, belongs to this version, in any of its encodings.
    fn has_tag(&self, tag: &[u8]) -> bool;

    /// Returns whether the tags are strong: equal tags mean equal bytes.
    fn has_strong_tags(&self) -> bool {
        true
    }

    /// Returns the modification time, if known. It is compared in whole seconds, as dates in headers are written.
    fn last_modified(&self) -> Option<SystemTime>;

    /// Returns the same time, or `None` if another version may have the same date (RFC 9110, section 8.8.2.2).
    fn strong_date(&self) -> Option<SystemTime> {
        self.last_modified()
    }
}

/// An entity tag as a client names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntityTag<'a> {
    /// Whether it has `W/` in front.
    pub weak: bool,
    /// The tag in its quotes.
    pub opaque: &'a [u8],
}

/// The entity tags in the value of one header, in their order.
#[derive(Debug, Clone)]
pub(crate) struct EntityTags<'a>(&'a [u8]);

/// Returns whether a request header may select less than the whole representation: it is a condition, or names ranges.
pub(crate) fn selects(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::IF_MATCH
            | header::IF_NONE_MATCH
            | header::IF_MODIFIED_SINCE
            | header::IF_UNMODIFIED_SINCE
            | header::IF_RANGE
            | header::RANGE
    )
}

/// Evaluates the conditions in `headers` against `current`.
pub fn evaluate(method: &Method, headers: &HeaderMap, current: &impl Current) -> Precondition {
    // These methods do not select a representation (section 13.2.1).
    if matches!(*method, Method::OPTIONS | Method::TRACE | Method::CONNECT) {
        return Precondition::Proceed;
    }
    let reads = matches!(*method, Method::GET | Method::HEAD);
    if headers.contains_key(header::IF_MATCH) {
        let strong = current.has_strong_tags();
        let is_own = |tag: EntityTag<'_>| strong && !tag.weak && current.has_tag(tag.opaque);
        if !names(headers, header::IF_MATCH, is_own) {
            return Precondition::Failed;
        }
    } else if let Some(date) = date(headers, header::IF_UNMODIFIED_SINCE)
        && current.last_modified().is_some_and(|modified| second(modified) > second(date))
    {
        return Precondition::Failed;
    }
    if headers.contains_key(header::IF_NONE_MATCH) {
        if names(headers, header::IF_NONE_MATCH, |tag| current.has_tag(tag.opaque)) {
            return if reads { Precondition::NotModified } else { Precondition::Failed };
        }
    } else if reads
        && let Some(date) = date(headers, header::IF_MODIFIED_SINCE)
        && current.last_modified().is_some_and(|modified| second(modified) <= second(date))
    {
        return Precondition::NotModified;
    }
    Precondition::Proceed
}

/// Returns whether `If-Range` permits ranges: the header is absent, or it names the current version. Both comparisons
/// are strong (section 13.1.5): a weak tag never matches, and a date matches only if it is that of the version to the
/// second. A date is as good as a tag because [`shown_date`](super::validators::shown_date) never returns a date that
/// could still belong to another version.
pub(super) fn allows_ranges(headers: &HeaderMap, current: &impl Current) -> bool {
    let mut lines = headers.get_all(header::IF_RANGE).iter();
    let Some(line) = lines.next() else { return true };
    if lines.next().is_some() {
        return false;
    }
    let mut tags = EntityTags(line.as_bytes());
    match tags.next() {
        Some(tag) => {
            let strong = current.has_strong_tags() && !tag.weak;
            strong && current.has_tag(tag.opaque) && tags.0.trim_ascii().is_empty()
        }
        None => match (parse_date(line), current.strong_date()) {
            (Some(date), Some(modified)) => second(date) == second(modified),
            _ => false,
        },
    }
}

/// Returns whether the list in the header `name` is `*` or contains a tag for which `is_own` returns true.
fn names(headers: &HeaderMap, name: HeaderName, is_own: impl Fn(EntityTag<'_>) -> bool) -> bool {
    headers.get_all(name).iter().any(|line| {
        let line = line.as_bytes();
        line.trim_ascii() == b"*" || EntityTags(line).any(&is_own)
    })
}

/// Returns the date in the header `name`. Several dates, or one that cannot be parsed, count as none.
fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next()?;
    if lines.next().is_some() { None } else { parse_date(line) }
}

fn parse_date(value: &HeaderValue) -> Option<SystemTime> {
    httpdate::parse_http_date(value.to_str().ok()?).ok()
}

/// Returns the seconds since 1970, without fractions; 0 for earlier times.
fn second(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

impl<'a> Iterator for EntityTags<'a> {
    type Item = EntityTag<'a>;

    fn next(&mut self) -> Option<EntityTag<'a>> {
        loop {
            let start = self.0.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b','))?;
            self.0 = &self.0[start..];
            let (weak, rest) = match self.0.strip_prefix(b"W/") {
                Some(rest) => (true, rest),
                None => (false, self.0),
            };
            if let [b'"', inside @ ..] = rest {
                let Some(end) = memchr::memchr(b'"', inside) else {
                    self.0 = &[];
                    return None;
                };
                let (opaque, rest) = rest.split_at(end + 2);
                self.0 = rest;
                return Some(EntityTag { weak, opaque });
            }
            let comma = memchr::memchr(b',', self.0).unwrap_or(self.0.len());
            self.0 = &self.0[comma..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const SAME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    /// `"a,b"` and `"a,b-gzip"`, half a second after [`SAME`].
    struct Version {
        strong: bool,
    }

    impl Current for Version {
        fn has_tag(&self, tag: &[u8]) -> bool {
            matches!(tag, b"\"a,b\"" | b"\"a,b-gzip\"")
        }

        fn has_strong_tags(&self) -> bool {
            self.strong
        }

        fn last_modified(&self) -> Option<SystemTime> {
            Some(UNIX_EPOCH + Duration::from_millis(784_111_777_500))
        }
    }

    fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.clone(), value.parse().unwrap());
        }
        headers
    }

    fn get(lines: &[(HeaderName, &str)]) -> Precondition {
        evaluate(&Method::GET, &headers(lines), &Version { strong: true })
    }

    use Precondition::{Failed, NotModified, Proceed};
    use header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE};

    #[test]
    fn a_tag_in_the_list_is_known() {
        for list in [
            "\"a,b\"",
            "W/\"a,b\"",
            "\"a,b-gzip\"",
            "*",
            " * ",
            "\"x\", W/\"y\" ,\t\"a,b\"",
            ",,\"a,b\"",
            "\"a\", b, \"a,b\"",
            "x\"y, \"a,b\"",
        ] {
            assert_eq!(get(&[(IF_NONE_MATCH, list)]), NotModified, "{list}");
            let with = |method| {
                evaluate(&method, &headers(&[(IF_NONE_MATCH, list)]), &Version { strong: true })
            };
            assert_eq!(with(Method::HEAD), NotModified, "{list}");
            assert_eq!(with(Method::PUT), Failed, "{list}");
            assert_eq!(with(Method::OPTIONS), Proceed, "{list}");
        }
        for list in
            ["\"a\"", "a,b", "\"a,b", "", "\"x\", *", "w/\"a,b\"", "\"x\"\"", "\"a, \"a,b\""]
        {
            assert_eq!(get(&[(IF_NONE_MATCH, list)]), Proceed, "{list}");
        }
        assert_eq!(get(&[(IF_NONE_MATCH, "\"x\""), (IF_NONE_MATCH, "\"a,b\"")]), NotModified);
    }

    #[test]
    fn if_match_takes_strong_tags_only() {
        for (list, expected) in [
            ("\"a,b\"", Proceed),
            ("\"x\", \"a,b-gzip\"", Proceed),
            ("*", Proceed),
            ("W/\"a,b\"", Failed),
            ("\"x\"", Failed),
            ("", Failed),
        ] {
            assert_eq!(get(&[(IF_MATCH, list)]), expected, "{list}");
        }
        let weak = Version { strong: false };
        let own = headers(&[(IF_MATCH, "\"a,b\"")]);
        assert_eq!(evaluate(&Method::GET, &own, &weak), Failed);
        let own = headers(&[(IF_NONE_MATCH, "\"a,b\"")]);
        assert_eq!(evaluate(&Method::GET, &own, &weak), NotModified);
    }

    #[test]
    fn dates_are_compared_in_whole_seconds() {
        for (name, date, expected) in [
            (IF_MODIFIED_SINCE, BEFORE, Proceed),
            (IF_MODIFIED_SINCE, SAME, NotModified),
            (IF_MODIFIED_SINCE, AFTER, NotModified),
            (IF_MODIFIED_SINCE, "yesterday", Proceed),
            (IF_UNMODIFIED_SINCE, BEFORE, Failed),
            (IF_UNMODIFIED_SINCE, SAME, Proceed),
            (IF_UNMODIFIED_SINCE, AFTER, Proceed),
            (IF_UNMODIFIED_SINCE, "yesterday", Proceed),
        ] {
            assert_eq!(get(&[(name.clone(), date)]), expected, "{name}: {date}");
        }
        assert_eq!(get(&[(IF_MODIFIED_SINCE, SAME), (IF_MODIFIED_SINCE, AFTER)]), Proceed);
        let since = headers(&[(IF_MODIFIED_SINCE, AFTER)]);
        assert_eq!(evaluate(&Method::POST, &since, &Version { strong: true }), Proceed);
    }

    #[test]
    fn tags_take_precedence_over_dates() {
        for (lines, expected) in [
            ([(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, AFTER)], Proceed),
            ([(IF_MATCH, "\"a,b\""), (IF_UNMODIFIED_SINCE, BEFORE)], Proceed),
            ([(IF_MATCH, "\"x\""), (IF_UNMODIFIED_SINCE, AFTER)], Failed),
            ([(IF_MATCH, "\"x\""), (IF_NONE_MATCH, "\"a,b\"")], Failed),
            ([(IF_MATCH, "\"a,b\""), (IF_NONE_MATCH, "\"a,b\"")], NotModified),
            ([(IF_UNMODIFIED_SINCE, SAME), (IF_MODIFIED_SINCE, SAME)], NotModified),
            ([(IF_UNMODIFIED_SINCE, BEFORE), (IF_MODIFIED_SINCE, SAME)], Failed),
        ] {
            assert_eq!(get(&lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn if_range_accepts_only_a_strong_match() {
        let allows = |lines: &[(HeaderName, &str)], strong| {
            allows_ranges(&headers(lines), &Version { strong })
        };
        assert!(allows(&[], true));
        for (value, expected) in [
            ("\"a,b\"", true),
            ("\"a,b-gzip\" ", true),
            ("W/\"a,b\"", false),
            ("\"x\"", false),
            ("*", false),
            ("\"a,b\", \"x\"", false),
            (SAME, true),
            (BEFORE, false),
            (AFTER, false),
            ("yesterday", false),
            ("", false),
        ] {
            assert_eq!(allows(&[(IF_RANGE, value)], true), expected, "{value}");
        }
        assert!(!allows(&[(IF_RANGE, "\"a,b\"")], false));
        assert!(!allows(&[(IF_RANGE, SAME), (IF_RANGE, SAME)], true));
    }

    #[test]
    fn a_long_list_is_read_once() {
        // More than one pass would take far too long.
        for piece in ["\"x\",", "W/\"x\" ", "W/", "\"", ",", "x,", "x\"", "\"\""] {
            let list = piece.repeat(1_000_000 / piece.len());
            assert_eq!(get(&[(IF_NONE_MATCH, &list)]), Proceed, "{piece}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(
            lines in prop::collection::vec((0..5_usize, "[ ,*\"W/a\\-]*"), 0..5),
            strong: bool,
        ) {
            const NAMES: [HeaderName; 5] =
                [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, IF_RANGE];
            let lines: Vec<_> =
                lines.iter().map(|(name, value)| (NAMES[*name].clone(), value.as_str())).collect();
            evaluate(&Method::GET, &headers(&lines), &Version { strong });
            allows_ranges(&headers(&lines), &Version { strong });
        }

        #[test]
        fn every_tag_of_a_sound_list_is_found(
            tags in prop::collection::vec((any::<bool>(), "[!#-~]{0,6}"), 0..9),
            space in "[ \t]{0,2}",
        ) {
            let written = tags.iter().map(|(weak, tag)| {
                format!("{}\"{tag}\"", if *weak { "W/" } else { "" })
            });
            let list = written.collect::<Vec<_>>().join(&format!("{space},{space}"));
            let value = HeaderValue::try_from(list).unwrap();
            let found = EntityTags(value.as_bytes()).map(|tag| {
                let opaque = std::str::from_utf8(tag.opaque).unwrap();
                (tag.weak, opaque.trim_matches('"').to_owned())
            });
            prop_assert_eq!(found.collect::<Vec<_>>(), tags);
        }
    }
}
