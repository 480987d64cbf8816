//! The current version of a page, as evaluated by conditions.

use std::cell::Cell;
use std::time::SystemTime;

use http::HeaderValue;

use crate::cache::{LastModified, tag_in};
use crate::http::conditions::Current;
use crate::http::{Coding, Preferences};

/// A version, and the client that it is for.
///
/// A client that has the page in any coding that it accepts has this version, whichever coding would be sent now, and
/// whether or not that encoding has been made yet. Tags of codings that it does not accept do not match: a cache that
/// sends a request on behalf of many clients may list the tags of all its representations (RFC 9111, section 4.3.1),
/// and would then give one client a representation that only another one can read.
#[derive(Debug)]
pub(super) struct Version<'a> {
    /// The tag of the unencoded content.
    pub(super) tag: Option<&'a HeaderValue>,
    last_modified: Option<LastModified>,
    /// The codings that the client accepts.
    pub(super) accepted: Preferences,
    known: Cell<Coding>,
}

impl<'a> Version<'a> {
    pub(super) fn new(
        tag: Option<&'a HeaderValue>,
        last_modified: Option<LastModified>,
        accepted: Preferences,
    ) -> Version<'a> {
        Version { tag, last_modified, accepted, known: Cell::new(Coding::Identity) }
    }

    /// Returns the same version for a client that accepts only unencoded content. Ranges are cut only from that: its
    /// tag identifies the same bytes on every front end, while another front end's encoder may be of another release.
    pub(super) fn plain(&self) -> Version<'a> {
        Version::new(self.tag, self.last_modified, Preferences::PLAIN)
    }

    /// Returns the coding of the client's representation, after a tag has matched.
    pub(super) fn known(&self) -> Coding {
        self.known.get()
    }

    /// Returns the tag of the client's representation, after a tag has matched.
    pub(super) fn known_tag(&self) -> Option<HeaderValue> {
        let tag = self.tag?;
        match self.known.get() {
            Coding::Identity => Some(tag.clone()),
            coding => tag_in(tag, coding),
        }
    }

    fn own(&self) -> Option<&'a [u8]> {
        let own = self.tag?.as_bytes();
        Some(own.strip_prefix(b"W/").unwrap_or(own))
    }
}

impl Current for Version<'_> {
    fn has_tag(&self, tag: &[u8]) -> bool {
        let Some(own) = self.own() else { return false };
        let found = Coding::ALL.into_iter().find(|coding| match coding {
            Coding::Identity => tag == own,
            coding => self.accepted.takes(*coding) && is_tag_of(tag, own, *coding),
        });
        if let Some(coding) = found {
            self.known.set(coding);
        }
        found.is_some()
    }

    fn has_strong_tags(&self) -> bool {
        self.tag.is_none_or(|tag| !tag.as_bytes().starts_with(b"W/"))
    }

    fn last_modified(&self) -> Option<SystemTime> {
        self.last_modified.map(|modified| modified.time)
    }

    /// Returns the date only if the front end has set it: a controller's date may stand for several versions within
    /// its second.
    fn strong_date(&self) -> Option<SystemTime> {
        self.last_modified().filter(|_| self.last_modified.is_some_and(|it| !it.is_given))
    }
}

/// Returns whether `tag` equals the tag that [`tag_in`] makes of `own`, without making it.
fn is_tag_of(tag: &[u8], own: &[u8], coding: Coding) -> bool {
    let rest = own.strip_suffix(b"\"").and_then(|start| tag.strip_prefix(start));
    let rest = rest.and_then(|rest| rest.strip_prefix(b"-"));
    rest.and_then(|rest| rest.strip_suffix(b"\"")) == Some(coding.name().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, header};
    use proptest::prelude::*;

    use crate::http::negotiation::acceptable;

    fn accepted(line: &'static str) -> Preferences {
        let line = HeaderValue::from_static(line);
        acceptable(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, line)]))
    }

    #[test]
    fn the_tags_of_all_accepted_codings_match() {
        let tag = HeaderValue::from_static("\"a\"");
        let version = Version::new(Some(&tag), None, accepted("gzip, br;q=0.5, zstd;q=0"));
        for (asked, known) in [
            ("\"a\"", true),
            ("\"a-gzip\"", true),
            ("\"a-br\"", true),
            ("\"a-zstd\"", false),
            ("\"a-identity\"", false),
            ("\"a-\"", false),
            ("\"agzip\"", false),
            ("\"b-gzip\"", false),
        ] {
            assert_eq!(version.has_tag(asked.as_bytes()), known, "{asked}");
            if known {
                assert_eq!(version.known_tag().unwrap(), asked);
            }
        }
        assert!(!version.plain().has_tag(b"\"a-gzip\""));
    }

    #[test]
    fn without_a_tag_none_matches() {
        let version = Version::new(None, None, accepted("*"));
        assert!(!version.has_tag(b"\"a\"") && version.known_tag().is_none());
    }

    proptest! {
        #[test]
        fn the_tag_of_every_coding_matches(own in "(W/)?\"[!#-~]{0,8}\"", asked in "\"[!#-~]{0,12}\"") {
            let tag = HeaderValue::try_from(own).unwrap();
            let version = Version::new(Some(&tag), None, accepted("*"));
            for coding in Coding::ALL.into_iter().skip(1) {
                let made = tag_in(&tag, coding).unwrap();
                let opaque = made.as_bytes();
                let opaque = opaque.strip_prefix(b"W/").unwrap_or(opaque);
                prop_assert!(version.has_tag(opaque));
                prop_assert_eq!(version.known_tag().unwrap(), made);
            }
            if version.has_tag(asked.as_bytes()) {
                let known = version.known_tag().unwrap();
                prop_assert!(known.as_bytes().ends_with(asked.as_bytes()));
            }
        }
    }
}
