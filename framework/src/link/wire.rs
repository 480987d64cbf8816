//! A head and a body in one stream.
//!
//! HTTP/2 lets a server end a stream early without an error, and hyper reports the end of such a
//! stream like any other. A page that was cut short must never pass for complete, so a body
//! declares its end: with `content-length` if the length is known, otherwise with a trailer.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use super::frame::{FrameError, Frames};
use crate::body::{Body, BodyError};

const CLOSING: HeaderName = HeaderName::from_static("headwater-closing");

/// An encoded head and the body that follows it, as an outgoing stream.
#[derive(Debug)]
pub(super) struct Wire {
    head: Bytes,
    body: Body,
    closing: Closing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    /// `content-length` declares the end of the body.
    Length,
    /// A trailer must declare it.
    Trailer,
    Done,
}

impl Wire {
    pub(super) fn new(head: Bytes, body: Body) -> Wire {
        let length_is_known = body.size_hint().exact().is_some();
        let closing = if length_is_known { Closing::Length } else { Closing::Trailer };
        Wire { head, body, closing }
    }

    /// Returns the whole message, if it is only a head of at most so many bytes.
    pub(super) fn short(&self, longest: usize) -> Option<&Bytes> {
        let is_short = self.body.is_end_stream() && self.head.len() <= longest;
        Some(&self.head).filter(|_| is_short && self.closing == Closing::Length)
    }

    /// An empty message.
    pub(super) fn empty() -> Wire {
        Wire::new(Bytes::new(), Body::empty())
    }
}

impl HttpBody for Wire {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if !self.head.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.head)))));
        }
        loop {
            if self.closing == Closing::Done {
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                // h2 gives up on a connection that carries many empty frames.
                Some(Ok(frame)) if frame.data_ref().is_none_or(Bytes::is_empty) => {}
                Some(frame) => return Poll::Ready(Some(frame)),
                None => {
                    let closing = std::mem::replace(&mut self.closing, Closing::Done);
                    if closing == Closing::Trailer {
                        let whole = HeaderValue::from_static("whole");
                        let trailers = HeaderMap::from_iter([(CLOSING, whole)]);
                        return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self.closing {
            Closing::Length => self.head.is_empty() && self.body.is_end_stream(),
            Closing::Trailer => false,
            Closing::Done => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match (self.closing, self.body.size_hint().exact()) {
            (Closing::Length, Some(length)) => {
                SizeHint::with_exact(self.head.len() as u64 + length)
            }
            _ => SizeHint::default(),
        }
    }
}

/// Reads the head of a stream; the rest is the body.
pub(super) async fn read<T: DeserializeOwned>(
    stream: Incoming,
    limit: usize,
) -> Result<(T, Body), FrameError> {
    let (head, body) = read_raw(stream, limit).await?;
    Ok((postcard::from_bytes(&head).map_err(FrameError::Malformed)?, body))
}

/// Does the same, without decoding the head.
pub(super) async fn read_raw(stream: Incoming, limit: usize) -> Result<(Bytes, Body), FrameError> {
    let mut frames = Frames::new(stream, limit);
    let head = frames.message().await?.ok_or(FrameError::Torn)?;
    let (begun, rest) = frames.into_rest();
    let rest = Rest { begun, stream: rest, closed: false };
    let body = if rest.stream.is_end_stream() && rest.is_whole() {
        Body::from(rest.begun)
    } else {
        Body::stream(rest)
    };
    Ok((head, body))
}

/// The body after a head, as an incoming stream.
#[derive(Debug)]
struct Rest {
    begun: Bytes,
    stream: Incoming,
    /// Whether the closing trailer has arrived.
    closed: bool,
}

impl Rest {
    /// Returns whether the body has been received to its announced length or its closing trailer.
    fn is_whole(&self) -> bool {
        self.closed || self.stream.size_hint().exact() == Some(0)
    }
}

impl HttpBody for Rest {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if !self.begun.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.begun)))));
        }
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.stream).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => Some(Ok(Frame::data(data))),
                    Err(frame) => {
                        self.closed |=
                            frame.trailers_ref().is_some_and(|it| it.contains_key(CLOSING));
                        continue;
                    }
                },
                Some(Err(error)) => Some(Err(BodyError::broken(error))),
                None if self.is_whole() => None,
                None => Some(Err(BodyError::broken("the other end of the link broke it off"))),
            });
        }
    }

    fn is_end_stream(&self) -> bool {
        self.begun.is_empty() && self.stream.is_end_stream() && self.is_whole()
    }

    fn size_hint(&self) -> SizeHint {
        match self.stream.size_hint().exact() {
            Some(length) => SizeHint::with_exact(self.begun.len() as u64 + length),
            None => SizeHint::default(),
        }
    }
}
