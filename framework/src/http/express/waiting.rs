//! A request that the handler is at.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};

use bytes::Bytes;
use http::{Method, Request, Response};

use super::head::Head;
use crate::body::Body;
use crate::http::connection::Context;
use crate::http::pulse::{Exchange, Pulse, RequestBody};
use crate::http::server::Handler;

/// A request without a body, until its response is made.
pub(super) struct Waiting {
    pub(super) method: Method,
    /// Its head, as it came.
    pub(super) head: Bytes,
    /// Until the response is out.
    pub(super) exchange: Exchange,
    response: Pin<Box<dyn Future<Output = Response<Body>> + Send>>,
}

impl Waiting {
    /// Hands the request to the handler.
    pub(super) fn begin<H: Handler>(
        context: &Arc<Context<H>>,
        pulse: &Arc<Pulse>,
        head: Head,
    ) -> Waiting {
        let method = head.request.method.clone();
        let request = Request::from_parts(head.request, Body::empty());
        Waiting {
            method,
            head: head.bytes,
            exchange: Exchange::begin(pulse.clone(), RequestBody::None),
            response: Box::pin(context.clone().respond(request)),
        }
    }

    pub(super) fn poll(&mut self, task: &mut Task<'_>) -> Poll<Response<Body>> {
        self.response.as_mut().poll(task)
    }
}
