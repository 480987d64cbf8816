use std::borrow::Cow;

use http::HeaderMap;
use http::header::COOKIE;
use percent_encoding::percent_decode_str;

/// The value of the cookie of this name, percent-decoded if that gives text. Of several the first,
/// which is that of the most specific path (RFC 6265, section 5.4).
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(known, _)| known.trim() == name)?;
    let value = value.trim();
    Some(percent_decode_str(value).decode_utf8().unwrap_or(Cow::Borrowed(value)))
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
    }
}
