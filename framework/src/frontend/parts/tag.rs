use http::HeaderValue;
use xxhash_rust::xxh3::xxh3_128;

use crate::cache::tag_of_digest;
use crate::http::Coding;

/// The strong tag of composed content: equal tags, equal bytes.
///
/// It is computed from the digests of the composed contents, in the order of their places. The digest of content with
/// parts determines their places and number, so that, reading from left to right, each digest determines how many of
/// the next ones belong to it: no two structures yield the same list.
#[derive(Debug, Default)]
pub(super) struct ComposedTag(Vec<[u8; 16]>);

impl ComposedTag {
    /// Adds the next digest.
    pub(super) fn add(&mut self, digest: u128) {
        self.0.push(digest.to_le_bytes());
    }

    /// Returns the number of digests.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Inserts others after the first `place` of them.
    pub(super) fn insert(&mut self, place: usize, others: ComposedTag) {
        self.0.splice(place..place, others.0);
    }

    /// Returns the value for `ETag`, a strong one (RFC 9110, section 8.8.3).
    pub(super) fn header(&self) -> HeaderValue {
        tag_of_digest(xxh3_128(self.0.as_flattened()), Coding::Identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_depends_on_the_order_of_its_digests() {
        let tag = |digests: &[u128]| {
            let mut all = ComposedTag::default();
            digests.iter().for_each(|digest| all.add(*digest));
            all.header()
        };
        assert_ne!(tag(&[1, 2]), tag(&[2, 1]));
        assert_ne!(tag(&[1]), tag(&[1, 0]));
        let header = tag(&[1, 2]);
        assert_eq!((header.len(), header.as_bytes()[0]), (34, b'"'));
    }
}
