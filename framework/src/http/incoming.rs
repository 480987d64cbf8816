//! The bodies of requests, held to limits.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::body::{Body, BodyError};

/// `body`, at most `limit` bytes of it, and never longer than `pause` without a further piece.
///
/// The body that comes out ends with [`BodyError::TooLarge`] (status 413) or
/// [`BodyError::TooSlow`] (status 408) as soon as it breaks its limits. A client that has asked
/// with `Expect: 100-continue` is told to go on when the body is read for the first time.
///
/// # Errors
/// [`BodyError::TooLarge`] without reading anything, when the body's declared length is over the
/// limit.
pub fn limited<B>(body: B, limit: u64, pause: Duration) -> Result<Body, BodyError>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if body.is_end_stream() {
        return Ok(Body::empty());
    }
    if body.size_hint().lower() > limit {
        return Err(BodyError::TooLarge { limit });
    }
    let deadline = Deadline { pause, timer: None, waiting: false };
    Ok(Body::stream(Limited { body, limit, left: limit, deadline }))
}

struct Limited<B> {
    body: B,
    limit: u64,
    left: u64,
    deadline: Deadline,
}

/// Runs while a piece is waited for. The timer is made when a piece is not there at once, and then
/// used again.
struct Deadline {
    pause: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl Deadline {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let pause = self.pause;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
        if !self.waiting {
            self.waiting = true;
            timer.as_mut().reset(Instant::now() + pause);
        }
        timer.as_mut().poll(context)
    }
}

impl<B> HttpBody for Limited<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) else {
            return this.deadline.poll(context).map(|()| Some(Err(BodyError::TooSlow)));
        };
        this.deadline.waiting = false;
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(BodyError::broken)?;
            let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
            match this.left.checked_sub(bytes) {
                Some(left) => this.left = left,
                None => return Err(BodyError::TooLarge { limit: this.limit }),
            }
            Ok(frame)
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, Full, StreamBody};

    const PAUSE: Duration = Duration::from_secs(30);

    /// A body of pieces, each of which comes after some seconds.
    fn pieces(
        pieces: &'static [(u64, &'static str)],
    ) -> impl HttpBody<Data = Bytes, Error = BodyError> + Send + Unpin {
        let next = |mut pieces: std::slice::Iter<'static, (u64, &'static str)>| async move {
            let (seconds, piece) = pieces.next()?;
            tokio::time::sleep(Duration::from_secs(*seconds)).await;
            Some((Ok(Frame::data(Bytes::from_static(piece.as_bytes()))), pieces))
        };
        StreamBody::new(Box::pin(futures_util::stream::unfold(pieces.iter(), next)))
    }

    async fn read(body: Body) -> Result<Bytes, BodyError> {
        Ok(body.boxed_unsync().collect().await?.to_bytes())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_within_its_limits_comes_through() {
        let body = limited(pieces(&[(29, "12"), (29, "34"), (0, "5"), (29, "6")]), 6, PAUSE);
        assert_eq!(read(body.unwrap()).await.unwrap(), "123456");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_pauses_too_long_is_given_up() {
        let body = limited(pieces(&[(0, "12"), (31, "34")]), 6, PAUSE).unwrap();
        let start = Instant::now();
        assert!(matches!(read(body).await, Err(BodyError::TooSlow)));
        assert!(start.elapsed() < Duration::from_secs(31));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_grows_too_long_is_given_up() {
        let body = limited(pieces(&[(0, "123"), (0, "4567"), (1000, "8")]), 6, PAUSE).unwrap();
        assert!(matches!(read(body).await, Err(BodyError::TooLarge { limit: 6 })));
    }

    #[test]
    fn a_body_that_says_it_is_too_long_is_not_read() {
        let body = Full::new(Bytes::from_static(b"1234567"));
        assert!(matches!(limited(body, 6, PAUSE), Err(BodyError::TooLarge { limit: 6 })));
    }
}
