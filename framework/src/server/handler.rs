use std::future::{Future, Ready};
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::Either;
use http::{Request, Response};

use crate::body::Body;

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub addr: SocketAddr,
}

/// Answers requests.
///
/// The future of an answer may be dropped where it waits: when the client resets its stream or the
/// connection, or the server has drained for long enough. What must not be left half done belongs into a
/// task of its own. A client that only ends its sending gets its answer.
pub trait Handler: Sized + Send + Sync + 'static {
    /// Answers one request: at once where nothing has to be waited for, which costs much less than a
    /// future. A panic is answered with 500 and concerns this request only.
    fn answer(
        self: &Arc<Self>,
        request: Request<Body>,
        peer: Peer,
    ) -> Either<Ready<Response<Body>>, impl Future<Output = Response<Body>> + Send + 'static> {
        let handler = Arc::clone(self);
        Either::Right(async move { handler.handle(request, peer).await })
    }

    /// Answers one request in a future.
    fn handle(
        &self,
        request: Request<Body>,
        peer: Peer,
    ) -> impl Future<Output = Response<Body>> + Send;
}
