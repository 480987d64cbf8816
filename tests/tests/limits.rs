//! Visitors that violate HTTP or reasonable limits.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use bytes::Bytes;
use headwater_tests::Mode;
use headwater_tests::{Client, Cluster, PATIENCE, Response, Seed, Shared, Site, raw, until};
use http::Request;
use http_body_util::{Empty, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

/// Limits that a test can reach.
const LIMITS: &str = r#"
[link]
lease = "2s"

[limits]
header_bytes = "16 KiB"
headers = 30
body = "100 KiB"
header_timeout = "500ms"
body_timeout = "500ms"
idle_timeout = "1s"
write_timeout = "500ms"
"#;

/// Longer than every timeout above, even on a busy machine.
const SOON: Duration = Duration::from_secs(10);

fn site() -> Site {
    Site::test_site(PROGRAM).project(LIMITS)
}

static CLUSTER: LazyLock<Shared> = LazyLock::new(|| Shared::start(|| Cluster::start(site(), 1)));

/// Returns the node's answer to these bytes, until it closes the connection.
async fn say(bytes: impl AsRef<[u8]>) -> String {
    raw::exchange(CLUSTER.borrow().frontends[0].http(), bytes.as_ref(), PATIENCE).await
}

/// Returns the status of an answer.
fn status(answer: &str) -> u16 {
    let rest = answer.strip_prefix("HTTP/1.1 ").or_else(|| answer.strip_prefix("HTTP/1.0 "));
    let status = rest.and_then(|rest| rest.get(..3));
    status.and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// Returns a request with these lines in its header.
fn head(lines: &[&str]) -> String {
    let mut head = lines.join("\r\n");
    head.push_str("\r\nhost: site\r\nconnection: close\r\n\r\n");
    head
}

async fn is_well() {
    let visitor = CLUSTER.borrow().visitor(0);
    assert_eq!(visitor.page("/uncached/1").await.status, 200);
}

#[tokio::test]
async fn bytes_that_are_not_http_are_a_400() {
    for words in [
        "hello\r\n\r\n",
        "GET\r\n\r\n",
        "GET /static\r\n\r\n",
        "GET /static HTTP/9.9\r\nhost: a\r\n\r\n",
        "GET /sta\x01tic HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /static HTTP/1.1\r\nhost: a\r\nbad header: x\r\n\r\n",
        "GET /static HTTP/1.1\r\nhost: a\r\n: x\r\n\r\n",
        "GET /static HTTP/1.1\r\nhost: a\r\nx: a\x00b\r\n\r\n",
        "POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: many\r\n\r\n",
        "POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        "POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999999999999\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{7f}\x03\x03",
    ] {
        let answer = say(words).await;
        assert_eq!(status(&answer), 400, "{words:?}: {answer}");
    }
    for words in
        ["GET /static HTTP/1.1\r\n\r\n", "GET /static HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n"]
    {
        let answer = say(words).await;
        assert_eq!(status(&answer), 400, "{words:?}: {answer}");
        assert!(answer.contains("Host"), "{answer}");
    }
    is_well().await;
}

/// Mutates a request. Bytes that resemble a request find more errors than random bytes.
fn nearly(request: &[u8], choices: &mut StdRng) -> Vec<u8> {
    let mut bytes = request.to_vec();
    for _ in 0..choices.random_range(1..6) {
        let place = choices.random_range(0..bytes.len());
        let end = bytes.len().min(place + choices.random_range(1..12));
        match choices.random_range(0..5) {
            0 => bytes[place] = choices.random(),
            1 => bytes[place] ^= 1 << choices.random_range(0..8),
            2 => bytes.insert(place, *b"\r\n %/?&=;:\0\\.\xff".choose(choices).unwrap_or(&b'x')),
            3 => drop(bytes.drain(place..end)),
            _ => {
                let piece = bytes[place..end].repeat(choices.random_range(1..50));
                bytes.splice(place..place, piece);
            }
        }
    }
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutated_requests_are_client_errors() {
    let seed = Seed::take("LIMITS_SEED");
    let address = CLUSTER.borrow().frontends[0].http();
    let requests = [
        head(&["GET /page/7?a=%20&b=1 HTTP/1.1", "accept: text/html", "cookie: a=b"]),
        head(&["GET /files/hello.txt HTTP/1.1", "if-none-match: \"x\"", "range: bytes=0-3"]),
        head(&["HEAD /counter?page=2 HTTP/1.1", "accept-language: de", "x-variant: named x"]),
        head(&["POST /upload/small HTTP/1.1", "content-length: 5"]) + "hello",
        head(&["POST /upload/small HTTP/1.1", "transfer-encoding: chunked"])
            + "5\r\nhello\r\n0\r\n\r\n",
    ];
    let visitors = (0..32).map(|visitor| {
        let (mut choices, requests) = (seed.choices(visitor), requests.clone());
        tokio::spawn(async move {
            for request in &requests {
                for _ in 0..2 {
                    let sent = nearly(request.as_bytes(), &mut choices);
                    let answer = raw::exchange(address, &sent, PATIENCE).await;
                    let shown = String::from_utf8_lossy(&sent);
                    let is_well = answer.is_empty() || (200..500).contains(&status(&answer));
                    assert!(is_well, "{shown:?}: {answer}");
                }
            }
        })
    });
    for visitor in visitors.collect::<Vec<_>>() {
        visitor.await.unwrap();
    }
    is_well().await;
}

#[tokio::test]
async fn old_http_is_understood() {
    let answer = say("GET /page/1 HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200") && answer.ends_with("\r\n\r\n0"), "{answer}");
}

#[tokio::test]
async fn requests_may_follow_each_other_without_waiting() {
    let two = "GET /page/1 HTTP/1.1\r\nhost: a\r\n\r\n".to_owned() + &head(&["GET /all HTTP/1.1"]);
    let answer = say(two).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    assert!(answer.find("text/plain") < answer.find("application/json"), "{answer}");
}

#[tokio::test]
async fn a_body_has_one_length_only() {
    // A proxy in front of this node may use either length to find the end of the body.
    let smuggled = head(&["GET /moved HTTP/1.1"]);
    let words = format!(
        "POST /upload/small HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\
         transfer-encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}",
        5 + smuggled.len()
    );
    let answer = say(words).await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

#[tokio::test]
async fn ambiguous_paths_are_refused() {
    for path in [
        "/files/../project.toml",
        "/files/%2e%2e/project.toml",
        "/./static",
        "//static",
        "/static//",
        "/stat\\ic",
        "/stat%5Cic",
        "/static%00",
        "/static%0d%0ax:%20y",
        "/%ff",
        "/%c0%ae",
        "/%",
        "/%2",
        "/%zz",
        "*",
    ] {
        let answer = say(head(&[&format!("GET {path} HTTP/1.1")])).await;
        assert_eq!(status(&answer), 400, "{path}: {answer}");
    }
    is_well().await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let long_value = format!("x-long: {}", "x".repeat(20_000));
    let answer = say(head(&["GET /static HTTP/1.1", &long_value])).await;
    assert_eq!(status(&answer), 431, "{answer}");
    let line = format!("GET /{} HTTP/1.1", "x".repeat(20_000));
    let answer = say(head(&[&line])).await;
    assert!(matches!(status(&answer), 414 | 431), "{answer}");
    let many: Vec<String> = (0..40).map(|number| format!("x-{number}: y")).collect();
    let mut lines = vec!["GET /static HTTP/1.1"];
    lines.extend(many.iter().map(String::as_str));
    let answer = say(head(&lines)).await;
    assert_eq!(status(&answer), 431, "{answer}");
    lines.truncate(20);
    assert_eq!(status(&say(head(&lines)).await), 200);
    is_well().await;
}

#[tokio::test]
async fn a_query_with_too_many_parameters_is_refused() {
    let visitor = CLUSTER.borrow().visitor(0);
    let query = |count: usize| (0..count).map(|n| format!("p{n}=1&")).collect::<String>();
    assert_eq!(visitor.page(&format!("/page/1?{}", query(100))).await.status, 200);
    assert_eq!(visitor.page(&format!("/page/1?{}", query(1000))).await.status, 400);
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let visitor = CLUSTER.borrow().visitor(0);
    let body = |kibibytes: usize| Bytes::from(vec![b'x'; kibibytes << 10]);
    let post = async |target: &str, kibibytes: usize| {
        visitor.ask("POST", target, &[], body(kibibytes)).await
    };
    assert_eq!(post("/upload/small", 64).await.text(), (64 << 10).to_string());
    assert_eq!(post("/upload/small", 65).await.status, 413);
    assert_eq!(post("/upload/small", 2000).await.status, 413);
    let flood = head(&["POST /upload/small HTTP/1.1", "content-length: 67108864"]);
    let answer = say(flood + &"x".repeat(64 << 20)).await;
    assert_eq!(status(&answer), 413, "{answer}");
    assert_eq!(post("/upload", 2000).await.status, 200, "the route allows more");
    assert_eq!(post("/page/1", 101).await.status, 413, "the node's own limit");

    let declared = head(&["POST /upload/small HTTP/1.1", "content-length: 99999999999"]);
    let start = Instant::now();
    let answer = say(declared).await;
    assert_eq!(status(&answer), 413, "{answer}");
    assert!(start.elapsed() < SOON, "the answer does not wait for the body");
    assert!(answer.contains("cache-status"), "{answer}");

    let piece = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    let chunked = head(&["POST /upload/small HTTP/1.1", "transfer-encoding: chunked"]);
    let answer = say(chunked + &piece.repeat(100) + "0\r\n\r\n").await;
    assert_eq!(status(&answer), 413, "{answer}");
    is_well().await;
}

#[tokio::test]
async fn an_incomplete_body_is_a_client_error() {
    let chunked = head(&["POST /upload/small HTTP/1.1", "transfer-encoding: chunked"]);
    let answer = say(chunked + "5\r\nhello\r\nnonsense\r\n").await;
    assert_eq!(status(&answer), 400, "{answer}");
    is_well().await;
}

#[tokio::test]
async fn a_client_that_expects_100_continue_gets_it() {
    let address = CLUSTER.borrow().frontends[0].http();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let expecting =
        head(&["POST /upload/small HTTP/1.1", "content-length: 5", "expect: 100-continue"]);
    stream.write_all(expecting.as_bytes()).await.unwrap();
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(status(&answer) == 200 && answer.ends_with("\r\n\r\n5"), "{answer}");
}

#[tokio::test]
async fn a_head_that_does_not_end_is_not_waited_for() {
    for words in ["", "GET /stat", "GET /static HTTP/1.1\r\nhost: a\r\nx-slow: "] {
        let start = Instant::now();
        let answer = say(words).await;
        assert!(start.elapsed() < SOON, "{words:?}");
        assert!(answer.is_empty() || status(&answer) == 408, "{words:?}: {answer}");
    }
}

#[tokio::test]
async fn a_head_that_is_sent_byte_by_byte_is_not_waited_for() {
    let address = CLUSTER.borrow().frontends[0].http();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let start = Instant::now();
    stream.write_all(b"GET /static HTTP/1.1\r\nhost: a\r\nx: ").await.unwrap();
    until("the connection is closed", async || stream.write_all(b"x").await.is_err().then_some(()))
        .await;
    assert!(start.elapsed() < SOON);
}

#[tokio::test]
async fn a_stalled_body_is_not_waited_for() {
    let start = Instant::now();
    let answer =
        say(head(&["POST /upload/small HTTP/1.1", "content-length: 50"]) + "part of it").await;
    assert_eq!(status(&answer), 408, "{answer}");
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    is_well().await;
}

#[tokio::test]
async fn a_connection_without_requests_is_closed() {
    let address = CLUSTER.borrow().frontends[0].http();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"HEAD /static HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let start = Instant::now();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(status(&answer) == 200 && start.elapsed() < SOON, "{answer}");
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_disconnected() {
    let address = CLUSTER.borrow().frontends[0].http();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head(&["GET /download/256 HTTP/1.1"]).as_bytes()).await.unwrap();
    // Not a wait for an event: the client reads nothing for this long.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut length = 0;
    let mut piece = vec![0; 1 << 20];
    while let Ok(read) = stream.read(&mut piece).await
        && read > 0
    {
        length += read;
    }
    assert!(length < 256 << 20, "all of it came");
    is_well().await;
}

#[tokio::test]
async fn a_client_that_reads_slowly_gets_everything() {
    let visitor = CLUSTER.borrow().visitor(0);
    let request = Request::get("/download/16").body(Empty::<Bytes>::new()).unwrap();
    let mut body = visitor.open(request).await.unwrap().into_body();
    let mut length = 0;
    while let Some(frame) = http_body_util::BodyExt::frame(&mut body).await {
        length += frame.unwrap().into_data().map_or(0, |data| data.len());
        if length % (1 << 20) < 20_000 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    assert_eq!(length, 16 << 20);
}

#[tokio::test]
async fn there_are_no_more_connections_than_allowed() {
    let node = site().node(Mode::SingleNodeWithCache, "n1").set("LIMITS__CONNECTIONS", 3);
    let node = node.set("LIMITS__IDLE_TIMEOUT", "60s").start().await;
    node.ready().await;
    let visitor = node.visitor();
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(node.http()).await.unwrap();
        stream.write_all(b"GET /static HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        stream.read_u8().await.unwrap();
        held.push(stream);
    }
    let refused = visitor.page("/static").await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    held.pop();
    until("there is a place again", async || match visitor.get("/static").await {
        Ok(Response { status: 200, .. }) => Some(()),
        _ => None,
    })
    .await;
    assert_eq!(node.operator().page("/health").await.status, 200, "operators have their own");
}

#[tokio::test]
async fn http_2_is_spoken_with_clients_that_begin_with_it() {
    let address = CLUSTER.borrow().frontends[0].http();
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let requests = (0..50).map(|number| {
        let mut sender = sender.clone();
        async move {
            let uri = format!("http://{address}/uncached/{number}");
            let request = Request::get(uri).body(Full::new(Bytes::new())).unwrap();
            sender.send_request(request).await.unwrap().status().as_u16()
        }
    });
    let statuses = futures_util::future::join_all(requests).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
}

#[tokio::test]
async fn many_visitors_at_once_are_all_answered() {
    let address = CLUSTER.borrow().frontends[0].http();
    let visitors: Vec<_> = (0..200)
        .map(|number| {
            tokio::spawn(async move {
                let visitor = Client::new(address).keep_alive();
                for round in 0..5 {
                    let target = format!("/page/{}", (number + round) % 7);
                    assert_eq!(visitor.page(&target).await.status, 200);
                }
            })
        })
        .collect();
    for visitor in visitors {
        visitor.await.unwrap();
    }
}
