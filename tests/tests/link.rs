//! Front ends and back ends that find, lose and refuse each other.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use headwater_tests::Mode;
use headwater_tests::{Client, Cluster, Cut, Node, Relay, Response, Site, raw, until};
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

/// The lease of the test site.
const LEASE: Duration = Duration::from_secs(1);

/// The limit for "at once", even on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(1);

fn site() -> Site {
    Site::test_site(PROGRAM)
}

/// Starts a front end that looks for its back end at these addresses.
async fn frontend(site: &Site, backends: &str) -> Node {
    site.node(Mode::Frontend, "f1").set("LINK__BACKENDS", backends).start().await
}

async fn backend(site: &Site) -> Node {
    site.node(Mode::Backend, "b1").start().await
}

/// An address at which no server listens.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9);

fn is_unavailable(response: &Response) -> bool {
    let waits = response.header("retry-after").parse::<u32>().is_ok_and(|wait| wait <= 10);
    response.status == 503 && waits
}

async fn until_answered(visitor: &Client, target: &str) -> Response {
    until("a back end answers", async || {
        let response = visitor.page(target).await;
        (response.status == 200).then_some(response)
    })
    .await
}

#[tokio::test]
async fn without_a_back_end_dynamic_pages_are_a_503_at_once_and_others_are_served() {
    let node = frontend(&site(), &NOWHERE.to_string()).await;
    let visitor = node.visitor();
    for (method, target) in [("GET", "/page/1"), ("GET", "/uncached/1"), ("POST", "/page/1")] {
        let start = Instant::now();
        let response = visitor.ask(method, target, &[], "").await;
        assert!(is_unavailable(&response), "{method} {target}: {}", response.status);
        assert!(start.elapsed() < AT_ONCE, "{method} {target}: {:?}", start.elapsed());
        assert!(response.cache_status().starts_with("headwater; fwd="));
    }
    assert_eq!(visitor.page("/static").await.status, 200);
    assert_eq!(visitor.page("/moved").await.status, 302);
    assert_eq!(visitor.page("/files/hello.txt").await.text(), "hello, world\n");
    assert_eq!(visitor.page("/nowhere").await.status, 404);
    assert_eq!(node.operator().page("/health").await.status, 200);
    let ready = node.operator().page("/ready").await;
    assert_eq!(ready.status, 503, "{}", ready.text());
}

#[tokio::test]
async fn a_back_end_that_starts_later_is_found() {
    let site = site();
    let relay = Relay::start(NOWHERE).await;
    let node = frontend(&site, &relay.address().to_string()).await;
    assert!(is_unavailable(&node.visitor().page("/page/1").await));
    let backend = backend(&site).await;
    relay.set_target(backend.link());
    node.ready().await;
    assert_eq!(node.visitor().page("/page/1").await.text(), "0");
    assert!(node.visitor().page("/page/1").await.is_hit());
}

#[tokio::test]
async fn of_several_addresses_those_that_answer_are_used() {
    let site = site();
    let mut backend = backend(&site).await;
    let silent = Relay::start(backend.link()).await;
    silent.cut(Cut::Silence);
    let backends = format!("{},{},{}", NOWHERE, silent.address(), backend.link());
    let node = frontend(&site, &backends).await;
    node.ready().await;
    for number in 0..20 {
        let start = Instant::now();
        let response = node.visitor().page(&format!("/uncached/{number}")).await;
        assert_eq!(response.status, 200, "{}", response.text());
        assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    }
    backend.kill().await;
    until("the front end has noticed", async || {
        is_unavailable(&node.visitor().page("/uncached/1").await).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_peer_without_the_secret_is_refused() {
    let site = site();
    let backend = site.node(Mode::Backend, "b1").set("LINK__SECRET", "the right one").start().await;
    let start = |name: &str, secret: &str| {
        let node = site.node(Mode::Frontend, name).set("LINK__BACKENDS", backend.link());
        node.set("LINK__SECRET", secret).start()
    };
    let stranger = start("f1", "a wrong one").await;
    let member = start("f2", "the right one").await;
    member.ready().await;
    assert_eq!(member.visitor().page("/page/1").await.text(), "0");
    assert!(is_unavailable(&stranger.visitor().page("/page/1").await));
    until("both ends say so", async || {
        let said = stranger.messages().contain("secret") && backend.messages().contain("secret");
        said.then_some(())
    })
    .await;
    for node in [&stranger, &backend] {
        for secret in ["the right one", "a wrong one"] {
            assert!(!node.messages().contain(secret), "a secret is in the messages");
        }
    }
    let members = backend.status().await["members"].to_string();
    // The quotes distinguish the names from digits and letters in other values.
    assert!(members.contains("\"f2\"") && !members.contains("\"f1\""), "{members}");
}

#[tokio::test]
async fn without_a_secret_the_link_is_for_this_machine_only() {
    let node = site().node(Mode::Backend, "b1").set("LINK__LISTEN", "0.0.0.0:0");
    let ended = node.try_start().await.expect_err("it must not start");
    assert!(!ended.status.success() && ended.messages.contain("secret"), "{}", ended.messages);
}

#[tokio::test]
async fn a_peer_with_another_protocol_on_the_link_is_refused() {
    let cluster = Cluster::start(site(), 1).await;
    let link = cluster.backend.link();
    for words in [
        &b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\xff\xff\x04\x00\x00\x00\x00\x00",
        &[0xff; 100_000],
    ] {
        raw::exchange(link, words, Duration::from_millis(500)).await;
    }
    assert_eq!(cluster.visitor(0).form("/page/1", "").await.text(), "1");
}

#[tokio::test]
async fn a_peer_of_another_link_version_is_sent_the_supported_one() {
    let backend = backend(&site()).await;
    let link = backend.link();
    let stream = TcpStream::connect(link).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let hello = Request::post(format!("http://{link}/headwater/4711/hello"));
    let hello = hello.body(Empty::<Bytes>::new()).unwrap();
    let answer = sender.send_request(hello).await.unwrap();
    assert_eq!(answer.status(), 400);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8_lossy(&body);
    assert!(body.contains("speaks version"), "{body}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_is_a_504() {
    let site = site().project("[link]\nlease = \"1s\"\ndeadline = \"300ms\"\n");
    let cluster = Cluster::start(site, 1).await;
    let visitor = cluster.visitor(0);
    let start = Instant::now();
    let response = visitor.page("/sleep/10000").await;
    assert_eq!(response.status, 504, "{}", response.text());
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(300) && took < AT_ONCE * 3, "{took:?}");
    assert_eq!(visitor.page("/sleep/10").await.text(), "slept");
    assert_eq!(visitor.page("/page/1").await.text(), "0");
}

#[tokio::test]
async fn many_calls_are_in_progress_at_a_time() {
    const CALLS: usize = 300;
    let cluster = Cluster::start(site(), 1).await;
    let address = cluster.frontends[0].http();
    let start = Instant::now();
    let calls: Vec<_> = (0..CALLS)
        .map(|_| tokio::spawn(async move { Client::new(address).page("/sleep/500").await.status }))
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), 200);
    }
    // Sequentially the calls would take minutes, a hundred at a time a second and a half.
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[tokio::test]
async fn without_a_back_end_pages_are_served_for_a_lease_and_then_as_their_routes_declare() {
    let mut cluster = Cluster::start(site(), 1).await;
    let visitor = cluster.visitor(0).keep_alive();
    visitor.form("/page/1", "").await;
    for target in ["/page/1", "/stale/1", "/timeout/1", "/static"] {
        visitor.page(target).await;
        assert!(visitor.page(target).await.is_hit(), "{target}");
    }
    cluster.backend.kill().await;
    let killed = Instant::now();
    until("the lease is over", async || {
        let asked = Instant::now();
        let response = visitor.page("/page/1").await;
        if !response.is_hit() {
            assert!(is_unavailable(&response), "{}", response.status);
            return Some(());
        }
        assert!(asked < killed + LEASE, "served from the cache after the lease");
        assert_eq!(response.text(), "1");
        None
    })
    .await;
    for _ in 0..3 {
        let start = Instant::now();
        let stale = visitor.page("/stale/1").await;
        assert_eq!((stale.status, stale.text()), (200, "1"));
        assert!(
            stale.cache_status().starts_with("headwater; fwd=stale"),
            "{}",
            stale.cache_status()
        );
        assert!(stale.cache_status().contains("stale-if-error"), "{}", stale.cache_status());
        assert!(is_unavailable(&visitor.page("/page/1").await));
        assert!(is_unavailable(&visitor.page("/timeout/1").await));
        assert!(is_unavailable(&visitor.page("/stale/2").await), "it was never made");
        assert!(start.elapsed() < AT_ONCE * 2);
    }
    assert_eq!(visitor.page("/static").await.status, 200);
    assert_eq!(cluster.frontends[0].metric("headwater_lease_held").await, 0.0);
    assert!(cluster.frontends[0].metric("headwater_responses_total{cache=\"stale\"}").await >= 3.0);

    cluster.restart_backend().await;
    cluster.ready().await;
    assert!(visitor.page("/page/1").await.is_hit(), "what is still right is kept");
    assert_eq!(visitor.form("/page/1", "").await.text(), "2");
    for target in ["/page/1", "/stale/1", "/timeout/1"] {
        assert_eq!(visitor.page(target).await.text(), "2", "{target}");
    }
}

#[tokio::test]
async fn an_invalidated_page_is_never_served_in_place_of_an_error() {
    let mut cluster = Cluster::start(site(), 1).await;
    let visitor = cluster.visitor(0);
    visitor.page("/stale/1").await;
    assert!(visitor.page("/stale/1").await.is_hit());
    visitor.form("/page/1", "").await;
    cluster.backend.kill().await;
    until("the back end is missed", async || {
        let response = visitor.page("/stale/1").await;
        assert_ne!(response.text(), "0", "{}", response.cache_status());
        is_unavailable(&response).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_front_end_that_is_cut_off_delays_writes_no_longer_than_its_lease() {
    for cut in [Cut::Reset, Cut::Silence] {
        let cluster = Cluster::start(site(), 2).await;
        let (lost, other) = (cluster.visitor(0), cluster.visitor(1));
        for visitor in [&lost, &other] {
            visitor.page("/grouped/1").await;
            assert!(visitor.page("/grouped/1").await.is_hit());
        }
        cluster.relays[0].cut(cut);
        let start = Instant::now();
        let receipt = other.form("/invalidate", "group=page:1").await.json();
        assert!(start.elapsed() < LEASE + Duration::from_secs(1), "{:?}", start.elapsed());
        assert!(receipt.to_string().contains("lease-expired"), "{receipt}");
        let response = lost.page("/grouped/1").await;
        assert!(!response.is_hit(), "{cut:?}: {}", response.cache_status());
        assert_eq!(other.form("/page/1", "").await.text(), "1");
        let start = Instant::now();
        assert_eq!(other.form("/page/1", "").await.text(), "2");
        assert!(start.elapsed() < AT_ONCE, "a writer waited for a front end without a lease");
        cluster.relays[0].heal();
        cluster.ready().await;
        assert_eq!(until_answered(&lost, "/grouped/1").await.text(), "2");
    }
}

#[tokio::test]
async fn a_log_that_was_wiped_is_recognised() {
    let mut cluster = Cluster::start(site(), 1).await;
    let visitor = cluster.visitor(0);
    for version in 1..=5 {
        assert_eq!(visitor.form("/page/1", "").await.text(), version.to_string());
    }
    assert_eq!(visitor.page("/page/1").await.text(), "5");
    assert_eq!(visitor.page("/all").await.json()["total"], 5);
    cluster.backend.kill().await;
    fs::remove_dir_all(cluster.site.path("data")).unwrap();
    cluster.restart_backend().await;
    cluster.ready().await;
    until("the old log's pages are forgotten", async || {
        (visitor.page("/page/1").await.text() == "0").then_some(())
    })
    .await;
    assert_eq!(visitor.page("/all").await.json()["total"], 0);
    assert_eq!(visitor.form("/page/1", "").await.text(), "1");
    assert_eq!(visitor.page("/page/1").await.text(), "1");
}

#[tokio::test]
async fn front_ends_of_one_name_are_distinguished() {
    let cluster = Cluster::start(site(), 1).await;
    let namesake = frontend(&cluster.site, &cluster.backend.link().to_string()).await;
    namesake.ready().await;
    let visitors = [cluster.visitor(0), namesake.visitor()];
    for version in 1..=3 {
        for visitor in &visitors {
            visitor.page("/page/1").await;
        }
        assert_eq!(visitors[version % 2].form("/page/1", "").await.text(), version.to_string());
        for visitor in &visitors {
            assert_eq!(visitor.page("/page/1").await.text(), version.to_string());
        }
    }
    let members = cluster.backend.status().await["members"].to_string();
    assert_eq!(members.matches("serving").count(), 2, "{members}");
}

#[tokio::test]
async fn the_back_end_reports_the_state_of_its_front_ends() {
    let site = site().project("[link]\nlease = \"1s\"\nexpect_frontends = [\"f1\", \"f9\"]\n");
    let mut cluster = Cluster::start(site, 2).await;
    let is = async |cluster: &Cluster, name: &str, state: &str| {
        let status = cluster.backend.status().await;
        let members = status["members"].as_array().unwrap();
        members.iter().any(|member| member["name"] == name && member["state"] == state)
    };
    assert!(is(&cluster, "f1", "serving").await && is(&cluster, "f2", "serving").await);
    assert!(is(&cluster, "f9", "missing").await);
    until("the log names the missing front end", async || {
        cluster.backend.messages().contain("f9").then_some(())
    })
    .await;
    cluster.frontends[0].kill().await;
    until("it is missed", async || is(&cluster, "f1", "gone").await.then_some(())).await;
    until("the metrics tell", async || {
        let counted = async |health: &str| {
            cluster.backend.metric(&format!("headwater_members{{health=\"{health}\"}}")).await
        };
        (counted("gone").await == 1.0 && counted("serving").await == 1.0).then_some(())
    })
    .await;
    cluster.frontends[0].restart().await;
    until("it is back", async || is(&cluster, "f1", "serving").await.then_some(())).await;
}
