//! A request and its response, as the timers of the connection count them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::timers::Timers;
use crate::body::{Body, BodyError};

/// A request and its response, until the response is written or abandoned.
#[derive(Debug)]
pub(super) struct Exchange {
    timers: Arc<Timers>,
    waits_for_handler: bool,
}

impl Exchange {
    /// Begins an exchange when the head of a request is complete. `has_body` means that more bytes than the head belong
    /// to the request.
    pub(super) fn begin(timers: Arc<Timers>, has_body: bool) -> Exchange {
        timers.exchange_begins(has_body);
        Exchange { timers, waits_for_handler: true }
    }

    pub(super) fn waits_for_handler(&mut self) {
        if !std::mem::replace(&mut self.waits_for_handler, true) {
            self.timers.handler_begins();
        }
    }

    pub(super) fn waits_for_client(&mut self) {
        if std::mem::take(&mut self.waits_for_handler) {
            self.timers.client_begins();
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.timers.exchange_ends(self.waits_for_handler);
    }
}

/// The body of a response, which notes in its exchange whether it waits for its source or for the client: hyper polls
/// it for the next piece when the client can receive more.
pub(super) struct TimedBody {
    body: Body,
    exchange: Exchange,
}

impl TimedBody {
    pub(super) fn new(body: Body, exchange: Exchange) -> TimedBody {
        TimedBody { body, exchange }
    }
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if polled.is_pending() {
            self.exchange.waits_for_handler();
        }
        let frame = ready!(polled);
        self.exchange.waits_for_client();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
