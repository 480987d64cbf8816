//! Behaviour of HTTP/1.1 connections while a handler works on a request.

use futures_util::FutureExt;
use tokio_util::sync::DropGuard;

use super::*;
use crate::server::exchange::Exchange;
use crate::server::socket::{RequestHeads, Socket};
use crate::server::timers::Timers;

/// More than sockets can buffer, in bytes.
const HUGE: usize = 32 << 20;

/// A handler that waits with every request whose path begins with `/wait`.
#[derive(Default)]
struct Patient {
    /// The number of requests that it has received.
    begun: AtomicUsize,
    came: Notify,
    go_on: Notify,
    /// Cancelled when a waiting future is dropped.
    gone: CancellationToken,
}

impl Handler for Patient {
    fn answer(
        self: &Arc<Self>,
        request: Request<Body>,
        _: Peer,
        _: Option<Work>,
    ) -> Either<Ready<Response<Body>>, impl Future<Output = Response<Body>> + Send + 'static> {
        let handler = Arc::clone(self);
        Either::Right(async move { handler.later(request).await })
    }
}

impl Patient {
    async fn later(&self, request: Request<Body>) -> Response<Body> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let path = request.uri().path().to_owned();
        if path.starts_with("/wait") {
            let _gone: DropGuard = self.gone.clone().drop_guard();
            self.came.notify_one();
            self.go_on.notified().await;
        }
        assert!(!path.ends_with("/panic"), "as asked");
        if path.ends_with("/stream") {
            let piece = Ok::<_, BodyError>(Frame::data(Bytes::from(path)));
            return Response::new(Body::stream(StreamBody::new(futures_util::stream::iter([
                piece,
            ]))));
        }
        if path.ends_with("/huge") {
            return Response::new(Body::from(Bytes::from(vec![b'x'; HUGE])));
        }
        let response = Response::builder().header("content-length", path.len());
        response.body(Body::from(path)).unwrap()
    }
}

/// A server, and a client that has sent requests, the first of which waits.
struct Asked {
    handler: Arc<Patient>,
    stream: TcpStream,
    stop: CancellationToken,
    ended: JoinHandle<Drained>,
}

impl Asked {
    async fn for_all_of(requests: &str) -> Asked {
        let server = Server::bind("127.0.0.1:0", Limits::default()).await.unwrap();
        let addr = server.local_addr().unwrap();
        let handler = Arc::new(Patient::default());
        let stop = CancellationToken::new();
        let ended = tokio::spawn(server.run(handler.clone(), stop.clone()));
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(requests.as_bytes()).await.unwrap();
        within(handler.came.notified()).await;
        Asked { handler, stream, stop, ended }
    }

    /// Reads until the server closes, and removes dates.
    async fn rest(mut self) -> String {
        let mut all = Vec::new();
        within(self.stream.read_to_end(&mut all)).await.unwrap();
        let all = String::from_utf8(all).unwrap();
        all.split_inclusive("\r\n").filter(|line| !line.starts_with("date: ")).collect()
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")
}

#[tokio::test]
async fn a_reset_connection_drops_its_request() {
    let asked = Asked::for_all_of(&get("/wait")).await;
    asked.stream.set_zero_linger().unwrap();
    drop(asked.stream);
    within(asked.handler.gone.cancelled()).await;
}

async fn half_closed(path: &str) -> String {
    let mut asked = Asked::for_all_of(&get(path)).await;
    asked.stream.shutdown().await.unwrap();
    // The server has noticed it when it has answered another client.
    let mut other = TcpStream::connect(asked.stream.peer_addr().unwrap()).await.unwrap();
    other.write_all(get("/other").as_bytes()).await.unwrap();
    response(&mut other).await;
    asked.handler.go_on.notify_one();
    asked.rest().await
}

#[tokio::test]
async fn a_client_that_half_closes_gets_the_whole_answer() {
    for path in ["/wait", "/wait/stream", "/wait/huge"] {
        let answer = half_closed(path).await;
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        match path {
            "/wait/huge" => assert_eq!(body.len(), HUGE),
            _ => assert!(body.contains(path), "{answer}"),
        }
    }
}

#[tokio::test]
async fn a_client_that_half_closes_in_the_middle_of_the_response_gets_all_of_it() {
    let mut asked = Asked::for_all_of(&get("/wait/huge")).await;
    asked.handler.go_on.notify_one();
    let mut first = [0; 1000];
    asked.stream.read_exact(&mut first).await.unwrap();
    asked.stream.shutdown().await.unwrap();
    let first = String::from_utf8(first.to_vec()).unwrap();
    let whole = first + &asked.rest().await;
    assert_eq!(whole.split_once("\r\n\r\n").unwrap().1.len(), HUGE);
}

/// Returns the responses to requests, the first of which continues after `meanwhile`.
async fn answers(requests: &str, meanwhile: impl AsyncFnOnce(&mut Asked)) -> (String, usize) {
    let mut asked = Asked::for_all_of(requests).await;
    meanwhile(&mut asked).await;
    let handler = asked.handler.clone();
    handler.go_on.notify_one();
    let rest = asked.rest().await;
    (rest, handler.begun.load(Ordering::SeqCst))
}

#[tokio::test]
async fn the_next_request_is_not_begun_while_one_waits() {
    let last = format!("GET /last HTTP/1.1\r\n{CLOSE}");
    for path in ["/wait", "/wait/stream", "/wait/panic"] {
        let at_once = answers(&(get(path) + &get("/next") + &last), async |asked| {
            assert_eq!(asked.handler.begun.load(Ordering::SeqCst), 1);
        })
        .await;
        assert_eq!(at_once.1, 3, "each is asked for once");
        assert!(at_once.0.contains("/next") && at_once.0.ends_with("/last"), "{}", at_once.0);
        // The same if it arrives meanwhile, in two pieces.
        let (first, second) = last.split_at(9);
        let torn = answers(&get(path), async |asked| {
            asked.stream.write_all((get("/next") + first).as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
            asked.stream.write_all(second.as_bytes()).await.unwrap();
        })
        .await;
        assert_eq!(torn, at_once);
    }
}

#[tokio::test]
async fn a_response_in_progress_when_the_server_stops_is_the_last() {
    for path in ["/wait", "/wait/stream", "/wait/panic"] {
        let requests = get(path) + &get("/next");
        let (answer, begun) = answers(&requests, async |asked| asked.stop.cancel()).await;
        assert_eq!(begun, 1);
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn a_stopping_server_does_not_wait_for_a_client_that_has_its_response() {
    let asked = Asked::for_all_of(&get("/wait")).await;
    asked.stop.cancel();
    asked.handler.go_on.notify_one();
    assert_eq!(within(asked.ended).await.unwrap(), Drained { cut: 0 });
}

#[tokio::test]
async fn a_client_that_sends_on_while_its_request_waits_fills_no_memory() {
    /// In bytes.
    const BETWEEN: usize = 1024;
    let (stream, mut client) = tokio::io::duplex(BETWEEN);
    let timers = Timers::new();
    let _waits = Exchange::begin(timers.clone(), false);
    let mut socket = Socket::new(stream, Bytes::new(), timers, RequestHeads::Noted);
    let mut taken = 0;
    for _ in 0..1000 {
        socket.flush().await.unwrap();
        taken += client.write(&[b'x'; BETWEEN]).now_or_never().map_or(0, Result::unwrap);
    }
    assert!((1..32 * 1024).contains(&taken), "{taken}");
    // None of them is lost.
    drop(client);
    let mut read = Vec::new();
    socket.read_to_end(&mut read).await.unwrap();
    assert_eq!(read.len(), taken);
}
