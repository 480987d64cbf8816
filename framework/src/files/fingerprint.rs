//! File names that contain a fingerprint of the content: `site.css` as `site.0123456789abcdef.css`.
//!
//! Such a name always identifies the same content, so a client that has it need not revalidate it.

use std::fmt;

use super::hash::ContentHash;

/// The first 16 hexadecimal digits of a content's hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

const DIGITS: usize = 16;

impl Fingerprint {
    /// Returns the fingerprint of content with this hash.
    pub(super) fn of(hash: ContentHash) -> Fingerprint {
        Fingerprint((hash.0 >> 64) as u64)
    }

    /// Returns the fingerprint of content whose hash begins with these bytes.
    pub(crate) fn of_hash(first: [u8; 8]) -> Fingerprint {
        Fingerprint(u64::from_be_bytes(first))
    }

    /// Inserts the fingerprint before the extension of the file's name, or at its end if it has
    /// none. Folders before the name do not change.
    pub(crate) fn insert_into(self, path: &str) -> String {
        let name = path.rfind('/').map_or(0, |slash| slash + 1);
        match path[name..].rfind('.').filter(|dot| *dot > 0) {
            Some(dot) => {
                let (stem, extension) = path.split_at(name + dot);
                format!("{stem}.{self}{extension}")
            }
            None => format!("{path}.{self}"),
        }
    }

    /// Splits a name into the name without its fingerprint, and the fingerprint. `None` if it has
    /// none.
    pub(crate) fn split(name: &str) -> Option<(String, Fingerprint)> {
        let (stem, last) = name.rsplit_once('.')?;
        if let Some(fingerprint) = Fingerprint::parse(last) {
            return Some((stem.to_owned(), fingerprint)).filter(|_| !stem.is_empty());
        }
        let (stem, between) = stem.rsplit_once('.')?;
        let fingerprint = Fingerprint::parse(between)?;
        Some((format!("{stem}.{last}"), fingerprint)).filter(|_| !stem.is_empty())
    }

    fn parse(digits: &str) -> Option<Fingerprint> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != DIGITS || !digits.bytes().all(is_digit) {
            return None;
        }
        u64::from_str_radix(digits, 16).ok().map(Fingerprint)
    }
}

/// Formats 16 hexadecimal digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0DIGITS$x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HASH: ContentHash = ContentHash(0x0123_4567_89ab_cdef_0000_0000_0000_0000);

    #[test]
    fn the_fingerprint_is_inserted_before_the_extension() {
        let fingerprint = Fingerprint::of(HASH);
        for (name, expected) in [
            ("site.css", "site.0123456789abcdef.css"),
            ("app.min.js", "app.min.0123456789abcdef.js"),
            ("LICENSE", "LICENSE.0123456789abcdef"),
            ("a.b/LICENSE", "a.b/LICENSE.0123456789abcdef"),
            ("a.b/c.d", "a.b/c.0123456789abcdef.d"),
        ] {
            assert_eq!(fingerprint.insert_into(name), expected);
        }
    }

    #[test]
    fn similar_names_have_no_fingerprint() {
        for name in [
            "site.css",
            "site.0123456789abcde.css",
            "site.0123456789ABCDEF.css",
            "site.0123456789abcdef.min.css",
            ".0123456789abcdef.css",
            ".0123456789abcdef",
            "0123456789abcdef",
            "",
        ] {
            assert_eq!(Fingerprint::split(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn an_inserted_fingerprint_is_split_off_again(
            stem in "[a-z0-9_-][a-z0-9_.-]{0,20}",
            extension in prop::option::of("[a-z0-9]{1,15}"),
            hash: u128,
        ) {
            let name = match extension {
                Some(extension) => format!("{stem}.{extension}"),
                None => stem.replace('.', "_"),
            };
            let fingerprint = Fingerprint::of(ContentHash(hash));
            let written = fingerprint.insert_into(&name);
            prop_assert_eq!(Fingerprint::split(&written), Some((name, fingerprint)));
        }
    }
}
