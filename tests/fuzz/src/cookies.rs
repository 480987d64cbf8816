//! `Cookie`, and the values of cookies that a site sets.

use futures_util::FutureExt;
use headwater::extract::{Cookies, FromRequestParts};
use headwater::prelude::{decode_cookie_value, encode_cookie_value};
use headwater::request::Request;
use http::HeaderValue;

/// `data` is the values of `Cookie` headers, one per line.
pub fn run(data: &[u8]) {
    let values = super::lines(data).filter_map(|line| HeaderValue::from_bytes(line).ok());
    let values: Vec<HeaderValue> = values.collect();
    let request = values
        .iter()
        .fold(Request::builder(), |request, value| request.header("cookie", value.clone()));
    let Ok(mut request) = request.build() else { return };
    let cookies = Cookies::from_request_parts(&mut request.parts).now_or_never();
    let cookies = cookies.expect("nothing waits").expect("the whole request is here");
    let mut seen: Vec<&str> = Vec::new();
    for (name, value) in cookies.iter() {
        assert!(!seen.contains(&name), "the first one of a name counts");
        seen.push(name);
        assert_eq!(cookies.get(name), Some(value));
        let pair = [name.as_bytes(), value.as_bytes()];
        assert!(pair.iter().all(|text| !text.contains(&b';') && text.trim_ascii() == *text));
        assert!(!name.contains('='));
        let was_sent = |line: &HeaderValue| {
            pair.iter().all(|text| text.is_empty() || contains(line.as_bytes(), text))
        };
        assert!(values.iter().any(was_sent), "it was sent as it is");
        let _ = decode_cookie_value(value);
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let encoded = encode_cookie_value(text);
        assert!(
            encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte))
        );
        assert_eq!(decode_cookie_value(&encoded).as_deref(), Some(text));
    }
}

fn contains(line: &[u8], text: &[u8]) -> bool {
    line.windows(text.len()).any(|window| window == text)
}
