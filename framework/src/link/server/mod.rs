//! The back end's half of the link.
//!
//! - [`serve`] accepts connections and, when it stops, drains them.
//! - `connection`: one connection, from its first request to its end.
//! - `gate`: checks that requests are for this link, and contain the secret.
//! - `permits`: bounds the open multiplexed calls, and keeps held answers until they are fetched.
//! - `call`, `multiplex`, `member` and `files`: the kinds of request: a call, multiplexed calls, a
//!   front end's feed, and questions about files of the docroot.

mod call;
mod connection;
mod files;
#[cfg(feature = "internals")]
pub(super) mod fuzzed;
mod gate;
mod member;
mod multiplex;
mod permits;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::connector::{Accepted, Purpose};
use super::{Host, Incoming};

/// How long front ends may take to read the last message of their feeds, and connections to end
/// after that.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long the head of a request may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause after a connection could not be accepted, because there are too many open files for
/// example.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How a back end serves its link.
#[derive(Debug, Clone)]
pub(crate) struct ServerOptions {
    /// The secret that front ends must send. Required if the listener is reachable from beyond this
    /// machine.
    pub secret: Option<String>,
    /// The length of a lease: a connection whose peer is silent for about as long is closed.
    pub lease: Duration,
    /// The number of connections that are served at a time; further ones are closed at once.
    pub connections: usize,
    /// How long running calls may take when the back end stops.
    pub drain: Duration,
    /// The runtime for calls, if not the one that [`serve`] runs in, which is then left to feeds.
    pub calls: Option<Handle>,
}

impl Default for ServerOptions {
    fn default() -> ServerOptions {
        ServerOptions {
            secret: None,
            lease: Duration::from_secs(2),
            connections: 1024,
            drain: Duration::from_secs(10),
            calls: None,
        }
    }
}

/// Why a back end's link cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// The listener is reachable from beyond this machine, and no secret is required.
    #[error(
        "the link listens on {address}, which others than this machine can reach; set `secret` in \
         `[link]` of project.toml, on back ends and front ends, or listen on 127.0.0.1"
    )]
    NoSecret {
        /// The listener's address.
        address: SocketAddr,
    },
    /// The listener cannot be used.
    #[error("the link cannot listen: {0}")]
    Listen(#[from] std::io::Error),
}

/// The state that the connections of a link share.
struct Server<H> {
    host: Arc<H>,
    options: ServerOptions,
    /// The calls that are running, until their answers have been sent.
    calls: TaskTracker,
    feeds: TaskTracker,
    /// Answers that wait to be fetched.
    held: Arc<permits::HeldAnswers>,
    /// Cancelled when no more requests are accepted.
    draining: CancellationToken,
    /// Cancelled when feeds must end.
    goodbye: CancellationToken,
}

/// Serves the link until `stop` is done. Then no more connections and calls are accepted, running
/// calls get [`ServerOptions::drain`] to finish (those that write need the feeds for it), and
/// finally the feeds are closed with a goodbye. Must be called within a tokio runtime; the returned
/// future does all of this.
///
/// # Errors
/// If the listener is reachable from beyond this machine and there is no secret.
pub(crate) fn serve<H: Host>(
    incoming: Incoming,
    host: Arc<H>,
    options: ServerOptions,
    stop: impl Future<Output = ()> + Send,
) -> Result<impl Future<Output = ()> + Send, ServeError> {
    if options.secret.is_none()
        && let Some(address) = incoming.exposed()?
    {
        return Err(ServeError::NoSecret { address });
    }
    let server = Arc::new(Server {
        host,
        options,
        calls: TaskTracker::new(),
        feeds: TaskTracker::new(),
        held: Arc::default(),
        draining: CancellationToken::new(),
        goodbye: CancellationToken::new(),
    });
    Ok(async move {
        let connections = server.accept(incoming, stop).await;
        server.drain(connections).await;
    })
}

impl<H: Host> Server<H> {
    /// Accepts connections until `stop` is done. No connection is accepted after this returns.
    async fn accept(
        self: &Arc<Self>,
        mut incoming: Incoming,
        stop: impl Future<Output = ()> + Send,
    ) -> JoinSet<()> {
        let permits = Arc::new(Semaphore::new(self.options.connections));
        let mut connections = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        let mut full = false;
        loop {
            let accepted = tokio::select! {
                () = stop.as_mut() => return connections,
                Some(_) = connections.join_next() => continue,
                accepted = incoming.accept() => accepted,
            };
            match accepted {
                Ok(stream) => match permits.clone().try_acquire_owned() {
                    Ok(permit) => {
                        full = false;
                        let serving = self.clone().serve(stream);
                        connections.spawn(async move {
                            serving.await;
                            drop(permit);
                        });
                    }
                    Err(_) if full => {}
                    Err(_) => {
                        full = true;
                        let limit = self.options.connections;
                        tracing::warn!("the link has {limit} connections and closes further ones");
                    }
                },
                Err(error) => {
                    tracing::warn!("a connection of the link could not be accepted: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Serves a connection in the runtime for its purpose.
    async fn serve(self: Arc<Self>, accepted: Accepted) {
        let introduced =
            tokio::time::timeout(connection::INTRODUCTION, accepted.introduced()).await;
        let (stream, purpose) = match introduced {
            Ok(Ok(introduced)) => introduced,
            Ok(Err(_)) | Err(_) => return,
        };
        let calls = self.options.calls.clone().filter(|_| purpose == Purpose::Calls);
        let Some(calls) = calls else { return connection::serve(self, stream).await };
        match stream.moved_to(&calls) {
            Ok(stream) => {
                let serving = calls.spawn(connection::serve(self, stream));
                // A panic in the task ends this connection only.
                let _ = AbortOnDropHandle::new(serving).await;
            }
            Err(error) => tracing::warn!("a connection of the link cannot be served: {error}"),
        }
    }

    async fn drain(&self, mut connections: JoinSet<()>) {
        let began = tokio::time::Instant::now();
        self.draining.cancel();
        self.calls.close();
        if tokio::time::timeout(self.options.drain, self.calls.wait()).await.is_err() {
            tracing::warn!("{} calls have not finished in time", self.calls.len());
        }
        self.goodbye.cancel();
        self.feeds.close();
        // A call that was in flight at the stop has begun meanwhile, and keeps its connection open;
        // when it has ended, its answer must still be sent.
        let goodbye = tokio::time::Instant::now();
        let mut busy = goodbye;
        loop {
            let ended = async {
                self.feeds.wait().await;
                while connections.join_next().await.is_some() {}
            };
            if tokio::time::timeout(FAREWELL / 10, ended).await.is_ok() {
                break;
            }
            if !self.calls.is_empty() {
                busy = tokio::time::Instant::now();
            }
            let is_over = busy.elapsed() >= FAREWELL || began.elapsed() >= self.options.drain;
            if is_over && goodbye.elapsed() >= FAREWELL {
                break;
            }
        }
        connections.shutdown().await;
    }
}
