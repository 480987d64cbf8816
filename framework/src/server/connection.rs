//! One connection of a client, from its first byte to its last.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as Task, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Version;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::handler::{Handler, Peer};
use super::lent::Lent;
use super::limits::Limits;
use super::refusal::Refusal;
use super::service::{Context, Requests};
use super::socket::{RequestHeads, Socket};
use super::stop::{Alarm, Stop};
use super::timers::{Timeouts, Timers, Verdict};
use super::work::WorkPermits;

/// The state that all connections of a server share.
pub(super) struct Rules {
    pub(super) http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    pub(super) limits: Limits,
    /// The permits for connections.
    pub(super) permits: Arc<Semaphore>,
    timeouts: Timeouts,
    pub(super) stop: Stop,
}

impl Rules {
    pub(super) fn new(limits: Limits) -> Rules {
        let mut http1 = http1::Builder::new();
        // A client that half-closes the connection still receives its response.
        http1.half_close(true);
        // Hyper's own timeout would set a timer for each request, and would apply to idle connections as well.
        http1.header_read_timeout(None);
        http1.max_header_size(limits.header_bytes);
        http1.max_buf_size(limits.header_bytes.max(BUFFER));
        // Hyper allocates for each request if this is set, so its default is left alone.
        if limits.headers != 100 {
            http1.max_headers(limits.headers);
        }
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2.max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX));
        http2.max_send_buf_size(BUFFER);
        http2.max_concurrent_streams(limits.streams);
        let timeouts = Timeouts::new(&limits);
        let permits = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
        Rules { http1, http2, limits, permits, timeouts, stop: Stop::default() }
    }

    /// Returns whether so few permits are left that idle connections should be closed early.
    fn is_crowded(&self) -> bool {
        self.permits.available_permits() <= self.limits.connections / 8
    }
}

/// The maximum size of the buffers for reading and writing, in bytes (per stream in HTTP/2).
const BUFFER: usize = 128 * 1024;

/// The time for which a stopping server waits for the first request of a connection. The request is usually already on
/// its way, and closing the connection then would reset it.
const FIRST_BYTES_AFTER_STOP: Duration = Duration::from_millis(250);

/// Serves a connection until it ends.
pub(super) async fn serve<H: Handler>(
    mut stream: TcpStream,
    peer: Peer,
    rules: &Rules,
    handler: Arc<H>,
) {
    let first = timeout(rules.limits.header_timeout, first_bytes(&mut stream));
    let given_up = async {
        rules.stop.stopping().await;
        sleep(FIRST_BYTES_AFTER_STOP).await;
    };
    let (version, read) = tokio::select! {
        biased;
        first = first => match first {
            Ok(Ok(first)) => first,
            Ok(Err(_)) | Err(_) => return,
        },
        () = given_up => return,
    };
    let timers = Timers::new();
    let permits = (version == Version::HTTP_2).then(|| WorkPermits::new(rules.limits.streams));
    let context = Context::new(handler, peer, rules.limits.headers, permits);
    let heads =
        if version == Version::HTTP_2 { RequestHeads::Ignored } else { RequestHeads::Noted };
    let socket = Socket::new(stream, read, timers.clone(), heads);
    let requests = Requests::new(context, timers.clone());
    let timer = pin!(sleep(rules.timeouts.tick));
    let alarm = rules.stop.alarm();
    let mut driver = Driver { rules, timers, peer, alarm, timer, begun: false, closing: false };
    if version == Version::HTTP_2 {
        let connection = rules.http2.serve_connection(TokioIo::new(socket), requests);
        driver.drive(connection, http2::Connection::graceful_shutdown).await;
    } else {
        // Hyper returns the socket, so that an incomplete head can be answered with a refusal.
        let (lent, returned) = Lent::new(socket);
        let connection = rules.http1.serve_connection(TokioIo::new(lent), requests).with_upgrades();
        let end = driver.drive(connection, http1::UpgradeableConnection::graceful_shutdown).await;
        // An upgraded connection ends with its service, and keeps its permit until then.
        let returned = tokio::select! {
            biased;
            returned = returned => returned,
            () = rules.stop.stopping() => return,
        };
        if let (ConnectionEnd::SlowHead, Ok(mut socket)) = (end, returned) {
            driver.timers.close();
            // The client may no longer read it.
            let _ = timeout(rules.timeouts.tick, async {
                socket.write_all(&Refusal::SlowHead.written()).await?;
                socket.shutdown().await
            })
            .await;
        }
    }
}

/// The beginning of every HTTP/2 connection, with which no HTTP/1 request begins (RFC 9113, section 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Reads enough to determine the version, and usually the whole first head with it.
async fn first_bytes(stream: &mut TcpStream) -> io::Result<(Version, Bytes)> {
    let mut read = BytesMut::with_capacity(2048);
    loop {
        if stream.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if read.starts_with(HTTP2_PREFACE) {
            return Ok((Version::HTTP_2, read.freeze()));
        }
        if !HTTP2_PREFACE.starts_with(&read) {
            return Ok((Version::HTTP_11, read.freeze()));
        }
    }
}

/// The reason for the end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ConnectionEnd {
    Closed,
    SlowHead,
    Stalled,
}

/// Drives a connection, ends it when it exceeds its limits, and closes it when the server stops.
struct Driver<'a> {
    rules: &'a Rules,
    timers: Arc<Timers>,
    peer: Peer,
    alarm: Alarm<'a>,
    timer: Pin<&'a mut Sleep>,
    /// Whether hyper was polled at least once.
    begun: bool,
    closing: bool,
}

impl Driver<'_> {
    /// Drives a connection to its end. `close` makes it end after the responses to the requests that it has read.
    async fn drive<C>(&mut self, connection: C, close: fn(Pin<&mut C>)) -> ConnectionEnd
    where
        C: Future<Output = hyper::Result<()>>,
    {
        let mut connection = pin!(connection);
        poll_fn(|task| self.poll(connection.as_mut(), close, task)).await
    }

    fn poll<C>(
        &mut self,
        mut connection: Pin<&mut C>,
        close: fn(Pin<&mut C>),
        task: &mut Task<'_>,
    ) -> Poll<ConnectionEnd>
    where
        C: Future<Output = hyper::Result<()>>,
    {
        let (rules, peer) = (self.rules, self.peer);
        self.alarm.set(task);
        // Bytes that have already arrived are read before the connection is closed.
        if !self.begun {
            self.begun = true;
            if connection.as_mut().poll(task).is_ready() {
                return Poll::Ready(ConnectionEnd::Closed);
            }
        }
        let mut is_last = rules.stop.is_stopping();
        while self.timer.as_mut().poll(task).is_ready() {
            self.timer.as_mut().reset(Instant::now() + rules.timeouts.tick);
            match self.timers.tick(&rules.timeouts, rules.is_crowded()) {
                Verdict::Fine => {}
                Verdict::Idle if self.closing => return Poll::Ready(ConnectionEnd::Stalled),
                Verdict::Idle => is_last = true,
                Verdict::SlowHead => return Poll::Ready(ConnectionEnd::SlowHead),
                Verdict::Stalled => {
                    tracing::debug!(%peer.addr, "cut a client that reads nothing");
                    return Poll::Ready(ConnectionEnd::Stalled);
                }
            }
        }
        if is_last && !self.closing {
            self.closing = true;
            self.timers.close();
            close(connection.as_mut());
        }
        connection.poll(task).map(|end| {
            if let Err(error) = end {
                tracing::debug!(%peer.addr, %error, "connection broke off");
            }
            ConnectionEnd::Closed
        })
    }
}
