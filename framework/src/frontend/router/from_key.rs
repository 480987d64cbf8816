//! The order for a page, reconstructed from its key without a request.

use std::net::{IpAddr, Ipv4Addr};

use http::{Method, Request, header};

use super::page_request::{LANG, NO_HEADER, PROBLEM, PageRequest, SCHEME};
use super::{Order, PathLanguage, Router, Variant, Visit};
use crate::cache::Key;
use crate::clock;
use crate::dispatch::{CanonicalPath, Resolution};
use crate::frontend::flash::ClientFlash;
use crate::frontend::respond::Forward;
use crate::frontend::sessions::ClientSession;
use crate::http::names::SESSION_USER;
use crate::http::{Origin, Scheme};
use crate::link::Call;

impl Router {
    /// Returns the order for the page of a key; `None` if no request with this path, query and headers has the key.
    /// That is so for a variant that replaces the URL in the key.
    pub(in crate::frontend) fn order_of_key(&self, key: &Key<'_>) -> Option<(Order, Call)> {
        let (mut named, mut user, mut scheme) = (None, None, Scheme::Http);
        let mut request = Request::get(key.id());
        for (name, value) in key.dependencies() {
            match name {
                NO_HEADER => named = Some(value.to_owned()),
                LANG => {
                    request = match &self.settings.language_cookie {
                        Some(cookie) => request.header(header::COOKIE, format!("{cookie}={value}")),
                        None => request.header(header::ACCEPT_LANGUAGE, value),
                    }
                }
                SCHEME if value == Scheme::Https.as_str() => scheme = Scheme::Https,
                SCHEME => {}
                PROBLEM => request = request.header(header::ACCEPT, "application/json"),
                name if *name == *SESSION_USER.as_str() => {
                    user = Some(String::from_utf8(unescape(value)?).ok()?);
                }
                name => request = request.header(name, unescape(value)?),
            }
        }
        let (client, ()) = request.body(()).ok()?.into_parts();
        let (generation, edition) = self.editions.take();
        let origin = Origin { remote: IpAddr::V4(Ipv4Addr::LOCALHOST), scheme };
        let session = ClientSession::of_user(user);
        let (flash, path_language) = (ClientFlash::default(), PathLanguage::default());
        let of_client = (&client, &session, &flash, &path_language);
        let visit = Visit::of_client((generation, &edition), of_client, origin, None);
        let path = CanonicalPath::new(client.uri.path()).ok()?;
        let Resolution::Route(matched) = edition.table.resolve(&Method::GET, path) else {
            return None;
        };
        if !matched.route.target.is_content() {
            return None;
        }
        let variant = named.map_or_else(Variant::yes, Variant::named);
        let page = PageRequest::new(visit, matched, variant, &self.settings).ok()?;
        let is_found = page.key.as_ref().is_ok_and(|found| found == key);
        is_found.then(|| page.into_order(Forward::Bypass, None, clock::now(), &self.settings))
    }
}

/// Reverses the escaping of a value in a key.
fn unescape(value: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        let kind = escaped.chars().next()?;
        rest = &escaped[kind.len_utf8()..];
        bytes.push(match kind {
            't' => b'\t',
            'r' => b'\r',
            'n' => b'\n',
            'x' => {
                let (digits, after) = rest.split_at_checked(2)?;
                rest = after;
                u8::from_str_radix(digits, 16).ok()?
            }
            '\'' | '"' | '\\' => kind as u8,
            _ => return None,
        });
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn unescaping_reverses_escaping(bytes: Vec<u8>) {
            prop_assert_eq!(unescape(&bytes.escape_ascii().to_string()), Some(bytes));
        }

        #[test]
        fn no_value_of_a_key_makes_unescaping_panic(value in ".{0,12}|[\\\\x0-9a-f]{0,8}") {
            let _ = unescape(&value);
        }
    }
}
