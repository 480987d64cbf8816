use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// Headers that concern only the connection they came on (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The headers that concern more than the connection they came on, or were to go on. `Host` does,
/// whatever `Connection` says of it.
pub(super) fn end_to_end(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    let options =
        headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<&str> = options.flat_map(|value| value.split(',')).map(str::trim).collect();
    headers.iter().filter(move |(name, _)| {
        let is_named = named.iter().any(|option| option.eq_ignore_ascii_case(name.as_str()));
        *name == header::HOST || (!HOP_BY_HOP.contains(name) && !is_named)
    })
}
