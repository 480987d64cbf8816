//! The visitor's address and scheme behind proxies of the site.
//!
//! # Which proxies are trusted
//!
//! Any client can send `X-Forwarded-For`. The header can be trusted only if its sender is a proxy of the site, and only
//! as far back as there are proxies of the site: each of them appends the address of its client to the list. So the
//! list is read from its end. The first address that is not that of a trusted proxy is the visitor's. All entries
//! before it were written by the visitor and are ignored.
//!
//! A proxy that supports one of the two families of headers passes the other on unchanged. So only the family that the
//! site's configuration names is read, and the proxy must set it for each request.
//!
//! The host is never taken from these headers, because a visitor could then choose the host in a page's links.

use std::fmt;
use std::net::IpAddr;

use http::HeaderMap;
use http::header::{FORWARDED, HeaderName};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The address from which a request was sent, and its scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The visitor's address.
    pub remote: IpAddr,
    /// The scheme that the visitor used.
    pub scheme: Scheme,
}

/// The scheme of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Unencrypted.
    #[default]
    Http,
    /// Encrypted, at least as far as the outermost proxy.
    Https,
}

impl Scheme {
    /// Returns the scheme as it is written in URLs: `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// Returns the default port of the scheme.
    pub(crate) fn port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }

    fn parse(text: &str) -> Scheme {
        if text.eq_ignore_ascii_case("https") { Scheme::Https } else { Scheme::Http }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The headers in which proxies name their clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyHeaders {
    /// `X-Forwarded-For` and `X-Forwarded-Proto`, which most proxies set.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The proxies of a site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    /// Their networks.
    pub networks: Vec<IpNet>,
    /// The headers that they set.
    pub headers: ProxyHeaders,
}

impl TrustedProxies {
    /// Returns the origin of a request that `peer` has sent with these headers.
    pub fn origin(&self, peer: IpAddr, headers: &HeaderMap) -> Origin {
        let peer = peer.to_canonical();
        let direct = Origin { remote: peer, scheme: Scheme::Http };
        if !self.trusts(peer) {
            return direct;
        }
        match self.headers {
            ProxyHeaders::XForwarded => self.x_forwarded(direct, headers),
            ProxyHeaders::Forwarded => self.forwarded(direct, headers),
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    fn x_forwarded(&self, direct: Origin, headers: &HeaderMap) -> Origin {
        let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
        let hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        let hops = hops.map(|hop| {
            let hop = std::str::from_utf8(hop).ok()?;
            Some(Origin { remote: node(hop.trim())?, scheme: Scheme::Http })
        });
        // The nearest proxy has written the last value.
        let proto = headers.get_all(X_FORWARDED_PROTO).iter().next_back();
        let proto = proto.and_then(|value| value.to_str().ok());
        let proto = proto.and_then(|value| value.rsplit(',').next());
        let scheme = proto.map(|proto| Scheme::parse(proto.trim())).unwrap_or_default();
        Origin { scheme, ..self.visitor(direct, hops) }
    }

    fn forwarded(&self, direct: Origin, headers: &HeaderMap) -> Origin {
        let lines = headers.get_all(FORWARDED).iter().rev();
        self.visitor(direct, lines.flat_map(|line| rsplit(line.as_bytes(), b',')).map(element))
    }

    /// Returns the first hop, from the last one back, that is not trusted. A hop that is not an address was written by
    /// the hop after it in the list, which is then the result.
    fn visitor(&self, direct: Origin, hops: impl Iterator<Item = Option<Origin>>) -> Origin {
        let mut visitor = direct;
        for hop in hops.map_while(|hop| hop) {
            visitor = hop;
            if !self.trusts(hop.remote) {
                break;
            }
        }
        visitor
    }
}

/// Splits a list, from its end. Separators in quoted strings (RFC 9110, section 5.6.4) are ignored: a proxy may copy
/// text of the visitor into such strings, as in `host="a;for=192.0.2.1"`.
///
/// The proxies append to the list, so quotes are counted from its end: a quote that a visitor leaves open does not hide
/// the elements after it.
fn rsplit(list: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(list);
    std::iter::from_fn(move || {
        let list = rest?;
        match last_outside_quotes(list, separator) {
            Some(at) => {
                rest = Some(&list[..at]);
                Some(&list[at + 1..])
            }
            None => rest.take(),
        }
    })
}

fn last_outside_quotes(list: &[u8], wanted: u8) -> Option<usize> {
    let mut is_quoted = false;
    for (at, byte) in list.iter().enumerate().rev() {
        if *byte == b'"' {
            let escapes = list[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
            // The closing quote of a quoted string cannot be escaped, so any byte may precede it.
            is_quoted = !is_quoted || escapes % 2 == 1;
        } else if *byte == wanted && !is_quoted {
            return Some(at);
        }
    }
    None
}

/// Parses one element of `Forwarded` (RFC 7239, section 4): `for=192.0.2.1;proto=https`.
fn element(element: &[u8]) -> Option<Origin> {
    let (mut from, mut scheme) = (None, Scheme::Http);
    for pair in rsplit(element, b';') {
        // Pairs that are malformed or not UTF-8 do not concern the address. A visitor's host may be such a value.
        let Some((name, value)) =
            std::str::from_utf8(pair).ok().and_then(|pair| pair.trim().split_once('='))
        else {
            continue;
        };
        let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let value = unquoted.unwrap_or(value);
        if name.eq_ignore_ascii_case("for") {
            from = node(value);
        } else if name.eq_ignore_ascii_case("proto") {
            scheme = Scheme::parse(value);
        }
    }
    Some(Origin { remote: from?, scheme })
}

/// Parses the address of a hop: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
/// Returns `None` if a proxy hides it (`unknown`, `_hidden`).
fn node(text: &str) -> Option<IpAddr> {
    let address = match text.strip_prefix('[') {
        Some(bracketed) => {
            let (address, port) = bracketed.split_once(']')?;
            if !(port.is_empty() || is_port(port.strip_prefix(':')?)) {
                return None;
            }
            IpAddr::V6(address.parse().ok()?)
        }
        None => match text.split_once(':') {
            Some((address, port)) if is_port(port) => IpAddr::V4(address.parse().ok()?),
            _ => text.parse().ok()?,
        },
    };
    Some(address.to_canonical())
}

/// Returns whether `text` is a port, or the obfuscated form of one: `_` and a name (RFC 7239, section 6.3).
fn is_port(text: &str) -> bool {
    let (text, signs) = match text.strip_prefix('_') {
        Some(name) => (name, "._-"),
        None => (text, ""),
    };
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || signs.contains(letter);
    !text.is_empty() && text.chars().all(is_allowed)
}

/// Parses a network, `10.0.0.0/8` or `2001:db8::/32`, or a single address, `127.0.0.1`.
///
/// # Errors
/// Returns a message with the correct form.
pub fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    match network {
        // `::ffff:10.0.0.0/104` equals `10.0.0.0/8`, because addresses are compared in their canonical form.
        Ok(IpNet::V6(mapped)) if mapped.prefix_len() >= 96 => {
            let address = mapped.addr().to_canonical();
            let bits = mapped.prefix_len() - if address.is_ipv4() { 96 } else { 0 };
            IpNet::new(address, bits).map_err(|error| error.to_string())
        }
        Ok(network) => Ok(network),
        Err(_) => Err(format!(
            "`{text}` is not an address and no network; write it as in \"127.0.0.1\", \
             \"10.0.0.0/8\" or \"2001:db8::/32\""
        )),
    }
}

#[cfg(test)]
mod tests;
