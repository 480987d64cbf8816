//! The cookies of a request. Every part of a node reads them here.
//!
//! Names are compared byte by byte, and values are returned as sent: nothing is decoded, quotation marks are kept, and
//! only spaces and tabs around name and value are removed (RFC 6265, section 5.2). Otherwise two readers, or a reader
//! and the browser, could see different cookies: `%48` is not `H`, so a cookie that a neighbouring host sets as
//! `__%48ost-sid` never passes for `__Host-sid`, which only the site itself can set. Of several cookies with the same
//! name the first counts; it has the most specific path (section 5.4).

use std::borrow::Cow;
use std::collections::HashSet;

use http::HeaderMap;
use http::header::COOKIE;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Returns the value of the first cookie with this name, if it is UTF-8.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let (_, value) = pairs(headers).find(|(known, _)| *known == name.as_bytes())?;
    std::str::from_utf8(value).ok()
}

/// Returns the names and values of all cookies that [`cookie`] finds, in the order of the request.
pub(crate) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let mut seen = HashSet::new();
    let first_ones = pairs(headers).filter(move |(name, _)| seen.insert(*name));
    first_ones.filter_map(|(name, value)| {
        Some((std::str::from_utf8(name).ok()?, std::str::from_utf8(value).ok()?))
    })
}

/// Splits the `Cookie` headers into pairs of bytes. Scripts may set cookies that are not ASCII, and browsers send them
/// unchanged: a cookie that is not UTF-8 must not hide the others.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    let lines = headers.get_all(COOKIE).iter().map(|line| line.as_bytes());
    lines.flat_map(|line| line.split(|byte| *byte == b';')).filter_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        Some((trimmed(&pair[..equals]), trimmed(&pair[equals + 1..])))
    })
}

fn trimmed(text: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !matches!(byte, b' ' | b'\t');
    let start = text.iter().position(is_text).unwrap_or(text.len());
    let end = text.iter().rposition(is_text).map_or(start, |last| last + 1);
    &text[start..end]
}

/// The characters that [`encode_cookie_value`] does not encode, beside letters and digits.
const PLAIN: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes any text for use as the value of a cookie, except for ASCII letters, digits, `-`, `.`, `_` and `~`.
/// Scripts read it with `decodeURIComponent`, controllers with [`decode_cookie_value`].
///
/// ```
/// use headwater::prelude::{decode_cookie_value, encode_cookie_value};
///
/// let value = encode_cookie_value("Ana; Zoë");
/// assert_eq!(value, "Ana%3B%20Zo%C3%AB");
/// assert_eq!(decode_cookie_value(&value).as_deref(), Some("Ana; Zoë"));
/// ```
pub fn encode_cookie_value(text: &str) -> String {
    utf8_percent_encode(text, &PLAIN).to_string()
}

/// Decodes the percent-encoded value of a cookie; `None` if the result is not UTF-8.
pub fn decode_cookie_value(value: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(value).decode_utf8().ok()
}

/// Returns whether `name` is valid as the name of a cookie (RFC 6265, section 4.1.1: a token).
pub(crate) fn is_cookie_name(name: &str) -> bool {
    let is_of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_of_token)
}

/// Returns whether `value` may be sent as the value of a cookie without encoding (RFC 6265, section 4.1.1).
pub(crate) fn is_cookie_value(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(lines: &[&'static [u8]]) -> HeaderMap {
        let line = |line: &&'static [u8]| (COOKIE, HeaderValue::from_bytes(line).unwrap());
        let mut headers = HeaderMap::new();
        headers.extend(lines.iter().map(line));
        headers
    }

    #[test]
    fn the_first_cookie_of_a_name_counts_and_its_value_is_not_decoded() {
        let headers = headers(&[
            b"a=1; =x; b ; ab=2;a=3",
            b"c\t= J%C3%BCrgen%20\t; d=\"q\"; e=",
            b"a=4; f=x=y",
        ]);
        let get = |name: &str| cookie(&headers, name);
        assert_eq!(get("a"), Some("1"));
        assert_eq!(get("ab"), Some("2"));
        assert_eq!(get("b"), None);
        assert_eq!(get("c"), Some("J%C3%BCrgen%20"));
        assert_eq!(get("d"), Some("\"q\""));
        assert_eq!(get("e"), Some(""));
        assert_eq!(get("f"), Some("x=y"));
        assert_eq!(cookie(&HeaderMap::new(), "a"), None);
    }

    #[test]
    fn no_other_bytes_pass_for_a_name() {
        let evil: &[u8] =
            b"__%48ost-sid=evil; \xc2\xa0__Host-sid=evil; __host-sid=evil; __Host-sid\xa0=evil";
        let headers = headers(&[evil, b"__Host-sid=good"]);
        assert_eq!(cookie(&headers, "__Host-sid"), Some("good"));
    }

    #[test]
    fn a_cookie_that_is_not_utf_8_does_not_hide_the_others() {
        let headers = headers(&[b"x=\xff; y=\xc3\xa9; z=1; x=2"]);
        let get = |name: &str| cookie(&headers, name);
        assert_eq!((get("x"), get("y"), get("z")), (None, Some("é"), Some("1")));
        assert_eq!(cookies(&headers).collect::<Vec<_>>(), [("y", "é"), ("z", "1")]);
    }

    #[test]
    fn an_encoded_value_is_valid_and_decodes_to_the_same_text() {
        for text in ["", "dark", "Ana; Maria", "\"a\\b\",", "Zoë\n%20", "\u{0}\u{7f}"] {
            let value = encode_cookie_value(text);
            assert!(is_cookie_value(&value), "{value}");
            assert_eq!(decode_cookie_value(&value).as_deref(), Some(text));
        }
        assert_eq!(decode_cookie_value("%ff"), None);
        for value in ["a b", "a;b", "a,b", "\"a\"", "a\\b", "é", "a\r\n"] {
            assert!(!is_cookie_value(value), "{value:?}");
        }
    }
}
