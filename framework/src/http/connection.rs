//! One connection of a client, from its first byte to its last.

use std::convert::Infallible;
use std::future::{poll_fn, ready};
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::Either;
use http::request::Parts;
use http::{Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::limits::Limits;
use super::pulse::{Exchange, Patience, Pulse, RequestBody, Told, Verdict};
use super::server::Handler;
use super::socket::{Heads, Socket};
use super::stop::Stop;
use crate::body::Body;

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub addr: SocketAddr,
}

/// What all connections of a server have in common.
pub(super) struct Rules {
    pub(super) http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    pub(super) limits: Limits,
    patience: Patience,
    pub(super) stop: Stop,
}

impl Rules {
    pub(super) fn new(limits: Limits) -> Rules {
        let mut http1 = http1::Builder::new();
        // Hyper's own timeout sets a timer for each request and is the idle timeout as well.
        http1.header_read_timeout(None);
        http1.max_header_size(limits.header_bytes);
        http1.max_buf_size(limits.header_bytes.max(BUFFER));
        // Any other number makes hyper allocate for each request.
        if limits.headers != 100 {
            http1.max_headers(limits.headers);
        }
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2.max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX));
        http2.max_send_buf_size(BUFFER);
        http2.max_concurrent_streams(200);
        let patience = Patience::new(&limits);
        Rules { http1, http2, limits, patience, stop: Stop::default() }
    }
}

/// The most that is buffered of what is read or written, in bytes (per stream in HTTP/2).
const BUFFER: usize = 128 * 1024;

/// Serves a connection until it ends.
pub(super) async fn serve<H: Handler>(
    mut stream: TcpStream,
    peer: Peer,
    rules: &Rules,
    handler: Arc<H>,
) {
    let first = timeout(rules.limits.header_timeout, first_bytes(&mut stream));
    let (version, read) = tokio::select! {
        biased;
        () = rules.stop.stopping() => return,
        first = first => match first {
            Ok(Ok(first)) => first,
            Ok(Err(_)) | Err(_) => return,
        }
    };
    let pulse = Pulse::new();
    let context = Arc::new(Context { handler, peer, headers: rules.limits.headers });
    let service = service_fn({
        let pulse = pulse.clone();
        move |request: Request<Incoming>| {
            let exchange = Exchange::begin(pulse.clone(), RequestBody::of(&request));
            let (parts, body) = request.into_parts();
            match context.respond_at_once(&parts) {
                Some(response) => Either::Left(ready(told(response, exchange))),
                None => {
                    let request = Request::from_parts(parts, body);
                    // In a box, because hyper moves it.
                    Either::Right(Box::pin(respond(context.clone(), exchange, request)))
                }
            }
        }
    });
    let heads = if version == Version::HTTP_2 { Heads::Ignored } else { Heads::Noted };
    let socket = TokioIo::new(Socket::new(stream, read, pulse.clone(), heads));
    if version == Version::HTTP_2 {
        let mut connection = rules.http2.serve_connection(socket, service);
        attend(&mut connection, &pulse, rules, peer).await;
    } else {
        let mut connection = rules.http1.serve_connection(socket, service);
        if attend(&mut connection, &pulse, rules, peer).await == End::SlowHead {
            pulse.close();
            let mut socket = connection.into_parts().io.into_inner();
            // Whether the client hears it does not matter any more.
            let _ = timeout(rules.patience.beat, async {
                socket.write_all(REQUEST_TIMEOUT).await?;
                socket.shutdown().await
            })
            .await;
        }
    }
}

const REQUEST_TIMEOUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// How every HTTP/2 connection begins, and no request of HTTP/1 (RFC 9113, section 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Reads as much as tells the version, and most often the whole first head with it.
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

/// How a connection came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Closed,
    SlowHead,
    Stalled,
}

/// Drives a connection to its end, which may be that the server stops or a timeout.
async fn attend<C>(connection: &mut C, pulse: &Pulse, rules: &Rules, peer: Peer) -> End
where
    C: GracefulConnection + Unpin,
    C::Error: std::fmt::Display,
{
    let mut alarm = rules.stop.alarm();
    let mut timer = pin!(sleep(rules.patience.beat));
    let mut closing = false;
    poll_fn(|context| {
        alarm.set(context);
        let mut close = rules.stop.is_stopping();
        while timer.as_mut().poll(context).is_ready() {
            timer.as_mut().reset(Instant::now() + rules.patience.beat);
            match pulse.beat(&rules.patience) {
                Verdict::Fine => {}
                Verdict::Idle if closing => return Poll::Ready(End::Stalled),
                Verdict::Idle => close = true,
                Verdict::SlowHead => return Poll::Ready(End::SlowHead),
                Verdict::Stalled => {
                    tracing::debug!(%peer.addr, "cut a client that takes nothing");
                    return Poll::Ready(End::Stalled);
                }
            }
        }
        if close && !closing {
            closing = true;
            pulse.close();
            Pin::new(&mut *connection).graceful_shutdown();
        }
        Pin::new(&mut *connection).poll(context).map(|end| {
            if let Err(error) = end {
                tracing::debug!(%peer.addr, %error, "connection broke off");
            }
            End::Closed
        })
    })
    .await
}

/// What all requests of a connection have in common. It is shared by them instead of the server's
/// own so that cores do not share its counter.
struct Context<H> {
    handler: Arc<H>,
    peer: Peer,
    headers: usize,
}

impl<H: Handler> Context<H> {
    /// The response that there is without waiting for anything.
    fn respond_at_once(&self, request: &Parts) -> Option<Response<Body>> {
        if let Some((status, message)) = refusal(request, self.headers) {
            return Some(plain(status, message));
        }
        let answer = AssertUnwindSafe(|| self.handler.answer_at_once(request, self.peer));
        catch_unwind(answer).unwrap_or_else(|_| Some(self.panicked()))
    }

    fn panicked(&self) -> Response<Body> {
        tracing::error!(%self.peer.addr, "the handler of a request panicked");
        plain(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n")
    }
}

async fn respond<H: Handler>(
    context: Arc<Context<H>>,
    exchange: Exchange,
    request: Request<Incoming>,
) -> Result<Response<Told>, Infallible> {
    let answer = async { context.handler.handle(request, context.peer).await };
    let response = AssertUnwindSafe(answer).catch_unwind().await;
    told(response.unwrap_or_else(|_| context.panicked()), exchange)
}

fn told(response: Response<Body>, exchange: Exchange) -> Result<Response<Told>, Infallible> {
    Ok(response.map(|body| Told::new(body, exchange)))
}

/// Why a request is not answered by the handler, if hyper has let it through in spite of it.
fn refusal(request: &Parts, headers: usize) -> Option<(StatusCode, &'static str)> {
    let mut hosts = request.headers.get_all(header::HOST).iter();
    let (host, another) = (hosts.next(), hosts.next());
    if another.is_some() || (host.is_none() && request.version == Version::HTTP_11) {
        // RFC 9112, section 3.2.
        return Some((StatusCode::BAD_REQUEST, "A request needs exactly one Host header.\n"));
    }
    // Hyper counts the headers of HTTP/1 only.
    if request.version == Version::HTTP_2 && request.headers.len() > headers {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Some((status, "The request has too many headers.\n"));
    }
    None
}

fn plain(status: StatusCode, message: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(message));
    *response.status_mut() = status;
    let text = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}
