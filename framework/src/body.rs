//! Bodies of requests and replies: empty, bytes in memory, or a stream.

use std::any::Any;
use std::collections::VecDeque;
use std::error::Error as StdError;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;

use crate::budget::Share;

/// Any error, as returned by foreign bodies and services.
pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// The body of a request or a reply.
#[derive(Debug, Default)]
pub struct Body(Inner);

#[derive(Debug, Default)]
enum Inner {
    #[default]
    Empty,
    Full(Bytes),
    /// Bytes in memory, in several pieces that are not empty, and the number of remaining bytes.
    Pieces(VecDeque<Bytes>, u64),
    Stream(UnsyncBoxBody<Bytes, BodyError>),
}

/// The reason why a body could not be read completely.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// It is longer than allowed here.
    #[error("the body is longer than the {limit} bytes that are allowed here")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// No data, or too little, arrived for too long.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// The bodies of other requests use all the memory for bodies.
    #[error("there is no memory for the body (`collected_bodies` in `[limits]` of project.toml)")]
    NoMemory,
    /// The sender interrupted the transfer.
    #[error("the body was interrupted: {0}")]
    Broken(#[source] BoxError),
}

impl BodyError {
    /// Converts an error of the transport, unless it already is a `BodyError`.
    pub fn broken(error: impl Into<BoxError>) -> BodyError {
        match error.into().downcast::<BodyError>() {
            Ok(error) => *error,
            Err(error) => BodyError::Broken(error),
        }
    }
}

impl Body {
    /// Creates an empty body.
    pub const fn empty() -> Body {
        Body(Inner::Empty)
    }

    /// Creates a body from bytes in memory, one piece after the other, without copying them.
    pub(crate) fn pieces(pieces: impl IntoIterator<Item = Bytes>) -> Body {
        let mut pieces: Vec<Bytes> = pieces.into_iter().collect();
        pieces.retain(|piece| !piece.is_empty());
        if pieces.len() <= 1 {
            return pieces.pop().unwrap_or_default().into();
        }
        let length = pieces.iter().map(|piece| piece.len() as u64).sum();
        Body(Inner::Pieces(pieces.into(), length))
    }

    /// Creates a body that arrives or is made piece by piece.
    pub fn stream<B>(body: B) -> Body
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Body(Inner::Stream(body.map_err(BodyError::broken).boxed_unsync()))
    }

    /// Creates a body that arrives, or an empty one if it has already ended. A `Body` is returned unchanged.
    pub(crate) fn arriving<B>(body: B) -> Body
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut body = Some(body);
        if let Some(body) = (&mut body as &mut dyn Any).downcast_mut::<Option<Body>>() {
            return body.take().unwrap_or_default();
        }
        match body {
            Some(body) if !body.is_end_stream() => Body::stream(body),
            _ => Body::empty(),
        }
    }

    /// Returns the bytes, if they are in memory in one piece.
    pub(crate) fn as_bytes(&self) -> Option<&Bytes> {
        match &self.0 {
            Inner::Full(bytes) => Some(bytes),
            Inner::Empty | Inner::Pieces(..) | Inner::Stream(_) => None,
        }
    }

    /// Returns the bytes, piece by piece, if they are all in memory.
    ///
    /// # Errors
    /// The unchanged body, when it arrives or is made piece by piece.
    pub(crate) fn into_pieces(self) -> Result<VecDeque<Bytes>, Body> {
        match self.0 {
            Inner::Empty => Ok(VecDeque::new()),
            Inner::Full(bytes) => Ok(VecDeque::from([bytes])),
            Inner::Pieces(pieces, _) => Ok(pieces),
            stream @ Inner::Stream(_) => Err(Body(stream)),
        }
    }

    /// Waits for the whole body.
    ///
    /// # Errors
    /// [`BodyError::TooLarge`] as soon as more than `limit` bytes have arrived, and any error of the stream.
    pub async fn collect(self, limit: u64) -> Result<Bytes, BodyError> {
        self.gather(limit, |_| Ok(())).await
    }

    /// Waits for the whole body, with its memory taken from `share`.
    ///
    /// # Errors
    /// As [`collect`](Body::collect), and [`BodyError::NoMemory`] when the budget is exhausted.
    pub(crate) async fn collect_within(
        self,
        limit: u64,
        share: &Share,
    ) -> Result<Bytes, BodyError> {
        self.gather(limit, |bytes| share.take(bytes).map_err(|_| BodyError::NoMemory)).await
    }

    /// Calls `take` before memory is allocated. The buffer grows at most to the declared length, if there is one, and
    /// never beyond the limit.
    async fn gather(
        mut self,
        limit: u64,
        take: impl Fn(u64) -> Result<(), BodyError>,
    ) -> Result<Bytes, BodyError> {
        let too_large = || BodyError::TooLarge { limit };
        let declared = self.size_hint();
        if declared.lower() > limit {
            return Err(too_large());
        }
        if let Inner::Full(bytes) = self.0 {
            take(bytes.len() as u64)?;
            return Ok(bytes);
        }
        let most = usize::try_from(declared.upper().unwrap_or(limit).min(limit));
        let most = most.unwrap_or(usize::MAX);
        let mut first = Bytes::new();
        let mut all = Vec::new();
        while let Some(frame) = self.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            let length = first.len() + all.len() + data.len();
            if length as u64 > limit {
                return Err(too_large());
            }
            if first.is_empty() && all.is_empty() {
                take(data.len() as u64)?;
                first = data;
                continue;
            }
            if length > all.capacity() {
                let capacity = (2 * length).min(most).max(length);
                take((capacity - all.capacity()) as u64)?;
                all.reserve_exact(capacity - all.len());
            }
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
        Ok(if all.is_empty() { first } else { all.into() })
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Body {
        if bytes.is_empty() { Body::empty() } else { Body(Inner::Full(bytes)) }
    }
}

impl From<String> for Body {
    fn from(text: String) -> Body {
        Bytes::from(text).into()
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Bytes::from(bytes).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Body {
        Bytes::from_static(text.as_bytes()).into()
    }
}

/// Creates a response in plain text.
pub(crate) fn text(status: StatusCode, text: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.0 {
            Inner::Empty => Poll::Ready(None),
            Inner::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Inner::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Inner::Pieces(pieces, left) => {
                let piece = pieces.pop_front();
                *left -= piece.as_ref().map_or(0, |piece| piece.len() as u64);
                Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
            }
            Inner::Stream(body) => {
                let frame = ready!(Pin::new(&mut *body).poll_frame(context));
                if frame.is_none() {
                    self.0 = Inner::Empty;
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Empty => true,
            Inner::Full(_) => false,
            Inner::Pieces(pieces, _) => pieces.is_empty(),
            Inner::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Empty => SizeHint::with_exact(0),
            Inner::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Inner::Pieces(_, left) => SizeHint::with_exact(*left),
            Inner::Stream(body) => body.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;

    #[tokio::test]
    async fn a_body_over_the_limit_is_rejected() {
        let body = Body::stream(Full::new(Bytes::from_static(b"0123456789")));
        assert!(matches!(body.collect(9).await, Err(BodyError::TooLarge { limit: 9 })));
        assert_eq!(Body::from("0123456789").collect(10).await.unwrap(), "0123456789");
    }

    #[tokio::test]
    async fn bodies_that_are_collected_together_share_a_budget() {
        use crate::budget::Budget;
        let body = |pieces: usize| {
            let piece = || Ok::<_, BodyError>(Frame::data(Bytes::from_static(&[b'x'; 100])));
            let pieces = std::iter::repeat_with(piece).take(pieces);
            Body::stream(http_body_util::StreamBody::new(futures_util::stream::iter(pieces)))
        };
        let budget = Budget::new(1000);
        let (first, second) = (budget.share(), budget.share());
        assert_eq!(body(4).collect_within(500, &first).await.unwrap().len(), 400);
        assert!((400..=600).contains(&budget.taken()), "{}", budget.taken());
        let refused = body(9).collect_within(900, &second).await;
        assert!(matches!(refused, Err(BodyError::NoMemory)), "{refused:?}");
        let whole = Body::from(vec![0; 900]).collect_within(900, &second).await;
        assert!(matches!(whole, Err(BodyError::NoMemory)), "{whole:?}");
        drop((first, second));
        assert_eq!(budget.taken(), 0);
        let share = budget.share();
        assert_eq!(body(9).collect_within(900, &share).await.unwrap(), vec![b'x'; 900]);
        assert!(budget.taken() <= 1000);
    }

    #[tokio::test]
    async fn pieces_arrive_in_order() {
        let pieces = ["ab", "", "cd"].map(|piece| Bytes::from_static(piece.as_bytes()));
        let mut body = Body::pieces(pieces.clone());
        assert_eq!(body.size_hint().exact(), Some(4));
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!((first, body.size_hint().exact()), ("ab".into(), Some(2)));
        assert_eq!(Body::pieces(pieces).collect(4).await.unwrap(), "abcd");
    }
}
