use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Response, StatusCode};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::connection::Peer;
use super::gate::{refusal, unreadable};
use super::permits::{Permit, Permits};
use super::{HEAD_TIMEOUT, Server, call};
use crate::body::Body;
use crate::computation::Code;
use crate::link::frame::{FrameError, Frames};
use crate::link::multiplex::{MAX_ANSWER, MAX_CALL, OVERHEAD, Queue, ServerMessage, numbered};
use crate::link::{Call, FILES_LIMIT, Host, wire};
use crate::log::panic_message;

/// A running call. It counts as running, and holds its permit, until the transport has accepted its
/// answer. So a front end that does not read its answers cannot start calls without bound.
pub(super) struct Running {
    call: TaskTrackerToken,
    permit: Permit,
}

/// Opens a stream of multiplexed calls. It stays open until all its answers are sent, or being
/// fetched.
pub(super) fn answer<H: Host>(
    server: Arc<Server<H>>,
    peer: &Peer,
    stream: Incoming,
) -> Response<Body> {
    let queue = Queue::default();
    let body = Body::stream(queue.body());
    let permits = Permits::new(peer.permits.clone());
    peer.multiplexers.spawn(async move { serve_all(&server, stream, &queue, &permits).await });
    Response::new(body)
}

/// Serves a stream of multiplexed calls until all its answers are sent, or being fetched.
pub(super) async fn serve_all<H, S>(
    server: &Arc<Server<H>>,
    stream: S,
    queue: &Queue<Running>,
    permits: &Permits,
) -> Result<(), FrameError>
where
    H: Host,
    S: HttpBody<Data = Bytes, Error = hyper::Error> + Unpin,
{
    let running = TaskTracker::new();
    let served = serve(server, stream, queue, &running, permits).await;
    if let Err(error) = &served {
        tracing::debug!("a stream of multiplexed calls broke: {error}");
        if let FrameError::Broken(_) = error {
            permits.cancel_all();
        }
    }
    running.close();
    running.wait().await;
    queue.close();
    served
}

/// Reads calls until the stream ends. When the back end stops, it sends a goodbye, and the front
/// end uses other back ends; the calls that it has sent before are answered.
async fn serve<H, S>(
    server: &Arc<Server<H>>,
    stream: S,
    queue: &Queue<Running>,
    running: &TaskTracker,
    permits: &Permits,
) -> Result<(), FrameError>
where
    H: Host,
    S: HttpBody<Data = Bytes, Error = hyper::Error> + Unpin,
{
    let mut frames = Frames::new(stream, MAX_CALL + OVERHEAD);
    let mut stopping = false;
    loop {
        let message = tokio::select! {
            () = server.draining.cancelled(), if !stopping => {
                stopping = true;
                send(queue, 0, &ServerMessage::Goodbye, None);
                continue;
            }
            message = frames.message() => message?,
        };
        let Some(message) = message else { return Ok(()) };
        let (number, call) = numbered(message).ok_or(FrameError::Torn)?;
        if call.is_empty() {
            permits.cancel(number);
            continue;
        }
        let call: Call = postcard::from_bytes(&call).map_err(FrameError::Malformed)?;
        let Some(permit) = permits.acquire(number) else {
            let message =
                ServerMessage::Refused(503, "there are more calls than permits".to_owned());
            send(queue, number, &message, None);
            continue;
        };
        let (server, queue, stream_token) = (server.clone(), queue.clone(), running.token());
        let calls = server.calls.clone();
        let controller = Code::controller(&call.controller);
        calls.spawn(controller.watch(async move {
            let running = Running { call: server.calls.token(), permit };
            run(&server, number, call, &queue, (running, stream_token)).await;
        }));
    }
}

/// Has the host answer a call, and sends the answer unless the call has been cancelled.
async fn run<H: Host>(
    server: &Arc<Server<H>>,
    number: u32,
    call: Call,
    queue: &Queue<Running>,
    (running, stream_token): (Running, TaskTrackerToken),
) {
    let controller = call.controller.clone();
    let request_id = call.request_id.clone();
    let answering = AssertUnwindSafe(server.host.call(call, Body::empty())).catch_unwind();
    let answer = answering.await;
    if running.permit.is_cancelled() {
        return;
    }
    let (answer, body) = match answer {
        Ok(answer) => answer,
        Err(panic) => {
            let error = panic_message(&*panic);
            tracing::error!(request_id, "the call of controller {controller} failed: {error}");
            let message =
                ServerMessage::Refused(500, "the back end failed in this call".to_owned());
            return send(queue, number, &message, Some(running));
        }
    };
    let head = match answer.encoded() {
        Ok(head) => head,
        Err(error) => {
            tracing::error!(request_id, "controller {controller}'s answer cannot be sent: {error}");
            return send(
                queue,
                number,
                &ServerMessage::Refused(500, error.to_string()),
                Some(running),
            );
        }
    };
    let body = match body.into_pieces() {
        Ok(pieces)
            if head.len() + pieces.iter().map(|it| it.len()).sum::<usize>() <= MAX_ANSWER =>
        {
            let message = encoded(&ServerMessage::Answered);
            let mut parts = vec![&message[..], &head];
            parts.extend(pieces.iter().map(|piece| &piece[..]));
            return queue.send(number, &parts, Some(running));
        }
        Ok(pieces) => Body::pieces(pieces),
        Err(body) => body,
    };
    let Running { call, permit } = running;
    let ticket = server.held.keep(permit, (head, body), (call, stream_token));
    send(queue, number, &ServerMessage::Held(ticket), None);
}

fn send(queue: &Queue<Running>, number: u32, message: &ServerMessage, running: Option<Running>) {
    queue.send(number, &[&encoded(message)], running);
}

fn encoded(message: &ServerMessage) -> Vec<u8> {
    postcard::to_stdvec(message).expect("every server message can be encoded")
}

/// Sends an answer that was held.
pub(super) async fn fetch<H: Host>(server: Arc<Server<H>>, stream: Incoming) -> Response<Body> {
    let ticket = tokio::time::timeout(HEAD_TIMEOUT, wire::read::<u64>(stream, FILES_LIMIT)).await;
    let ticket = match ticket {
        Ok(Ok((ticket, _))) => ticket,
        Ok(Err(error)) => return unreadable(&error),
        Err(_) => return refusal(StatusCode::REQUEST_TIMEOUT, "the ticket did not arrive in time"),
    };
    match server.held.take(ticket) {
        Some(((head, body), (running, _stream_token))) => call::send(head, body, running),
        None => refusal(StatusCode::GONE, "there is no answer with this ticket any more"),
    }
}
