//! Passes the requests of one connection to the handler, and its responses back to hyper.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::Either;
use http::header;
use http::request::Parts;
use http::{Method, Request, Response, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::service::Service;

use super::admission::admit;
use super::exchange::{Exchange, TimedBody};
use super::finish::finish;
use super::handler::{Handler, Peer};
use super::refusal::Refusal;
use super::timers::Timers;
use super::unread::Rest;
use super::work::{Work, WorkPermits};
use crate::body::Body;

/// The service that hyper calls for each request.
pub(super) struct Requests<H> {
    context: Arc<Context<H>>,
    timers: Arc<Timers>,
}

impl<H: Handler> Requests<H> {
    pub(super) fn new(context: Context<H>, timers: Arc<Timers>) -> Requests<H> {
        Requests { context: Arc::new(context), timers }
    }
}

/// A response that is not immediately available.
type Answering = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

type Responded = Result<Response<TimedBody>, Infallible>;

impl<H: Handler> Service<Request<Incoming>> for Requests<H> {
    type Response = Response<TimedBody>;
    type Error = Infallible;
    /// Boxed if it must wait, because hyper moves it.
    type Future = Either<Ready<Responded>, Pin<Box<dyn Future<Output = Responded> + Send>>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let exchange = Exchange::begin(self.timers.clone(), has_more(&request));
        let (parts, body) = request.into_parts();
        let (body, rest) = Rest::of(body, &parts, &self.timers);
        let waits_for_nothing = rest.is_none() || parts.version < Version::HTTP_2;
        let settling = rest.clone();
        let answered = move |mut response: Response<Body>| {
            if let Some(rest) = settling {
                rest.settle(&mut response);
            }
            handed_over(response, exchange)
        };
        match self.context.answer(parts, body) {
            Either::Left(response) if waits_for_nothing => Either::Left(ready(answered(response))),
            begun => Either::Right(Box::pin(async move {
                let response = match begun {
                    Either::Left(response) => response,
                    Either::Right(answering) => answering.await,
                };
                if let Some(rest) = rest {
                    rest.read_before(response.status()).await;
                }
                answered(response)
            })),
        }
    }
}

/// The state that all requests of a connection share. They share this value instead of the server's handler, so that
/// cores do not contend for its reference count.
pub(super) struct Context<H> {
    handler: Arc<H>,
    peer: Peer,
    headers: usize,
    /// Present if a connection may have many concurrent requests.
    permits: Option<WorkPermits>,
}

impl<H: Handler> Context<H> {
    /// Creates the state; `headers` is the maximum number of headers of a request.
    pub(super) fn new(
        handler: Arc<H>,
        peer: Peer,
        headers: usize,
        permits: Option<WorkPermits>,
    ) -> Context<H> {
        Context { handler, peer, headers, permits }
    }

    /// Returns the response to a request, if it is immediately available, otherwise a future.
    fn answer(
        self: &Arc<Self>,
        mut parts: Parts,
        body: Body,
    ) -> Either<Response<Body>, impl Future<Output = Response<Body>> + Send + use<H>> {
        if let Err(refusal) = admit(&mut parts, self.headers) {
            return Either::Left(refusal.response());
        }
        let request = Request::from_parts(parts, body);
        let work = self.permits.as_ref().map(WorkPermits::try_take);
        let begun = match work {
            Some(None) => Either::Left(request),
            work => match self.hand_over(request, work.flatten()) {
                Either::Left(response) => return Either::Left(response),
                Either::Right(answering) => Either::Right(answering),
            },
        };
        let context = Arc::clone(self);
        Either::Right(async move {
            let answering = match begun {
                Either::Right(answering) => answering,
                Either::Left(request) => {
                    let work = match &context.permits {
                        Some(permits) => Some(permits.take().await),
                        None => None,
                    };
                    match context.hand_over(request, work) {
                        Either::Left(response) => return response,
                        Either::Right(answering) => answering,
                    }
                }
            };
            let response = AssertUnwindSafe(answering).catch_unwind().await;
            response.unwrap_or_else(|_| context.panicked())
        })
    }

    /// Passes a request to the handler.
    fn hand_over(
        &self,
        request: Request<Body>,
        work: Option<Work>,
    ) -> Either<Response<Body>, Answering> {
        let answer = AssertUnwindSafe(|| self.handler.answer(request, self.peer, work));
        match catch_unwind(answer) {
            Ok(Either::Left(ready)) => Either::Left(ready.into_inner()),
            Ok(Either::Right(answering)) => Either::Right(Box::pin(answering)),
            Err(_) => Either::Left(self.panicked()),
        }
    }

    fn panicked(&self) -> Response<Body> {
        tracing::error!(%self.peer.addr, "the handler of a request panicked");
        Refusal::Panicked.response()
    }
}

/// Returns whether bytes after the head may belong to the request.
fn has_more(request: &Request<Incoming>) -> bool {
    !request.body().is_end_stream()
        || request.method() == Method::CONNECT
        || request.headers().contains_key(header::UPGRADE)
}

/// Finishes the response, which now waits for the client: over HTTP/2 hyper polls its body for the first frame, and
/// holds that frame, and the body, until the client has opened a window for it.
fn handed_over(mut response: Response<Body>, mut exchange: Exchange) -> Responded {
    finish(response.headers_mut());
    exchange.waits_for_client();
    Ok(response.map(|body| TimedBody::new(body, exchange)))
}
