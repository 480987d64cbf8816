use std::future::Future;
use std::net::SocketAddr;

use http::request::Parts;
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
pub trait Handler: Send + Sync + 'static {
    /// Answers a request of which only the head is needed, if that can be done without waiting: much
    /// cheaper than a future. With `None` it is for [`handle`](Handler::handle).
    fn answer_at_once(&self, _request: &Parts, _peer: Peer) -> Option<Response<Body>> {
        None
    }

    /// Answers one request. A panic is answered with 500 and concerns this request only.
    fn handle(
        &self,
        request: Request<Body>,
        peer: Peer,
    ) -> impl Future<Output = Response<Body>> + Send;
}
