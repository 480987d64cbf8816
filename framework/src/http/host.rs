//! The host of a request, in one place and one canonical spelling.
//!
//! HTTP/1.1 names it in the field `Host`, or in a target in absolute form, which takes precedence (RFC 9112, section
//! 3.2.2). HTTP/2 names it in `:authority`, and a `host` field with another host makes the request malformed (RFC 9113,
//! section 8.3.1). [`settle`] runs before any other code reads the request. Afterwards the request has at most one
//! field `Host`, and it contains the effective host. So cache keys, variant functions and controllers cannot disagree
//! about it.
//!
//! The spelling is that of RFC 3986, section 6.2: in lower case, without the default port of the scheme. Names consist
//! of letters, digits, `-`, `.`, `_` and `~`. RFC 3986 allows more, percent-encoded bytes and `'` among them, but no
//! name in use has them, and a host is often put into pages and URLs without escaping.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use http::header::{HOST, HeaderValue};
use http::request::Parts;
use http::uri::Scheme;
use http::{StatusCode, Version};

/// Reason why a request has no valid host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// No host is named.
    #[error("A request needs a Host header.")]
    Missing,
    /// Several `Host` fields are present.
    #[error("A request needs exactly one Host header.")]
    Several,
    /// The name is not a valid host.
    #[error("The request's host is not one: write a name or an address, and a port if needed.")]
    Malformed,
    /// `:authority` and `host` name different hosts.
    #[error("The request names two different hosts, in `:authority` and in `host`.")]
    Differs,
}

impl HostError {
    /// The status of the response (RFC 9112, section 3.2, and RFC 9113, section 8.1.1).
    pub(crate) const STATUS: StatusCode = StatusCode::BAD_REQUEST;
}

/// Stores the host of a request in its single field `Host`. A field that already has the canonical spelling, as nearly
/// all do, is left unchanged.
///
/// # Errors
/// Returns [`HostError::Missing`], without changes to the request, when the request names no host, and the other errors
/// when its host is invalid.
pub fn settle(request: &mut Parts) -> Result<(), HostError> {
    let Parts { uri, headers, version, .. } = request;
    let mut fields = headers.get_all(HOST).iter();
    let field = fields.next();
    if fields.next().is_some() {
        return Err(HostError::Several);
    }
    let default = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    let field = field.map(|field| canonical(field.as_bytes(), default)).transpose()?;
    let host = match (uri.authority(), field) {
        (None, None) => return Err(HostError::Missing),
        (None, Some(Cow::Borrowed(_))) => return Ok(()),
        (None, Some(Cow::Owned(host))) => HeaderValue::try_from(host),
        (Some(authority), field) => {
            let host = canonical(authority.as_str().as_bytes(), default)?;
            if *version >= Version::HTTP_2 && field.is_some_and(|field| field != host) {
                return Err(HostError::Differs);
            }
            HeaderValue::from_str(&host)
        }
    };
    headers.insert(HOST, host.map_err(|_| HostError::Malformed)?);
    Ok(())
}

/// Returns the canonical spelling of a host, with its port unless that is `default`.
pub(super) fn canonical(text: &[u8], default: u16) -> Result<Cow<'_, str>, HostError> {
    let text = std::str::from_utf8(text).map_err(|_| HostError::Malformed)?;
    let end = text.find(']').map_or(0, |bracket| bracket + 1);
    let colon = text[end..].find(':').map_or(text.len(), |colon| end + colon);
    let (name, port) = text.split_at(colon);
    let name = match name.strip_prefix('[') {
        Some(address) => address_in_brackets(address)?,
        None => named(name)?,
    };
    let digits = match port.strip_prefix(':') {
        None => return Ok(name),
        Some("") => return Ok(Cow::Owned(name.into_owned())),
        Some(digits) => digits,
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(HostError::Malformed);
    }
    let port: u16 = digits.parse().map_err(|_| HostError::Malformed)?;
    Ok(match name {
        name if port == default => Cow::Owned(name.into_owned()),
        Cow::Borrowed(_) if !digits.starts_with('0') => Cow::Borrowed(text),
        name => Cow::Owned(format!("{name}:{port}")),
    })
}

fn named(name: &str) -> Result<Cow<'_, str>, HostError> {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_of_name) {
        return Err(HostError::Malformed);
    }
    Ok(match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    })
}

fn address_in_brackets(address: &str) -> Result<Cow<'_, str>, HostError> {
    let address = address.strip_suffix(']').and_then(|address| address.parse::<Ipv6Addr>().ok());
    let address = address.ok_or(HostError::Malformed)?;
    Ok(Cow::Owned(format!("[{address}]")))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn parts(version: Version, uri: &str, hosts: &[&str]) -> Parts {
        let mut request = Request::builder().version(version).uri(uri);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn settled(version: Version, uri: &str, hosts: &[&str]) -> Result<String, HostError> {
        let mut parts = parts(version, uri, hosts);
        settle(&mut parts)?;
        let hosts: Vec<_> = parts.headers.get_all(HOST).iter().collect();
        assert_eq!(hosts.len(), 1);
        Ok(hosts[0].to_str().unwrap().to_owned())
    }

    #[test]
    fn one_host_has_one_spelling() {
        for (host, spelt) in [
            ("a.example", "a.example"),
            ("A.Example", "a.example"),
            ("a.example:80", "a.example"),
            ("a.example:080", "a.example"),
            ("a.example:", "a.example"),
            ("a_b.example.:8080", "a_b.example.:8080"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("[::1]", "[::1]"),
            ("[0:0:0:0:0:0:0:1]:8080", "[::1]:8080"),
            ("[::A]:80", "[::a]"),
        ] {
            assert_eq!(settled(Version::HTTP_11, "/", &[host]).as_deref(), Ok(spelt), "{host}");
        }
        let secure = settled(Version::HTTP_2, "https://a.example:443/", &["A.example"]);
        assert_eq!(secure.as_deref(), Ok("a.example"));
        let odd = settled(Version::HTTP_2, "https://a.example:80/", &[]);
        assert_eq!(odd.as_deref(), Ok("a.example:80"));
    }

    #[test]
    fn a_canonical_host_is_not_copied() {
        let mut parts = parts(Version::HTTP_11, "/", &["a.example:8080"]);
        let before = parts.headers[HOST].as_bytes().as_ptr();
        settle(&mut parts).unwrap();
        assert_eq!(parts.headers[HOST].as_bytes().as_ptr(), before);
    }

    #[test]
    fn an_invalid_host_is_rejected() {
        for host in [
            "",
            "a b",
            "a@b",
            "user:pass@b",
            "a/b",
            "a:b",
            "a:1:2",
            "a:65536",
            "a:-1",
            ":80",
            "[::1",
            "[::1]x",
            "[a]",
            "::1",
            "a,b",
            "a%20b",
            "a'b",
            "a#b",
            "a?b",
        ] {
            let found = settled(Version::HTTP_11, "/", &[host]);
            assert_eq!(found, Err(HostError::Malformed), "{host:?}");
        }
        let found = settled(Version::HTTP_11, "http://b.example/", &["a b"]);
        assert_eq!(found, Err(HostError::Malformed));
        let found = settled(Version::HTTP_11, "http://user@b.example/", &["b.example"]);
        assert_eq!(found, Err(HostError::Malformed));
        assert_eq!(settled(Version::HTTP_11, "/", &["a", "a"]), Err(HostError::Several));
        assert_eq!(settled(Version::HTTP_2, "/", &[]), Err(HostError::Missing));
    }

    #[test]
    fn the_target_wins_over_the_field_and_must_agree_with_it_over_http_2() {
        let uri = "http://target.example/";
        let host = settled(Version::HTTP_11, uri, &["field.example"]);
        assert_eq!(host.as_deref(), Ok("target.example"));
        assert_eq!(settled(Version::HTTP_2, uri, &[]).as_deref(), Ok("target.example"));
        let host = settled(Version::HTTP_2, uri, &["TARGET.example:80"]);
        assert_eq!(host.as_deref(), Ok("target.example"));
        let host = settled(Version::HTTP_2, uri, &["field.example"]);
        assert_eq!(host, Err(HostError::Differs));
        assert_eq!(settled(Version::HTTP_2, "/", &["a.example"]).as_deref(), Ok("a.example"));
    }
}
