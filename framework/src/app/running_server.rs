//! Servers that run until they are stopped, and the services behind them.

use std::future::{Future, Ready};
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::Either;
use http::{Request, Response};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::admin::{self, Guard, Metrics, Node};
use crate::body::Body;
use crate::problem::{Problem, Problems};
use crate::server::{Handler, Limits, Peer, Server, Work};

/// A server that runs until it is stopped, or dropped.
pub(super) struct RunningServer {
    /// The address that it listens on.
    pub(super) address: SocketAddr,
    stop: DropGuard,
    done: JoinHandle<()>,
}

impl RunningServer {
    /// Runs `serving`, which ends when `stop` is cancelled.
    pub(super) fn start<F>(
        runtime: &Handle,
        address: SocketAddr,
        stop: CancellationToken,
        serving: F,
    ) -> RunningServer
    where
        F: Future<Output = ()> + Send + 'static,
    {
        RunningServer { address, stop: stop.drop_guard(), done: runtime.spawn(serving) }
    }

    /// Serves HTTP requests at `listen`, the address in the section `what` of project.toml.
    pub(super) async fn http<H: Handler>(
        what: &str,
        listen: SocketAddr,
        limits: Limits,
        handler: H,
    ) -> Result<RunningServer, Problems> {
        let server = Server::bind(listen, limits).await;
        let server = server.map_err(|error| cannot_listen(what, listen, &error))?;
        RunningServer::of(server, handler)
    }

    /// Serves HTTP requests on an open socket.
    pub(super) fn on<H: Handler>(
        listener: std::net::TcpListener,
        limits: Limits,
        handler: H,
    ) -> Result<RunningServer, Problems> {
        let server = Server::on(listener, limits);
        let server = server.map_err(|error| problem("take over the socket", &error))?;
        RunningServer::of(server, handler)
    }

    fn of<H: Handler>(server: Server, handler: H) -> Result<RunningServer, Problems> {
        let address = server.local_addr();
        let address = address.map_err(|error| problem("read the address of a listener", &error))?;
        let stop = CancellationToken::new();
        let serving = server.run(Arc::new(handler), stop.clone());
        Ok(RunningServer::start(&Handle::current(), address, stop, async {
            let drained = serving.await;
            if drained.cut > 0 {
                tracing::warn!(
                    connections = drained.cut,
                    "cut connections that took too long to end"
                );
            }
        }))
    }

    /// Stops the server, and waits until it has drained.
    pub(super) async fn stop(self) {
        drop(self.stop);
        if let Err(error) = self.done.await {
            tracing::error!(%error, "a server ended badly");
        }
    }
}

/// Passes the requests of operators to the admin module.
pub(super) struct Operators {
    pub(super) node: Arc<dyn Node>,
    pub(super) metrics: Metrics,
    pub(super) guard: Guard,
}

impl Handler for Operators {
    fn answer(
        self: &Arc<Self>,
        request: Request<Body>,
        _: Peer,
        _: Option<Work>,
    ) -> Either<Ready<Response<Body>>, impl Future<Output = Response<Body>> + Send + 'static> {
        let this = Arc::clone(self);
        Either::Right(async move {
            admin::answer(&*this.node, &this.metrics, &this.guard, request).await
        })
    }
}

pub(super) async fn bind(what: &str, address: SocketAddr) -> Result<TcpListener, Problems> {
    TcpListener::bind(address).await.map_err(|error| cannot_listen(what, address, &error))
}

fn cannot_listen(what: &str, address: SocketAddr, error: &std::io::Error) -> Problems {
    Problem::new(format!("cannot listen on {address} (`listen` in `[{what}]`): {error}")).into()
}

pub(super) fn address(listener: &TcpListener) -> Result<SocketAddr, Problems> {
    listener.local_addr().map_err(|error| problem("read the address of a listener", &error))
}

pub(super) fn problem(what: &str, error: &dyn std::fmt::Display) -> Problems {
    Problem::new(format!("cannot {what}: {error}")).into()
}
