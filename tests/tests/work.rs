//! The limit of concurrent work for one connection, even if it resets its requests.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream;
use headwater_tests::{Cluster, Site, until};
use http::Request;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

const ROUTES: &str = r#"
[[route]]
path = "/flight/{name}/{milliseconds}"
controller = "flights.slow"

[[route]]
path = "/flight/uncached/{name}/{milliseconds}"
controller = "flights.slow"
cache = "no_cache"

[[route]]
path = "/flight/sent/{name}/{milliseconds}"
methods = ["POST"]
controller = "flights.slow"

[[route]]
path = "/runs/{name}"
controller = "flights.runs"
cache = "no_cache"
"#;

/// The maximum number of streams of a connection, and so of requests in progress for it.
const PLACES: usize = 200;
/// The duration of a controller in milliseconds: longer than it takes to send all requests.
const RUN: usize = 8000;
/// The front end's deadline for answers is longer than any controller runs.
const PROJECT: &str = "[link]\nlease = \"1s\"\ndeadline = \"12s\"\n";

type Sent = BoxBody<Bytes, Infallible>;

fn no_body() -> Sent {
    Empty::new().boxed()
}

fn body_without_end() -> Sent {
    StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>()).boxed()
}

async fn connect(cluster: &Cluster) -> SendRequest<Sent> {
    let stream = TcpStream::connect(cluster.frontends[0].http()).await.unwrap();
    let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn runs(cluster: &Cluster, name: &str) -> usize {
    cluster.visitor(0).page(&format!("/runs/{name}")).await.text().parse().unwrap()
}

/// Sends and resets several times as many requests as a connection may have, and checks how many
/// controllers run for them.
async fn reset_requests_count(name: &str, method: &str, path: &str, body: fn() -> Sent) {
    let site = Site::test_site(PROGRAM).project(PROJECT).route(ROUTES);
    let cluster = Cluster::start(site, 1).await;
    cluster.visitor(0).page("/flight/uncached/first/0").await;
    let before = runs(&cluster, name).await;
    let mut sender = connect(&cluster).await;
    let begun = Instant::now();
    for batch in 0..10 {
        let requests = (0..100).map(|number| {
            let uri = format!("http://site{path}/{}", RUN + batch * 100 + number);
            let request = Request::builder().method(method).uri(uri);
            sender.send_request(request.body(body()).unwrap())
        });
        let answers = join_all(requests.collect::<Vec<_>>());
        let answered = tokio::time::timeout(Duration::from_millis(100), answers).await;
        assert!(answered.is_err(), "nothing can be answered by now");
    }
    assert!(begun.elapsed() < Duration::from_millis(RUN as u64), "the machine is too slow");
    until("all that may be done is being done", async || {
        (runs(&cluster, name).await - before >= PLACES).then_some(())
    })
    .await;
    assert_eq!(runs(&cluster, name).await - before, PLACES);
    // The places are free again when the controllers have ended.
    let uri = format!("http://site{path}/1");
    let request = Request::builder().method(method).uri(uri).body(no_body()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(RUN as u64), "it was given no place");
    assert_eq!(response.status(), 200);
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert!(!text.is_empty());
}

#[tokio::test]
async fn fills_that_were_reset_count_until_they_have_ended() {
    reset_requests_count("cached", "GET", "/flight/cached", no_body).await;
}

#[tokio::test]
async fn uncached_pages_that_were_reset_count_until_their_controllers_have_ended() {
    reset_requests_count("uncached", "GET", "/flight/uncached/uncached", no_body).await;
}

#[tokio::test]
async fn requests_that_were_reset_in_the_middle_of_their_bodies_count_too() {
    reset_requests_count("sent", "POST", "/flight/sent/sent", body_without_end).await;
}
