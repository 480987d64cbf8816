use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf, Bytes};
use http_body::Body as HttpBody;
use hyper::client::conn::http2::SendRequest;
use tokio::sync::{oneshot, watch};

use super::LinkOptions;
use super::session::{self, SessionProblem};
use crate::body::Body;
use crate::link::frame::{FrameError, Frames};
use crate::link::multiplex::{
    MAX_ANSWER, MAX_CALLS, MAX_UNSENT, OVERHEAD, Queue, ServerMessage, numbered,
};
use crate::link::wire::Wire;

/// The stream that the short calls of a connection share.
#[derive(Debug)]
pub(super) struct Multiplexer {
    calls: Arc<Mutex<Calls>>,
    queue: Queue,
}

#[derive(Debug, Default)]
struct Calls {
    /// Whether no more calls may be sent.
    closed: bool,
    /// Whether the back end is about to stop.
    leaving: bool,
    last: u32,
    /// The number of calls that hold a permit at the back end, or may hold one.
    open: usize,
    /// The receivers of answers, by call.
    waiting: HashMap<u32, oneshot::Sender<(ServerMessage, Bytes)>>,
}

/// A call whose answer has not been read.
pub(super) struct PendingCall {
    calls: Arc<Mutex<Calls>>,
    queue: Queue,
    number: u32,
    message: oneshot::Receiver<(ServerMessage, Bytes)>,
    /// Whether the answer is held at the back end, or was fetched from there.
    is_held: bool,
}

/// A back end's answer to a call.
pub(super) enum Outcome {
    /// The encoded answer, and its body.
    Answered(Bytes, Body),
    /// It can be fetched with this ticket.
    Held(u64),
    Refused(u16, String),
}

impl Multiplexer {
    /// Opens the stream. Notifies `changed` when the back end is about to stop.
    pub(super) async fn open(
        options: &LinkOptions,
        sender: &mut SendRequest<Wire>,
        changed: watch::Sender<()>,
    ) -> Result<Multiplexer, SessionProblem> {
        let queue = Queue::default();
        let body = Wire::new(Bytes::new(), Body::stream(queue.body()));
        let uri = session::uri(options, "calls");
        let response = sender.send_request(session::request(options, uri, body)).await?;
        let stream = session::accepted(options, response).await?;
        let (multiplexer, reading) = Multiplexer::over(queue, stream, changed);
        // The task ends with the stream. Answers may still arrive after the multiplexer is dropped.
        tokio::spawn(reading);
        Ok(multiplexer)
    }

    /// Sends calls to `queue`. The future reads the back end's messages, to the end of `stream`.
    pub(super) fn over<S: HttpBody<Data = Bytes, Error = hyper::Error> + Unpin>(
        queue: Queue,
        stream: S,
        changed: watch::Sender<()>,
    ) -> (Multiplexer, impl Future<Output = ()> + use<S>) {
        let calls = Arc::<Mutex<Calls>>::default();
        let reading = read(stream, calls.clone(), queue.clone(), changed);
        (Multiplexer { calls, queue }, reading)
    }

    /// Returns whether the back end is about to stop: then it is sent no more calls.
    pub(super) fn is_leaving(&self) -> bool {
        lock(&self.calls).leaving
    }

    /// Sends a call. `None` if no more calls may be sent here, or not at the moment.
    pub(super) fn ask(&self, call: &[u8]) -> Option<PendingCall> {
        let (sender, message) = oneshot::channel();
        let mut calls = lock(&self.calls);
        if calls.closed || calls.open >= MAX_CALLS || self.queue.unsent() > MAX_UNSENT {
            return None;
        }
        // Numbers wrap around, so a very old call may still wait under this number.
        let number = calls.last.wrapping_add(1).max(1);
        calls.last = number;
        if calls.waiting.contains_key(&number) {
            return None;
        }
        calls.waiting.insert(number, sender);
        calls.open += 1;
        // Sent under the lock, before the queue can be closed.
        self.queue.send(number, &[call], None);
        drop(calls);
        Some(PendingCall {
            calls: self.calls.clone(),
            queue: self.queue.clone(),
            number,
            message,
            is_held: false,
        })
    }
}

impl PendingCall {
    /// Waits for the back end's answer.
    ///
    /// # Errors
    /// A message, if the stream has ended or the answer cannot be decoded.
    pub(super) async fn outcome(&mut self) -> Result<Outcome, String> {
        let message = (&mut self.message).await;
        let (message, mut rest) =
            message.map_err(|_| "the stream of the calls has ended".to_owned())?;
        match message {
            ServerMessage::Answered => {
                let answer =
                    rest.try_get_u32().ok().filter(|length| *length as usize <= rest.len());
                let length = answer.ok_or("an answer is torn")?;
                let answer = rest.split_to(length as usize);
                // A visitor may read it slowly, and the buffer that it was cut from contains other
                // answers too.
                let body = Body::from(Bytes::copy_from_slice(&rest));
                Ok(Outcome::Answered(answer, body))
            }
            ServerMessage::Held(ticket) => {
                self.is_held = true;
                Ok(Outcome::Held(ticket))
            }
            ServerMessage::Refused(status, message) => Ok(Outcome::Refused(status, message)),
            ServerMessage::Goodbye => Err("a call was answered with a goodbye".to_owned()),
        }
    }
}

/// Cancels the call, unless its answer has arrived. An answer that is held must have been fetched
/// by then.
impl Drop for PendingCall {
    fn drop(&mut self) {
        let mut calls = lock(&self.calls);
        calls.open -= 1;
        let is_awaited = calls.waiting.remove(&self.number).is_some();
        let mut is_held = || matches!(self.message.try_recv(), Ok((ServerMessage::Held(_), _)));
        if is_awaited || self.is_held || is_held() {
            // Sent before another call can use its permit.
            self.queue.send(self.number, &[], None);
        }
    }
}

impl Drop for Multiplexer {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Reads answers to the end of the stream.
async fn read<S: HttpBody<Data = Bytes, Error = hyper::Error> + Unpin>(
    stream: S,
    calls: Arc<Mutex<Calls>>,
    queue: Queue,
    changed: watch::Sender<()>,
) {
    let mut frames = Frames::new(stream, MAX_ANSWER + OVERHEAD);
    if let Err(error) = read_all(&mut frames, &calls, &queue, &changed).await {
        tracing::debug!("the stream of the calls broke: {error}");
    }
    let mut calls = lock(&calls);
    calls.closed = true;
    calls.waiting.clear();
    queue.close();
}

async fn read_all<S: HttpBody<Data = Bytes, Error = hyper::Error> + Unpin>(
    frames: &mut Frames<S>,
    calls: &Mutex<Calls>,
    queue: &Queue,
    changed: &watch::Sender<()>,
) -> Result<(), FrameError> {
    while let Some(message) = frames.message().await? {
        let (number, said) = numbered(message).ok_or(FrameError::Torn)?;
        let (message, rest) =
            postcard::take_from_bytes::<ServerMessage>(&said).map_err(FrameError::Malformed)?;
        let rest = said.slice_ref(rest);
        if message == ServerMessage::Goodbye {
            {
                let mut calls = lock(calls);
                (calls.closed, calls.leaving) = (true, true);
                queue.close();
            }
            changed.send_replace(());
            continue;
        }
        // A call that was dropped has no receiver, and has been cancelled.
        if let Some(waiting) = lock(calls).waiting.remove(&number) {
            let _ = waiting.send((message, rest));
        }
    }
    Ok(())
}

fn lock(calls: &Mutex<Calls>) -> MutexGuard<'_, Calls> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}
