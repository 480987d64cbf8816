//! Pieces of a representation, where a request asks for some of its bytes (RFC 9110, section 14).
//!
//! ```text
//! Range, If-Range ── select ──> Selection ─┬─ Whole            200, as if there were no Range
//!                                          ├─ Unsatisfiable    416, `Content-Range: bytes */LENGTH`
//!                                          └─ Partial(Ranges) ── Ranges::answer ──> Partial   206
//! ```
//!
//! A [`Partial`] knows its headers and its [`Segment`]s: bytes of the representation, and the bytes
//! that a multipart body has around them. The owner of the representation puts them together:
//! [`Partial::cut`] from bytes in memory, without copying them; files read one segment after the
//! other.
//!
//! # What a hostile header can cost
//!
//! Ranges that overlap or touch are joined, so no byte is sent twice, and what is sent is at most
//! the representation and [`MOST_RANGES`] frames. A header that asks for more than [`MOST_RANGES`]
//! separate ranges, names more than [`MOST_NAMED`], asks for more bytes than there are, or is
//! malformed is answered with the whole representation, as section 14.2 allows. The header is read
//! once, from the front, and no further than to the range that is one too many.

use std::ops::Range;
use std::str;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};

use super::conditions::{Current, allows_ranges};

/// How many ranges are sent at most.
pub(crate) const MOST_RANGES: usize = 16;

/// How many ranges a header may name, before those that overlap are joined.
pub(crate) const MOST_NAMED: usize = 128;

/// Which bytes are to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All of them, with 200.
    Whole,
    /// These, with 206.
    Partial(Ranges),
    /// The request asks for bytes that are not there: 416.
    Unsatisfiable,
}

/// One or more ranges of a representation, none empty, none overlapping or touching another, in
/// the order in which they were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranges {
    ranges: Vec<Range<u64>>,
    length: u64,
}

/// The body of a 206, and what its headers say of it.
#[derive(Debug, Clone)]
pub struct Partial {
    segments: Vec<Segment>,
    length: u64,
    /// `Content-Range` for one range, otherwise `Content-Type`.
    header: (header::HeaderName, HeaderValue),
}

/// A part of the body of a 206.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// What stands around the parts of a multipart body.
    Frame(Bytes),
    /// These bytes of the representation.
    Content(Range<u64>),
}

/// Which bytes of a representation of `length` bytes a request asks for. `current` answers
/// `If-Range`; all other conditions come before and are [`conditions::evaluate`]'s matter.
///
/// [`conditions::evaluate`]: super::conditions::evaluate
pub fn select(
    method: &Method,
    headers: &HeaderMap,
    length: u64,
    current: &impl Current,
) -> Selection {
    // No other method has a meaning for it (section 14.2).
    if *method != Method::GET {
        return Selection::Whole;
    }
    let mut lines = headers.get_all(header::RANGE).iter();
    let Some(line) = lines.next() else { return Selection::Whole };
    if lines.next().is_some() || !allows_ranges(headers, current) {
        return Selection::Whole;
    }
    parse(line.as_bytes(), length).unwrap_or(Selection::Whole)
}

/// The value of `Content-Range` in a 416.
pub(crate) fn unsatisfiable(length: u64) -> HeaderValue {
    content_range(format_args!("*/{length}"))
}

/// What the value of `Range` asks for; none when it is malformed or not to be followed.
fn parse(value: &[u8], length: u64) -> Option<Selection> {
    let value = str::from_utf8(value).ok()?.trim_ascii();
    let (unit, list) = value.split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let mut asked: Vec<Range<u64>> = Vec::new();
    let (mut named, mut bytes) = (0, 0_u64);
    for written in list.split(',').map(str::trim_ascii).filter(|written| !written.is_empty()) {
        named += 1;
        let range = range(written, length)?;
        bytes = bytes.checked_add(range.end - range.start)?;
        if named > MOST_NAMED || bytes > length {
            return None;
        }
        if !range.is_empty() {
            asked.push(range);
        }
    }
    match (named, asked.is_empty()) {
        (0, _) => None,
        // Of nothing even the last bytes are nothing, and no header can say so.
        (_, true) if length == 0 && list.trim_ascii_start().starts_with('-') => None,
        (_, true) => Some(Selection::Unsatisfiable),
        (_, false) => {
            let ranges = joined(asked);
            let few = ranges.len() <= MOST_RANGES;
            few.then_some(Selection::Partial(Ranges { ranges, length }))
        }
    }
}

/// The bytes that `written` means: `2-5`, `2-`, or `-5` for the last five. Empty when they are not
/// there, none when it is malformed.
fn range(written: &str, length: u64) -> Option<Range<u64>> {
    let (first, last) = written.split_once('-')?;
    if first.is_empty() {
        return Some(length.saturating_sub(number(last)?)..length);
    }
    let first = number(first)?;
    let end = match last {
        "" => length,
        last => {
            let last = number(last)?;
            if last < first {
                return None;
            }
            last.saturating_add(1).min(length)
        }
    };
    Some(first.min(end)..end)
}

/// A number of digits only. One that is too large for any length is the largest.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

/// The ranges with those joined that overlap or touch, each in the place of the first of them.
fn joined(asked: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut sorted: Vec<(usize, Range<u64>)> = asked.into_iter().enumerate().collect();
    sorted.sort_unstable_by_key(|(place, range)| (range.start, *place));
    let mut joined: Vec<(usize, Range<u64>)> = Vec::with_capacity(sorted.len());
    for (place, range) in sorted {
        match joined.last_mut() {
            Some((first, last)) if range.start <= last.end => {
                last.end = last.end.max(range.end);
                *first = place.min(*first);
            }
            _ => joined.push((place, range)),
        }
    }
    joined.sort_unstable_by_key(|(place, _)| *place);
    joined.into_iter().map(|(_, range)| range).collect()
}

impl Ranges {
    /// The answer with these ranges. `media_type` is that of the whole representation; it stands in
    /// each part of a multipart body.
    pub fn answer(&self, media_type: Option<&HeaderValue>) -> Partial {
        // A boundary that cannot be foreseen cannot have been put into the content.
        self.framed(media_type, &format!("{:032x}", rand::random::<u128>()))
    }

    fn framed(&self, media_type: Option<&HeaderValue>, boundary: &str) -> Partial {
        let whole = self.length;
        let described = |range: &Range<u64>| format!("{}-{}/{whole}", range.start, range.end - 1);
        if let [range] = &self.ranges[..] {
            let value = content_range(format_args!("{}", described(range)));
            return Partial {
                segments: vec![Segment::Content(range.clone())],
                length: range.end - range.start,
                header: (header::CONTENT_RANGE, value),
            };
        }
        let mut segments = Vec::with_capacity(2 * self.ranges.len() + 1);
        for (index, range) in self.ranges.iter().enumerate() {
            let mut frame = Vec::with_capacity(160);
            if index > 0 {
                frame.extend_from_slice(b"\r\n");
            }
            frame.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
            if let Some(media_type) = media_type {
                frame.extend_from_slice(b"Content-Type: ");
                frame.extend_from_slice(media_type.as_bytes());
                frame.extend_from_slice(b"\r\n");
            }
            let described = described(range);
            frame.extend_from_slice(format!("Content-Range: bytes {described}\r\n\r\n").as_bytes());
            segments.push(Segment::Frame(frame.into()));
            segments.push(Segment::Content(range.clone()));
        }
        segments.push(Segment::Frame(format!("\r\n--{boundary}--\r\n").into()));
        let value = format!("multipart/byteranges; boundary={boundary}");
        let value = HeaderValue::try_from(value).expect("a boundary is made of letters and digits");
        Partial {
            length: segments.iter().map(Segment::length).sum(),
            segments,
            header: (header::CONTENT_TYPE, value),
        }
    }
}

impl Segment {
    /// How many bytes it has.
    pub fn length(&self) -> u64 {
        match self {
            Segment::Frame(bytes) => bytes.len() as u64,
            Segment::Content(range) => range.end - range.start,
        }
    }
}

impl Partial {
    /// The status of the response.
    pub const STATUS: StatusCode = StatusCode::PARTIAL_CONTENT;

    /// How many bytes the body has.
    #[cfg(test)]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The body, piece by piece.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Makes the headers of the whole representation those of this answer: `Content-Length`, and
    /// `Content-Range` or, for several ranges, `Content-Type`.
    pub fn insert_into(&self, headers: &mut HeaderMap) {
        let (name, value) = self.header.clone();
        headers.insert(name, value);
        headers.insert(header::CONTENT_LENGTH, self.length.into());
    }

    /// The body, cut out of a representation that is in memory in these pieces. Nothing is copied.
    ///
    /// # Panics
    /// When the pieces are shorter than the representation that was asked for.
    pub fn cut(&self, pieces: &[Bytes]) -> Vec<Bytes> {
        let mut body = Vec::new();
        for segment in &self.segments {
            match segment {
                Segment::Frame(bytes) => body.push(bytes.clone()),
                Segment::Content(range) => slice(pieces, range.clone(), &mut body),
            }
        }
        body
    }
}

/// Adds the bytes of `range`, which counts through all pieces.
fn slice(pieces: &[Bytes], mut range: Range<u64>, body: &mut Vec<Bytes>) {
    for piece in pieces {
        let length = piece.len() as u64;
        if range.start < length {
            let end = range.end.min(length);
            body.push(piece.slice(range.start as usize..end as usize));
            range.start = end;
        }
        if range.start == range.end {
            return;
        }
        range = range.start - length..range.end - length;
    }
    assert!(range.is_empty(), "the range is within the representation");
}

fn content_range(described: std::fmt::Arguments<'_>) -> HeaderValue {
    HeaderValue::try_from(format!("bytes {described}")).expect("it is made of digits and signs")
}

#[cfg(test)]
mod tests;
