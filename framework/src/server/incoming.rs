//! Limits on the bodies of requests.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::body::{Body, BodyError, BoxError};

/// The minimum speed of a body: while the server waits for it, `rate` bytes per second, measured
/// over each `pause`, and at least one byte per pause if the rate is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// The longest wait for the bytes that are due.
    pub pause: Duration,
    /// Bytes per second.
    pub rate: u64,
}

impl Pace {
    /// Returns the number of bytes that are due within a pause, at least one.
    fn due(self) -> u64 {
        let bytes = u128::from(self.rate) * self.pause.as_millis() / 1000;
        u64::try_from(bytes).unwrap_or(u64::MAX).max(1)
    }
}

/// Limits `body` to `limit` bytes, and to the minimum speed `pace`. Only the time counts during
/// which the server was reading and no bytes arrived.
///
/// The returned body ends with [`BodyError::TooLarge`] (status 413) or [`BodyError::TooSlow`]
/// (status 408) as soon as it exceeds a limit. A client that has sent `Expect: 100-continue`
/// receives the interim response when the body is read for the first time.
///
/// # Errors
/// Returns [`BodyError::TooLarge`] without reading, if the declared length of the body exceeds the
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

/// The deadline for the next bytes. The timer is created when a piece is not immediately available,
/// and then reused.
struct Deadline {
    pace: Pace,
    timer: Option<Pin<Box<Sleep>>>,
    /// The start of the current wait.
    since: Option<Instant>,
    /// The remaining time for the bytes that are due, and their number.
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

    /// Notes the arrival of bytes. When all bytes that were due have arrived, the next ones are due
    /// after a pause.
    fn arrived(&mut self, bytes: u64) {
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
            this.deadline.arrived(bytes);
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

    /// Builds a body of pieces, each of which arrives after some seconds.
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
    async fn a_body_within_its_limits_is_passed_on() {
        let body = limited(pieces(&[(29, "12"), (29, "34"), (0, "5"), (29, "6")]), 6, PACE);
        assert_eq!(read(body.unwrap()).await.unwrap(), "123456");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_pauses_too_long_is_aborted() {
        let body = limited(pieces(&[(0, "12"), (31, "34")]), 6, PACE).unwrap();
        let start = Instant::now();
        assert!(matches!(read(body).await, Err(BodyError::TooSlow)));
        assert!(start.elapsed() < Duration::from_secs(31));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_below_the_rate_is_aborted_and_one_at_the_rate_is_not() {
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
        // Earlier bytes do not count as credit.
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
    async fn a_body_that_grows_too_long_is_aborted() {
        let body = limited(pieces(&[(0, "123"), (0, "4567"), (1000, "8")]), 6, PACE).unwrap();
        assert!(matches!(read(body).await, Err(BodyError::TooLarge { limit: 6 })));
    }

    #[test]
    fn a_body_with_a_declared_length_over_the_limit_is_not_read() {
        let body = Full::new(Bytes::from_static(b"1234567"));
        assert!(matches!(limited(body, 6, PACE), Err(BodyError::TooLarge { limit: 6 })));
    }
}
