//! Many requests on one connection, whose bytes arrive in arbitrary pieces.

use proptest::prelude::*;

use super::*;
use http::header::{self, HeaderValue};

/// A handler whose answers are immediately available if possible, or all delayed.
struct Prompt<const READY: bool>;

/// Returns the response to a request of which only the head is needed.
fn known(method: &Method, path: &str) -> Option<Response<Body>> {
    let mut response = Response::new(Body::empty());
    let mut length = None;
    match path {
        "/one" => {
            *response.body_mut() = Body::from("one page");
            length = Some(8);
        }
        "/pieces" => {
            *response.body_mut() = Body::pieces(["some", "pieces"].map(Bytes::from));
            length = Some(10);
        }
        "/many" => {
            let pieces = (0..50).map(|n| Bytes::from(vec![b'x'; 1000 * n]));
            *response.body_mut() = Body::pieces(pieces);
            length = Some(1_225_000);
        }
        "/unmeasured" => *response.body_mut() = Body::from("its length is added"),
        "/stream" => {
            let piece = Ok::<_, BodyError>(Frame::data(Bytes::from_static(b"streamed")));
            *response.body_mut() =
                Body::stream(StreamBody::new(futures_util::stream::iter([piece])));
        }
        "/unmodified" => *response.status_mut() = StatusCode::NOT_MODIFIED,
        "/nothing" => *response.status_mut() = StatusCode::NO_CONTENT,
        "/empty" => length = Some(0),
        "/failed" => *response.status_mut() = StatusCode::PRECONDITION_FAILED,
        "/odd" => *response.status_mut() = StatusCode::from_u16(599).unwrap(),
        "/dated" => {
            let date = HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT");
            response.headers_mut().insert(header::DATE, date);
        }
        "/last" => {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        _ => return None,
    }
    let headers = response.headers_mut();
    headers.insert(header::ETAG, HeaderValue::from_static("\"tag\""));
    headers.append(header::SET_COOKIE, HeaderValue::from_static("a=b"));
    headers.append(header::SET_COOKIE, HeaderValue::from_bytes(b"c=\xfc").unwrap());
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    if *method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    Some(response)
}

impl<const READY: bool> Handler for Prompt<READY> {
    fn answer(
        self: &Arc<Self>,
        request: Request<Body>,
        _: Peer,
        _: Option<Work>,
    ) -> Either<Ready<Response<Body>>, impl Future<Output = Response<Body>> + Send + 'static> {
        let (parts, body) = request.into_parts();
        match known(&parts.method, parts.uri.path()).filter(|_| READY) {
            Some(response) => Either::Left(ready(response)),
            None => {
                let handler = Arc::clone(self);
                let request = Request::from_parts(parts, body);
                Either::Right(async move { handler.later(request).await })
            }
        }
    }
}

impl<const READY: bool> Prompt<READY> {
    async fn later(&self, request: Request<Body>) -> Response<Body> {
        let path = request.uri().path();
        let (path, times) = path.strip_prefix("/later").map_or((path, 0), |path| (path, 3));
        let path = path.to_owned();
        for _ in 0..times {
            tokio::task::yield_now().await;
        }
        if let Some(response) = known(request.method(), &path) {
            return response;
        }
        match path.as_str() {
            "/echo" => Response::new(request.into_body().collect(u64::MAX).await.unwrap().into()),
            "/panic" => panic!("as asked"),
            // The response is complete before the body was read.
            "/ignore" => Response::new(Body::from("ignored")),
            // The body is read long after the response.
            "/behind" => {
                tokio::spawn(request.into_body().collect(u64::MAX));
                Response::new(Body::from("behind"))
            }
            _ => Response::new(Body::from(path)),
        }
    }
}

/// Returns the response to bytes that arrive in these pieces, without the server's dates.
async fn answers<H: Handler>(handler: H, pieces: &[&[u8]]) -> Vec<u8> {
    let server = Server::bind("127.0.0.1:0", Limits::default()).await.unwrap();
    let addr = server.local_addr().unwrap();
    let stop = CancellationToken::new();
    let ended = tokio::spawn(server.run(Arc::new(handler), stop.clone()));
    let stream = TcpStream::connect(addr).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut reads, mut writes) = stream.into_split();
    let reading = tokio::spawn(async move {
        let mut all = Vec::new();
        // A connection that is cut may still have sent a response.
        let _ = within(reads.read_to_end(&mut all)).await;
        all
    });
    for piece in pieces {
        // After a refusal the server stops reading.
        let _ = writes.write_all(piece).await;
        tokio::task::yield_now().await;
    }
    // A client that has asked for the end waits for it.
    if !pieces.concat().ends_with(CLOSE.as_bytes()) {
        let _ = writes.shutdown().await;
    }
    let all = reading.await.unwrap();
    drop(writes);
    stop.cancel();
    within(ended).await.unwrap();
    let is_date = |line: &&[u8]| line.starts_with(b"date: ") && !line.ends_with(b"08:49:37 GMT");
    let lines = all.split(|byte| *byte == b'\n').map(|line| line.trim_ascii_end());
    lines.filter(|line| !is_date(line)).collect::<Vec<_>>().join(&b"\n"[..])
}

/// Compares immediate answers to these pieces with delayed answers to all bytes at once.
async fn compare(pieces: &[&[u8]]) {
    let whole = pieces.concat();
    let (ready, later) =
        (answers(Prompt::<true>, pieces).await, answers(Prompt::<false>, &[&whole]).await);
    let sent: Vec<_> = pieces.iter().map(|piece| piece.escape_ascii().to_string()).collect();
    let (ready, later) = (String::from_utf8_lossy(&ready), String::from_utf8_lossy(&later));
    assert_eq!(ready, later, "{sent:#?}");
}

/// A handler that counts the requests for an immediate answer, and has none.
#[derive(Default)]
struct Unprepared(AtomicUsize);

impl Handler for Arc<Unprepared> {
    fn answer(
        self: &Arc<Self>,
        _: Request<Body>,
        _: Peer,
        _: Option<Work>,
    ) -> Either<Ready<Response<Body>>, impl Future<Output = Response<Body>> + Send + 'static> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Either::Right(async { Response::new(Body::from("later")) })
    }
}

#[tokio::test]
async fn a_handler_is_asked_once_for_an_immediate_answer() {
    let requests = |headers: &str| {
        let first = format!("GET / HTTP/1.1\r\nhost: x\r\n{headers}\r\n").repeat(2);
        first + &format!("GET / HTTP/1.1\r\n{headers}{CLOSE}")
    };
    for headers in ["", "upgrade: h2c\r\n"] {
        let handler = Arc::new(Unprepared::default());
        let answers = answers(handler.clone(), &[requests(headers).as_bytes()]).await;
        assert_eq!(String::from_utf8_lossy(&answers).matches("later").count(), 3, "{headers}");
        assert_eq!(handler.0.load(Ordering::SeqCst), 3, "{headers}");
    }
}

const PATHS: [&str; 17] = [
    "/one",
    "/empty",
    "/pieces",
    "/many",
    "/unmeasured",
    "/stream",
    "/unmodified",
    "/nothing",
    "/failed",
    "/odd",
    "/dated",
    "/last",
    "/else",
    "/echo",
    "/ignore",
    "/behind",
    "/panic",
];

#[tokio::test]
async fn an_immediate_answer_is_sent_like_a_delayed_one() {
    let later = PATHS.map(|path| format!("/later{path}"));
    for path in PATHS.into_iter().chain(later.iter().map(String::as_str)) {
        for method in ["GET", "HEAD"] {
            let first = format!("{method} {path} HTTP/1.1\r\nhost: x\r\n\r\n");
            let last = format!("{method} {path} HTTP/1.1\r\n{CLOSE}");
            compare(&[first.as_bytes(), last.as_bytes()]).await;
        }
    }
}

#[tokio::test]
async fn a_body_is_never_taken_for_a_request() {
    // Only the answer to this request has its own date.
    let (inner, marks) = ("GET /dated HTTP/1.1\r\nhost: x\r\n\r\n", "08:49:37 GMT");
    let length = inner.len();
    let chunked = format!("{length:x}\r\n{inner}\r\n0\r\n\r\n");
    let hit = "GET /pieces HTTP/1.1\r\nhost: x\r\n\r\n";
    for path in ["/echo", "/ignore", "/behind", "/one"] {
        for method in ["GET", "HEAD", "POST"] {
            let start = format!("{method} {path} HTTP/1.1\r\nhost: x\r\n");
            for (heading, body) in [
                (format!("content-length: {length}\r\n\r\n"), inner),
                (format!("Content-Length:{length}\r\n\r\n"), inner),
                ("transfer-encoding: chunked\r\n\r\n".to_owned(), &*chunked),
                (format!("expect: 100-continue\r\ncontent-length: {length}\r\n\r\n"), inner),
                (
                    format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n\r\n"),
                    &*chunked,
                ),
            ] {
                let head = start.clone() + &heading;
                let parts = [hit, &head, body, hit].map(str::as_bytes);
                for pieces in [&parts[..], &[&parts.concat()]] {
                    if path == "/echo" {
                        compare(pieces).await;
                    }
                    // The moment at which hyper closes because of an unread body depends on timing.
                    let answers = answers(Prompt::<true>, pieces).await;
                    let answers = String::from_utf8_lossy(&answers);
                    assert!(!answers.contains(marks), "{pieces:?}: {answers}");
                    assert!(answers.contains("somepieces"), "{answers}");
                }
            }
        }
    }
}

#[tokio::test]
async fn no_request_after_a_refused_one_is_answered() {
    let refused = "GET /else HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n";
    let inner = "GET /dated HTTP/1.1\r\nhost: x\r\n\r\n";
    // In this range, the refusal is the last write that the cooperative budget of a task permits.
    for count in 90..140 {
        let all = "GET /else HTTP/1.1\r\nhost: x\r\n\r\n".repeat(count) + refused + inner;
        let answers = answers(Prompt::<true>, &[all.as_bytes()]).await;
        let answers = String::from_utf8_lossy(&answers);
        assert!(answers.contains("HTTP/1.1 400 "), "{count}");
        assert!(!answers.contains("08:49:37 GMT"), "{count}");
    }
}

fn request() -> impl Strategy<Value = String> {
    let method = prop_oneof![6 => Just("GET"), 1 => Just("HEAD"), 2 => Just("POST")];
    let extra = prop_oneof![
        6 => Just(""),
        2 => Just("connection: keep-alive\r\n"),
        1 => Just("accept: */*\r\ncookie: a=b\r\n"),
    ];
    // Bytes that arrive after the server has closed reset the connection, sooner or later.
    let paths = PATHS.into_iter().filter(|path| *path != "/last").collect::<Vec<_>>();
    let when = prop_oneof![Just(""), Just("/later")];
    (method, when, proptest::sample::select(paths), extra, "[a-z]{0,9}").prop_map(
        |(method, when, path, extra, body)| match method {
            "POST" => {
                let length = body.len();
                format!("POST /echo HTTP/1.1\r\nhost: x\r\n{extra}content-length: {length}\r\n\r\n{body}")
            }
            _ => format!("{method} {when}{path} HTTP/1.1\r\nhost: x\r\n{extra}\r\n"),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_pieces_of_requests_do_not_affect_the_answers(
        requests in proptest::collection::vec(request(), 1..8),
        cuts in proptest::collection::vec(0_usize..600, 0..5),
    ) {
        let last = format!("GET /later/one HTTP/1.1\r\n{CLOSE}");
        let all = (requests.concat() + &last).into_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(all.len())).collect();
        cuts.push(all.len());
        cuts.sort_unstable();
        let mut from = 0;
        let pieces: Vec<&[u8]> = cuts.into_iter().map(|to| &all[std::mem::replace(&mut from, to)..to]).collect();
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(compare(&pieces));
    }
}
