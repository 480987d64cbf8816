use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Server, gate};
use crate::link::connector::Stream;
use crate::link::keep_alive::{KeepAlive, PING_TIMEOUT, ping_interval};
use crate::link::multiplex::{MAX_CALLS, PIECE};
use crate::link::{CONNECTION_WINDOW, HEADER_LIMIT, Host, STREAM_WINDOW, STREAMS};

/// How long a peer may take to prove that it belongs to the site.
pub(super) const INTRODUCTION: Duration = Duration::from_secs(10);

/// The peer of a connection, as far as its requests have identified it.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// Cancelled when it has sent the secret.
    pub(super) trusted: CancellationToken,
    /// Cancelled when it has not, or when it speaks another version: the connection is closed after
    /// the answer.
    pub(super) refused: CancellationToken,
    /// Its streams of multiplexed calls.
    pub(super) multiplexers: TaskTracker,
    /// Permits for multiplexed calls.
    pub(super) permits: Arc<Semaphore>,
}

impl Peer {
    fn new() -> Peer {
        Peer {
            trusted: CancellationToken::new(),
            refused: CancellationToken::new(),
            multiplexers: TaskTracker::new(),
            permits: Arc::new(Semaphore::new(MAX_CALLS)),
        }
    }
}

/// Serves one connection to its end.
pub(super) async fn serve<H: Host>(server: Arc<Server<H>>, stream: Stream) {
    let peer = Peer::new();
    let service = service_fn(|request| {
        let answer = gate::answer(server.clone(), peer.clone(), request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let lease = server.options.lease;
    let stream = KeepAlive::new(stream, lease);
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(PIECE as u32)
        .max_send_buf_size(STREAM_WINDOW as usize)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_LIMIT)
        .keep_alive_interval(ping_interval(lease))
        .keep_alive_timeout(PING_TIMEOUT)
        .auto_date_header(false)
        // Front ends reset streams when visitors leave, before the streams are accepted or with
        // data in flight. That is no abuse, and the second counter runs for as long as the
        // connection lives.
        .max_pending_accept_reset_streams(STREAMS as usize)
        .max_local_error_reset_streams(None)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let mut introduction = pin!(tokio::time::sleep(INTRODUCTION));
    // An answer to a multiplexed call may have to be fetched over another stream, so the connection
    // accepts streams until all multiplexed calls have ended.
    let mut drained = pin!(async {
        server.draining.cancelled().await;
        peer.multiplexers.close();
        peer.multiplexers.wait().await;
    });
    let mut closing = false;
    let mut introduced = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!("a connection of the link ended: {error}");
                }
                return;
            }
            () = drained.as_mut(), if !closing => {
                closing = true;
                connection.as_mut().graceful_shutdown();
            }
            () = peer.refused.cancelled(), if !closing => {
                closing = true;
                connection.as_mut().graceful_shutdown();
            }
            () = introduction.as_mut(), if !introduced => {
                introduced = peer.trusted.is_cancelled();
                if !introduced {
                    tracing::debug!("a connection of the link was closed: it sent no valid request");
                    return;
                }
            }
        }
    }
}
