//! Nodes that stop.

use std::time::{Duration, Instant};

use headwater_tests::Mode;
use headwater_tests::{Cluster, Site, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{PROGRAM, site};

#[tokio::test]
async fn a_stopping_front_end_finishes_its_requests_and_leaves_the_membership() {
    let site = Site::test_site(PROGRAM).project("[link]\nlease = \"4s\"\n");
    let mut cluster = Cluster::start(site, 2).await;
    // The first write waits for front ends of a possible earlier log.
    cluster.visitor(1).form("/page/1", "").await;
    let visitor = cluster.visitor(0);
    let address = cluster.frontends[0].http();
    let running = tokio::spawn(async move { visitor.page("/sleep/1500").await });
    until("the request is under way", async || {
        let status = cluster.frontends[0].status().await;
        (status["backends"][0]["calls_in_flight"] == 1).then_some(())
    })
    .await;
    cluster.frontends[0].terminate();
    until("it takes no more visitors", async || {
        TcpStream::connect(address).await.is_err().then_some(())
    })
    .await;
    let response = running.await.unwrap();
    assert_eq!((response.status, response.text()), (200, "slept"));
    assert!(cluster.frontends[0].ended().await.success());
    let members = cluster.backend.status().await["members"].to_string();
    assert!(!members.contains("\"f1\"") && members.contains("\"f2\""), "{members}");
    let start = Instant::now();
    assert_eq!(cluster.visitor(1).form("/page/1", "").await.status, 200);
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "a write waits for a front end that has left"
    );
}

#[tokio::test]
async fn a_stopping_back_end_finishes_its_calls() {
    let mut cluster = Cluster::start(site(), 1).await;
    let visitor = cluster.visitor(0);
    let running = tokio::spawn(async move { visitor.page("/sleep/1000").await });
    until("the request is under way", async || {
        let status = cluster.frontends[0].status().await;
        (status["backends"][0]["calls_in_flight"] == 1).then_some(())
    })
    .await;
    assert!(cluster.backend.stop().await.success());
    assert_eq!(running.await.unwrap().text(), "slept");
    let response = cluster.visitor(0).page("/uncached/1").await;
    assert_eq!(response.status, 503);
}

#[tokio::test]
async fn a_stopping_node_does_not_wait_forever() {
    let node = site().node(Mode::SingleNodeWithCache, "n1").set("LIMITS__DRAIN", "300ms");
    let mut node = node.start().await;
    node.ready().await;
    let visitor = node.visitor();
    let running = tokio::spawn(async move { visitor.get("/sleep/60000").await });
    until("the request is under way", async || {
        let status = node.status().await;
        (status["backends"][0]["calls_in_flight"] == 1).then_some(())
    })
    .await;
    let start = Instant::now();
    assert!(node.stop().await.success());
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    assert!(running.await.unwrap().is_err(), "the request was cut");
}

#[tokio::test]
async fn a_stopping_node_does_not_wait_for_idle_connections() {
    let mut cluster = Cluster::start(site(), 1).await;
    let mut idle = TcpStream::connect(cluster.frontends[0].http()).await.unwrap();
    idle.write_all(b"HEAD /static HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    idle.read_u8().await.unwrap();
    let silent = TcpStream::connect(cluster.frontends[0].http()).await.unwrap();
    let start = Instant::now();
    assert!(cluster.frontends[0].stop().await.success());
    assert!(cluster.backend.stop().await.success());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    drop((idle, silent));
}
