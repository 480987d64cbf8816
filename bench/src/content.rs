//! The content that all contestants serve, with the same bytes.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use crate::Result;

/// The template of the page with rows, for Tera.
pub(crate) const ROWS: &str = include_str!("../templates/rows.html");

/// The template of a page that needs no values, for Tera.
pub(crate) const STATIC: &str = include_str!("../templates/static.html");

/// The number of parts of the page with parts.
pub(crate) const PARTS: usize = 3;

/// The length of each part, in bytes.
pub(crate) const PART_BYTES: usize = 512;

/// The length of the page with its parts, in bytes.
pub(crate) const PAGE_WITH_PARTS_BYTES: usize = 8 << 10;

/// The longest page that is made, in bytes.
pub(crate) const LONGEST: usize = 1 << 20;

const WORDS: [&str; 16] = [
    "river",
    "weir",
    "ferry",
    "the",
    "of",
    "miller",
    "mill",
    "and",
    "water",
    "<p>",
    "</p>\n",
    "a",
    "bridge",
    "wheel",
    "sluice",
    "\"headwater\"",
];

/// Returns a text of this many bytes that can be compressed to some degree. Each `seed` yields a
/// different text.
pub(crate) fn text(bytes: usize, seed: u64) -> String {
    let mut text = String::with_capacity(bytes + 16);
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    while text.len() < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        text.push_str(WORDS[(state >> 60) as usize]);
        text.push(' ');
    }
    text.truncate(bytes);
    text
}

/// Returns the page with parts; `part` returns the text in place of each part.
pub(crate) fn page_with_parts(part: impl Fn(usize) -> String) -> String {
    let piece = PAGE_WITH_PARTS_BYTES / (PARTS + 1);
    let mut page = String::new();
    for number in 0..PARTS {
        page += &text(piece - PART_BYTES, number as u64);
        page += &part(number);
    }
    page + &text(piece, PARTS as u64)
}

/// Returns the content of a part.
pub(crate) fn part(number: usize) -> String {
    text(PART_BYTES, 1000 + number as u64)
}

/// A row of the page with rows.
#[derive(Debug, Serialize)]
pub(crate) struct Story {
    slug: String,
    title: String,
    author: String,
    place: String,
    lead: String,
    votes: u32,
    comments: u32,
}

/// Returns the rows.
pub(crate) fn stories() -> &'static [Story] {
    static STORIES: LazyLock<Vec<Story>> = LazyLock::new(|| (0..30).map(story).collect());
    &STORIES
}

fn story(number: u32) -> Story {
    Story {
        slug: format!("story-{number}"),
        title: format!("The river & the ferry, part {number}"),
        author: format!("Reader {}", number % 7),
        place: "Upper Ferry".to_owned(),
        lead: text(120, u64::from(number)),
        votes: number * 17 % 101,
        comments: number * 5 % 23,
    }
}

/// Returns a strong tag for these bytes.
pub(crate) fn tag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let mut tag = String::from("\"");
    // Writing to a string cannot fail.
    let _ = write!(tag, "{:016x}\"", hasher.finish());
    tag
}

/// Compresses the bytes with gzip, at the usual level of servers.
pub(crate) fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_as_long_as_asked_for_and_differ_by_seed() {
        for bytes in [0, 1, 1024, 8192, 65536] {
            assert_eq!(text(bytes, 7).len(), bytes);
        }
        assert_eq!(text(4096, 7), text(4096, 7));
        assert_ne!(text(4096, 7), text(4096, 8));
        let packed = gzip(text(8192, 7).as_bytes()).unwrap().len();
        assert!((1000..7000).contains(&packed), "{packed} bytes");
    }

    #[test]
    fn the_page_with_its_parts_has_the_declared_length() {
        assert_eq!(page_with_parts(part).len(), PAGE_WITH_PARTS_BYTES);
    }
}
