//! Tower services of the site that receive requests unchanged.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response, StatusCode};
use tower_service::Service;

use crate::body::{Body, BoxError, text};
use crate::controller::Registration;
use crate::dispatch::service_controller;
use crate::reply::{self, Content, Reply};
use crate::request;

/// A tower service of any type. Each request uses a clone of its own.
#[derive(Clone)]
pub(crate) struct RawService(Arc<ServiceFn>);

type ServiceFn = dyn Fn(Request<Body>) -> BoxFuture<'static, Response<Body>> + Send + Sync;

impl RawService {
    /// Wraps a service, which log lines call `name`.
    pub(crate) fn new<S, B>(name: impl Into<String>, service: S) -> RawService
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let name: Arc<str> = name.into().into();
        RawService::from_fn(move |request| {
            let (mut service, name) = (service.clone(), Arc::clone(&name));
            async move {
                let ready = poll_fn(|task| service.poll_ready(task).map_err(Into::into)).await;
                let answer = match ready {
                    Ok(()) => service.call(request).await.map_err(Into::into),
                    Err(error) => Err(error),
                };
                answer.map(|response| response.map(Body::arriving)).unwrap_or_else(
                    |error: BoxError| {
                        tracing::error!(service = &*name, %error, "a service failed");
                        let message = "Something went wrong on our side.\n";
                        text(StatusCode::INTERNAL_SERVER_ERROR, message)
                    },
                )
            }
        })
    }

    pub(crate) fn from_fn<F, Running>(call: F) -> RawService
    where
        F: Fn(Request<Body>) -> Running + Send + Sync + 'static,
        Running: Future<Output = Response<Body>> + Send + 'static,
    {
        RawService(Arc::new(move |request| Box::pin(call(request))))
    }

    /// Registers the service as a controller, under the name that
    /// [`service_controller`](crate::dispatch::service_controller) gives it.
    #[track_caller]
    pub(crate) fn into_controller(self, name: &str) -> Registration {
        let name = service_controller(name);
        Registration::new(name, move |request: request::Request| {
            let mut raw = Request::new(request.body);
            *raw.method_mut() = request.parts.method;
            *raw.uri_mut() = request.parts.uri;
            *raw.headers_mut() = request.parts.headers;
            *raw.extensions_mut() = request.parts.extensions;
            raw.extensions_mut().insert(request.parts.site);
            let answer = self.answer(raw);
            async move {
                let (parts, body) = answer.await.into_parts();
                if parts.status.is_informational() {
                    let cause = "a service on a back end cannot upgrade a connection: its route must \
                                 not have `on = \"backend\"`";
                    return reply::error(StatusCode::INTERNAL_SERVER_ERROR).cause(cause);
                }
                Reply::new(parts.status, Content::Body(body)).with_headers(parts.headers)
            }
        })
    }

    pub(crate) fn answer(&self, request: Request<Body>) -> BoxFuture<'static, Response<Body>> {
        (self.0)(request)
    }
}
