//! The host of a request, compared with an independent parser.

use std::net::Ipv6Addr;
use std::sync::LazyLock;

use headwater::internals::http::{HostError, settle};
use http::header::{HOST, HeaderMap};
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Uri, Version};
use regex::bytes::Regex;

static SPELLING: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"^(?:(?<name>[A-Za-z0-9._~-]+)|\[(?<address>[^\]]*)\])(?::(?<port>[0-9]*))?$";
    Regex::new(pattern).expect("the pattern is right")
});

/// `data` is a version in one byte, a target in one line, and a `Host` field in each following line.
pub fn run(data: &[u8]) {
    let Some((version, rest)) = data.split_first() else { return };
    let mut lines = super::lines(rest);
    let Ok(target) = Uri::try_from(lines.next().unwrap_or_default()) else { return };
    let mut parts = Request::new(()).into_parts().0;
    parts.version = if version % 2 == 0 { Version::HTTP_11 } else { Version::HTTP_2 };
    parts.uri = target;
    parts.headers.insert("accept", HeaderValue::from_static("text/html"));
    for field in lines.filter_map(|line| HeaderValue::from_bytes(line).ok()) {
        parts.headers.append(HOST, field);
    }
    let before = parts.headers.clone();
    let expected = expected(&parts);
    let settled = settle(&mut parts).map(|()| host(&parts.headers));
    assert_eq!(settled, expected);
    let Ok(host) = settled else {
        return assert_eq!(parts.headers, before, "what is refused is left as it is");
    };
    let after = parts.headers.clone();
    assert_eq!(after["accept"], before["accept"]);
    assert_eq!(settle(&mut parts), Ok(()), "the host has its one spelling");
    assert_eq!(parts.headers, after, "the host has its one spelling");
    let url: Uri = format!("http://{host}/").parse().expect("a host can be put into a URL");
    assert_eq!((url.authority().map(Authority::as_str), url.path()), (Some(&*host), "/"));
}

/// Returns the only field `Host`.
fn host(headers: &HeaderMap) -> String {
    let fields: Vec<_> = headers.get_all(HOST).iter().collect();
    assert_eq!(fields.len(), 1, "there is one host");
    fields[0].to_str().expect("a host is ASCII").to_owned()
}

fn expected(parts: &Parts) -> Result<String, HostError> {
    let mut fields = parts.headers.get_all(HOST).iter();
    let field = fields.next();
    if fields.next().is_some() {
        return Err(HostError::Several);
    }
    let default = if parts.uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    let field = field.map(|field| spelt(field.as_bytes(), default));
    let target = parts.uri.authority().map(|target| spelt(target.as_str().as_bytes(), default));
    match (target, field) {
        (None, None) => Err(HostError::Missing),
        (Some(None), _) | (_, Some(None)) => Err(HostError::Malformed),
        (Some(target), Some(field)) if parts.version == Version::HTTP_2 && target != field => {
            Err(HostError::Differs)
        }
        (Some(Some(host)), _) | (None, Some(Some(host))) => Ok(host),
    }
}

/// Returns the canonical spelling of a host, or `None` if the text is not a host.
fn spelt(text: &[u8], default: u32) -> Option<String> {
    let found = SPELLING.captures(text)?;
    let text = |name| {
        let found = found.name(name)?;
        Some(std::str::from_utf8(found.as_bytes()).ok())
    };
    let name = match (text("name"), text("address")) {
        (Some(name), _) => name?.to_lowercase(),
        (None, address) => format!("[{}]", address??.parse::<Ipv6Addr>().ok()?),
    };
    let digits = text("port").flatten().unwrap_or_default();
    if digits.is_empty() {
        return Some(name);
    }
    let port = digits.bytes().try_fold(0, |port: u32, digit| {
        Some(port * 10 + u32::from(digit - b'0')).filter(|port| *port <= 65_535)
    })?;
    Some(if port == default { name } else { format!("{name}:{port}") })
}
