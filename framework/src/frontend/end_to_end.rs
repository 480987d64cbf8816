use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// Headers that concern only one connection (RFC 9110, section 7.6.1).
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

/// Returns whether none of these headers is specific to one connection, which is true of most replies.
pub(super) fn are_end_to_end(headers: &HeaderMap) -> bool {
    headers.keys().all(|name| !HOP_BY_HOP.contains(name))
}

/// Returns the headers that are not specific to one connection. `Host` is always included, even if `Connection` names
/// it.
pub(super) fn end_to_end(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    let options =
        headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<&str> = options.flat_map(|value| value.split(',')).map(str::trim).collect();
    headers.iter().filter(move |(name, _)| {
        let is_named = named.iter().any(|option| option.eq_ignore_ascii_case(name.as_str()));
        *name == header::HOST || (!HOP_BY_HOP.contains(name) && !is_named)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_one_connection_are_recognised() {
        let of = |names: &[&'static str]| -> HeaderMap {
            let header = |name: &&'static str| {
                (HeaderName::from_static(name), HeaderValue::from_static("x-own, close"))
            };
            names.iter().map(header).collect()
        };
        assert!(are_end_to_end(&of(&["host", "content-type", "x-own"])));
        for name in ["connection", "keep-alive", "te", "transfer-encoding", "upgrade"] {
            let headers = of(&["host", name, "content-type"]);
            assert!(!are_end_to_end(&headers), "{name}");
            let passed: Vec<&str> = end_to_end(&headers).map(|(name, _)| name.as_str()).collect();
            assert_eq!(passed, ["host", "content-type"], "{name}");
        }
        let headers = of(&["connection", "x-own"]);
        assert_eq!(end_to_end(&headers).count(), 0);
    }
}
