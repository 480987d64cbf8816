//! One connection of a client, from its first byte to its last.

use std::convert::Infallible;
use std::future::{Ready, poll_fn, ready};
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as Task, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::Either;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::admission::{Refusal, admit};
use super::limits::Limits;
use super::pulse::{Exchange, Patience, Pulse, RequestBody, Told, Verdict};
use super::server::Handler;
use super::socket::{Heads, Socket};
use super::stop::{Alarm, Stop};
use super::unread::Rest;
use super::work::Places;
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
    /// Places for connections.
    pub(super) places: Arc<Semaphore>,
    patience: Patience,
    pub(super) stop: Stop,
}

impl Rules {
    pub(super) fn new(limits: Limits) -> Rules {
        let mut http1 = http1::Builder::new();
        // A client that sends nothing more gets its answer.
        http1.half_close(true);
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
        http2.max_concurrent_streams(limits.streams);
        let patience = Patience::new(&limits);
        let places = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
        Rules { http1, http2, limits, places, patience, stop: Stop::default() }
    }

    /// Whether so few places are left that connections without a request are in the way.
    fn is_crowded(&self) -> bool {
        self.places.available_permits() <= self.limits.connections / 8
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
    let mut context = Context::new(handler, peer, rules.limits.headers);
    if version == Version::HTTP_2 {
        context.places = Some(Places::new(rules.limits.streams));
    }
    let context = Arc::new(context);
    let heads = if version == Version::HTTP_2 { Heads::Ignored } else { Heads::Noted };
    let socket = Socket::new(stream, read, pulse.clone(), heads);
    let timer = pin!(sleep(rules.patience.beat));
    let alarm = rules.stop.alarm();
    let mut attendant = Attendant { rules, pulse: &pulse, peer, alarm, timer, closing: false };
    if version == Version::HTTP_2 {
        serve_http2(socket, &context, &mut attendant).await;
    } else {
        serve_http1(socket, &context, &mut attendant).await;
    }
}

async fn serve_http2<H: Handler>(
    socket: Socket<TcpStream>,
    context: &Arc<Context<H>>,
    attendant: &mut Attendant<'_>,
) {
    let requests = Requests::new(context, attendant.pulse);
    let connection = attendant.rules.http2.serve_connection(TokioIo::new(socket), requests);
    attendant.attend(connection, http2::Connection::graceful_shutdown).await;
}

async fn serve_http1<H: Handler>(
    mut socket: Socket<TcpStream>,
    context: &Arc<Context<H>>,
    attendant: &mut Attendant<'_>,
) {
    let requests = Requests::new(context, attendant.pulse);
    let connection = attendant.rules.http1.serve_connection(TokioIo::new(&mut socket), requests);
    let end = attendant.attend(connection, http1::Connection::graceful_shutdown).await;
    if end == End::SlowHead {
        refuse_slow_head(socket, attendant).await;
    }
}

async fn refuse_slow_head(mut socket: Socket<TcpStream>, attendant: &Attendant<'_>) {
    attendant.pulse.close();
    // Whether the client hears it does not matter any more.
    let _ = timeout(attendant.rules.patience.beat, async {
        socket.write_all(REQUEST_TIMEOUT).await?;
        socket.shutdown().await
    })
    .await;
}

/// What hyper calls for each request.
struct Requests<H> {
    context: Arc<Context<H>>,
    pulse: Arc<Pulse>,
}

impl<H: Handler> Requests<H> {
    fn new(context: &Arc<Context<H>>, pulse: &Arc<Pulse>) -> Requests<H> {
        Requests { context: context.clone(), pulse: pulse.clone() }
    }
}

type Responded = Result<Response<Told>, Infallible>;

impl<H: Handler> Service<Request<Incoming>> for Requests<H> {
    type Response = Response<Told>;
    type Error = Infallible;
    /// In a box if it must wait, because hyper moves it.
    type Future = Either<Ready<Responded>, Pin<Box<dyn Future<Output = Responded> + Send>>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let exchange = Exchange::begin(self.pulse.clone(), RequestBody::of(&request));
        let (mut parts, body) = request.into_parts();
        let (body, rest) = Rest::of(body, &parts, &self.pulse);
        let waits_for_nothing = rest.is_none() || parts.version < Version::HTTP_2;
        let tell = rest.clone();
        let answered = move |mut response: Response<Body>| {
            if let Some(rest) = tell {
                rest.tell(&mut response);
            }
            told(response, exchange)
        };
        let at_once = match self.context.respond_at_once(&mut parts) {
            Some(response) if waits_for_nothing => return Either::Left(ready(answered(response))),
            at_once => at_once,
        };
        let context = self.context.clone();
        Either::Right(Box::pin(async move {
            let response = match at_once {
                Some(response) => {
                    drop(body);
                    response
                }
                None => context.respond(Request::from_parts(parts, body)).await,
            };
            if let Some(rest) = rest {
                rest.read_before(response.status()).await;
            }
            answered(response)
        }))
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

/// Sees to it that a connection keeps its limits, and that it ends when the server stops.
struct Attendant<'a> {
    rules: &'a Rules,
    pulse: &'a Arc<Pulse>,
    peer: Peer,
    alarm: Alarm<'a>,
    timer: Pin<&'a mut Sleep>,
    closing: bool,
}

impl Attendant<'_> {
    /// Drives a connection to its end, which may be that the server stops or a timeout. `close` has it
    /// end when what is under way is answered.
    async fn attend<C>(&mut self, connection: C, close: fn(Pin<&mut C>)) -> End
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
    ) -> Poll<End>
    where
        C: Future<Output = hyper::Result<()>>,
    {
        let Attendant { rules, pulse, peer, .. } = *self;
        self.alarm.set(task);
        let mut is_last = rules.stop.is_stopping();
        while self.timer.as_mut().poll(task).is_ready() {
            self.timer.as_mut().reset(Instant::now() + rules.patience.beat);
            match pulse.beat(&rules.patience, rules.is_crowded()) {
                Verdict::Fine => {}
                Verdict::Idle if self.closing => return Poll::Ready(End::Stalled),
                Verdict::Idle => is_last = true,
                Verdict::SlowHead => return Poll::Ready(End::SlowHead),
                Verdict::Stalled => {
                    tracing::debug!(%peer.addr, "cut a client that takes nothing");
                    return Poll::Ready(End::Stalled);
                }
            }
        }
        if is_last && !self.closing {
            self.closing = true;
            pulse.close();
            close(connection.as_mut());
        }
        connection.poll(task).map(|end| {
            if let Err(error) = end {
                tracing::debug!(%peer.addr, %error, "connection broke off");
            }
            End::Closed
        })
    }
}

/// What all requests of a connection have in common. It is shared by them instead of the server's
/// own so that cores do not share its counter.
struct Context<H> {
    handler: Arc<H>,
    peer: Peer,
    headers: usize,
    /// Given where requests can be many at a time.
    places: Option<Places>,
}

impl<H: Handler> Context<H> {
    /// For requests of up to so many headers.
    fn new(handler: Arc<H>, peer: Peer, headers: usize) -> Context<H> {
        Context { handler, peer, headers, places: None }
    }

    /// The response that there is without waiting for anything, to a request as it came. Without
    /// one the request may be handed on.
    fn respond_at_once(&self, request: &mut Parts) -> Option<Response<Body>> {
        if let Err(refusal) = admit(request, self.headers) {
            return Some(refuse(refusal));
        }
        let answer = AssertUnwindSafe(|| self.handler.answer_at_once(request, self.peer));
        catch_unwind(answer).unwrap_or_else(|_| Some(self.panicked()))
    }

    /// The response, which may take its time.
    async fn respond(self: Arc<Self>, mut request: Request<Body>) -> Response<Body> {
        if let Some(places) = &self.places {
            request.extensions_mut().insert(places.take().await);
        }
        let answer = async { self.handler.handle(request, self.peer).await };
        let response = AssertUnwindSafe(answer).catch_unwind().await;
        response.unwrap_or_else(|_| self.panicked())
    }

    fn panicked(&self) -> Response<Body> {
        tracing::error!(%self.peer.addr, "the handler of a request panicked");
        plain(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n".to_owned())
    }
}

/// The response waits for the client from here on: over HTTP/2 hyper polls its body for the first frame,
/// and holds that frame, and the body, until the client has opened a window for it.
fn told(response: Response<Body>, mut exchange: Exchange) -> Responded {
    exchange.waits_for_client();
    Ok(response.map(|body| Told::new(body, exchange)))
}

fn refuse(refusal: Refusal) -> Response<Body> {
    let mut response = plain(refusal.status(), format!("{refusal}\n"));
    if refusal.ends_connection() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn plain(status: StatusCode, message: String) -> Response<Body> {
    let length = HeaderValue::from(message.len());
    let mut response = Response::new(Body::from(message));
    response.headers_mut().insert(header::CONTENT_LENGTH, length);
    *response.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}
