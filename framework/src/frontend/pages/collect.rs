//! Reading a body that should be stored.

use bytes::Bytes;
use futures_util::StreamExt;
use http_body::Body as _;
use http_body_util::{BodyExt, BodyStream, StreamBody};

use crate::body::{Body, BodyError};
use crate::budget::Share;

/// A complete body, or the stream of one that is too long to be stored or for which there is no memory at the moment.
pub(in crate::frontend) enum Collected {
    Whole(Bytes),
    TooLong(Body),
}

/// Reads a body, up to `limit` bytes and as much as the `share` permits. A complete body is copied into memory of its
/// own: a body from the link is a slice of a socket's read buffer, and would keep the whole buffer alive.
pub(in crate::frontend) async fn collect(
    mut body: Body,
    limit: u64,
    share: &Share,
) -> Result<Collected, BodyError> {
    if body.size_hint().lower() > limit {
        return Ok(Collected::TooLong(body));
    }
    let mut read = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        length += data.len() as u64;
        let is_taken = share.take(data.len() as u64).is_ok();
        read.push(data);
        if length > limit || !is_taken {
            let read = read.into_iter().map(|data| Ok(http_body::Frame::data(data)));
            let read = StreamBody::new(futures_util::stream::iter(read));
            return Ok(Collected::TooLong(Body::stream(chain(read, body))));
        }
    }
    Ok(Collected::Whole(read.concat().into()))
}

/// Concatenates two bodies.
fn chain<A, B>(first: A, second: B) -> impl http_body::Body<Data = Bytes, Error = BodyError>
where
    A: http_body::Body<Data = Bytes, Error = BodyError> + Send + Unpin + 'static,
    B: http_body::Body<Data = Bytes, Error = BodyError> + Send + Unpin + 'static,
{
    StreamBody::new(BodyStream::new(first).chain(BodyStream::new(second)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;

    #[tokio::test]
    async fn a_collected_body_does_not_keep_the_read_buffer_alive() {
        let (read, share) = (Bytes::from(vec![b'x'; 16 * 1024]), Budget::new(2).share());
        let Ok(Collected::Whole(kept)) = collect(Body::from(read.slice(1..3)), 9, &share).await
        else {
            panic!("it is short enough");
        };
        assert_eq!(kept, "xx");
        assert!(read.is_unique());
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_is_returned_completely() {
        // Once longer than the limit, once longer than the available memory.
        for (limit, memory) in [(6, 100), (100, 6)] {
            let pieces = ["abc", "defg"]
                .map(|piece| Ok::<_, BodyError>(http_body::Frame::data(piece.into())));
            let body = Body::stream(StreamBody::new(futures_util::stream::iter(pieces)));
            let share = Budget::new(memory).share();
            let Ok(Collected::TooLong(body)) = collect(body, limit, &share).await else {
                panic!("it is too long");
            };
            assert_eq!(body.collect(7).await.unwrap(), "abcdefg");
        }
    }
}
