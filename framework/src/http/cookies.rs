use std::borrow::Cow;

use http::HeaderMap;
use http::header::COOKIE;
use percent_encoding::percent_decode_str;

/// The value of the cookie of this name, percent-decoded if that gives text. Of several the first,
/// which is that of the most specific path (RFC 6265, section 5.4).
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    let mut pairs = cookie_pairs(headers).filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(known, _)| known.trim() == name)?;
    let value = value.trim();
    Some(percent_decode_str(value).decode_utf8().unwrap_or(Cow::Borrowed(value)))
}

/// All that looks like a cookie, in its order. Scripts may set cookies that are not ASCII, and browsers
/// send them as they are: what is no text at all hides none of the others.
pub(crate) fn cookie_pairs(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(COOKIE).iter().map(|line| line.as_bytes());
    let pairs = lines.flat_map(|line| line.split(|byte| *byte == b';'));
    pairs.filter_map(|pair| std::str::from_utf8(pair).ok())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_first_cookie_of_a_name_counts() {
        let mut headers = HeaderMap::new();
        for line in ["a=1; =x; b ; ab=2;a=3", "c = J%C3%BCrgen%20; d=%ff", "a=4"] {
            headers.append(COOKIE, HeaderValue::from_static(line));
        }
        let get = |name: &str| cookie(&headers, name).map(Cow::into_owned);
        assert_eq!(get("a").as_deref(), Some("1"));
        assert_eq!(get("ab").as_deref(), Some("2"));
        assert_eq!(get("b"), None);
        assert_eq!(get("c").as_deref(), Some("Jürgen "));
        assert_eq!(get("d").as_deref(), Some("%ff"));
        assert_eq!(cookie(&HeaderMap::new(), "a"), None);
        let line = HeaderValue::from_bytes(b"x=\xff; y=\xc3\xa9; z=1").unwrap();
        let headers = HeaderMap::from_iter([(COOKIE, line)]);
        let get = |name: &str| cookie(&headers, name).map(Cow::into_owned);
        assert_eq!((get("x"), get("y"), get("z")), (None, Some("é".into()), Some("1".into())));
    }
}
