//! A real server on a free port, and clients that write bytes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::body::{Body, BodyError};

/// Answers by path.
#[derive(Default)]
struct Site {
    /// Told when a request for `/slow` has come.
    came: Notify,
    /// Lets a request for `/slow` go on.
    go_on: Notify,
    answered: AtomicUsize,
}

impl Handler for Site {
    async fn handle(&self, request: Request<Incoming>, _: Peer) -> Response<Body> {
        let path = request.uri().path().to_owned();
        let body = match path.as_str() {
            "/panic" => panic!("as asked"),
            "/slow" => {
                self.came.notify_one();
                self.go_on.notified().await;
                Body::from("slow")
            }
            "/huge" => Body::from(vec![b'x'; 64 * 1024 * 1024]),
            "/echo" => {
                let body = limited(request.into_body(), 1000, Duration::from_millis(200));
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

/// Short times, so that no test takes long; none depends on how short they are.
fn limits() -> Limits {
    Limits {
        header_bytes: 16 * 1024,
        header_timeout: Duration::from_millis(200),
        idle_timeout: Duration::from_millis(400),
        write_timeout: Duration::from_millis(200),
        ..Limits::default()
    }
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

    /// Sends `bytes` and returns all that comes until the server closes.
    async fn talk(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        rest(&mut stream).await
    }
}

/// All that comes until the server closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    within(stream.read_to_end(&mut all)).await.unwrap();
    String::from_utf8(all).unwrap()
}

/// One response with a content-length.
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

#[tokio::test]
async fn a_request_is_answered_and_the_connection_kept() {
    let server = start(Limits::default()).await;
    let mut stream = server.connect().await;
    for path in ["/one", "/two", "/three"] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let response = response(&mut stream).await;
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
        assert!(response.ends_with(path), "{response}");
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order() {
    let server = start(Limits::default()).await;
    let requests = format!(
        "GET /1 HTTP/1.1\r\nhost: x\r\n\r\nPOST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nabGET /3 HTTP/1.1\r\n{CLOSE}"
    );
    let answers = server.talk(requests.as_bytes()).await;
    let bodies = answers.split("\r\n\r\n").map(|part| part.split("HTTP/1.1").next().unwrap());
    assert_eq!(bodies.collect::<Vec<_>>(), ["", "/1", "ab", "/3"]);
}

#[tokio::test]
async fn http_2_is_spoken_on_the_same_port() {
    let server = start(limits()).await;
    let stream = TokioIo::new(server.connect().await);
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    let connection = tokio::spawn(connection);
    for path in ["/one", "/panic", "/two"] {
        let request = Request::get(format!("http://x{path}")).body(Empty::<Bytes>::new()).unwrap();
        let response = within(client.send_request(request)).await.unwrap();
        let expected = if path == "/panic" { 500 } else { 200 };
        assert_eq!(response.status(), expected);
    }
    let mut many = Request::get("http://x/").body(Empty::<Bytes>::new()).unwrap();
    for n in 0..101 {
        many.headers_mut()
            .insert(http::HeaderName::try_from(format!("a{n}")).unwrap(), "b".parse().unwrap());
    }
    assert_eq!(within(client.send_request(many)).await.unwrap().status(), 431);
    // Without requests the server ends it.
    within(connection).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_preface_in_two_pieces_is_understood() {
    let server = start(Limits::default()).await;
    let mut stream = server.connect().await;
    stream.set_nodelay(true).unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    tokio::task::yield_now().await;
    stream.write_all(b"\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut frame = [0; 9];
    within(stream.read_exact(&mut frame)).await.unwrap();
    assert_eq!(frame[3], 4, "the answer must begin with a SETTINGS frame");
}

#[tokio::test]
async fn malformed_requests_get_400() {
    let server = start(Limits::default()).await;
    for request in [
        "\0\0\0\0\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/3.7\r\n\r\n",
        "GET /\x01 HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\nbad name: 1\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: many\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n",
        "GET / HTTP/1.1\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\nconnection: close\r\n\r\n",
    ] {
        let answer = server.talk(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{request:?}: {answer}");
    }
    assert_eq!(server.site.answered.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn heads_that_are_too_long_get_431_even_while_they_are_sent() {
    let server = start(limits()).await;
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n", "a".repeat(700_000));
    let answer = server.talk(long.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let many = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(100));
    let answer = server.talk(many.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let few = format!("GET / HTTP/1.1\r\n{}{CLOSE}", "a: b\r\n".repeat(98));
    assert!(server.talk(few.as_bytes()).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_head_that_comes_too_slowly_gets_408() {
    let server = start(limits()).await;
    let start = Instant::now();
    let answer = server.talk(b"GET / HTTP/1.1\r\nhost: x\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(start.elapsed() >= limits().header_timeout);
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_gets_no_more_time() {
    let server = start(limits()).await;
    let (mut read, mut write) = server.connect().await.into_split();
    let drip = tokio::spawn(async move {
        write.write_all(b"GET / HTTP/1.1\r\na: ").await?;
        loop {
            write.write_all(b"a").await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        #[expect(unreachable_code, reason = "it names the type of the error")]
        io::Result::Ok(())
    });
    let mut answer = [0; 12];
    within(read.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    assert!(within(drip).await.unwrap().is_err());
}

#[tokio::test]
async fn connections_without_a_request_are_closed() {
    let server = start(limits()).await;
    assert_eq!(server.talk(b"").await, "");
    let start = Instant::now();
    let answer = server.talk(b"GET /one HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(answer.ends_with("/one"), "{answer}");
    assert!(start.elapsed() >= limits().idle_timeout);
    // Half of a preface is neither HTTP/1 nor HTTP/2.
    assert_eq!(server.talk(b"PRI * HT").await, "");
}

#[tokio::test]
async fn a_slow_answer_is_not_taken_for_an_idle_connection() {
    let server = start(limits()).await;
    let mut stream = server.connect().await;
    stream.write_all(format!("GET /slow HTTP/1.1\r\n{CLOSE}").as_bytes()).await.unwrap();
    server.site.came.notified().await;
    tokio::time::sleep(limits().idle_timeout * 2).await;
    server.site.go_on.notify_one();
    assert!(rest(&mut stream).await.ends_with("slow"));
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut() {
    let server = start(limits()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /huge HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(limits().write_timeout * 5).await;
    let mut all = Vec::new();
    let read = within(stream.read_to_end(&mut all)).await;
    assert!(read.is_err() || all.len() < 64 * 1024 * 1024);
}

#[tokio::test]
async fn an_http_2_client_that_opens_no_window_is_cut() {
    let server = start(limits()).await;
    let stream = TokioIo::new(server.connect().await);
    let (mut client, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(1000)
        .initial_connection_window_size(100_000)
        .handshake(stream)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get("http://x/huge").body(Empty::<Bytes>::new()).unwrap();
    let response = within(client.send_request(request)).await.unwrap();
    // The body is held and not read.
    let _ = within(connection).await.unwrap();
    drop(response);
}

#[tokio::test]
async fn a_panic_is_500_and_the_connection_goes_on() {
    let server = start(Limits::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /panic HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(response(&mut stream).await.starts_with("HTTP/1.1 500 "));
    stream.write_all(b"GET /fine HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(response(&mut stream).await.ends_with("/fine"));
}

#[tokio::test]
async fn bodies_are_held_to_their_limits() {
    let server = start(Limits::default()).await;
    let post = |headers: &str, body: &str| {
        format!("POST /echo HTTP/1.1\r\n{headers}\r\n{CLOSE}{body}").into_bytes()
    };
    let chunk = format!("3e8\r\n{}\r\n", "x".repeat(1000));
    let chunked = "transfer-encoding: chunked";
    let fits = server.talk(&post(chunked, &format!("{chunk}0\r\n\r\n"))).await;
    assert!(fits.starts_with("HTTP/1.1 200 "), "{fits}");
    let longer = server.talk(&post(chunked, &format!("{chunk}1\r\ny\r\n0\r\n\r\n"))).await;
    assert!(longer.starts_with("HTTP/1.1 413 "), "{longer}");
    // Refused by its length alone: nothing of it is sent.
    let declared = server.talk(&post("content-length: 1001", "")).await;
    assert!(declared.starts_with("HTTP/1.1 413 "), "{declared}");
    let slow = server.talk(&post("content-length: 10", "12345")).await;
    assert!(slow.starts_with("HTTP/1.1 408 "), "{slow}");
    // The answer arrives although the client is still sending.
    let flood = server.talk(&post("content-length: 700000", &"x".repeat(700_000))).await;
    assert!(flood.starts_with("HTTP/1.1 413 "), "{flood}");
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_continue() {
    let server = start(Limits::default()).await;
    let mut stream = server.connect().await;
    let head = "POST /echo HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n";
    stream.write_all(format!("{head}{CLOSE}").as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    within(stream.read_exact(&mut go_on)).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"ab").await.unwrap();
    assert!(rest(&mut stream).await.ends_with("ab"));
    let refused = server.talk(
        b"POST /echo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2000\r\n\r\n",
    );
    assert!(refused.await.starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
async fn beyond_the_most_connections_there_is_503_until_a_place_is_free() {
    let server = start(Limits { connections: 1, ..Limits::default() }).await;
    let mut first = server.connect().await;
    first.write_all(b"GET /1 HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    response(&mut first).await;
    let second = server.talk(format!("GET /2 HTTP/1.1\r\n{CLOSE}").as_bytes()).await;
    assert!(second.starts_with("HTTP/1.1 503 "), "{second}");
    assert!(second.ends_with("There are too many connections\n"), "{second}");
    drop(first);
    within(async {
        loop {
            let third = server.talk(format!("GET /3 HTTP/1.1\r\n{CLOSE}").as_bytes()).await;
            if third.ends_with("/3") {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_stop_answers_what_has_come_and_closes_the_rest() {
    let server = start(Limits::default()).await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET /1 HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    response(&mut idle).await;
    let mut silent = server.connect().await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    server.site.came.notified().await;

    server.stop.cancel();
    assert_eq!(rest(&mut idle).await, "");
    assert_eq!(rest(&mut silent).await, "");
    assert!(TcpStream::connect(server.addr).await.is_err());
    server.site.go_on.notify_one();
    let answer = rest(&mut busy).await;
    assert!(answer.ends_with("slow"), "{answer}");
    assert_eq!(within(server.ended).await.unwrap(), Drained { cut: 0 });
}

#[tokio::test]
async fn a_stop_cuts_what_takes_longer_than_the_drain_time() {
    let server = start(Limits { drain: Duration::from_millis(50), ..Limits::default() }).await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    server.site.came.notified().await;
    server.stop.cancel();
    assert_eq!(within(server.ended).await.unwrap(), Drained { cut: 1 });
    assert_eq!(rest(&mut busy).await, "");
}

#[tokio::test]
async fn head_of_a_file_tells_its_length() {
    struct Docroot(Files);
    impl Handler for Docroot {
        async fn handle(&self, request: Request<Incoming>, _: Peer) -> Response<Body> {
            let path = request.uri().path().trim_start_matches('/').to_owned();
            let found = self.0.get(request.method(), request.headers(), &path).await;
            found.unwrap().unwrap_or_default()
        }
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), vec![b'a'; 200_000]).unwrap();
    let server = Server::bind("127.0.0.1:0", Limits::default()).await.unwrap();
    let addr = server.local_addr().unwrap();
    let docroot = Arc::new(Docroot(Files::below(folder.path()).unwrap()));
    tokio::spawn(server.run(docroot, CancellationToken::new()));
    for method in [Method::HEAD, Method::GET] {
        let stream = TokioIo::new(TcpStream::connect(addr).await.unwrap());
        let (mut client, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let request = Request::builder().method(&method).uri("/a.txt").header("host", "x");
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let response = within(client.send_request(request)).await.unwrap();
        assert_eq!(response.headers()["content-length"], "200000");
        let body = within(response.into_body().collect()).await.unwrap().to_bytes();
        assert_eq!(body.len(), if method == Method::HEAD { 0 } else { 200_000 });
    }
}
