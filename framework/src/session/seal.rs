//! Sealed records in cookies.
//!
//! The value of a cookie is base64url of: a byte that identifies the format, a nonce of 12 random bytes, and the
//! encoded record, sealed with AES-256-GCM (NIST SP 800-38D) with the cookie's name as associated data, so that a value
//! sealed for one purpose cannot be opened for another. The key is derived from the site's secret with the key
//! derivation mode of BLAKE3. Random nonces are safe for 2³² seals under one key.

use std::borrow::Cow;
use std::marker::PhantomData;

use aes_gcm::aead::{Aead, KeyInit, Nonce, Payload};
use aes_gcm::{Aes256Gcm, Key};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::{Cookie, SameSite};
use http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{SentFlash, SessionRecord};
use crate::http::cookie as cookie_of;

/// The purpose of the key, for its derivation.
const CONTEXT: &str = "headwater 2026-11-29 sealed cookies";
const FORMAT: u8 = 1;
const NONCE: usize = 12;

/// The longest value of a cookie that browsers store, beside its name and attributes (RFC 6265, section 6.1).
const LONGEST: usize = 3800;

/// Seals and opens the content of cookies.
#[derive(Clone)]
pub(crate) struct Keys {
    /// The first one seals; all of them open.
    ciphers: Vec<Aes256Gcm>,
}

impl Keys {
    /// Derives the keys from the site's secrets. The first secret seals.
    pub(crate) fn of<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Keys {
        let cipher = |secret: &str| {
            let key = blake3::derive_key(CONTEXT, secret.as_bytes());
            Aes256Gcm::new(&Key::<Aes256Gcm>::from(key))
        };
        Keys { ciphers: secrets.into_iter().map(cipher).collect() }
    }

    /// Seals `plain` for the cookie `name`.
    pub(crate) fn seal(&self, name: &str, plain: &[u8]) -> Option<String> {
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload { msg: plain, aad: name.as_bytes() };
        let nonce = Nonce::<Aes256Gcm>::from(nonce);
        let sealed = self.ciphers.first()?.encrypt(&nonce, payload).ok()?;
        let bytes = [&[FORMAT], nonce.as_slice(), &sealed].concat();
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Opens a value that [`seal`](Keys::seal) has sealed under one of the keys; `None` for any other value.
    pub(crate) fn open(&self, name: &str, value: &str) -> Option<Vec<u8>> {
        if value.len() > LONGEST {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
        let (&FORMAT, rest) = bytes.split_first()? else { return None };
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
        let nonce = Nonce::<Aes256Gcm>::from(*nonce);
        let open = |cipher: &Aes256Gcm| {
            cipher.decrypt(&nonce, Payload { msg: sealed, aad: name.as_bytes() }).ok()
        };
        self.ciphers.iter().find_map(open)
    }
}

/// The cookies with one name, whose values have one type.
pub(crate) struct SealedCookies<T> {
    keys: Keys,
    /// Whether they are sent over HTTPS only, and to this host only, which their name then declares.
    is_secure: bool,
    name: Cow<'static, str>,
    /// The end of the error message for a value that exceeds the limit of browsers.
    too_long: &'static str,
    holds: PhantomData<fn() -> T>,
}

/// The cookies for sessions.
pub(crate) type SessionCookies = SealedCookies<SessionRecord>;

/// The cookies for messages to the next page.
pub(crate) type FlashCookies = SealedCookies<SentFlash>;

impl SessionCookies {
    /// Creates the cookies with these keys. If `is_secure`, they are sent over HTTPS only.
    pub(crate) fn new(keys: Keys, is_secure: bool) -> SessionCookies {
        let name = if is_secure { "__Host-session" } else { "session" };
        let too_long = "the session: keep its data in a table, under the session's user";
        SealedCookies { keys, is_secure, name: name.into(), too_long, holds: PhantomData }
    }
}

impl FlashCookies {
    /// Creates the cookies with these keys. If `is_secure`, they are sent over HTTPS only.
    pub(crate) fn new(keys: Keys, is_secure: bool) -> FlashCookies {
        let name = if is_secure { "__Host-flash" } else { "flash" };
        let too_long = "the message: show long text on the page itself";
        SealedCookies { keys, is_secure, name: name.into(), too_long, holds: PhantomData }
    }
}

impl<T: Serialize + DeserializeOwned> SealedCookies<T> {
    /// Returns whether a response with these headers sets the cookie.
    pub(crate) fn is_set_in(&self, headers: &HeaderMap) -> bool {
        let is_set = |set: &HeaderValue| {
            let rest = set.as_bytes().strip_prefix(self.name().as_bytes());
            rest.is_some_and(|rest| rest.starts_with(b"="))
        };
        headers.get_all(SET_COOKIE).iter().any(is_set)
    }

    /// Returns the name of the cookie.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the value in a request with these headers, if its cookie can be opened.
    pub(crate) fn open(&self, headers: &HeaderMap) -> Option<T> {
        let value = cookie_of(headers, &self.name)?;
        let plain = self.keys.open(&self.name, value)?;
        postcard::from_bytes(&plain).ok()
    }

    /// Returns the value of `Set-Cookie` that stores `value` for `seconds`.
    ///
    /// # Errors
    /// Fails if the value is too long.
    pub(crate) fn set(&self, value: &T, seconds: i64) -> Result<String, String> {
        let plain = postcard::to_allocvec(value).map_err(|error| error.to_string())?;
        let value = self.keys.seal(&self.name, &plain).ok_or("there is no key to seal it with")?;
        if value.len() > LONGEST {
            return Err(format!(
                "{} bytes are more than the {LONGEST} that browsers store in a cookie, for {}",
                value.len(),
                self.too_long
            ));
        }
        Ok(self.cookie(value, seconds))
    }

    /// Returns the value of `Set-Cookie` that deletes the cookie.
    pub(crate) fn forget(&self) -> String {
        self.cookie(String::new(), 0)
    }

    fn cookie(&self, value: String, seconds: i64) -> String {
        Cookie::build((self.name.as_ref(), value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.is_secure)
            .max_age(cookie::time::Duration::seconds(seconds))
            .build()
            .to_string()
    }
}

impl<T> Clone for SealedCookies<T> {
    fn clone(&self) -> SealedCookies<T> {
        let &SealedCookies { ref keys, is_secure, ref name, too_long, holds } = self;
        let (keys, name) = (keys.clone(), name.clone());
        SealedCookies { keys, is_secure, name, too_long, holds }
    }
}

impl<T> std::fmt::Debug for SealedCookies<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedCookies").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{LogEpoch, Position, SessionId};
    use crate::session::Issue;
    use proptest::prelude::*;

    fn record() -> SessionRecord {
        let issued = Issue { log: LogEpoch::first_of(1), position: Position(3), time: 5 };
        let (id, data) = (SessionId::random(), b"ana".to_vec());
        SessionRecord { id, user: Some("7".to_owned()), issued, expires: 9, data }
    }

    fn request(set_cookie: &str) -> HeaderMap {
        let pair = set_cookie.split(';').next().unwrap();
        HeaderMap::from_iter([(http::header::COOKIE, pair.parse().unwrap())])
    }

    #[test]
    fn a_sealed_session_opens_again_and_under_older_keys_too() {
        let (old, new) = (Keys::of(["old"]), Keys::of(["new", "old"]));
        let record = record();
        let set = SessionCookies::new(old.clone(), true).set(&record, 60).unwrap();
        assert!(set.starts_with("__Host-session="), "{set}");
        for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=60"] {
            assert!(set.contains(attribute), "{set}");
        }
        let request = request(&set);
        assert_eq!(SessionCookies::new(new.clone(), true).open(&request), Some(record.clone()));
        assert_eq!(SessionCookies::new(Keys::of(["new"]), true).open(&request), None);
        assert_eq!(SessionCookies::new(old, false).open(&request), None);
        let again = SessionCookies::new(new, true).set(&record, 60).unwrap();
        assert_ne!(again, set, "each seal has a nonce of its own");
    }

    #[test]
    fn a_value_sealed_under_another_name_or_modified_does_not_open() {
        let keys = Keys::of(["secret"]);
        let value = keys.seal("a", b"plain").unwrap();
        assert_eq!(keys.open("a", &value).as_deref(), Some(&b"plain"[..]));
        assert_eq!(keys.open("b", &value), None);
        for at in 0..value.len() {
            let mut bytes = value.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(keys.open("a", std::str::from_utf8(&bytes).unwrap()), None);
        }
    }

    #[test]
    fn a_cookie_of_a_longer_name_is_another() {
        let cookies = SessionCookies::new(Keys::of(["secret"]), false);
        let sets = |set: &str| {
            cookies.is_set_in(&HeaderMap::from_iter([(SET_COOKIE, set.parse().unwrap())]))
        };
        assert!(sets("session=; Max-Age=0") && sets(&cookies.set(&record(), 60).unwrap()));
        assert!(!sets("session-theme=dark") && !sets("sessions=1") && !sets("theme=session="));
    }

    #[test]
    fn a_session_that_exceeds_the_limit_of_browsers_is_rejected() {
        let record = SessionRecord { data: vec![0; 4000], ..record() };
        let cookies = SessionCookies::new(Keys::of(["secret"]), true);
        assert!(cookies.set(&record, 60).unwrap_err().contains("in a table"));
        assert!(cookies.forget().contains("Max-Age=0"));
    }

    proptest! {
        #[test]
        fn nothing_that_a_visitor_sends_as_a_session_is_one(value in "[A-Za-z0-9_-]{0,200}") {
            let cookies = SessionCookies::new(Keys::of(["secret"]), false);
            prop_assert_eq!(cookies.open(&request(&format!("session={value}"))), None);
        }
    }
}
