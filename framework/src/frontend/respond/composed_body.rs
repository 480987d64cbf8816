use bytes::Bytes;

use crate::http::encoding::SHORTEST;
use crate::http::gzip::{Deflated, Splice};

/// Composed content, one piece after the other.
///
/// If the client accepts gzip, it also contains the deflated pieces that are available. Each belongs to the same entry
/// as its bytes, so that both representations of the whole always contain the same entries.
#[derive(Debug, Default)]
pub(in crate::frontend) struct ComposedBody {
    plain: Vec<Bytes>,
    /// One for each piece, if they are collected.
    deflated: Option<Vec<Option<Deflated>>>,
}

impl ComposedBody {
    /// Creates empty content with room for this many pieces.
    pub(in crate::frontend) fn with_capacity(pieces: usize, deflated: bool) -> ComposedBody {
        ComposedBody {
            plain: Vec::with_capacity(pieces),
            deflated: deflated.then(|| Vec::with_capacity(pieces)),
        }
    }

    /// Adds a piece.
    pub(in crate::frontend) fn push(&mut self, bytes: Bytes, deflated: Option<&Deflated>) {
        self.plain.push(bytes);
        if let Some(all) = &mut self.deflated {
            all.push(deflated.cloned());
        }
    }

    /// Returns the number of pieces.
    pub(in crate::frontend) fn pieces(&self) -> usize {
        self.plain.len()
    }

    /// Inserts other content after the first `place` pieces.
    pub(in crate::frontend) fn insert(&mut self, place: usize, other: ComposedBody) {
        if let Some(all) = &mut self.deflated {
            let mut others = other.deflated.unwrap_or_default();
            others.resize(other.plain.len(), None);
            all.splice(place..place, others);
        }
        self.plain.splice(place..place, other.plain);
    }

    /// Returns its length in bytes.
    pub(in crate::frontend) fn len(&self) -> usize {
        self.plain.iter().map(Bytes::len).sum()
    }

    /// Returns its approximate length as gzip, in bytes; `None` if gzip saves little: it is short, or less than half
    /// of it is deflated yet.
    pub(in crate::frontend) fn len_as_gzip(&self) -> Option<usize> {
        let (mut deflated, mut saved) = (0, 0);
        for (bytes, piece) in self.plain.iter().zip(self.deflated.as_ref()?) {
            if let Some(piece) = piece {
                deflated += bytes.len();
                saved += bytes.len() - piece.size();
            }
        }
        let length = self.len();
        (length >= SHORTEST && 2 * deflated >= length).then(|| length - saved)
    }

    /// Converts it into gzip.
    pub(in crate::frontend) fn into_gzip(self) -> Vec<Bytes> {
        let mut splice = Splice::with_capacity(self.plain.len());
        let mut deflated = self.deflated.unwrap_or_default().into_iter();
        for bytes in self.plain {
            match deflated.next().flatten() {
                Some(piece) => splice.add(piece),
                None => splice.store(bytes),
            }
        }
        splice.end()
    }

    /// Returns the unencoded pieces.
    pub(in crate::frontend) fn into_plain(self) -> Vec<Bytes> {
        self.plain
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn whole(pieces: &[&str], deflate: bool) -> ComposedBody {
        let mut whole = ComposedBody::with_capacity(pieces.len(), true);
        for piece in pieces {
            let bytes = Bytes::copy_from_slice(piece.as_bytes());
            let deflated = Deflated::of(&bytes).filter(|_| deflate);
            whole.push(bytes, deflated.as_ref());
        }
        whole
    }

    #[test]
    fn inserted_content_has_the_same_place_in_both_representations() {
        let (first, last) = ("one ".repeat(300), "three ".repeat(300));
        let mut page = whole(&[&first, &last], true);
        page.insert(1, whole(&["two"], false));
        page.insert(0, ComposedBody { plain: vec![Bytes::from_static(b"zero ")], deflated: None });
        let length = page.len_as_gzip().unwrap();
        assert!(length < 200, "{length}");
        let expected = format!("zero {first}two{last}");
        assert_eq!(page.len(), expected.len());
        let (gzip, mut text) = (page.into_gzip().concat(), String::new());
        flate2::read::GzDecoder::new(&gzip[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text, expected);
    }

    #[test]
    fn gzip_is_offered_only_for_long_content_that_is_half_deflated() {
        let text = "<p>The river is high.</p>\n".repeat(50);
        assert!(whole(&[&text], true).len_as_gzip().is_some());
        assert!(whole(&[&text], false).len_as_gzip().is_none());
        assert!(whole(&[&text[..SHORTEST - 1]], true).len_as_gzip().is_none());
        for (others, expected) in [(1, true), (2, false)] {
            let mut page = whole(&[&text], true);
            page.insert(1, whole(&vec![&*text; others], false));
            assert_eq!(page.len_as_gzip().is_some(), expected, "{others}");
        }
        let mut plain = ComposedBody::with_capacity(1, false);
        plain.push(text.into(), None);
        assert!(plain.len_as_gzip().is_none());
    }
}
