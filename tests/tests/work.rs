//! How much one connection can have done at a time, whatever it resets.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use headwater_tests::{Cluster, Site, until};
use http::Request;
use http_body_util::{BodyExt, Empty};
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
path = "/runs/{name}"
controller = "flights.runs"
cache = "no_cache"
"#;

/// How many streams a connection may have, and so how much may be done for it.
const PLACES: usize = 200;
/// How long a controller runs, in milliseconds: longer than it takes to send all requests.
const RUN: usize = 8000;

async fn connect(cluster: &Cluster) -> SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(cluster.frontends[0].http()).await.unwrap();
    let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn runs(cluster: &Cluster, name: &str) -> usize {
    cluster.visitor(0).page(&format!("/runs/{name}")).await.text().parse().unwrap()
}

/// Sends requests and resets them, several times as many as there are places, and looks at what
/// is done for them.
async fn what_was_reset_counts(name: &str, path: &str) {
    let cluster = Cluster::start(Site::test_site(PROGRAM).route(ROUTES), 1).await;
    cluster.visitor(0).page(&format!("{path}/0")).await;
    let before = runs(&cluster, name).await;
    let mut sender = connect(&cluster).await;
    let begun = Instant::now();
    for batch in 0..10 {
        let requests = (0..100).map(|number| {
            let uri = format!("http://site{path}/{}", RUN + batch * 100 + number);
            sender.send_request(Request::get(uri).body(Empty::new()).unwrap())
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
    // The places are free when the controllers have ended, and not for ever taken.
    let uri = format!("http://site{path}/1");
    let request = Request::get(uri).body(Empty::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(RUN as u64), "it was given no place");
    assert_eq!(response.status(), 200);
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert!(!text.is_empty());
}

#[tokio::test]
async fn fills_that_were_reset_count_until_they_have_ended() {
    what_was_reset_counts("cached", "/flight/cached").await;
}

#[tokio::test]
async fn uncached_pages_that_were_reset_count_until_their_controllers_have_ended() {
    what_was_reset_counts("uncached", "/flight/uncached/uncached").await;
}
