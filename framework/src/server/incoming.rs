//! The bodies of requests, held to limits.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::body::{Body, BodyError, BoxError};

/// How fast a body is to arrive: while it is waited for, `rate` bytes a second, counted over each
/// `pause`, and with a rate of 0 a piece at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// The longest wait for what is due.
    pub pause: Duration,
    /// Bytes a second.
    pub rate: u64,
}

impl Pace {
    /// How many bytes are due within a pause: one at least.
    fn due(self) -> u64 {
        let bytes = u128::from(self.rate) * self.pause.as_millis() / 1000;
        u64::try_from(bytes).unwrap_or(u64::MAX).max(1)
    }
}

/// `body`, at most `limit` bytes of it, and no slower than `pace`. Only the time counts in which
/// nothing has arrived though it was asked for.
///
/// The body that comes out ends with [`BodyError::TooLarge`] (status 413) or [`BodyError::TooSlow`]
/// (status 408) as soon as it breaks its limits. A client that has asked with `Expect:
/// 100-continue` gets the interim response when the body is read for the first time.
///
/// # Errors
/// [`BodyError::TooLarge`] without reading anything, when the body's declared length is over the
/// limit.
pub(crate) fn limited<B>(body: B, limit: u64, pace: Pace) -> Result<Body, BodyError>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    if body.is_end_stream() {
        return Ok(Body::empty());
    }
    if body.size_hint().lower() > limit {
        return Err(BodyError::TooLarge { limit });
    }
    let deadline = Deadline::new(pace);
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
    pace: Pace,
    timer: Option<Pin<Box<Sleep>>>,
    /// Since when a piece has been waited for.
    since: Option<Instant>,
    /// How much longer may be waited for what is due, and how much that is.
    left: Duration,
    due: u64,
}

impl Deadline {
    fn new(pace: Pace) -> Deadline {
        Deadline { pace, timer: None, since: None, left: pace.pause, due: pace.due() }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let left = self.left;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(left)));
        if self.since.is_none() {
            let now = Instant::now();
            self.since = Some(now);
            timer.as_mut().reset(now + left);
        }
        timer.as_mut().poll(context)
    }

    /// So many bytes have come. When they are what was due, the next are due a pause later.
    fn came(&mut self, bytes: u64) {
        let since = self.since.take();
        self.due = self.due.saturating_sub(bytes);
        if self.due == 0 {
            (self.left, self.due) = (self.pace.pause, self.pace.due());
        } else if let Some(since) = since {
            self.left = self.left.saturating_sub(since.elapsed());
        }
    }
}

impl<B> HttpBody for Limited<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
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
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(BodyError::broken)?;
            let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
            this.deadline.came(bytes);
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

    const PACE: Pace = Pace { pause: Duration::from_secs(30), rate: 0 };

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
        let body = limited(pieces(&[(29, "12"), (29, "34"), (0, "5"), (29, "6")]), 6, PACE);
        assert_eq!(read(body.unwrap()).await.unwrap(), "123456");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_pauses_too_long_is_given_up() {
        let body = limited(pieces(&[(0, "12"), (31, "34")]), 6, PACE).unwrap();
        let start = Instant::now();
        assert!(matches!(read(body).await, Err(BodyError::TooSlow)));
        assert!(start.elapsed() < Duration::from_secs(31));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_given_up_and_one_that_is_slow_enough_is_not() {
        // 30 bytes in 30 seconds.
        let pace = Pace { rate: 1, ..PACE };
        const DRIP: [(u64, &str); 200] = [(5, "1234"); 200];
        let start = Instant::now();
        let drips = read(limited(pieces(&DRIP), 1000, pace).unwrap()).await;
        assert!(matches!(drips, Err(BodyError::TooSlow)), "{drips:?}");
        assert_eq!(start.elapsed(), PACE.pause);
        const FLOW: [(u64, &str); 200] = [(5, "12345"); 200];
        let flows = read(limited(pieces(&FLOW), 1000, pace).unwrap()).await;
        assert_eq!(flows.unwrap().len(), 1000);
        // What came before is not a credit for what is to come.
        const BEGUN: [(u64, &str); 9] = [
            (0, "0123456789012345678901234567890123456789"),
            (9, "1"),
            (9, "1"),
            (9, "1"),
            (9, "1"),
            (9, "1"),
            (9, "1"),
            (9, "1"),
            (9, "1"),
        ];
        let begun = read(limited(pieces(&BEGUN), 1000, pace).unwrap()).await;
        assert!(matches!(begun, Err(BodyError::TooSlow)), "{begun:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_grows_too_long_is_given_up() {
        let body = limited(pieces(&[(0, "123"), (0, "4567"), (1000, "8")]), 6, PACE).unwrap();
        assert!(matches!(read(body).await, Err(BodyError::TooLarge { limit: 6 })));
    }

    #[test]
    fn a_body_that_says_it_is_too_long_is_not_read() {
        let body = Full::new(Bytes::from_static(b"1234567"));
        assert!(matches!(limited(body, 6, PACE), Err(BodyError::TooLarge { limit: 6 })));
    }
}
