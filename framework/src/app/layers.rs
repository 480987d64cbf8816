//! Tower layers around all requests of a front end.

use std::convert::Infallible;
use std::future::Ready;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, NeverError};
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::body::{Body, BoxError};
use crate::frontend::FrontEnd;
use crate::raw::RawService;
use crate::server::{Handler, Peer, Work};

/// The address that a request came from, as an extension for layers. A caller of a
/// [`SiteService`](super::SiteService) adds it; a request without it counts as local.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct From(pub IpAddr);

impl From {
    /// Returns the address that `request` came from.
    fn of(request: &Request<Body>) -> IpAddr {
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        request.extensions().get::<From>().map_or(local, |From(peer)| *peer)
    }
}

/// Wraps a service in another one.
pub(super) type Wrap = Arc<dyn Fn(RawService) -> RawService + Send + Sync>;

/// The service inside the innermost layer: the front end, as a tower service. See [`App::layer`](super::App::layer).
#[derive(Clone)]
pub struct Inner(RawService);

impl<B> Service<Request<B>> for Inner
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = NeverError<BoxFuture<'static, Response<Body>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.0.answer(request.map(Body::arriving)).never_error()
    }
}

/// Converts a layer to a function that wraps a service.
pub(super) fn wrap<L, S, B>(layer: L) -> Wrap
where
    L: Layer<Inner, Service = S> + Send + Sync + 'static,
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    Arc::new(move |inner| RawService::new("a layer", layer.layer(Inner(inner))))
}

/// A front end with its layers.
#[derive(Clone)]
pub(super) struct Layered {
    frontend: Arc<FrontEnd>,
    /// `None` if there are no layers.
    outermost: Option<RawService>,
}

impl Layered {
    /// Wraps the front end in `layers`, the first one innermost.
    pub(super) fn new(frontend: Arc<FrontEnd>, layers: &[Wrap]) -> Layered {
        let innermost = || {
            let frontend = Arc::clone(&frontend);
            RawService::from_fn(move |request| answer(&frontend, request))
        };
        let outermost = (!layers.is_empty())
            .then(|| layers.iter().fold(innermost(), |inner, wrap| wrap(inner)));
        Layered { frontend, outermost }
    }

    /// Answers a request, which may contain [its address](From).
    pub(super) async fn answer(&self, request: Request<Body>) -> Response<Body> {
        match &self.outermost {
            None => answer(&self.frontend, request).await,
            Some(outermost) => outermost.answer(request).await,
        }
    }

    /// Returns the front end.
    pub(super) fn frontend(&self) -> &Arc<FrontEnd> {
        &self.frontend
    }
}

/// Answers a request whose extensions contain the server's data about it.
fn answer(
    frontend: &Arc<FrontEnd>,
    mut request: Request<Body>,
) -> Either<Ready<Response<Body>>, impl Future<Output = Response<Body>> + Send + use<>> {
    let peer = From::of(&request);
    // A service of the site may keep the extensions of a request, but must not keep its slot.
    let work = request.extensions_mut().remove::<Work>();
    frontend.answer(request, peer, work)
}

impl Handler for Layered {
    fn answer(
        self: &Arc<Self>,
        mut request: Request<Body>,
        peer: Peer,
        work: Option<Work>,
    ) -> Either<Ready<Response<Body>>, impl Future<Output = Response<Body>> + Send + 'static> {
        match &self.outermost {
            None => match self.frontend.answer(request, peer.addr.ip(), work) {
                Either::Left(response) => Either::Left(response),
                Either::Right(answering) => Either::Right(Either::Left(answering)),
            },
            Some(outermost) => {
                let extensions = request.extensions_mut();
                extensions.insert(From(peer.addr.ip()));
                if let Some(work) = work {
                    extensions.insert::<Work>(work);
                }
                Either::Right(Either::Right(outermost.answer(request)))
            }
        }
    }
}
