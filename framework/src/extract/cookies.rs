use http::HeaderMap;
use http::header::COOKIE;

use super::{FromRequestParts, Need, NotInKey};
use crate::http::{cookie, cookies};
use crate::request::RequestParts;

/// The cookies of the request, with each value as it was sent. A reply sets them with
/// [`Reply::cookie`](crate::reply::Reply::cookie). Of several cookies with the same name the first counts; it has the
/// most specific path (RFC 6265, section 5.4).
///
/// A cached route rejects this extractor: a page that is the same for all visitors cannot depend on cookies.
#[derive(Debug, Clone)]
pub struct Cookies(HeaderMap);

impl Cookies {
    /// Returns the value of the cookie with this name, if it is UTF-8. Decode a value that
    /// [`encode_cookie_value`](crate::http::encode_cookie_value) has encoded with
    /// [`decode_cookie_value`](crate::http::decode_cookie_value).
    pub fn get(&self, name: &str) -> Option<&str> {
        cookie(&self.0, name)
    }

    /// Returns names and values, in the order of the request.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        cookies(&self.0)
    }
}

impl FromRequestParts for Cookies {
    type Rejection = NotInKey;
    const NEEDS: &'static [Need] = &[Need::Cookies];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Cookies, NotInKey> {
        NotInKey::check_cookies(&parts.scope)?;
        let lines = parts.headers.get_all(COOKIE).iter().map(|line| (COOKIE, line.clone()));
        let mut cookies = HeaderMap::new();
        cookies.extend(lines);
        Ok(Cookies(cookies))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::IntoReply;
    use crate::request::Request;

    #[tokio::test]
    async fn cookies_are_not_decoded_and_the_first_of_a_name_counts() {
        let builder = Request::builder()
            .cookie("name", "Ana%20Maria")
            .header("cookie", "%61=evil; a=1; ;x; b=2; b=3");
        let mut request = builder.build().unwrap();
        let cookies = Cookies::from_request_parts(&mut request.parts).await.unwrap();
        assert_eq!(cookies.get("name"), Some("Ana%20Maria"));
        assert_eq!((cookies.get("a"), cookies.get("b")), (Some("1"), Some("2")));
        assert_eq!(cookies.get("x"), None);
        let names = cookies.iter().map(|(name, _)| name);
        assert_eq!(names.collect::<Vec<_>>(), ["name", "%61", "a", "b"]);
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
