//! The entry point of the fuzz target of multiplexed calls.

use std::pin::pin;

use bytes::Bytes;
use futures_util::FutureExt;
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use tokio::sync::watch;

use super::multiplex::{Multiplexer, Outcome, PendingCall};
use crate::link::multiplex::Queue;

/// The result of multiplexed calls.
#[derive(Debug, PartialEq, Eq)]
pub struct MultiplexedCalls {
    /// The back end's answer to each call that was not dropped; `None` if it is still awaited.
    pub outcomes: Vec<Option<Result<CallOutcome, String>>>,
    /// Whether another call could be sent afterwards.
    pub is_open: bool,
    /// Whether the back end has announced that it is about to stop.
    pub is_leaving: bool,
    /// All bytes that were sent to the back end.
    pub sent: Vec<u8>,
}

/// A back end's answer to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOutcome {
    /// The encoded answer, and its body.
    Answered(Vec<u8>, Vec<u8>),
    /// It can be fetched with this ticket.
    Held(u64),
    /// A status and a message.
    Refused(u16, String),
}

/// Sends `calls` and drops those for whose indices `is_dropped` returns true. Reads the available
/// part of `stream`, sends `later`, and drops everything.
pub fn multiplexed<S: HttpBody<Data = Bytes, Error = hyper::Error> + Unpin>(
    stream: S,
    calls: &[&[u8]],
    is_dropped: impl Fn(usize) -> bool,
    later: &[u8],
) -> MultiplexedCalls {
    let queue = Queue::default();
    let mut unsent = queue.body();
    let (changed, seen) = watch::channel(());
    let (multiplexer, reading) = Multiplexer::over(queue, stream, changed);
    let pending = calls.iter().map(|call| multiplexer.ask(call).expect("a call is permitted"));
    let mut pending: Vec<Option<PendingCall>> = pending.map(Some).collect();
    for (index, call) in pending.iter_mut().enumerate() {
        call.take_if(|_| is_dropped(index));
    }
    let mut reading = pin!(reading);
    let has_ended = reading.as_mut().now_or_never().is_some();
    let outcome = |call: &mut PendingCall| Some(call.outcome().now_or_never()?.map(said));
    let outcomes = pending.iter_mut().flatten().map(outcome).collect();
    let is_open = multiplexer.ask(later).is_some();
    let is_leaving = multiplexer.is_leaving();
    // The sender was dropped with the task that reads.
    assert!(has_ended || seen.has_changed().is_ok_and(|has_changed| has_changed == is_leaving));
    drop((pending, multiplexer));
    let mut sent = Vec::new();
    while let Some(Some(Ok(frame))) = unsent.frame().now_or_never() {
        sent.extend(frame.into_data().expect("a queue has no trailers"));
    }
    MultiplexedCalls { outcomes, is_open, is_leaving, sent }
}

fn said(outcome: Outcome) -> CallOutcome {
    match outcome {
        Outcome::Answered(answer, body) => {
            let body = body.into_pieces().expect("it is not streamed");
            CallOutcome::Answered(answer.to_vec(), body.into_iter().flatten().collect())
        }
        Outcome::Held(ticket) => CallOutcome::Held(ticket),
        Outcome::Refused(status, message) => CallOutcome::Refused(status, message),
    }
}
