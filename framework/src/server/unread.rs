//! The rest of a request's body that was not read before the response.
//!
//! The client may not notice that its request is answered until it has sent all of it.
//!
//! - Over HTTP/1.1 the next request follows the body. Either the rest of the body is read and dropped, and the
//!   connection remains open, or the response contains `Connection: close`: otherwise a client that sends the next
//!   request after the body would wait for a response in vain (RFC 9112, section 9.6). The rest is read if its length
//!   is known and [short](SHORT). A client that asks first, with `Expect: 100-continue`, and is refused may omit the
//!   body, so the connection closes then.
//! - Over HTTP/2 the whole response may be sent immediately, but if the stream is then reset, many clients drop the
//!   response, though RFC 9113, section 8.1 forbids it. So the stream stays open, and the rest is read and dropped for
//!   a [while](Linger), up to [a limit](LONGEST). The stream of a client that sends for longer is reset. A response
//!   that is not an error waits for the rest of the body: some clients (curl 7.88) stop sending when they read an
//!   error, and hang when any other response is complete before their request.
//!
//! A [`Rest`] is created for each request with a body. It notes how much the handler reads. A body that the handler
//! drops before its end is held there until the response determines what happens to the connection.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::linger::Linger;
use super::timers::Timers;
use crate::body::{Body, BoxError};

/// The maximum size of a rest that is read over HTTP/1 to keep the connection open, in bytes.
const SHORT: u64 = 64 * 1024;

/// The maximum size of a rest that is read over HTTP/2, in bytes.
const LONGEST: u64 = 64 * 1024 * 1024;

/// The maximum time until the server's wish to end the connection is noticed.
const NOTICE: Duration = Duration::from_millis(500);

/// The rest of a body.
pub(super) struct Rest<B> {
    version: Version,
    /// Whether the client requests the end of the connection.
    closes: bool,
    timers: Arc<Timers>,
    state: Mutex<State<B>>,
}

struct State<B> {
    /// Whether the client waits for the interim response before it sends the body.
    waits: bool,
    /// The number of unread bytes; `u64::MAX` if unknown.
    left: u64,
    fate: Fate<B>,
}

/// The treatment of the part that the handler does not read.
enum Fate<B> {
    /// Undecided. Contains the body if the handler has dropped it.
    Open(Option<B>),
    /// The rest is read and dropped.
    ReadOn,
    /// The rest is not read.
    Left,
}

impl<B> Rest<B>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    /// Returns the body for the handler, and its rest.
    pub(super) fn of(
        body: B,
        request: &Parts,
        timers: &Arc<Timers>,
    ) -> (Body, Option<Arc<Rest<B>>>) {
        if body.is_end_stream() {
            return (Body::empty(), None);
        }
        let state = State {
            waits: names(request, &header::EXPECT, "100-continue"),
            left: left(&body),
            fate: Fate::Open(None),
        };
        let rest = Arc::new(Rest {
            version: request.version,
            closes: request.version < Version::HTTP_11
                || names(request, &header::CONNECTION, "close"),
            timers: timers.clone(),
            state: Mutex::new(state),
        });
        (Body::stream(Watched { body: Some(body), rest: rest.clone() }), Some(rest))
    }

    /// Reads the rest over HTTP/2, if a response with this status must wait for it.
    pub(super) async fn read_before(&self, status: StatusCode) {
        if self.version < Version::HTTP_2 || status.is_client_error() || status.is_server_error() {
            return;
        }
        let dropped = match &mut self.state().fate {
            Fate::Open(dropped) => dropped.take(),
            Fate::ReadOn | Fate::Left => None,
        };
        if let Some(body) = dropped {
            read_and_drop(body, LONGEST, self.timers.clone()).await;
            // A longer rest is reset after the response.
            self.state().fate = Fate::Left;
        }
    }

    /// Decides whether the connection remains open, and adds `Connection: close` to the response if it does not.
    pub(super) fn settle(&self, response: &mut Response<Body>) {
        let mut state = self.state();
        // RFC 9110, section 15.5.9: a slow client is not waited for again.
        let is_slow = response.status() == StatusCode::REQUEST_TIMEOUT;
        let is_at_hand = state.left <= SHORT && !state.waits;
        let goes_on = self.version >= Version::HTTP_2
            || state.left == 0
            || (is_at_hand && !is_slow && !self.closes);
        if !goes_on {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        if let Fate::Left = state.fate {
            return;
        }
        let fate = if goes_on { Fate::ReadOn } else { Fate::Left };
        let dropped = std::mem::replace(&mut state.fate, fate);
        drop(state);
        if let (Fate::Open(Some(body)), true) = (dropped, goes_on) {
            self.read_on(body);
        }
    }

    fn state(&self) -> MutexGuard<'_, State<B>> {
        // The state is consistent after each step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the body when the handler drops it.
    fn take_back(&self, body: B) {
        let mut state = self.state();
        if state.left == 0 {
            return;
        }
        match &mut state.fate {
            Fate::Open(dropped) => *dropped = Some(body),
            Fate::ReadOn => self.read_on(body),
            Fate::Left => {}
        }
    }

    fn read_on(&self, body: B) {
        let limit = if self.version >= Version::HTTP_2 { LONGEST } else { SHORT };
        // Without a runtime the connection no longer exists.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(read_and_drop(body, limit, self.timers.clone()));
        }
    }
}

/// Returns whether a field of the request's head contains this member.
fn names(request: &Parts, field: &HeaderName, member: &str) -> bool {
    let lines = request.headers.get_all(field).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|name| name.trim().eq_ignore_ascii_case(member))
}

fn left(body: &impl HttpBody) -> u64 {
    if body.is_end_stream() { 0 } else { body.size_hint().exact().unwrap_or(u64::MAX) }
}

/// A body that reports its unread length.
struct Watched<B>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    /// Taken on drop.
    body: Option<B>,
    rest: Arc<Rest<B>>,
}

impl<B> HttpBody for Watched<B>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let polled = Pin::new(&mut *body).poll_frame(context);
        let mut state = this.rest.state();
        state.waits = false;
        let frame = ready!(polled);
        state.left = if frame.is_none() { 0 } else { left(body) };
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}

impl<B> Drop for Watched<B>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            self.rest.take_back(body);
        }
    }
}

async fn read_and_drop<B>(mut body: B, limit: u64, timers: Arc<Timers>)
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    let (mut linger, mut left) = (Linger::begin(), limit);
    while !linger.is_over() {
        if timers.is_closing() {
            linger.hurry();
        }
        let Ok(frame) = timeout(NOTICE, body.frame()).await else { continue };
        let Some(Ok(frame)) = frame else { break };
        linger.note_read();
        // The received bytes are not the head of a request, and a client that is being read is not idle.
        timers.lingers();
        match left.checked_sub(frame.data_ref().map_or(0, |data| data.len() as u64)) {
            Some(rest) => left = rest,
            None => break,
        }
    }
    timers.lingers();
}
