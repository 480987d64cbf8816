use std::convert::Infallible;

use http::{Method, Uri};

use super::{FromRequestParts, Need};
use crate::request::RequestParts;

impl FromRequestParts for Method {
    type Rejection = Infallible;
    const NEEDS: &'static [Need] = &[];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Method, Infallible> {
        Ok(parts.method.clone())
    }
}

/// Path and query. On a cached route, the query contains only the parameters in the cache key.
impl FromRequestParts for Uri {
    type Rejection = Infallible;
    const NEEDS: &'static [Need] = &[];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Uri, Infallible> {
        Ok(parts.uri.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    #[tokio::test]
    async fn method_and_uri_are_those_of_the_request() {
        let builder = Request::builder().method("DELETE").uri("/a%20b?c=d");
        let mut parts = builder.build().unwrap().parts;
        assert_eq!(Method::from_request_parts(&mut parts).await.unwrap(), Method::DELETE);
        assert_eq!(Uri::from_request_parts(&mut parts).await.unwrap(), "/a%20b?c=d");
    }
}
