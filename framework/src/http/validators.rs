//! Which version of a resource this is, and whether the client has it (RFC 9110, sections 8.8 and
//! 13.1).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderValue, header};

/// The validators of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validators {
    /// The entity tag, quoted as it is sent, with `W/` in front if it is weak.
    pub etag: HeaderValue,
    /// When the resource was last modified, if that is known.
    pub last_modified: Option<SystemTime>,
}

impl Validators {
    /// Puts `ETag` and `Last-Modified` among the headers of a response.
    pub fn insert_into(&self, headers: &mut HeaderMap) {
        headers.insert(header::ETAG, self.etag.clone());
        // RFC 9110, section 8.8.2.1: not later than the date of the response.
        let time = self.last_modified.map(|time| time.min(SystemTime::now()).max(UNIX_EPOCH));
        if let Some(Ok(time)) = time.map(|time| httpdate::fmt_http_date(time).try_into()) {
            headers.insert(header::LAST_MODIFIED, time);
        }
    }

    /// Whether a `GET` or `HEAD` with these headers is to be answered with 304: the client has this
    /// version already. `If-None-Match` decides if it is there, otherwise `If-Modified-Since`.
    pub fn are_known_to(&self, request: &HeaderMap) -> bool {
        let mut tags = request.get_all(header::IF_NONE_MATCH).iter().peekable();
        if tags.peek().is_some() {
            let own = opaque(self.etag.as_bytes());
            return tags.any(|list| Tags(list.as_bytes()).any(|tag| tag == b"*" || tag == own));
        }
        let since = request.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
        match (since.and_then(|text| httpdate::parse_http_date(text).ok()), self.last_modified) {
            // A date in a header has no fractions of a second.
            (Some(since), Some(modified)) => modified < since + Duration::from_secs(1),
            _ => false,
        }
    }
}

/// The tag without the mark of a weak one: here all tags are compared weakly.
fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// The entity tags in a list, quoted, or `*`. It ends where the list is malformed.
struct Tags<'a>(&'a [u8]);

impl<'a> Iterator for Tags<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let start = self.0.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b','))?;
        let rest = opaque(&self.0[start..]);
        let length = match rest {
            [b'*', ..] => 1,
            [b'"', inside @ ..] => inside.iter().position(|byte| *byte == b'"')? + 2,
            _ => return None,
        };
        let (tag, rest) = rest.split_at(length);
        self.0 = rest;
        Some(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;
    use proptest::prelude::*;

    fn known(headers: &[(HeaderName, &str)]) -> bool {
        let validators = Validators {
            etag: HeaderValue::from_static("W/\"a,b\""),
            last_modified: Some(UNIX_EPOCH + Duration::from_millis(784_111_777_500)),
        };
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        validators.are_known_to(&headers.collect())
    }

    #[test]
    fn a_tag_in_the_list_is_known() {
        for list in ["\"a,b\"", "W/\"a,b\"", "*", "\"x\", W/\"y\" ,\t\"a,b\"", ",,\"a,b\""] {
            assert!(known(&[(header::IF_NONE_MATCH, list)]), "{list}");
        }
        for list in ["\"a\"", "a,b", "\"a,b", "", "\"a\", b\", \"a,b\""] {
            assert!(!known(&[(header::IF_NONE_MATCH, list)]), "{list}");
        }
    }

    #[test]
    fn a_date_counts_only_without_tags() {
        let same = (header::IF_MODIFIED_SINCE, "Sun, 06 Nov 1994 08:49:37 GMT");
        let before = (header::IF_MODIFIED_SINCE, "Sun, 06 Nov 1994 08:49:36 GMT");
        assert!(known(std::slice::from_ref(&same)));
        assert!(!known(&[before]));
        assert!(!known(&[(header::IF_MODIFIED_SINCE, "yesterday")]));
        assert!(!known(&[same, (header::IF_NONE_MATCH, "\"x\"")]));
    }

    proptest! {
        #[test]
        fn no_list_makes_it_panic_or_hang(list in "[ ,*\"W/a]*") {
            known(&[(header::IF_NONE_MATCH, &list)]);
        }
    }
}
