use std::borrow::Cow;
use std::fmt;

use http::StatusCode;
use percent_encoding::percent_decode_str;

/// The canonical spelling of a request's path, which is matched with the table and is part of the
/// key of a cache entry.
///
/// Two paths have the same canonical form exactly when their segments are equal after
/// percent-decoding: characters that RFC 3986 permits in a segment are literal, all others are
/// percent-encoded in upper case. `%2F` stays `%2F`: it is part of a segment, not a separator.
/// Paths that could be confused with others (dot segments, empty segments, backslashes, control
/// characters) are rejected, so that no path leads out of a folder and no page is cached twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CanonicalPath<'a>(Cow<'a, str>);

/// Reason for rejecting a request's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The path does not begin with a slash.
    #[error("a path begins with `/`")]
    NotAbsolute,
    /// The path is longer than [`CanonicalPath::LONGEST`] bytes.
    #[error("the path is longer than {} bytes", CanonicalPath::LONGEST)]
    TooLong,
    /// A segment is `.` or `..`.
    #[error("the path contains a dot segment")]
    DotSegment,
    /// Two slashes follow each other.
    #[error("the path contains an empty segment (`//`)")]
    EmptySegment,
    /// The path contains a backslash.
    #[error("the path contains a backslash")]
    Backslash,
    /// The path contains a control character.
    #[error("the path contains a control character")]
    Control,
    /// A `%` is not followed by two hexadecimal digits.
    #[error("the path contains a `%` without two hexadecimal digits")]
    BadEscape,
    /// The percent-decoded path is not UTF-8.
    #[error("the path is not UTF-8")]
    NotUtf8,
}

impl PathError {
    /// Returns the status of the response: 414 for a path that is too long, otherwise 400.
    pub fn status(self) -> StatusCode {
        match self {
            PathError::TooLong => StatusCode::URI_TOO_LONG,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl<'a> CanonicalPath<'a> {
    /// The maximum length of a path, in bytes.
    pub const LONGEST: usize = 16 * 1024;

    /// Converts `raw`, the path of a request's URI without its query. Borrows if `raw` is already
    /// canonical.
    ///
    /// # Errors
    /// Returns an error if the path must not be matched with any route.
    pub fn new(raw: &'a str) -> Result<CanonicalPath<'a>, PathError> {
        if !raw.starts_with('/') {
            return Err(PathError::NotAbsolute);
        }
        if raw.len() > CanonicalPath::LONGEST {
            return Err(PathError::TooLong);
        }
        let mut segment = Segment::Separator;
        let path = rewrite(raw, |read| segment.follow(read))?;
        segment.end()?;
        if path.len() > CanonicalPath::LONGEST {
            return Err(PathError::TooLong);
        }
        Ok(CanonicalPath(path))
    }

    /// Returns the path as text; ASCII only.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn into_text(self) -> Cow<'a, str> {
        self.0
    }
}

impl fmt::Display for CanonicalPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Converts a piece of a path, without checking its segments.
pub(super) fn canonical_piece(raw: &str) -> Result<Cow<'_, str>, PathError> {
    rewrite(raw, |_| Ok(()))
}

/// Decodes a piece of a canonical path.
pub(super) fn decode(piece: &str) -> Cow<'_, str> {
    // Lossy because a regular expression may have cut an escape sequence in two.
    percent_decode_str(piece).decode_utf8_lossy()
}

/// Appends the canonical spelling of `value` as text within one segment.
pub(super) fn encode_segment(value: &str, path: &mut String) {
    for char in value.chars() {
        push_canonical(Read { char, escaped: true }, path);
    }
}

/// Appends the canonical spelling of `value` as text in which slashes separate segments.
pub(super) fn encode_segments(value: &str, path: &mut String) {
    for char in value.chars() {
        push_canonical(Read { char, escaped: false }, path);
    }
}

/// One character of a path.
#[derive(Clone, Copy)]
struct Read {
    char: char,
    /// Whether the character was percent-encoded.
    escaped: bool,
}

/// State of the current segment: whether it can still become a dot segment.
#[derive(Clone, Copy, PartialEq)]
enum Segment {
    Separator,
    Dots(usize),
    Ordinary,
}

impl Segment {
    fn follow(&mut self, read: Read) -> Result<(), PathError> {
        *self = match (read.char, *self) {
            ('/', Segment::Dots(1 | 2)) => return Err(PathError::DotSegment),
            ('/', Segment::Separator) if !read.escaped => return Err(PathError::EmptySegment),
            ('/', _) if !read.escaped => Segment::Separator,
            // An encoded slash counts like a separator here: code that decodes the segment and
            // joins it to a folder must not receive dot segments.
            ('/', _) => Segment::Dots(0),
            ('.', Segment::Separator) => Segment::Dots(1),
            ('.', Segment::Dots(count)) => Segment::Dots(count + 1),
            _ => Segment::Ordinary,
        };
        Ok(())
    }

    fn end(self) -> Result<(), PathError> {
        if matches!(self, Segment::Dots(1 | 2)) { Err(PathError::DotSegment) } else { Ok(()) }
    }
}

/// Converts `raw` to the canonical spelling. `check` is called for each character except a slash at
/// the very beginning.
fn rewrite(
    raw: &str,
    mut check: impl FnMut(Read) -> Result<(), PathError>,
) -> Result<Cow<'_, str>, PathError> {
    let bytes = raw.as_bytes();
    let mut rewritten: Option<String> = None;
    let mut at = 0;
    if bytes.first() == Some(&b'/') {
        at = 1;
    }
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        if is_pchar(byte) || byte == b'/' {
            check(Read { char: byte as char, escaped: false })?;
            at += 1;
            if let Some(path) = &mut rewritten {
                path.push(byte as char);
            }
            continue;
        }
        let read = if byte == b'%' {
            let (char, end) = unescape(bytes, at)?;
            at = end;
            Read { char, escaped: true }
        } else {
            // `at` is always a character boundary, so a character follows.
            let char = raw[at..].chars().next().ok_or(PathError::NotUtf8)?;
            at += char.len_utf8();
            Read { char, escaped: false }
        };
        if read.char == '\\' {
            return Err(PathError::Backslash);
        }
        if read.char.is_control() {
            return Err(PathError::Control);
        }
        check(read)?;
        match &mut rewritten {
            Some(path) => push_canonical(read, path),
            None if is_canonical(read, &bytes[start..at]) => {}
            None => {
                let mut path = String::with_capacity(raw.len() + 16);
                path.push_str(&raw[..start]);
                push_canonical(read, &mut path);
                rewritten = Some(path);
            }
        }
    }
    Ok(rewritten.map_or(Cow::Borrowed(raw), Cow::Owned))
}

/// Decodes the percent-encoded character at `start`. Returns it with the end of its encoding.
fn unescape(bytes: &[u8], start: usize) -> Result<(char, usize), PathError> {
    let first = escaped_byte(bytes, start)?;
    let length = match first {
        0x00..=0x7F => return Ok((first as char, start + 3)),
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return Err(PathError::NotUtf8),
    };
    let mut buffer = [first, 0, 0, 0];
    for (index, byte) in buffer.iter_mut().enumerate().take(length).skip(1) {
        let at = start + 3 * index;
        if bytes.get(at) != Some(&b'%') {
            return Err(PathError::NotUtf8);
        }
        *byte = escaped_byte(bytes, at)?;
    }
    let text = std::str::from_utf8(&buffer[..length]).map_err(|_| PathError::NotUtf8)?;
    let char = text.chars().next().ok_or(PathError::NotUtf8)?;
    Ok((char, start + 3 * length))
}

fn escaped_byte(bytes: &[u8], at: usize) -> Result<u8, PathError> {
    let digit = |index: usize| {
        let digit = bytes.get(index).and_then(|byte| (*byte as char).to_digit(16));
        digit.ok_or(PathError::BadEscape)
    };
    Ok((digit(at + 1)? * 16 + digit(at + 2)?) as u8)
}

/// Returns whether `spelling`, from which `read` was decoded, is canonical.
fn is_canonical(read: Read, spelling: &[u8]) -> bool {
    let needs_escape = !read.char.is_ascii() || !is_pchar(read.char as u8);
    read.escaped && needs_escape && !spelling.iter().any(u8::is_ascii_lowercase)
}

fn push_canonical(read: Read, path: &mut String) {
    if read.char == '/' && !read.escaped || read.char.is_ascii() && is_pchar(read.char as u8) {
        path.push(read.char);
        return;
    }
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in read.char.encode_utf8(&mut [0; 4]).bytes() {
        path.push('%');
        path.push(HEX[usize::from(byte >> 4)] as char);
        path.push(HEX[usize::from(byte & 15)] as char);
    }
}

/// Returns whether `byte` is a `pchar` of RFC 3986 (section 3.3), other than `%`.
const fn is_pchar(byte: u8) -> bool {
    matches!(byte,
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~'
        | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
        | b':' | b'@')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(raw: &str) -> Result<String, PathError> {
        CanonicalPath::new(raw).map(|path| path.to_string())
    }

    #[test]
    fn spellings_of_one_path_agree() {
        for raw in ["/a,b/é", "/%61%2cb/%c3%A9", "/a%2Cb/%C3%A9"] {
            assert_eq!(canonical(raw).as_deref(), Ok("/a,b/%C3%A9"), "{raw}");
        }
        assert_eq!(canonical("/{a}\"").as_deref(), Ok("/%7Ba%7D%22"));
    }

    #[test]
    fn a_canonical_path_is_borrowed() {
        for raw in ["/", "/stories/one-two.html", "/a/", "/%C3%A9/%2F", "/...", "/a..b", "/.x"] {
            let path = CanonicalPath::new(raw).unwrap();
            assert!(matches!(path.0, Cow::Borrowed(_)), "{raw}");
        }
    }

    #[test]
    fn an_encoded_slash_stays_in_its_segment() {
        assert_eq!(canonical("/a%2fb/c").as_deref(), Ok("/a%2Fb/c"));
        assert_eq!(decode("a%2Fb"), "a/b");
    }

    #[test]
    fn ambiguous_paths_are_rejected() {
        for (raw, error) in [
            ("", PathError::NotAbsolute),
            ("*", PathError::NotAbsolute),
            ("//", PathError::EmptySegment),
            ("/a//b", PathError::EmptySegment),
            ("/.", PathError::DotSegment),
            ("/a/../b", PathError::DotSegment),
            ("/a/%2e%2E/b", PathError::DotSegment),
            ("/a/..%2Fb", PathError::DotSegment),
            ("/a/b%2F..", PathError::DotSegment),
            ("/a/%2F.%2F", PathError::DotSegment),
            ("/a\\b", PathError::Backslash),
            ("/a%5cb", PathError::Backslash),
            ("/a%00", PathError::Control),
            ("/a%0D%0A", PathError::Control),
            ("/%C2%80", PathError::Control),
            ("/%", PathError::BadEscape),
            ("/%4", PathError::BadEscape),
            ("/%G0", PathError::BadEscape),
            ("/%+1", PathError::BadEscape),
            ("/%FF", PathError::NotUtf8),
            ("/%C3x", PathError::NotUtf8),
            ("/%C0%AE", PathError::NotUtf8),
            ("/%E2%82", PathError::NotUtf8),
        ] {
            assert_eq!(canonical(raw), Err(error), "{raw}");
        }
        let long = format!("/{}", "é".repeat(CanonicalPath::LONGEST / 4));
        assert_eq!(canonical(&long), Err(PathError::TooLong));
    }

    /// Percent-encodes `path`; `choices` determine the characters to encode, and the spelling.
    fn spell(path: &str, choices: &[u8]) -> String {
        let mut choices = choices.iter().cycle();
        let mut spelling = String::new();
        for byte in path.bytes() {
            let choice = choices.next().copied().unwrap_or(0);
            if byte == b'/' || byte.is_ascii() && choice % 3 == 0 {
                spelling.push(byte as char);
            } else if choice % 3 == 1 {
                spelling.push_str(&format!("%{byte:02x}"));
            } else {
                spelling.push_str(&format!("%{byte:02X}"));
            }
        }
        spelling
    }

    proptest! {
        #[test]
        fn canonical_is_idempotent_and_safe(raw in "/[a-c./%2eEfF\\\\é]{0,12}") {
            if let Ok(once) = canonical(&raw) {
                prop_assert_eq!(canonical(&once), Ok(once.clone()));
                prop_assert!(once.is_ascii());
                let decoded = decode(&once).into_owned();
                prop_assert!(!decoded.split('/').any(|part| part == "." || part == ".."));
                prop_assert!(!once.contains("//") && !decoded.contains('\\'));
            }
        }

        #[test]
        fn any_text_is_accepted_or_rejected(raw in any::<String>()) {
            let _ = canonical(&raw);
        }

        #[test]
        fn two_spellings_agree(
            path in "(/[^/%\\\\\\p{Cc}]{1,4}){1,3}",
            one in prop::collection::vec(any::<u8>(), 1..9),
            two in prop::collection::vec(any::<u8>(), 1..9),
        ) {
            let (one, two) = (canonical(&spell(&path, &one)), canonical(&spell(&path, &two)));
            prop_assert_eq!(&one, &two);
            if let Ok(one) = one {
                prop_assert_eq!(decode(&one).into_owned(), path);
            }
        }
    }
}
