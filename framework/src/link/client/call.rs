//! Forwarding a request.
//!
//! # When a request is sent twice
//!
//! A link can break when the back end has the request and has not answered, for example because its
//! process was killed. Then the front end cannot determine whether the controller has run.
//!
//! - A GET or HEAD without a body changes nothing, so it is sent to the next back end.
//! - A request with an id ([`Call::id`]) is sent once more, to the first back end that is
//!   available, if its body was short and had been sent to its end. The controller runs again. Its
//!   updates have the same ids, so those that were made before are not made again
//!   (`state/repeats.rs`).
//! - Any other request is not sent again: the client is informed that its outcome is unknown.
//!
//! The router gives an id to a request if it may be carried out twice (RFC 9110, section 9.2.2: a
//! proxy must not repeat other requests by itself). The following permit it:
//!
//! - an `Idempotency-Key`, with which the client announces that it may send the request again;
//! - an idempotent method: PUT, DELETE;
//! - the route, with `resend`. That is not the default for every POST, because a controller may do
//!   more than update: after a cut that no visitor has seen, a mail would be sent twice, a card
//!   charged twice.
//!
//! One repetition is enough: a request that has cut two links may be their cause.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{StatusCode, Uri};
use http_body::Body as HttpBody;
use serde::de::DeserializeOwned;

use super::multiplex::Outcome;
use super::slot::{Caller, Slot};
use super::upload::Upload;
use super::{Link, Shared, session};
use crate::body::{Body, BodyError};
use crate::link::frame::{self, FrameError, LENGTH};
use crate::link::multiplex::MAX_CALL;
use crate::link::wire::{self, Wire};
use crate::link::{ANSWER_LIMIT, Answer, CALL_LIMIT, Call};
use crate::problem::with_causes;

/// The longest deadline; longer ones are shortened to this.
const LONGEST_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// No back end is connected, or none accepted the call. The controller has not run.
    #[error("no back end is connected")]
    NoBackend,
    /// The answer did not begin in time. The controller may be running.
    #[error("the back end did not answer within {0:?}")]
    Deadline(Duration),
    /// The back end could not accept the call or make an answer.
    #[error("the back end answered with status {status}: {message}")]
    Refused {
        /// The status of the link, not of the site: 500 when the controller panicked.
        status: u16,
        /// The back end's message.
        message: String,
    },
    /// The connection broke, or its data cannot be decoded.
    #[error("the connection to the back end broke: {reason}")]
    Broken {
        /// Whether the controller may have run.
        sent: bool,
        /// The cause.
        reason: String,
    },
    /// The request's own body could not be read to its end. The controller may have run.
    #[error("the request's body could not be forwarded: {0}")]
    Body(#[source] BodyError),
    /// The head is longer than the link accepts.
    #[error("the request without its body has {size} bytes, more than the {limit} of the link")]
    TooLong {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
}

impl CallError {
    /// Returns whether the controller may still be running.
    pub(crate) fn may_run_on(&self) -> bool {
        use CallError::{Body, Broken, Deadline};
        matches!(self, Deadline(_) | Broken { sent: true, .. } | Body(_))
    }
}

/// A request to a back end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Action<'a> {
    Call {
        /// Whether it changes nothing, so that it can be sent twice.
        harmless: bool,
    },
    /// Another action, with this name.
    Ask(&'a str),
}

/// How a call to one back end failed.
enum CallFailure {
    /// The back end has not received it: this is the call again.
    Unsent(Wire),
    Sent(CallError),
}

impl Link {
    /// Forwards a request to one of the back ends, in turn.
    ///
    /// The body is read as the back end accepts it. The answer is returned as soon as its head has
    /// arrived; its body is still in flight. A call that no back end has received is sent to the
    /// next one; after that only a GET or HEAD without a body is, or a call with an id. If the
    /// future or the answer's body is dropped, the back end is informed, but a controller that has
    /// started runs to its end.
    ///
    /// # Errors
    /// See [`CallError`]. Without a connected back end it fails at once. The deadline counts from
    /// the last piece of the request's body, so a long upload is not cut off by it.
    pub(crate) fn call(
        &self,
        call: Call,
        body: Body,
    ) -> impl Future<Output = Result<(Answer, Body), CallError>> + Send + use<> {
        // Encoded before the future exists, which would otherwise hold the call all the time.
        let head = encoded(&call);
        let second = call.id.map(|_| encoded(&Call { is_again: true, ..call.clone() }));
        let harmless = matches!(call.method.as_str(), "GET" | "HEAD") && body.is_end_stream();
        let deadline = Duration::from_millis(call.deadline).min(LONGEST_DEADLINE);
        let shared = Arc::clone(&self.shared);
        async move {
            let (head, second) = (head?, second.transpose()?);
            let again = harmless.then(|| head.clone());
            let share = second.as_ref().map(|_| shared.kept_bodies.share());
            let (body, upload) = Upload::watch(body, share);
            let wire = Wire::new(head, body);
            let action = Action::Call { harmless };
            let attempts = pin!(async {
                let first = shared.attempt_all(action, wire, again, ANSWER_LIMIT).await;
                match (first, second) {
                    (Err(CallError::Broken { sent: true, reason }), Some(second)) => {
                        let Some(body) = upload.take_kept() else {
                            return Err(CallError::Broken { sent: true, reason });
                        };
                        // In a box, so that the future of other calls stays small.
                        Box::pin(shared.send_again(&second, body, &reason)).await
                    }
                    (first, _) => first,
                }
            });
            match upload.within(deadline, attempts).await {
                None => Err(CallError::Deadline(deadline)),
                Some(Ok(answer)) => Ok(answer),
                Some(Err(error)) => Err(upload.take_failure().map_or(error, CallError::Body)),
            }
        }
    }
}

fn encoded(call: &Call) -> Result<Bytes, CallError> {
    frame::encode(call, CALL_LIMIT).map_err(|error| match error {
        FrameError::TooLong { size, limit } => CallError::TooLong { size, limit },
        error => CallError::Broken { sent: false, reason: error.to_string() },
    })
}

fn understood<T: DeserializeOwned>(head: &[u8]) -> Result<T, CallFailure> {
    postcard::from_bytes(head).map_err(|error| broken(FrameError::Malformed(error).to_string()))
}

/// Returns the failure of a call whose connection broke after the back end had received it.
fn broken(reason: String) -> CallFailure {
    CallFailure::Sent(CallError::Broken { sent: true, reason })
}

impl Shared {
    /// Sends a request to one back end after the other, until one answers. `again` is the head of a
    /// request that may be sent twice, `limit` the longest head of the answer, in bytes.
    pub(super) async fn attempt_all<T: DeserializeOwned>(
        &self,
        action: Action<'_>,
        mut wire: Wire,
        again: Option<Bytes>,
        limit: usize,
    ) -> Result<(T, Body), CallError> {
        let mut error = CallError::NoBackend;
        let sessions = self.sessions();
        self.turn.fetch_add(1, Ordering::Relaxed);
        for (slot, caller) in sessions {
            let _in_flight = slot.in_flight();
            let answer = self.attempt(action, slot, caller, wire, limit).await;
            match answer.and_then(|(head, body)| Ok((understood(&head)?, body))) {
                Ok(answer) => return Ok(answer),
                Err(CallFailure::Unsent(unsent)) => wire = unsent,
                Err(CallFailure::Sent(failure)) => match (&again, &failure) {
                    (Some(head), CallError::Broken { .. }) => {
                        wire = Wire::new(head.clone(), Body::empty());
                        error = failure;
                    }
                    _ => return Err(failure),
                },
            }
        }
        Err(error)
    }

    /// Sends a call for the second time, as soon as a back end accepts it.
    async fn send_again(
        &self,
        head: &Bytes,
        body: Body,
        reason: &str,
    ) -> Result<(Answer, Body), CallError> {
        tracing::warn!(reason, "the link broke before the answer: sending the request again");
        metrics::counter!("headwater_calls_sent_again_total").increment(1);
        let pieces = body.into_pieces().unwrap_or_default();
        let mut changes = self.changed.subscribe();
        loop {
            let wire = Wire::new(head.clone(), Body::pieces(pieces.clone()));
            let action = Action::Call { harmless: false };
            match self.attempt_all(action, wire, None, ANSWER_LIMIT).await {
                Err(CallError::NoBackend) => {}
                answered => return answered,
            }
            // The sender lives as long as `self`.
            let _ = changes.changed().await;
        }
    }

    async fn attempt(
        &self,
        action: Action<'_>,
        slot: &Slot,
        caller: Arc<Caller>,
        wire: Wire,
        limit: usize,
    ) -> Result<(Bytes, Body), CallFailure> {
        let multiplexed = match action {
            Action::Call { harmless: true } => {
                wire.short(MAX_CALL).and_then(|call| caller.multiplexer.ask(&call[LENGTH..]))
            }
            Action::Call { harmless: false } | Action::Ask(_) => None,
        };
        let Some(mut multiplexed) = multiplexed else {
            let uri = match action {
                Action::Call { .. } => self.calls.clone(),
                Action::Ask(name) => session::uri(&self.options, name),
            };
            // In a box, so that the future of a short call stays small.
            return Box::pin(self.attempt_alone(uri, caller, wire, limit)).await;
        };
        drop(caller);
        match multiplexed.outcome().await.map_err(broken)? {
            Outcome::Answered(answer, body) => Ok((answer, body)),
            Outcome::Refused(status, message) => {
                Err(CallFailure::Sent(CallError::Refused { status, message }))
            }
            Outcome::Held(ticket) => Box::pin(self.fetch_held(slot, ticket, limit)).await,
        }
    }

    /// Fetches a held answer to a multiplexed call.
    async fn fetch_held(
        &self,
        slot: &Slot,
        ticket: u64,
        limit: usize,
    ) -> Result<(Bytes, Body), CallFailure> {
        let gone = || broken("the connection ended before the answer was fetched".to_owned());
        let caller = slot.any_caller().ok_or_else(gone)?;
        let ticket = frame::encode(&ticket, limit).map_err(|error| broken(error.to_string()))?;
        let uri = session::uri(&self.options, "held");
        let wire = Wire::new(ticket, Body::empty());
        let fetched = self.attempt_alone(uri, caller, wire, limit).await;
        // The controller has run.
        fetched.map_err(|failure| match failure {
            CallFailure::Unsent(_) => gone(),
            // The back end has dropped the answer.
            CallFailure::Sent(CallError::Refused { status: 410, .. }) => gone(),
            failure => failure,
        })
    }

    /// Sends the request over a stream of its own.
    async fn attempt_alone(
        &self,
        uri: Uri,
        caller: Arc<Caller>,
        wire: Wire,
        limit: usize,
    ) -> Result<(Bytes, Body), CallFailure> {
        let request = session::request(&self.options, uri, wire);
        let sent = caller.sender.clone().try_send_request(request);
        // A request that is sent while its connection ends can stay in hyper's channel, and is
        // returned only after the last sender was dropped. So a waiting call must not hold a
        // sender.
        drop(caller);
        let response = match sent.await {
            Ok(response) => response,
            Err(mut error) => {
                return Err(match error.take_message() {
                    Some(request) => CallFailure::Unsent(request.into_body()),
                    None => broken(with_causes(error.error())),
                });
            }
        };
        let status = response.status();
        if status != StatusCode::OK {
            let message = session::explanation(response).await;
            return Err(CallFailure::Sent(CallError::Refused { status: status.as_u16(), message }));
        }
        let read = wire::read_raw(response.into_body(), limit).await;
        read.map_err(|error| broken(error.to_string()))
    }
}
