//! Reading a body that is to be kept.

use bytes::Bytes;
use futures_util::StreamExt;
use http_body::Body as _;
use http_body_util::{BodyExt, BodyStream, StreamBody};

use crate::body::{Body, BodyError};

/// A body that was at hand, or that proved too long to be kept.
pub(super) enum Collected {
    Whole(Bytes),
    TooLong(Body),
}

/// Reads a body, but no more than `limit` bytes of it.
pub(super) async fn collect(mut body: Body, limit: u64) -> Result<Collected, BodyError> {
    if body.size_hint().lower() > limit {
        return Ok(Collected::TooLong(body));
    }
    let mut read = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        length += data.len() as u64;
        read.push(data);
        if length > limit {
            let read = read.into_iter().map(|data| Ok(http_body::Frame::data(data)));
            let read = StreamBody::new(futures_util::stream::iter(read));
            return Ok(Collected::TooLong(Body::stream(chain(read, body))));
        }
    }
    Ok(Collected::Whole(match read.len() {
        1 => read.swap_remove(0),
        _ => read.concat().into(),
    }))
}

/// One body after the other.
fn chain<A, B>(first: A, second: B) -> impl http_body::Body<Data = Bytes, Error = BodyError>
where
    A: http_body::Body<Data = Bytes, Error = BodyError> + Send + Unpin + 'static,
    B: http_body::Body<Data = Bytes, Error = BodyError> + Send + Unpin + 'static,
{
    StreamBody::new(BodyStream::new(first).chain(BodyStream::new(second)))
}
