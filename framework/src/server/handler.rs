use std::future::{Future, Ready};
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::Either;
use http::{Request, Response};

use super::work::Work;
use crate::body::Body;

/// The client of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The address.
    pub addr: SocketAddr,
}

/// Answers requests.
///
/// The future of an answer may be dropped while it waits: when the client resets its stream or the connection, or the
/// drain time of the server is over. Work that must be completed belongs into a separate task. A client that only
/// half-closes the connection receives its response.
pub trait Handler: Sized + Send + Sync + 'static {
    /// Answers one request: immediately if no waiting is needed, which is much cheaper than a future. All tasks for the
    /// request must hold `work`, if the connection limits its work. A panic is answered with 500 and affects this
    /// request only.
    fn answer(
        self: &Arc<Self>,
        request: Request<Body>,
        peer: Peer,
        work: Option<Work>,
    ) -> Either<Ready<Response<Body>>, impl Future<Output = Response<Body>> + Send + 'static>;
}
