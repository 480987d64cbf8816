//! The visitor's address from proxies, compared with an independent parser that reads from the front.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use headwater::internals::http::{ProxyHeaders, TrustedProxies, network};
use headwater::{Origin, Scheme};
use http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};
use regex::Regex;

const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));

static NODE: LazyLock<Regex> = LazyLock::new(|| {
    let port = "(?::(?:[A-Za-z0-9]+|_[A-Za-z0-9._-]+))?";
    let pattern =
        format!(r"^(?:\[(?<six>[^\]]*)\]{port}|(?<four>[^:\[\]]*){port}|(?<bare>[^\[]*))$");
    Regex::new(&pattern).expect("the pattern is right")
});

/// `data` is the header of the site's proxies in the first line, and the headers that the visitor had sent in the
/// following lines.
pub fn run(data: &[u8]) {
    let mut lines = super::lines(data).filter_map(|line| HeaderValue::from_bytes(line).ok());
    let Some(written) = lines.next() else { return };
    let sent: Vec<HeaderValue> = lines.collect();
    for kind in [ProxyHeaders::XForwarded, ProxyHeaders::Forwarded] {
        check(kind, &written, &sent);
    }
}

fn check(kind: ProxyHeaders, written: &HeaderValue, sent: &[HeaderValue]) {
    let networks = ["10.0.0.0/8", "fd00::/8", "::1"].map(|text| network(text).expect("it is one"));
    let proxies = TrustedProxies { networks: networks.into(), headers: kind };
    let (name, hops) = match kind {
        ProxyHeaders::XForwarded => (HeaderName::from_static("x-forwarded-for"), listed(written)),
        ProxyHeaders::Forwarded => (FORWARDED, forwarded(written.as_bytes())),
    };
    let with = |values: Vec<HeaderValue>| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(&name, value);
        }
        headers
    };
    let behind = with(sent.iter().chain([written]).cloned().collect());
    let stranger = Origin { remote: STRANGER, scheme: Scheme::Http };
    assert_eq!(proxies.origin(STRANGER, &behind), stranger, "a stranger is not believed");

    // The reading of a malformed list is unspecified.
    let Some(hops) = hops else { return };
    let mut visitor = Origin { remote: PROXY, scheme: Scheme::Http };
    let mut is_known = false;
    for hop in hops.iter().rev() {
        let Some(hop) = hop else {
            is_known = true;
            break;
        };
        visitor = *hop;
        if !is_trusted(hop.remote) {
            is_known = true;
            break;
        }
    }
    assert_eq!(proxies.origin(PROXY, &with(vec![written.clone()])), visitor);
    if !is_known {
        return;
    }
    assert_eq!(
        proxies.origin(PROXY, &behind),
        visitor,
        "what the visitor has sent changes nothing"
    );
    if let Some((last, before)) = sent.split_last() {
        let line = [last.as_bytes(), b", ", written.as_bytes()].concat();
        let line = HeaderValue::from_bytes(&line).expect("both are values");
        let joined = with(before.iter().cloned().chain([line]).collect());
        assert_eq!(proxies.origin(PROXY, &joined), visitor, "nor does it in one line");
    }
}

fn is_trusted(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.octets()[0] == 10,
        IpAddr::V6(address) => address.octets()[0] == 0xfd || address == Ipv6Addr::LOCALHOST,
    }
}

/// Parses an address with or without a port.
fn node(text: &str) -> Option<IpAddr> {
    let found = NODE.captures(text)?;
    let of = |name| found.name(name).map(|found| found.as_str());
    let address = match (of("six"), of("four")) {
        (Some(six), _) => IpAddr::V6(six.parse().ok()?),
        (_, Some(four)) => IpAddr::V4(four.parse().ok()?),
        _ => IpAddr::V6(of("bare")?.parse().ok()?),
    };
    Some(address.to_canonical())
}

/// Parses the hops of `X-Forwarded-For`.
fn listed(value: &HeaderValue) -> Option<Vec<Option<Origin>>> {
    let hops = value.as_bytes().split(|byte| *byte == b',').map(|hop| {
        let remote = node(std::str::from_utf8(hop).ok()?.trim())?;
        Some(Origin { remote, scheme: Scheme::Http })
    });
    Some(hops.collect())
}

/// Parses the hops of a `Forwarded` that conforms to the grammar of RFC 7239, section 4.
fn forwarded(value: &[u8]) -> Option<Vec<Option<Origin>>> {
    let mut hops = Vec::new();
    let mut rest = value;
    loop {
        rest = rest.trim_ascii_start();
        let mut pairs: Vec<(String, Option<String>)> = Vec::new();
        loop {
            let (name, after) = token(rest)?;
            let name = name.to_ascii_lowercase();
            let (value, after) = match after.strip_prefix(b"=")? {
                [b'"', quoted @ ..] => unquoted(quoted)?,
                after => token(after).map(|(value, after)| (Some(value.to_owned()), after))?,
            };
            if pairs.iter().any(|(other, _)| *other == name) {
                return None;
            }
            pairs.push((name, value));
            match after.strip_prefix(b";") {
                Some(after) => rest = after,
                None => {
                    rest = after.trim_ascii_start();
                    break;
                }
            }
        }
        let value = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted);
        let https = value("proto").and_then(|(_, value)| value.as_deref());
        let scheme = match https {
            Some(proto) if proto.eq_ignore_ascii_case("https") => Scheme::Https,
            _ => Scheme::Http,
        };
        let remote = value("for").and_then(|(_, value)| node(value.as_deref()?));
        hops.push(remote.map(|remote| Origin { remote, scheme }));
        match rest {
            [] => return Some(hops),
            [b',', after @ ..] => rest = after,
            _ => return None,
        }
    }
}

fn token(text: &[u8]) -> Option<(&str, &[u8])> {
    let is_of_token =
        |byte: &&u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let (token, rest) = text.split_at(text.iter().take_while(is_of_token).count());
    let token = std::str::from_utf8(token).ok().filter(|token| !token.is_empty())?;
    Some((token, rest))
}

/// Parses a quoted string after its first quote, and returns the rest. The value is `None` for a string with escapes or
/// without UTF-8, which is neither an address nor a scheme.
fn unquoted(text: &[u8]) -> Option<(Option<String>, &[u8])> {
    let mut at = 0;
    let mut is_plain = true;
    loop {
        match text.get(at)? {
            b'"' => break,
            b'\\' => {
                text.get(at + 1)?;
                is_plain = false;
                at += 2;
            }
            _ => at += 1,
        }
    }
    let value = std::str::from_utf8(&text[..at]).ok().filter(|_| is_plain);
    Some((value.map(str::to_owned), &text[at + 1..]))
}
