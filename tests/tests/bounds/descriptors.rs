//! File descriptors: a node with few of them, and visitors that take as many as they can.

use std::time::Duration;

use bytes::Bytes;
use headwater_tests::{Mode, Node, Response, Site, until};
use http::Request;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::site;

/// Longer than the files that are read as a whole before they are sent.
const LONG: usize = 1 << 20;

/// Starts a node with so few descriptors that a test can exhaust them.
async fn node(site: &Site) -> Node {
    let site = site.clone().file("docroot/files/long.bin", vec![7; LONG]);
    let node = site.node(Mode::SingleNodeWithCache, "n1").descriptors(128, 256);
    // Connections are closed by the node's own limits only, not by a timeout.
    let node = node.set("LIMITS__IDLE_TIMEOUT", "1h").set("LIMITS__WRITE_TIMEOUT", "3s");
    let node = node.start().await;
    node.ready().await;
    node
}

async fn operators_are_answered(node: &Node) {
    let operator = headwater_tests::Client::new(node.admin()).timeout(Duration::from_secs(5));
    for target in ["/health", "/status", "/metrics"] {
        let answer = operator.get(target).await;
        assert_eq!(answer.map(|answer| answer.status).ok(), Some(200), "{target}");
    }
}

#[tokio::test]
async fn a_node_raises_its_limit_of_open_files_and_logs_both() {
    let node = node(&site()).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", node.pid())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(line.split_whitespace().nth(3), Some("256"), "{line}");
    let messages = node.messages().to_string();
    assert!(messages.contains("descriptors=256 before=128"), "{messages}");
    assert!(messages.contains("connections=132 wanted=10000"), "{messages}");
}

#[tokio::test]
async fn idle_visitors_block_neither_operators_nor_new_visitors() {
    let node = node(&site()).await;
    let mut idle = Vec::new();
    for _ in 0..300 {
        let mut stream = TcpStream::connect(node.http()).await.unwrap();
        // A refused connection may be closed already.
        let _ = stream.write_all(b"GET /static HTTP/1.1\r\nhost: a\r\n\r\n").await;
        idle.push(stream);
    }
    operators_are_answered(&node).await;
    let visitor = node.visitor();
    until("a newcomer is let in", async || match visitor.get("/page/1").await {
        Ok(Response { status: 200, .. }) => Some(()),
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn clients_that_open_no_window_do_not_hold_all_files() {
    let site = site();
    let node = node(&site).await;
    let visitor = node.visitor();
    assert_eq!(visitor.page("/files/long.bin").await.body.len(), LONG);
    let picture = visitor.ask("POST", "/gallery/short.png/1", &[], "short").await;
    assert_eq!(picture.text(), "hung");
    // Once a short file has been unchanged for some seconds, its tag is cached and the file need
    // not be read for it.
    let short = site.path("docroot/files/hello.txt");
    until("the tag of the short file is kept", async || {
        let age = short.metadata().unwrap().modified().unwrap().elapsed();
        age.is_ok_and(|age| age > Duration::from_secs(7)).then_some(())
    })
    .await;
    assert_eq!(visitor.page("/files/hello.txt").await.status, 200);
    let mut held = Vec::new();
    for _ in 0..6 {
        let stream = TokioIo::new(TcpStream::connect(node.http()).await.unwrap());
        let (sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(0)
            .handshake(stream)
            .await
            .unwrap();
        tokio::spawn(connection);
        for _ in 0..100 {
            let (mut sender, http) = (sender.clone(), node.http());
            held.push(tokio::spawn(async move {
                let request = Request::get(format!("http://{http}/files/long.bin"));
                let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap());
                // The response is held and never read.
                let Ok(response) = response.await else { return };
                std::future::pending::<()>().await;
                drop(response);
            }));
        }
    }
    until("all places for files are taken", async || {
        let refused = visitor.page("/files/long.bin").await;
        (refused.status == 503).then(|| assert_eq!(refused.header("retry-after"), "1"))
    })
    .await;
    operators_are_answered(&node).await;
    for short in ["/files/hello.txt", "/files/uploads/short.png"] {
        assert_eq!(visitor.page(short).await.status, 200, "{short}");
    }
    assert_eq!(visitor.page("/uncached/1").await.status, 200);
    until("the clients that take nothing are cut", async || {
        (visitor.page("/files/long.bin").await.status == 200).then_some(())
    })
    .await;
    held.iter().for_each(tokio::task::JoinHandle::abort);
}
