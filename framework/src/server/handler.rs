use std::future::{Future, Ready};
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::Either;
use http::{Request, Response};

use super::work::Work;
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
    /// future. `work` is to be kept by all that is done for the request, if its connection is held to
    /// it. A panic is answered with 500 and concerns this request only.
    fn answer(
        self: &Arc<Self>,
        request: Request<Body>,
        peer: Peer,
        work: Option<Work>,
    ) -> Either<Ready<Response<Body>>, impl Future<Output = Response<Body>> + Send + 'static>;
}
