use std::convert::Infallible;

use bytes::Bytes;
use http::StatusCode;

use super::rejection::Rejection;
use super::{FromRequest, Need};
use crate::body::{Body, BodyError};
use crate::request::{Request, RequestParts};

/// Error of reading the body: 413 when it is too large, 408 when it arrives too slowly, 400 when
/// the client breaks off.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BytesRejection(#[from] pub BodyError);

/// Error of reading the body as text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StringRejection {
    /// The body could not be read.
    #[error(transparent)]
    Body(#[from] BytesRejection),
    /// The body is not UTF-8: status 400.
    #[error("the body is not text in UTF-8")]
    NotUtf8,
}

impl Rejection for BytesRejection {
    fn status(&self) -> StatusCode {
        self.0.status()
    }
}

impl Rejection for StringRejection {
    fn status(&self) -> StatusCode {
        match self {
            StringRejection::Body(rejection) => rejection.status(),
            StringRejection::NotUtf8 => StatusCode::BAD_REQUEST,
        }
    }
}

/// The body as a stream of pieces, for content that is too large for memory.
impl FromRequest for Body {
    type Rejection = Infallible;
    const REQUEST_NEEDS: &'static [Need] = &[];

    async fn from_request(request: Request) -> Result<Body, Infallible> {
        Ok(request.body)
    }
}

/// The whole body, not longer than the request's `body_limit`.
impl FromRequest for Bytes {
    type Rejection = BytesRejection;
    const REQUEST_NEEDS: &'static [Need] = &[];

    async fn from_request(request: Request) -> Result<Bytes, BytesRejection> {
        let RequestParts { body_limit, allowance, .. } = &request.parts;
        Ok(request.body.collect_within(*body_limit, &allowance.memory).await?)
    }
}

/// The whole body as text, not longer than the request's `body_limit`.
impl FromRequest for String {
    type Rejection = StringRejection;
    const REQUEST_NEEDS: &'static [Need] = &[];

    async fn from_request(request: Request) -> Result<String, StringRejection> {
        let bytes = Bytes::from_request(request).await?;
        String::from_utf8(bytes.into()).map_err(|_| StringRejection::NotUtf8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::IntoReply;

    #[tokio::test]
    async fn a_body_over_the_limit_is_a_413() {
        let builder = Request::builder().body("0123456789");
        let request = builder.body_limit(9).build().unwrap();
        let rejection = Bytes::from_request(request).await.unwrap_err();
        assert_eq!(rejection.into_reply().status(), 413);
    }

    #[tokio::test]
    async fn a_slow_and_a_broken_body_have_their_statuses() {
        assert_eq!(BytesRejection(BodyError::TooSlow).into_reply().status(), 408);
        assert_eq!(BytesRejection(BodyError::broken("cut")).into_reply().status(), 400);
    }

    #[tokio::test]
    async fn text_must_be_utf_8() {
        let request = Request::builder().body("ção").build().unwrap();
        assert_eq!(String::from_request(request).await.unwrap(), "ção");
        let request = Request::builder().body(vec![0xff]).build().unwrap();
        let rejection = String::from_request(request).await.unwrap_err();
        assert_eq!(rejection.into_reply().status(), 400);
    }
}
