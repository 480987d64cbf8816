//! Content that is made of pieces: bytes, and places where a part of its own is put in.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::uri::PathAndQuery;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_128};

/// Content, piece by piece.
///
/// What a template has written is one piece after the other: bytes that are the same for all
/// readers of the content, and `Part`s that are put in for each response. Most content is one
/// piece, and takes no more memory than that.
#[derive(Debug, Clone)]
pub struct Pieces(Inner);

#[derive(Debug, Clone)]
enum Inner {
    One(Piece),
    /// Any other number.
    Many(Vec<Piece>),
}

/// One piece of content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Bytes as they are sent; shared, not copied, when the content is cloned.
    Bytes(Bytes),
    /// The place of a part.
    Part(Box<Part>),
}

/// Another page of the site, put into this one by the front end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    url: Box<str>,
    target: Option<PathAndQuery>,
    fallback: Bytes,
}

/// The URL of the place of a message: no page has it.
const FLASH: &str = "flash()";

impl Part {
    /// The page at `url`, or `fallback`, ready to be sent, where it cannot be had.
    pub fn new(url: impl Into<Box<str>>, fallback: Bytes) -> Part {
        let url = url.into();
        let leads_away = !url.starts_with('/') || url.starts_with("//") || url.contains('#');
        let target = if leads_away { None } else { url.parse().ok() };
        Part { url, target, fallback }
    }

    /// The place of a message for one reader.
    pub fn flash() -> Part {
        Part::new(FLASH, Bytes::new())
    }

    /// Whether it is the place of a message.
    pub fn is_flash(&self) -> bool {
        &*self.url == FLASH
    }

    /// Its URL, as the template has it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its path and query; `None` if the URL is not one of this site.
    pub fn target(&self) -> Option<&PathAndQuery> {
        self.target.as_ref()
    }

    /// What is put in its place when it cannot be had.
    pub fn fallback(&self) -> &Bytes {
        &self.fallback
    }
}

/// A part of a template's output, between `{% cache %}` and `{% endcache %}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fragment {
    /// What was written, the fragments within included.
    pub content: Pieces,
    /// All groups that it is in, those of the fragments within included: whatever it is put into
    /// is in them too.
    pub groups: Box<[Box<str>]>,
    /// The groups of what was read for it, in the same way.
    pub recorded: Box<[Arc<str>]>,
    /// The ids of the fragments within: a pattern that finds one of them finds this too.
    pub contains: Box<[Box<str>]>,
}

impl Pieces {
    /// No content yet.
    pub const fn new() -> Pieces {
        Pieces(Inner::Many(Vec::new()))
    }

    /// Adds bytes at the end.
    pub fn push_bytes(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.push(Piece::Bytes(bytes));
        }
    }

    /// Adds the place of a part at the end.
    pub fn push_part(&mut self, part: Part) {
        self.push(Piece::Part(Box::new(part)));
    }

    fn push(&mut self, piece: Piece) {
        match &mut self.0 {
            Inner::Many(pieces) if pieces.is_empty() => self.0 = Inner::One(piece),
            Inner::Many(pieces) => pieces.push(piece),
            Inner::One(_) => {
                let one = std::mem::take(self);
                self.0 = Inner::Many(one.into_iter().chain([piece]).collect());
            }
        }
    }

    fn into_iter(self) -> impl Iterator<Item = Piece> {
        let (one, many) = match self.0 {
            Inner::One(piece) => (Some(piece), Vec::new()),
            Inner::Many(pieces) => (None, pieces),
        };
        one.into_iter().chain(many)
    }

    fn as_pieces(&self) -> &[Piece] {
        match &self.0 {
            Inner::One(piece) => std::slice::from_ref(piece),
            Inner::Many(pieces) => pieces,
        }
    }

    /// The pieces in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Piece> {
        self.as_pieces().iter()
    }

    /// The bytes of content without parts, if they are one piece or none.
    pub fn whole(&self) -> Option<Bytes> {
        match self.as_pieces() {
            [] => Some(Bytes::new()),
            [Piece::Bytes(bytes)] => Some(bytes.clone()),
            _ => None,
        }
    }

    /// What [`whole`](Pieces::whole) gives, to look at.
    pub fn as_slice(&self) -> Option<&[u8]> {
        match self.as_pieces() {
            [] => Some(&[]),
            [Piece::Bytes(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// Whether there are places of parts.
    pub fn has_parts(&self) -> bool {
        self.iter().any(|piece| matches!(piece, Piece::Part(_)))
    }

    /// The same content without the places of messages, and where in its bytes these are, if it has no other parts:
    /// without a message it is content like any other.
    pub fn without_flashes(self) -> (Pieces, Box<[usize]>) {
        let is_other = |piece: &Piece| matches!(piece, Piece::Part(part) if !part.is_flash());
        if !self.has_parts() || self.iter().any(is_other) {
            return (self, Box::default());
        }
        let (mut pieces, mut places, mut at) = (Pieces::new(), Vec::new(), 0);
        for piece in self.into_iter() {
            match piece {
                Piece::Bytes(bytes) => {
                    at += bytes.len();
                    pieces.push_bytes(bytes);
                }
                Piece::Part(_) => places.push(at),
            }
        }
        (pieces.joined(), places.into())
    }

    /// The content with these places of messages in it again.
    pub fn with_flashes(&self, places: &[usize]) -> Pieces {
        let Some(whole) = self.whole() else { return self.clone() };
        let (mut pieces, mut from) = (Pieces::new(), 0);
        for at in places {
            pieces.push_bytes(whole.slice(from..*at));
            pieces.push_part(Part::flash());
            from = *at;
        }
        pieces.push_bytes(whole.slice(from..));
        pieces
    }

    /// How many bytes there are, the parts left out.
    pub(crate) fn len(&self) -> usize {
        let length = |piece: &Piece| match piece {
            Piece::Bytes(bytes) => bytes.len(),
            Piece::Part(_) => 0,
        };
        self.iter().map(length).sum()
    }

    /// What the content is known by: contents with the same digest are the same bytes with parts in
    /// the same places. Which parts they are is not in it.
    pub fn digest(&self) -> u128 {
        if let Some(bytes) = self.whole() {
            return xxh3_128(&bytes);
        }
        let mut hasher = Xxh3Default::new();
        let mut add = |kind: u8, bytes: &[u8]| {
            hasher.update(&[kind]);
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        for piece in self.iter() {
            match piece {
                Piece::Bytes(bytes) => add(0, bytes),
                Piece::Part(_) => add(1, b""),
            }
        }
        hasher.digest128()
    }

    /// The same content with bytes that follow one another joined to one piece. What is several
    /// pieces is copied, once.
    pub fn joined(self) -> Pieces {
        let mut joined = Pieces::new();
        let mut run = Vec::new();
        for piece in self.into_iter() {
            match piece {
                Piece::Bytes(bytes) => run.push(bytes),
                Piece::Part(part) => {
                    joined.push_bytes(join(&mut run));
                    joined.push(Piece::Part(part));
                }
            }
        }
        joined.push_bytes(join(&mut run));
        joined
    }
}

/// One after the other; `run` is empty afterwards.
fn join(run: &mut Vec<Bytes>) -> Bytes {
    if run.len() == 1 {
        return run.remove(0);
    }
    let mut bytes = BytesMut::with_capacity(run.iter().map(Bytes::len).sum());
    run.drain(..).for_each(|piece| bytes.extend_from_slice(&piece));
    bytes.freeze()
}

impl Default for Pieces {
    fn default() -> Pieces {
        Pieces::new()
    }
}

impl PartialEq for Pieces {
    fn eq(&self, other: &Pieces) -> bool {
        self.as_pieces() == other.as_pieces()
    }
}

impl Eq for Pieces {}

impl From<Bytes> for Pieces {
    fn from(bytes: Bytes) -> Pieces {
        let mut pieces = Pieces::new();
        pieces.push_bytes(bytes);
        pieces
    }
}

impl FromIterator<Bytes> for Pieces {
    fn from_iter<I: IntoIterator<Item = Bytes>>(bytes: I) -> Pieces {
        let mut pieces = Pieces::new();
        bytes.into_iter().for_each(|bytes| pieces.push_bytes(bytes));
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(url: &str) -> Part {
        Part::new(url, Bytes::new())
    }

    #[test]
    fn content_without_parts_joins_to_one_piece() {
        let mut pieces = Pieces::from(Bytes::from_static(b"ab"));
        assert_eq!(pieces.whole().unwrap(), "ab");
        pieces.push_bytes(Bytes::from_static(b"cd"));
        assert_eq!(pieces.whole(), None);
        assert_eq!(pieces.len(), 4);
        assert_eq!(pieces.joined().whole().unwrap(), "abcd");
    }

    #[test]
    fn the_places_of_parts_are_in_the_digest() {
        let content = |text: &str| {
            let mut pieces = Pieces::new();
            for (index, bytes) in text.split('|').enumerate() {
                if index > 0 {
                    pieces.push_part(part("/badge"));
                }
                pieces.push_bytes(Bytes::copy_from_slice(bytes.as_bytes()));
            }
            pieces.digest()
        };
        let digests = ["abc", "ab|c", "a|bc", "abc|", "|abc", "ab||c", "", "|"].map(content);
        for (index, digest) in digests.iter().enumerate() {
            assert!(!digests[..index].contains(digest), "{index}");
        }
        assert_eq!(content("abc"), Pieces::from(Bytes::from_static(b"abc")).digest());
    }

    #[test]
    fn a_part_keeps_its_place() {
        let mut pieces = Pieces::from(Bytes::from_static(b"a"));
        pieces.push_bytes(Bytes::from_static(b"b"));
        pieces.push_part(part("/badge"));
        pieces.push_bytes(Bytes::from_static(b"c"));
        let joined = pieces.joined();
        assert!(joined.has_parts() && joined.whole().is_none());
        let expected = [
            Piece::Bytes(Bytes::from_static(b"ab")),
            Piece::Part(part("/badge").into()),
            Piece::Bytes(Bytes::from_static(b"c")),
        ];
        assert!(joined.iter().eq(&expected));
    }
}
