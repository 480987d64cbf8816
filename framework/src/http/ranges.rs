//! Range requests, which select some of the bytes of a representation (RFC 9110, section 14).
//!
//! ```text
//! Range, If-Range ── select ──> Selection ─┬─ Whole            200, as if there were no Range
//!                                          ├─ Unsatisfiable    416, `Content-Range: bytes */LENGTH`
//!                                          └─ Partial(Ranges) ── Ranges::answer ──> Partial   206
//! ```
//!
//! A [`Partial`] contains its headers and its [`Segment`]s: ranges of the representation, and the bytes around them in
//! a multipart body. The owner of the representation assembles the body: [`Partial::cut`] from bytes in memory, without
//! copying them; files are read one segment after the other.
//!
//! # Cost of a hostile header
//!
//! Ranges that overlap or touch are joined, so no byte is sent twice, and the body is at most the representation and
//! [`MOST_RANGES`] frames. A header is answered with the whole representation, as section 14.2 allows, if it asks for
//! more than [`MOST_RANGES`] separate ranges, names more than [`MOST_NAMED`], asks for more bytes than the
//! representation has, or is malformed. The header is read once, from the front, and parsing stops at the first range
//! that exceeds a limit.

use std::ops::Range;
use std::str;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};

use super::conditions::{Current, allows_ranges};

/// The maximum number of ranges in a response.
pub(crate) const MOST_RANGES: usize = 16;

/// The maximum number of ranges in a header, before those that overlap are joined.
pub(crate) const MOST_NAMED: usize = 128;

/// The bytes that a response must contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All bytes, with 200.
    Whole,
    /// Ranges, with 206.
    Partial(Ranges),
    /// None of the requested bytes exist: 416.
    Unsatisfiable,
}

/// One or more ranges of a representation, in the order of the request. None is empty, and none overlaps or touches
/// another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranges {
    ranges: Vec<Range<u64>>,
    length: u64,
}

/// The body of a 206 and the header that describes it.
#[derive(Debug, Clone)]
pub struct Partial {
    segments: Vec<Segment>,
    length: u64,
    /// `Content-Range` for one range, otherwise `Content-Type`.
    header: (header::HeaderName, HeaderValue),
}

/// A section of the body of a 206.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Bytes around the parts of a multipart body.
    Frame(Bytes),
    /// A range of the representation.
    Content(Range<u64>),
}

/// Selects the bytes of a representation of `length` bytes that a request asks for. `current` is compared with
/// `If-Range`; [`conditions::evaluate`] must have evaluated all other conditions before.
///
/// [`conditions::evaluate`]: super::conditions::evaluate
pub fn select(
    method: &Method,
    headers: &HeaderMap,
    length: u64,
    current: &impl Current,
) -> Selection {
    // `Range` is defined for GET only (section 14.2).
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

/// Returns the value of `Content-Range` in a 416.
pub(crate) fn unsatisfiable(length: u64) -> HeaderValue {
    content_range(format_args!("*/{length}"))
}

/// Parses the value of `Range`; `None` if it is malformed or must be ignored.
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
        // An empty representation contains its last bytes, and no `Content-Range` can express an empty range.
        (_, true) if length == 0 && list.trim_ascii_start().starts_with('-') => None,
        (_, true) => Some(Selection::Unsatisfiable),
        (_, false) => {
            let ranges = joined(asked);
            let few = ranges.len() <= MOST_RANGES;
            few.then_some(Selection::Partial(Ranges { ranges, length }))
        }
    }
}

/// Parses one range: `2-5`, `2-`, or `-5` for the last five bytes. The result is empty if these bytes do not exist,
/// `None` if `written` is malformed.
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

/// Parses a number that consists of digits only. A number that is too large becomes the largest.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

/// Joins ranges that overlap or touch. A joined range takes the position of its first range in the request.
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
    /// Builds the response with these ranges. `media_type` is that of the whole representation; each part of a
    /// multipart body contains it.
    pub fn answer(&self, media_type: Option<&HeaderValue>) -> Partial {
        // An unpredictable boundary cannot have been planted in the content.
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
    /// Returns the length in bytes.
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

    /// Returns the length of the body in bytes.
    #[cfg(test)]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Returns the sections of the body, in order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Changes the headers of the whole representation to those of this response: `Content-Length`, and `Content-Range`
    /// or, for several ranges, `Content-Type`.
    pub fn insert_into(&self, headers: &mut HeaderMap) {
        let (name, value) = self.header.clone();
        headers.insert(name, value);
        headers.insert(header::CONTENT_LENGTH, self.length.into());
    }

    /// Cuts the body out of a representation in memory, given as pieces. Nothing is copied.
    ///
    /// # Panics
    /// Panics if the pieces are shorter than the representation.
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

/// Appends the bytes of `range`, whose offsets are those of the concatenated pieces.
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
