//! Requests over HTTP/1.1 in any pieces, compared with plain hyper: the same requests must reach the handler, and the
//! same responses the client.
//!
//! Requests that the server refuses and hyper accepts (a request without a host, a transfer coding that is not
//! `chunked`) are recognised by an independent parser; up to the first such request both must agree.

use std::convert::Infallible;
use std::future::{Future, Ready};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future;
use headwater::extract::Body;
use headwater::internals::server::{Handler, Limits, Peer, Server, Work};
use http::request::Parts;
use http::{HeaderValue, Request, Response, Version, header};
use http_body_util::{BodyExt, Collected, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The longest time for a connection, whose bytes are all available from the start.
const PATIENCE: Duration = Duration::from_secs(20);

/// The longest body that is echoed, in bytes.
const LONGEST: usize = 1 << 20;

/// `data` is the size of a piece in one byte, and the bytes of a client.
pub fn run(data: &[u8]) {
    let Some((size, sent)) = data.split_first() else { return };
    // The connection preface of HTTP/2, or a beginning of it.
    if sent.starts_with(b"PRI") || b"PRI".starts_with(sent) {
        return;
    }
    RIG.with(|rig| rig.compare(sent, usize::from(*size) + 1));
}

thread_local! {
    static RIG: Rig = Rig::start();
}

/// A running server.
struct Rig {
    runtime: Runtime,
    address: SocketAddr,
    seen: Arc<Seen>,
}

/// The requests that have reached a handler.
#[derive(Default)]
struct Seen(Mutex<Vec<Asked>>);

/// The parts of a request that must be equal in both.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    method: String,
    uri: String,
    version: Version,
    /// `None` when the body was incomplete.
    body: Option<Bytes>,
    admission: Admission,
}

/// Whether the server should refuse a request that hyper accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Admission {
    Admitted,
    Refused,
    /// Its host may be malformed.
    Either,
}

impl Rig {
    fn start() -> Rig {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime can be made");
        let seen = Arc::new(Seen::default());
        let handler = Arc::new(Echo(seen.clone()));
        let server = runtime.block_on(Server::bind("127.0.0.1:0", Limits::default()));
        let server = server.expect("there is a free port");
        let address = server.local_addr().expect("it listens");
        runtime.spawn(server.run(handler, CancellationToken::new()));
        Rig { runtime, address, seen }
    }

    fn compare(&self, sent: &[u8], size: usize) {
        let expected = Arc::new(Seen::default());
        let (ours, hypers) = self.runtime.block_on(async {
            let ours = timeout(PATIENCE, self.ask(sent, size)).await;
            let hypers = timeout(PATIENCE, ask_hyper(sent, expected.clone())).await;
            (ours.expect("the connection ends"), hypers.expect("hyper's connection ends"))
        });
        let (seen, expected) = (self.seen.take(), expected.take());
        let doubtful = expected.iter().position(|asked| asked.admission != Admission::Admitted);
        assert!(seen.iter().all(|asked| asked.admission != Admission::Refused), "{seen:?}");
        let (Responses { bytes: ours, was_reset }, hypers) = (ours, settled(&hypers));
        let ours = settled(&ours);
        match doubtful {
            _ if was_reset => {
                assert!(
                    expected.starts_with(&seen[..seen.len().min(doubtful.unwrap_or(usize::MAX))])
                );
            }
            None => {
                assert_eq!(seen, expected);
                assert_eq!(without_refusal(&ours), without_refusal(&hypers));
            }
            Some(index) => {
                assert_eq!(seen.get(..index), expected.get(..index));
                let agreed = before_response(&hypers, index);
                assert!(ours.starts_with(agreed), "{ours}\n\nbut hyper:\n{agreed}");
            }
        }
    }

    async fn ask(&self, sent: &[u8], size: usize) -> Responses {
        let stream = TcpStream::connect(self.address).await.expect("it listens");
        let (mut reads, mut writes) = stream.into_split();
        let reading = async {
            let mut bytes = Vec::new();
            let was_reset = reads.read_to_end(&mut bytes).await.is_err();
            (bytes, was_reset)
        };
        let writing = async {
            for piece in sent.chunks(size) {
                // After a refusal, the server reads no further.
                if writes.write_all(piece).await.is_err() {
                    return true;
                }
                tokio::task::yield_now().await;
            }
            writes.shutdown().await.is_err()
        };
        let ((bytes, was_reset), was_refused) = tokio::join!(reading, writing);
        Responses { bytes, was_reset: was_reset || was_refused }
    }
}

/// The bytes that the server sent.
struct Responses {
    bytes: Vec<u8>,
    /// Whether the connection was reset before everything was sent, so that responses in transit may be lost.
    was_reset: bool,
}

impl Seen {
    /// Records a request before its body is read, and returns its index.
    fn note(&self, parts: &Parts) -> usize {
        let mut seen = self.lock();
        seen.push(Asked {
            method: parts.method.to_string(),
            uri: parts.uri.to_string(),
            version: parts.version,
            body: None,
            admission: admission(parts),
        });
        seen.len() - 1
    }

    /// Records the body of a request and answers it.
    fn answer<B: From<Bytes>>(&self, index: usize, body: Option<Bytes>) -> Response<B> {
        let mut seen = self.lock();
        let asked = &mut seen[index];
        asked.body = body;
        let length = asked.body.as_ref().map(Bytes::len);
        let text = format!("{} {} {length:?}\n", asked.method, asked.uri);
        let mut response = Response::new(B::from(Bytes::from(text)));
        response.headers_mut().insert("x-index", HeaderValue::from(index));
        // The server adds the header where it is missing.
        let no_guessing = HeaderValue::from_static("nosniff");
        response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, no_guessing);
        response
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Asked>> {
        self.0.lock().expect("nothing panics while it is held")
    }

    fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.lock())
    }
}

fn admission(parts: &Parts) -> Admission {
    let mut codings = parts.headers.get_all(header::TRANSFER_ENCODING).iter();
    let is_chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    if codings.next().is_some_and(|coding| !is_chunked(coding)) || codings.next().is_some() {
        return Admission::Refused;
    }
    let plain = |host: &[u8]| {
        host.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
    };
    let hosts: Vec<&[u8]> =
        parts.headers.get_all(header::HOST).iter().map(|host| host.as_bytes()).collect();
    match (&hosts[..], parts.uri.authority()) {
        ([_, _, ..], _) => Admission::Refused,
        ([host], None) if !host.is_empty() && plain(host) => Admission::Admitted,
        ([], None) if parts.version == Version::HTTP_11 => Admission::Refused,
        ([], None) => Admission::Admitted,
        _ => Admission::Either,
    }
}

struct Echo(Arc<Seen>);

impl Handler for Echo {
    fn answer(
        self: &Arc<Self>,
        request: Request<Body>,
        _: Peer,
        _: Option<Work>,
    ) -> future::Either<Ready<Response<Body>>, impl Future<Output = Response<Body>> + Send + 'static>
    {
        let echo = Arc::clone(self);
        future::Either::Right(async move {
            let (parts, body) = request.into_parts();
            let index = echo.0.note(&parts);
            echo.0.answer(index, body.collect(LONGEST as u64).await.ok())
        })
    }
}

async fn ask_hyper(sent: &[u8], seen: Arc<Seen>) -> Vec<u8> {
    let (mut client, server) = tokio::io::duplex(sent.len() + LONGEST);
    let answer = |request: Request<Incoming>| {
        let seen = seen.clone();
        async move {
            let (parts, body) = request.into_parts();
            let index = seen.note(&parts);
            let body = body.collect().await.ok().map(Collected::to_bytes);
            Ok::<Response<Full<Bytes>>, Infallible>(seen.answer(index, body))
        }
    };
    let mut hyper = http1::Builder::new();
    let limits = Limits::default();
    hyper.half_close(true).header_read_timeout(None).max_header_size(limits.header_bytes);
    let serving = hyper.serve_connection(TokioIo::new(server), service_fn(answer));
    let asking = async {
        let mut all = Vec::new();
        // Hyper may have closed the connection already.
        let _ = client.write_all(sent).await;
        let _ = client.shutdown().await;
        let _ = client.read_to_end(&mut all).await;
        all
    };
    // Errors of hyper on malformed requests do not matter.
    let (_, all) = tokio::join!(serving, asking);
    all
}

/// Removes dates and `Connection: close` from responses: after an incomplete body hyper closes the connection without
/// announcing it, the server with the header.
fn settled(responses: &[u8]) -> String {
    let is_free = |line: &&str| line.starts_with("date: ") || *line == "connection: close\r\n";
    let text = String::from_utf8_lossy(responses);
    text.split_inclusive('\n').filter(|line| !is_free(line)).collect()
}

/// Removes hyper's own refusal at the end of the responses. Whether hyper refuses a head that is both malformed and
/// incomplete depends on the pieces in which it arrived.
fn without_refusal(responses: &str) -> &str {
    let last = responses.rfind("HTTP/1.").unwrap_or(responses.len());
    let (before, last) = responses.split_at(last);
    let is_refusal = last.contains(" 4") && last.ends_with("\r\ncontent-length: 0\r\n\r\n");
    if is_refusal { before } else { responses }
}

/// Returns the text before the response with this index.
fn before_response(responses: &str, index: usize) -> &str {
    let named = responses.find(&format!("x-index: {index}\r\n")).unwrap_or(responses.len());
    let start = responses[..named].rfind("HTTP/1.").unwrap_or(0);
    let before = &responses[..start];
    // A request that the server refuses needs no `100 Continue`.
    before.strip_suffix("HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(before)
}
