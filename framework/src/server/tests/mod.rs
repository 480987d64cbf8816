//! A real server on a free port, and clients that write bytes.

mod pieces;
mod pipelines;
mod protocol;
mod timeouts;
mod uploads;
mod waiting;

use std::future::{Future, Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::Either;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::listener::Drained;
use super::*;
use crate::body::{Body, BodyError};

/// More than the buffers of a connection can hold, in bytes.
const HUGE: usize = 64 * 1024 * 1024;

/// A handler that answers by path.
#[derive(Default)]
struct Site {
    /// Notified when a request for `/slow` has arrived.
    came: Notify,
    /// Releases a request for `/slow`.
    go_on: Notify,
    answered: AtomicUsize,
}

impl Site {
    /// Returns the responses that are immediately available.
    fn known(&self, request: &Parts) -> Option<Response<Body>> {
        let body = match request.uri.path() {
            "/panic" => panic!("as asked"),
            "/huge" => vec![b'x'; HUGE],
            "/slow" | "/pieces" | "/echo" | "/unread" | "/later/huge" => return None,
            "/host" => request.headers.get("host").map(|host| host.as_bytes().to_vec())?,
            path => path.as_bytes().to_vec(),
        };
        self.answered.fetch_add(1, Ordering::SeqCst);
        let response = Response::builder().header("content-length", body.len());
        Some(response.body(Body::from(body)).unwrap())
    }
}

impl Handler for Site {
    fn answer(
        self: &Arc<Self>,
        request: Request<Body>,
        _: Peer,
        _: Option<Work>,
    ) -> Either<Ready<Response<Body>>, impl Future<Output = Response<Body>> + Send + 'static> {
        let (parts, body) = request.into_parts();
        match self.known(&parts) {
            Some(response) => Either::Left(ready(response)),
            None => {
                let handler = Arc::clone(self);
                let request = Request::from_parts(parts, body);
                Either::Right(async move { handler.later(request).await })
            }
        }
    }
}

impl Site {
    async fn later(&self, request: Request<Body>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        let body = match path.as_str() {
            "/later/huge" => Body::from(vec![b'x'; HUGE]),
            "/slow" => {
                self.came.notify_one();
                self.go_on.notified().await;
                Body::from("slow")
            }
            "/pieces" => {
                let piece = || Ok::<_, BodyError>(Frame::data(Bytes::from_static(&[0; 64 * 1024])));
                let pieces = std::iter::repeat_with(piece).take(HUGE / (64 * 1024));
                Body::stream(StreamBody::new(futures_util::stream::iter(pieces)))
            }
            "/echo" => {
                let body = limited(
                    request.into_body(),
                    1000,
                    Pace { pause: Duration::from_millis(200), rate: 0 },
                );
                let read = match body {
                    Ok(body) => body.collect(u64::MAX).await,
                    Err(error) => Err(error),
                };
                match read {
                    Ok(bytes) => Body::from(bytes),
                    Err(error) => {
                        let mut response = Response::new(Body::from(error.to_string()));
                        *response.status_mut() = match error {
                            BodyError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
                            BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
                            BodyError::NoMemory => StatusCode::SERVICE_UNAVAILABLE,
                            BodyError::Broken(_) => StatusCode::BAD_REQUEST,
                        };
                        return response;
                    }
                }
            }
            _ => Body::from(path),
        };
        self.answered.fetch_add(1, Ordering::SeqCst);
        Response::new(body)
    }
}

struct Running {
    addr: SocketAddr,
    site: Arc<Site>,
    stop: CancellationToken,
    ended: JoinHandle<Drained>,
}

async fn start(limits: Limits) -> Running {
    let server = Server::bind("127.0.0.1:0", limits).await.unwrap();
    let addr = server.local_addr().unwrap();
    let (site, stop) = (Arc::new(Site::default()), CancellationToken::new());
    let ended = tokio::spawn(server.run(site.clone(), stop.clone()));
    Running { addr, site, stop, ended }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    /// Sends `bytes` and returns everything received until the server closes.
    async fn talk(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        rest(&mut stream).await
    }
}

/// Reads until the server closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    within(stream.read_to_end(&mut all)).await.unwrap();
    String::from_utf8(all).unwrap()
}

/// Reads one response with a content-length.
async fn response(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    while !all.ends_with(b"\r\n\r\n") {
        all.push(within(stream.read_u8()).await.unwrap());
    }
    let head = String::from_utf8(all).unwrap();
    let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    within(stream.read_exact(&mut body)).await.unwrap();
    head + std::str::from_utf8(&body).unwrap()
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("it takes far too long")
}

const CLOSE: &str = "host: x\r\nconnection: close\r\n\r\n";
