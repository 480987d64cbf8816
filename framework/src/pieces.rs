//! Content as a sequence of pieces: bytes, and placeholders for parts.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::uri::PathAndQuery;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_128};

/// A sequence of pieces.
///
/// The output of a template consists of bytes that are the same for all readers, and of `Part`s that are inserted for
/// each response. Most content is a single piece, and takes no more memory than that.
#[derive(Debug, Clone)]
pub struct Pieces(Inner);

#[derive(Debug, Clone)]
enum Inner {
    One(Piece),
    /// None, or several.
    Many(Vec<Piece>),
}

/// One piece of content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Bytes as they are sent; shared, not copied, when the content is cloned.
    Bytes(Bytes),
    /// The placeholder of a part.
    Part(Box<Part>),
}

/// A placeholder for another page of the site, which the front end inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    url: Box<str>,
    target: Option<PathAndQuery>,
    fallback: Bytes,
}

/// The URL of the placeholder for a flash message. No page has this URL.
const FLASH: &str = "flash()";

impl Part {
    /// Creates a placeholder for the page at `url`. `fallback`, already escaped, is inserted if the page cannot be
    /// obtained.
    pub fn new(url: impl Into<Box<str>>, fallback: Bytes) -> Part {
        let url = url.into();
        let leads_away = !url.starts_with('/') || url.starts_with("//") || url.contains('#');
        let target = if leads_away { None } else { url.parse().ok() };
        Part { url, target, fallback }
    }

    /// Creates a placeholder for a flash message.
    pub fn flash() -> Part {
        Part::new(FLASH, Bytes::new())
    }

    /// Returns whether it is the placeholder for a flash message.
    pub fn is_flash(&self) -> bool {
        &*self.url == FLASH
    }

    /// Returns its URL, as written in the template.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns its path and query; `None` if the URL is not one of this site.
    pub fn target(&self) -> Option<&PathAndQuery> {
        self.target.as_ref()
    }

    /// Returns the content to insert if the page cannot be obtained.
    pub fn fallback(&self) -> &Bytes {
        &self.fallback
    }
}

/// A section of a template's output, between `{% cache %}` and `{% endcache %}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fragment {
    /// Its output, including the fragments within.
    pub content: Pieces,
    /// All its groups, including those of the fragments within. The content around it is in them too.
    pub groups: Box<[Box<str>]>,
    /// The groups of the data that were read for it, including those of the fragments within.
    pub recorded: Box<[Arc<str>]>,
    /// The ids of the fragments within: a pattern that matches one of them also matches this one.
    pub contains: Box<[Box<str>]>,
}

impl Pieces {
    /// Creates empty content.
    pub const fn new() -> Pieces {
        Pieces(Inner::Many(Vec::new()))
    }

    /// Appends bytes.
    pub fn push_bytes(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.push(Piece::Bytes(bytes));
        }
    }

    /// Appends the placeholder of a part.
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

    /// Iterates over the pieces in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Piece> {
        self.as_pieces().iter()
    }

    /// Returns the bytes of content without parts, if they are one piece or none.
    pub fn whole(&self) -> Option<Bytes> {
        match self.as_pieces() {
            [] => Some(Bytes::new()),
            [Piece::Bytes(bytes)] => Some(bytes.clone()),
            _ => None,
        }
    }

    /// Borrows the bytes that [`whole`](Pieces::whole) returns.
    pub fn as_slice(&self) -> Option<&[u8]> {
        match self.as_pieces() {
            [] => Some(&[]),
            [Piece::Bytes(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// Returns whether it contains placeholders.
    pub fn has_parts(&self) -> bool {
        self.iter().any(|piece| matches!(piece, Piece::Part(_)))
    }

    /// Removes the placeholders for flash messages, if there are no other placeholders, and returns their positions in
    /// the bytes: without a message it is content like any other.
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

    /// Restores the placeholders for flash messages at these positions.
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

    /// Returns the number of bytes without the parts.
    pub(crate) fn len(&self) -> usize {
        let length = |piece: &Piece| match piece {
            Piece::Bytes(bytes) => bytes.len(),
            Piece::Part(_) => 0,
        };
        self.iter().map(length).sum()
    }

    /// Returns the digest of the content: contents with the same digest have the same bytes, with parts at the same
    /// positions. The digest does not depend on which parts they are.
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

    /// Joins consecutive bytes into one piece. Bytes that are in several pieces are copied, once.
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

/// Concatenates the pieces and empties `run`.
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
    fn the_digest_depends_on_the_positions_of_parts() {
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
