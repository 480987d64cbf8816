//! What of a request goes over the link.

use std::net::IpAddr;

use http::header::{self, HeaderMap, HeaderName};
use http::request::Parts;

use super::vary;
use crate::dispatch::{QueryKey, Route};
use crate::http::Languages;
use crate::link::Exposure;

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

/// The part of a [`Call`](crate::link::Call) that is the visitor's.
#[derive(Debug, Clone)]
pub(super) struct Forwarded {
    pub(super) method: http::Method,
    pub(super) uri: String,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) exposure: Exposure,
    pub(super) variant: Option<String>,
    pub(super) remote: Option<IpAddr>,
}

impl Forwarded {
    /// All of a request, for an answer that goes to this visitor only.
    pub(super) fn whole(
        parts: &Parts,
        path: &str,
        variant: Option<String>,
        remote: IpAddr,
    ) -> Forwarded {
        let uri = match parts.uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        let passed = end_to_end(&parts.headers);
        Forwarded {
            method: parts.method.clone(),
            uri,
            headers: passed.map(wire_header).collect(),
            exposure: Exposure::Whole,
            variant,
            remote: Some(remote),
        }
    }

    /// Of a request only what is in its cache key, for an answer that may go to anybody. `id` is
    /// the canonical path and query.
    pub(super) fn key(
        headers: &HeaderMap,
        id: &str,
        route: &Route,
        variant: Option<String>,
        languages: &Languages,
    ) -> Forwarded {
        let varying = vary::values(&route.vary, headers, languages);
        let varying = varying.map(|(name, value)| (name.as_str().to_owned(), value.to_vec()));
        let query = match &route.query {
            QueryKey::All => None,
            QueryKey::Only(names) => Some(names.clone()),
        };
        Forwarded {
            method: http::Method::GET,
            uri: id.to_owned(),
            headers: varying.collect(),
            exposure: Exposure::Key {
                route: route.label().to_owned(),
                query,
                vary: route.vary.iter().map(|name| name.as_str().to_owned()).collect(),
            },
            variant,
            remote: None,
        }
    }
}

impl Forwarded {
    /// The one of the site's languages for what is made of a key: that of the variant, or the one that
    /// the route's `vary` has put there, or the first.
    pub(super) fn language<'a>(&self, languages: &'a Languages) -> Option<&'a str> {
        let vary = self.headers.iter().find(|(name, _)| *name == header::ACCEPT_LANGUAGE.as_str());
        let vary = vary.and_then(|(_, value)| std::str::from_utf8(value).ok());
        let named = self.variant.as_deref().and_then(|name| languages.get(name));
        named.or_else(|| languages.get(vary?)).or_else(|| languages.iter().next())
    }
}

fn wire_header((name, value): (&HeaderName, &http::HeaderValue)) -> (String, Vec<u8>) {
    (name.as_str().to_owned(), value.as_bytes().to_vec())
}

/// The headers that concern more than the connection they came on, or were to go on. `Host` does,
/// whatever `Connection` says of it.
pub(super) fn end_to_end(
    headers: &HeaderMap,
) -> impl Iterator<Item = (&HeaderName, &http::HeaderValue)> {
    let options =
        headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<&str> = options.flat_map(|value| value.split(',')).map(str::trim).collect();
    headers.iter().filter(move |(name, _)| {
        let is_named = named.iter().any(|option| option.eq_ignore_ascii_case(name.as_str()));
        *name == header::HOST || (!HOP_BY_HOP.contains(name) && !is_named)
    })
}
