use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::gate::{refusal, unreadable};
use super::{HEAD_TIMEOUT, Server, call};
use crate::body::Body;
use crate::link::bundle::{LONGEST, LONGEST_CALL, OVERHEAD, Queue, Running, Told, numbered};
use crate::link::frame::{FrameError, Frames};
use crate::link::{ANSWER_LIMIT, Answer, Call, FILES_LIMIT, Host, STREAMS, frame, wire};
use crate::log::panic_message;

/// Answers that are too long for a bundle, or not whole, until they are fetched.
#[derive(Default)]
pub(super) struct Parked(Mutex<HashMap<u64, Whole>>);

/// An answer, its body, and what counts it as running.
struct Whole {
    answer: Answer,
    body: Body,
    running: Running,
    bundle: TaskTrackerToken,
}

impl Parked {
    fn put(&self, ticket: u64, parked: Whole) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(ticket, parked);
    }

    fn take(&self, ticket: u64) -> Option<Whole> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&ticket)
    }
}

/// Opens a bundle. It is one of `bundles` until all its answers are sent, or being fetched.
pub(super) fn answer<H: Host>(
    server: Arc<Server<H>>,
    bundles: &TaskTracker,
    stream: Incoming,
) -> Response<Body> {
    let queue = Queue::default();
    let body = Body::stream(queue.body());
    bundles.spawn(async move {
        let running = TaskTracker::new();
        if let Err(error) = serve(&server, stream, &queue, &running).await {
            tracing::debug!("a bundle of calls broke: {error}");
        }
        running.close();
        running.wait().await;
        queue.close();
    });
    Response::new(body)
}

/// Takes calls until there are no more. When the back end stops, the front end is told, and takes
/// itself elsewhere; what it has sent before is answered.
async fn serve<H: Host>(
    server: &Arc<Server<H>>,
    stream: Incoming,
    queue: &Queue,
    running: &TaskTracker,
) -> Result<(), FrameError> {
    let places = Arc::new(Semaphore::new(STREAMS as usize));
    let mut frames = Frames::new(stream, LONGEST_CALL + OVERHEAD);
    let mut stopping = false;
    loop {
        let message = tokio::select! {
            () = server.draining.cancelled(), if !stopping => {
                stopping = true;
                say(queue, 0, &Told::Goodbye, None);
                continue;
            }
            message = frames.message() => message?,
        };
        let Some(message) = message else { return Ok(()) };
        let (number, call) = numbered(message).ok_or(FrameError::Torn)?;
        let call: Call = postcard::from_bytes(&call).map_err(FrameError::Malformed)?;
        let Ok(place) = places.clone().acquire_owned().await else { return Ok(()) };
        let (server, queue, bundle) = (server.clone(), queue.clone(), running.token());
        let calls = server.calls.clone();
        calls.spawn(async move {
            let running = Running { call: server.calls.token(), _place: place };
            run(&server, number, call, &queue, (running, bundle)).await;
        });
    }
}

/// Has the host answer a call, and says so.
async fn run<H: Host>(
    server: &Arc<Server<H>>,
    number: u32,
    call: Call,
    queue: &Queue,
    (running, bundle): (Running, TaskTrackerToken),
) {
    let controller = call.controller.clone();
    let request_id = call.request_id.clone();
    let answering = AssertUnwindSafe(server.host.call(call, Body::empty())).catch_unwind();
    let (answer, body) = match answering.await {
        Ok(answer) => answer,
        Err(panic) => {
            let error = panic_message(&*panic);
            tracing::error!(request_id, "the call of controller {controller} failed: {error}");
            let told = Told::Refused(500, "the back end failed in this call".to_owned());
            return say(queue, number, &told, Some(running));
        }
    };
    let body = match body.into_pieces() {
        Ok(pieces) => pieces,
        Err(body) => {
            return park(server, number, Whole { answer, body, running, bundle }, queue);
        }
    };
    let head = match frame::encode(&answer, ANSWER_LIMIT) {
        Ok(head) => head,
        Err(error) => {
            tracing::error!(request_id, "controller {controller}'s answer cannot be sent: {error}");
            return say(queue, number, &Told::Refused(500, error.to_string()), Some(running));
        }
    };
    if head.len() + body.iter().map(Bytes::len).sum::<usize>() > LONGEST {
        let body = Body::pieces(body);
        return park(server, number, Whole { answer, body, running, bundle }, queue);
    }
    let told = encoded(&Told::Answered);
    let mut parts = vec![&told[..], &head];
    parts.extend(body.iter().map(|piece| &piece[..]));
    queue.say(number, &parts, Some(running));
}

fn say(queue: &Queue, number: u32, told: &Told, running: Option<Running>) {
    queue.say(number, &[&encoded(told)], running);
}

fn encoded(told: &Told) -> Vec<u8> {
    postcard::to_stdvec(told).expect("what is told has a form in postcard")
}

/// Keeps an answer for as long as it may take until it is fetched.
fn park<H: Host>(server: &Arc<Server<H>>, number: u32, parked: Whole, queue: &Queue) {
    let ticket = rand::random();
    server.parked.put(ticket, parked);
    let server = server.clone();
    tokio::spawn(async move {
        tokio::time::sleep(HEAD_TIMEOUT).await;
        server.parked.take(ticket);
    });
    say(queue, number, &Told::Parked(ticket), None);
}

/// Hands over an answer that was parked.
pub(super) async fn fetch<H: Host>(server: Arc<Server<H>>, stream: Incoming) -> Response<Body> {
    let ticket = tokio::time::timeout(HEAD_TIMEOUT, wire::read::<u64>(stream, FILES_LIMIT)).await;
    let ticket = match ticket {
        Ok(Ok((ticket, _))) => ticket,
        Ok(Err(error)) => return unreadable(&error),
        Err(_) => return refusal(StatusCode::REQUEST_TIMEOUT, "the ticket did not arrive in time"),
    };
    match server.parked.take(ticket) {
        Some(Whole { answer, body, running, bundle }) => {
            let response = call::send(&answer, body, running.call);
            drop(bundle);
            response
        }
        None => refusal(StatusCode::GONE, "there is no answer with this ticket any more"),
    }
}
