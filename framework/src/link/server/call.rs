use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::gate::{refusal, unreadable};
use super::{HEAD_TIMEOUT, Server};
use crate::body::{Body, BodyError};
use crate::computation::Code;
use crate::link::wire::{self, Wire};
use crate::link::{CALL_LIMIT, Call, Host};

/// Has the host answer a call.
pub(super) async fn answer<H: Host>(server: Arc<Server<H>>, stream: Incoming) -> Response<Body> {
    let running = server.calls.token();
    let head = tokio::time::timeout(HEAD_TIMEOUT, wire::read::<Call>(stream, CALL_LIMIT)).await;
    let (call, body) = match head {
        Ok(Ok(call)) => call,
        Ok(Err(error)) => return unreadable(&error),
        Err(_) => return refusal(StatusCode::REQUEST_TIMEOUT, "the call did not arrive in time"),
    };
    let controller = call.controller.clone();
    let request_id = call.request_id.clone();
    // In a task of its own, because hyper drops this future when the front end resets the stream.
    let host = server.host.clone();
    let handler = server.calls.spawn(Code::controller(&controller).watch(async move {
        let (answer, body) = host.call(call, body).await;
        (answer.encoded(), body)
    }));
    let (head, body) = match handler.await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::error!(request_id, "the call of controller {controller} failed: {error}");
            return refusal(StatusCode::INTERNAL_SERVER_ERROR, "the back end failed in this call");
        }
    };
    match head {
        Ok(head) => send(head, body, running),
        Err(error) => {
            tracing::error!(request_id, "controller {controller}'s answer cannot be sent: {error}");
            refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
        }
    }
}

/// Sends an encoded answer. Its call counts as running until then.
pub(super) fn send(head: Bytes, body: Body, running: TaskTrackerToken) -> Response<Body> {
    let wire = Wire::new(head, body);
    Response::new(Body::stream(Running { wire, _running: running }))
}

/// An answer whose call counts as running until it has been sent.
struct Running {
    wire: Wire,
    _running: TaskTrackerToken,
}

impl HttpBody for Running {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Pin::new(&mut self.wire).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.wire.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.wire.size_hint()
    }
}
