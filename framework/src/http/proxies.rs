//! Who a visitor is and how the visit is made, when proxies of the site stand in between.
//!
//! # Whom to believe
//!
//! Anybody can send `X-Forwarded-For`. It says something only when the one who sent it is a proxy of
//! the site, and then only as far back as there are proxies of the site: each of them adds the
//! address of the one who asked it to the end of the list. So the list is read from its end. The
//! first address that is not that of a trusted proxy is the visitor; what stands before it was
//! written by the visitor, and is not looked at.
//!
//! A proxy that knows one of the two families of headers passes the other on as it came. So only the
//! family that the site's configuration names is read, and the proxy must set it for each request.
//!
//! The host is never taken from these headers: what a page links to would be the visitor's choice.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderMap;
use http::header::{FORWARDED, HeaderName};
use serde::{Deserialize, Serialize};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The address that a request comes from, and how it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The visitor's address.
    pub remote: IpAddr,
    /// How the visitor sent the request.
    pub scheme: Scheme,
}

/// How a request is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// In the clear.
    #[default]
    Http,
    /// Encrypted, at least as far as the outermost proxy.
    Https,
}

impl Scheme {
    /// The scheme as a URL begins with it: `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
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

/// In which headers proxies say who has asked them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyHeaders {
    /// `X-Forwarded-For` and `X-Forwarded-Proto`: what most proxies do.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The proxies of a site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    /// Where they are.
    pub networks: Vec<Network>,
    /// What they say.
    pub headers: ProxyHeaders,
}

impl TrustedProxies {
    /// Where a request really comes from that `peer` has sent with these headers.
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
        self.networks.iter().any(|network| network.contains(address))
    }

    fn x_forwarded(&self, direct: Origin, headers: &HeaderMap) -> Origin {
        let mut chain = Chain::new(self);
        for line in headers.get_all(X_FORWARDED_FOR) {
            for hop in line.as_bytes().split(|byte| *byte == b',') {
                let hop = std::str::from_utf8(hop).ok().map(str::trim);
                chain.add(hop.and_then(node), Scheme::Http);
            }
        }
        // The nearest proxy has written the last one.
        let proto = headers.get_all(X_FORWARDED_PROTO).iter().next_back();
        let proto = proto.and_then(|value| value.to_str().ok());
        let proto = proto.and_then(|value| value.rsplit(',').next());
        let scheme = proto.map(|proto| Scheme::parse(proto.trim())).unwrap_or_default();
        Origin { remote: chain.visitor(direct).remote, scheme }
    }

    fn forwarded(&self, direct: Origin, headers: &HeaderMap) -> Origin {
        let mut chain = Chain::new(self);
        for line in headers.get_all(FORWARDED) {
            // Commas within quotes too: a quote that a visitor leaves open must not swallow what a
            // proxy has added, and no proxy names itself or another with a comma.
            for hop in line.as_bytes().split(|byte| *byte == b',') {
                let (from, scheme) = std::str::from_utf8(hop).map(element).unwrap_or_default();
                chain.add(from, scheme);
            }
        }
        chain.visitor(direct)
    }
}

/// The hops of a request, read from the visitor's end, though it is the other end that counts: the
/// last one that is not trusted is the visitor.
struct Chain<'a> {
    proxies: &'a TrustedProxies,
    visitor: Option<Origin>,
}

impl<'a> Chain<'a> {
    fn new(proxies: &'a TrustedProxies) -> Chain<'a> {
        Chain { proxies, visitor: None }
    }

    fn add(&mut self, hop: Option<IpAddr>, scheme: Scheme) {
        self.visitor = match hop {
            Some(remote) if self.proxies.trusts(remote) && self.visitor.is_some() => return,
            Some(remote) => Some(Origin { remote, scheme }),
            // Who wrote this is the next one, and the last one who is known.
            None => None,
        };
    }

    fn visitor(self, direct: Origin) -> Origin {
        self.visitor.unwrap_or(direct)
    }
}

/// What one element of `Forwarded` says (RFC 7239, section 4): `for=192.0.2.1;proto=https`.
fn element(text: &str) -> (Option<IpAddr>, Scheme) {
    let (mut from, mut scheme) = (None, Scheme::Http);
    for (name, value) in text.split(';').filter_map(|pair| pair.trim().split_once('=')) {
        let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let value = unquoted.unwrap_or(value);
        if name.eq_ignore_ascii_case("for") {
            from = node(value);
        } else if name.eq_ignore_ascii_case("proto") {
            scheme = Scheme::parse(value);
        }
    }
    (from, scheme)
}

/// The address of a hop: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`,
/// `[2001:db8::1]:80`. A proxy may hide it (`unknown`, `_hidden`): then there is none.
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

/// A port, or what stands for a hidden one.
fn is_port(text: &str) -> bool {
    let text = text.strip_prefix('_').unwrap_or(text);
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Addresses that begin alike: `10.0.0.0/8`, `2001:db8::/32`, or a single one, `127.0.0.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether `address` is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differ = u32::from(network) ^ u32::from(address);
                differ.leading_zeros() >= u32::from(self.bits)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differ = u128::from(network) ^ u128::from(address);
                differ.leading_zeros() >= u32::from(self.bits)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Network, String> {
        let refused = || {
            format!(
                "`{text}` is no address and no network; write it as in \"127.0.0.1\", \
                 \"10.0.0.0/8\" or \"2001:db8::/32\""
            )
        };
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| refused())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().ok().filter(|bits| *bits <= most).ok_or_else(refused)?
            }
            Some(_) => return Err(refused()),
            None => most,
        };
        // `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
        Ok(match address.to_canonical() {
            IpAddr::V4(v4) if address.is_ipv6() && bits >= 96 => {
                Network { address: v4.into(), bits: bits - 96 }
            }
            _ => Network { address, bits },
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests;
