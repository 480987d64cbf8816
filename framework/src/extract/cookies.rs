use cookie::{Cookie, CookieJar};

use super::{FromRequestParts, NotInKey};
use crate::http::cookie_pairs;
use crate::request::RequestParts;

/// The cookies of the request, percent-decoded. A reply sets them with
/// [`Reply::cookie`](crate::reply::Reply::cookie).
///
/// A route that caches refuses them: what is the same for everybody has no cookies.
#[derive(Debug, Clone)]
pub struct Cookies(CookieJar);

impl Cookies {
    /// The value of the cookie of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(Cookie::value)
    }

    /// Names and values, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(Cookie::name_value)
    }
}

impl FromRequestParts for Cookies {
    type Rejection = NotInKey;

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Cookies, NotInKey> {
        NotInKey::check_cookies(&parts.exposure)?;
        let mut jar = CookieJar::new();
        for pair in cookie_pairs(&parts.headers) {
            let Ok(cookie) = Cookie::parse_encoded(pair.to_owned()) else { continue };
            // The first is that of the most specific path (RFC 6265, section 5.4).
            if jar.get(cookie.name()).is_none() {
                jar.add_original(cookie);
            }
        }
        Ok(Cookies(jar))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::IntoReply;
    use crate::request::Request;

    #[tokio::test]
    async fn cookies_are_decoded_and_broken_ones_passed_over() {
        let builder =
            Request::builder().cookie("name", "Ana; Maria").header("cookie", "a=1; ;x; b=2; b=3");
        let mut request = builder.build().unwrap();
        let cookies = Cookies::from_request_parts(&mut request.parts).await.unwrap();
        assert_eq!(cookies.get("name"), Some("Ana; Maria"));
        assert_eq!(cookies.get("b"), Some("2"));
        assert_eq!(cookies.get("x"), None);
        assert_eq!(cookies.iter().count(), 3);
        let broken = http::HeaderValue::from_bytes(b"x=\xff; y=\xc3\xa9; z=1").unwrap();
        let mut request = Request::builder().build().unwrap();
        request.parts.headers.insert(http::header::COOKIE, broken);
        let cookies = Cookies::from_request_parts(&mut request.parts).await.unwrap();
        assert_eq!((cookies.get("y"), cookies.get("z")), (Some("é"), Some("1")));
        assert_eq!(cookies.get("x"), None);
    }

    #[tokio::test]
    async fn a_cached_route_has_no_cookies() {
        let builder = Request::builder().cookie("a", "1").cached("page", None, &["accept"]);
        let mut request = builder.build().unwrap();
        let rejection = Cookies::from_request_parts(&mut request.parts).await.unwrap_err();
        assert!(rejection.to_string().contains("`cache = \"no_cache\"`"), "{rejection}");
        assert_eq!(rejection.into_reply().status(), 500);
    }
}
