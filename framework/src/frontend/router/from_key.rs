//! What has to be made for the key of a page, without the request that it was made for.

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
    /// The order for the page of a key that requests are found by; `None` if no request with this path, this
    /// query and these headers has it. That is so for a variant that puts something else into the place
    /// of the URL.
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

/// The bytes of a value that a key has escaped.
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
        fn what_a_key_has_escaped_is_read_as_it_was(bytes: Vec<u8>) {
            prop_assert_eq!(unescape(&bytes.escape_ascii().to_string()), Some(bytes));
        }

        #[test]
        fn nothing_that_a_key_holds_is_trusted(value in ".{0,12}|[\\\\x0-9a-f]{0,8}") {
            let _ = unescape(&value);
        }
    }
}
