use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use http::{Response, StatusCode};
use hyper::body::Incoming;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::connection::Peer;
use super::gate::{refusal, unreadable};
use super::places::{Place, Places};
use super::{HEAD_TIMEOUT, Server, call};
use crate::body::Body;
use crate::computation::Code;
use crate::link::bundle::{LONGEST, LONGEST_CALL, OVERHEAD, Queue, Told, numbered};
use crate::link::frame::{FrameError, Frames};
use crate::link::{ANSWER_LIMIT, Call, FILES_LIMIT, Host, frame, wire};
use crate::log::panic_message;

/// A call is running, and has its place, until the transport has taken its answer: who asks and
/// does not read comes to an end.
struct Running {
    call: TaskTrackerToken,
    place: Place,
}

/// Opens a bundle. It is one of the peer's until all its answers are sent, or being fetched.
pub(super) fn answer<H: Host>(
    server: Arc<Server<H>>,
    peer: &Peer,
    stream: Incoming,
) -> Response<Body> {
    let queue = Queue::default();
    let body = Body::stream(queue.body());
    let places = Places::new(peer.places.clone());
    peer.bundles.spawn(async move {
        let running = TaskTracker::new();
        if let Err(error) = serve(&server, stream, &queue, &running, &places).await {
            tracing::debug!("a bundle of calls broke: {error}");
            if let FrameError::Broken(_) = error {
                places.give_up();
            }
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
    queue: &Queue<Running>,
    running: &TaskTracker,
    places: &Places,
) -> Result<(), FrameError> {
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
        if call.is_empty() {
            places.withdraw(number);
            continue;
        }
        let call: Call = postcard::from_bytes(&call).map_err(FrameError::Malformed)?;
        let Some(place) = places.take(number) else {
            let told = Told::Refused(503, "more calls than there are places for".to_owned());
            say(queue, number, &told, None);
            continue;
        };
        let (server, queue, bundle) = (server.clone(), queue.clone(), running.token());
        let calls = server.calls.clone();
        let controller = Code::controller(&call.controller);
        calls.spawn(controller.watch(async move {
            let running = Running { call: server.calls.token(), place };
            run(&server, number, call, &queue, (running, bundle)).await;
        }));
    }
}

/// Has the host answer a call, and says so if somebody still waits for it.
async fn run<H: Host>(
    server: &Arc<Server<H>>,
    number: u32,
    call: Call,
    queue: &Queue<Running>,
    (running, bundle): (Running, TaskTrackerToken),
) {
    let controller = call.controller.clone();
    let request_id = call.request_id.clone();
    let answering = AssertUnwindSafe(server.host.call(call, Body::empty())).catch_unwind();
    let answer = answering.await;
    if running.place.is_withdrawn() {
        return;
    }
    let (answer, body) = match answer {
        Ok(answer) => answer,
        Err(panic) => {
            let error = panic_message(&*panic);
            tracing::error!(request_id, "the call of controller {controller} failed: {error}");
            let told = Told::Refused(500, "the back end failed in this call".to_owned());
            return say(queue, number, &told, Some(running));
        }
    };
    let head = match frame::encode(&answer, ANSWER_LIMIT) {
        Ok(head) => head,
        Err(error) => {
            tracing::error!(request_id, "controller {controller}'s answer cannot be sent: {error}");
            return say(queue, number, &Told::Refused(500, error.to_string()), Some(running));
        }
    };
    let body = match body.into_pieces() {
        Ok(pieces) if head.len() + pieces.iter().map(|it| it.len()).sum::<usize>() <= LONGEST => {
            let told = encoded(&Told::Answered);
            let mut parts = vec![&told[..], &head];
            parts.extend(pieces.iter().map(|piece| &piece[..]));
            return queue.say(number, &parts, Some(running));
        }
        Ok(pieces) => Body::pieces(pieces),
        Err(body) => body,
    };
    let Running { call, place } = running;
    let ticket = server.parked.keep(place, (head, body), (call, bundle));
    say(queue, number, &Told::Parked(ticket), None);
}

fn say(queue: &Queue<Running>, number: u32, told: &Told, running: Option<Running>) {
    queue.say(number, &[&encoded(told)], running);
}

fn encoded(told: &Told) -> Vec<u8> {
    postcard::to_stdvec(told).expect("what is told has a form in postcard")
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
        Some(((head, body), (running, _bundle))) => call::send(head, body, running),
        None => refusal(StatusCode::GONE, "there is no answer with this ticket any more"),
    }
}
