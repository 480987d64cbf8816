use http::{HeaderMap, HeaderValue};

use super::{FromRequestParts, Need, NotInKey};
use crate::request::RequestParts;
use crate::request::RequestScope;

/// Access to single request headers: on a cached route, only to those in its `vary`.
///
/// A controller that needs all headers takes the [`HeaderMap`], which a cached route rejects.
#[derive(Debug, Clone)]
pub struct Headers {
    headers: HeaderMap,
    scope: RequestScope,
}

impl Headers {
    /// Returns the first header with this name.
    ///
    /// # Errors
    /// Returns [`NotInKey`] if the route is cached and its `vary` does not contain the header. With
    /// `?` this becomes an error 500 with an explanation for the developer.
    pub fn get(&self, name: &str) -> Result<Option<&HeaderValue>, NotInKey> {
        NotInKey::check_header(&self.scope, name)?;
        Ok(self.headers.get(name))
    }

    /// Returns all headers with this name.
    ///
    /// # Errors
    /// As [`get`](Headers::get).
    pub fn get_all(&self, name: &str) -> Result<impl Iterator<Item = &HeaderValue>, NotInKey> {
        NotInKey::check_header(&self.scope, name)?;
        Ok(self.headers.get_all(name).into_iter())
    }
}

impl FromRequestParts for Headers {
    type Rejection = std::convert::Infallible;
    const NEEDS: &'static [Need] = &[];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Headers, Self::Rejection> {
        Ok(Headers { headers: parts.headers.clone(), scope: parts.scope.clone() })
    }
}

impl FromRequestParts for HeaderMap {
    type Rejection = NotInKey;
    const NEEDS: &'static [Need] = &[Need::AllHeaders];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<HeaderMap, NotInKey> {
        parts.headers().cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::IntoReply;
    use crate::request::Request;

    #[tokio::test]
    async fn only_declared_headers_are_readable_on_a_cached_route() {
        let builder = Request::builder().header("accept", "a").header("accept", "b");
        let mut request = builder.cached("page", None, &["accept"]).build().unwrap();
        let headers = Headers::from_request_parts(&mut request.parts).await.unwrap();
        assert_eq!(headers.get("Accept").unwrap().unwrap(), "a");
        assert_eq!(headers.get_all("accept").unwrap().count(), 2);
        assert!(headers.get("dnt").is_err());
        assert!(headers.get_all("dnt").is_err());
    }

    #[tokio::test]
    async fn the_header_map_is_for_whole_requests_only() {
        let mut request = Request::builder().header("accept", "a").build().unwrap();
        assert!(HeaderMap::from_request_parts(&mut request.parts).await.is_ok());
        let builder = Request::builder().cached("page", None, &["accept"]);
        let mut request = builder.build().unwrap();
        let rejection = HeaderMap::from_request_parts(&mut request.parts).await.unwrap_err();
        assert_eq!(rejection.into_reply().status(), 500);
    }
}
