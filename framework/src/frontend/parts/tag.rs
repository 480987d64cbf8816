use bytes::Bytes;
use http::HeaderValue;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_128};

use crate::pieces::{Piece, Pieces};

/// What content is known by: equal tags, equal bytes.
///
/// The tag of what was put together is made of the tags of what it was put together from, in the order of their
/// places. The tag of content with parts includes where they are and how many, so from left to
/// right each tag says how many others belong to it: no two structures give the same list.
#[derive(Debug, Default)]
pub(super) struct Tag(Vec<u8>);

/// The tag of bytes.
pub(super) fn of_bytes(bytes: &Bytes) -> u128 {
    xxh3_128(bytes)
}

/// The tag of content with the places of its parts.
pub(super) fn of_pieces(pieces: &Pieces) -> u128 {
    if let Some(bytes) = pieces.whole() {
        return of_bytes(&bytes);
    }
    let mut hasher = Xxh3Default::new();
    let mut add = |kind: u8, bytes: &[u8]| {
        hasher.update(&[kind]);
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    for piece in pieces.iter() {
        match piece {
            Piece::Bytes(bytes) => add(0, bytes),
            // What is shown in its place has a tag of its own.
            Piece::Part(_) => add(1, b""),
        }
    }
    hasher.digest128()
}

impl Tag {
    /// Adds the next one.
    pub(super) fn add(&mut self, tag: u128) {
        self.0.extend_from_slice(&tag.to_le_bytes());
    }

    /// The value for `ETag`: a strong one (RFC 9110, section 8.8.3).
    pub(super) fn header(&self) -> HeaderValue {
        let tag = format!("\"{:032x}\"", xxh3_128(&self.0));
        HeaderValue::try_from(tag).expect("hexadecimal digits and quotes are ASCII")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pieces::Part;

    fn pieces(text: &str) -> Pieces {
        let mut pieces = Pieces::new();
        for (index, bytes) in text.split('|').enumerate() {
            if index > 0 {
                pieces.push_part(Part { url: "/badge".into(), fallback: Bytes::new() });
            }
            pieces.push_bytes(Bytes::copy_from_slice(bytes.as_bytes()));
        }
        pieces
    }

    #[test]
    fn the_places_of_parts_are_in_the_tag() {
        let tags = ["abc", "ab|c", "a|bc", "abc|", "|abc", "ab||c", "", "|"];
        let tags = tags.map(|text| of_pieces(&pieces(text)));
        for (index, tag) in tags.iter().enumerate() {
            assert!(!tags[..index].contains(tag), "{index}");
        }
    }

    #[test]
    fn a_tag_depends_on_the_order_of_what_it_is_made_of() {
        let tag = |tags: &[u128]| {
            let mut all = Tag::default();
            tags.iter().for_each(|tag| all.add(*tag));
            all.header()
        };
        assert_ne!(tag(&[1, 2]), tag(&[2, 1]));
        assert_ne!(tag(&[1]), tag(&[1, 0]));
        let header = tag(&[1, 2]);
        assert_eq!((header.len(), header.as_bytes()[0]), (34, b'"'));
    }
}
