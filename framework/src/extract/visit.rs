use std::net::IpAddr;

use super::{FromRequestParts, Need, NotInKey};
use crate::request::RequestParts;

/// The visitor's address, if known. A cached route rejects this extractor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remote(pub Option<IpAddr>);

/// The id of the request in the logs of front end and back end. A cached route rejects this
/// extractor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

impl FromRequestParts for Remote {
    type Rejection = NotInKey;
    const NEEDS: &'static [Need] = &[Need::Remote];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Remote, NotInKey> {
        parts.remote().map(Remote)
    }
}

impl FromRequestParts for RequestId {
    type Rejection = NotInKey;
    const NEEDS: &'static [Need] = &[Need::RequestId];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<RequestId, NotInKey> {
        parts.request_id().map(|id| RequestId(id.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    #[tokio::test]
    async fn a_cached_route_has_no_visitor() {
        let builder = Request::builder().remote([10, 0, 0, 1]).cached("page", None, &[]);
        let mut parts = builder.build().unwrap().parts;
        assert!(Remote::from_request_parts(&mut parts).await.is_err());
        assert!(RequestId::from_request_parts(&mut parts).await.is_err());
        let mut parts = Request::builder().remote([10, 0, 0, 1]).build().unwrap().parts;
        let remote = Remote::from_request_parts(&mut parts).await;
        assert_eq!(remote, Ok(Remote(Some([10, 0, 0, 1].into()))));
        assert!(RequestId::from_request_parts(&mut parts).await.is_ok());
    }
}
