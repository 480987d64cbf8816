//! The site's layers around all requests of a front end.

use std::time::Duration;

use bytes::Bytes;
use headwater::internals::config::Mode;
use headwater_tests::{Client, Site, until};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

const PROGRAM: &str = env!("CARGO_BIN_EXE_extended-site");

fn site() -> Site {
    Site::new(PROGRAM)
        .project("[site]\ngreeting = \"Hello!\"\n")
        .dispatch("[[route]]\npath = \"/\"\ncontroller = \"greet\"\n")
}

#[tokio::test]
async fn every_request_passes_the_layers_from_the_last_to_the_first() {
    let launch = site().node(Mode::SingleNodeWithCache, "n1").variable("LAYERS", "2");
    let node = launch.start().await;
    node.ready().await;
    let client = Client::new(node.http()).keep_alive();
    let layers = |response: &headwater_tests::Response| {
        let values = response.headers.get_all("x-layer").iter();
        values.map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let both = ["inner 127.0.0.1", "outer 127.0.0.1"].map(str::to_owned);
    let first = client.get("/").await.unwrap();
    assert_eq!((first.text(), first.is_hit(), &*layers(&first)), ("Hello! (1)", false, &both[..]));
    // Cache hits pass them too.
    let second = client.get("/").await.unwrap();
    assert_eq!(
        (second.text(), second.is_hit(), &*layers(&second)),
        ("Hello! (1)", true, &both[..])
    );
    let missing = client.get("/missing").await.unwrap();
    assert_eq!((missing.status, &*layers(&missing)), (404, &both[..]));
    // The outer layer runs first and need not call the inner one.
    let refused = client.get("/refused").await.unwrap();
    assert_eq!((refused.text(), &*layers(&refused)), ("refused by the layer", &both[1..]));
    let failing = client.get("/failing").await.unwrap();
    assert_eq!((failing.status, layers(&failing).len()), (500, 0));
    let said = async || node.messages().contain("the layer fails").then_some(());
    until("the failure is in the log", said).await;
}

#[tokio::test]
async fn a_site_without_layers_has_none() {
    let node = site().node(Mode::SingleNodeWithCache, "n1").start().await;
    node.ready().await;
    let response = Client::new(node.http()).get("/").await.unwrap();
    assert_eq!((response.status, response.header("x-layer")), (200, ""));
}

#[tokio::test]
async fn a_service_that_keeps_the_extensions_of_requests_does_not_block_a_connection() {
    let site = site().route("[[route]]\npath = \"/keep\"\nservice = \"keep\"\n");
    let launch = site.node(Mode::SingleNodeWithCache, "n1").variable("LAYERS", "1");
    let node = launch.start().await;
    node.ready().await;
    let stream = TcpStream::connect(node.http()).await.unwrap();
    let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (mut sender, connection) =
        builder.handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    // One more than the maximum number of concurrent requests on a connection.
    for number in 1..=201 {
        let request = http::Request::get("http://site/keep").body(Empty::new()).unwrap();
        let answering = tokio::time::timeout(Duration::from_secs(5), sender.send_request(request));
        let answer = answering.await.unwrap_or_else(|_| panic!("request {number} has no place"));
        let text = answer.unwrap().into_body().collect().await.unwrap().to_bytes();
        assert_eq!(text, number.to_string());
    }
}
