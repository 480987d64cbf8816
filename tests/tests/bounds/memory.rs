//! Memory: visitors that take as much as they can, and the guide's table of the most that a node
//! uses ("Memory" in docs/guide/cluster.md).

use std::time::{Duration, Instant};

use headwater_tests::Mode;
use headwater_tests::{Launch, Node, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::site;

const MIB: u64 = 1 << 20;

/// The memory of the node itself, and memory retained by the system's allocator, above all in a
/// build without optimisation.
const SLACK: u64 = 64 * MIB;

fn launch() -> Launch {
    let site = site().route(
        "[[route]]\npath = \"/story/{slug}\"\ncontroller = \"answers.give\"\n\
         groups = [\"stories\", \"story:{slug}\"]\ncache_statuses = [404]\n",
    );
    let node = site.node(Mode::SingleNodeWithCache, "n1");
    node.set("CACHE__BYTES", "16 MiB").set("CACHE__PERSISTENT_BYTES", "1 MiB")
}

/// Returns the node's peak memory during `attack`, minus its memory before.
async fn taken_by(node: &Node, attack: impl Future<Output = ()>) -> u64 {
    let before = memory(node);
    node.forget_peak_memory();
    attack.await;
    node.peak_memory().saturating_sub(before)
}

/// Returns the node's present memory.
fn memory(node: &Node) -> u64 {
    node.forget_peak_memory();
    node.peak_memory()
}

#[tokio::test]
async fn long_invented_names_are_limited_by_their_size() {
    let node = launch().start().await;
    node.ready().await;
    let visitor = node.visitor().keep_alive();
    let taken = taken_by(&node, async {
        for number in 0..10_000 {
            let slug = format!("{number}-{}", "x".repeat(15_000));
            assert_eq!(visitor.page(&format!("/story/{slug}")).await.status, 404);
        }
    })
    .await;
    assert!(node.metric("headwater_cache_entries").await > 100.0, "they are cached");
    assert!(taken < 17 * MIB + SLACK, "{} MiB", taken / MIB);
}

#[tokio::test]
async fn a_form_of_names_only_is_refused_before_it_uses_memory() {
    let node = launch().start().await;
    node.ready().await;
    let visitor = node.visitor();
    let form = "group=a".to_owned() + &"&a".repeat((7 << 20) / 2);
    let taken = taken_by(&node, async {
        let all = (0..8).map(|_| visitor.form("/invalidate", &form));
        for answer in futures_util::future::join_all(all).await {
            assert_eq!(answer.status, 413, "{}", answer.text());
        }
    })
    .await;
    // Eight bodies, each with half as much again while its buffer grows.
    assert!(taken < 8 * 8 * MIB * 3 / 2 + SLACK, "{} MiB", taken / MIB);
    let fields = |fields: usize| "group=a".to_owned() + &"&b=c".repeat(fields - 1);
    assert_eq!(visitor.form("/invalidate", &fields(1000)).await.status, 200);
    assert_eq!(visitor.form("/invalidate", &fields(1001)).await.status, 413);
}

/// Sends a body except its end, and then single bytes at intervals until the node answers.
async fn drip(node: std::net::SocketAddr, length: usize) -> String {
    let mut stream = TcpStream::connect(node).await.unwrap();
    let head = format!(
        "POST /kept HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    let (mut read, mut write) = stream.split();
    let mut answer = Vec::new();
    let send = async {
        // The node may answer, and close, before it has read everything.
        let _ = write.write_all(head.as_bytes()).await;
        let _ = write.write_all(&vec![b'x'; length - 1000]).await;
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let _ = write.write_all(b"x").await;
        }
    };
    tokio::select! {
        () = send => {}
        _ = read.read_to_end(&mut answer) => {}
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn slow_uploads_share_a_bounded_memory_and_end() {
    let site = site().route(
        "[[route]]\npath = \"/kept\"\nmethods = [\"POST\"]\ncontroller = \"bodies.read\"\n\
         max_body = \"8 MiB\"\n",
    );
    let node = site.node(Mode::SingleNodeWithCache, "n1");
    let node = node.set("LIMITS__COLLECTED_BODIES", "32 MiB").set("LIMITS__BODY_TIMEOUT", "2s");
    let node = node.start().await;
    node.ready().await;
    let start = Instant::now();
    let mut answers = Vec::new();
    let taken = taken_by(&node, async {
        let all = (0..30).map(|_| tokio::spawn(drip(node.http(), 8 << 20)));
        for answer in futures_util::future::join_all(all.collect::<Vec<_>>()).await {
            answers.push(answer.unwrap());
        }
    })
    .await;
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    let with = |status: &str| answers.iter().filter(|answer| answer.contains(status)).count();
    let (slow, refused) = (with("HTTP/1.1 408 "), with("HTTP/1.1 503 "));
    let first = answers.first().map(|answer| answer.lines().next().unwrap_or_default().to_owned());
    assert!(slow > 0 && refused > 0, "{slow} too slow, {refused} without memory: {first:?}");
    assert!(taken < 32 * MIB * 3 / 2 + SLACK, "{} MiB", taken / MIB);
    until("there is memory again", async || {
        let body = vec![b'x'; 7 << 20];
        let answer = node.visitor().ask("POST", "/kept", &[], body).await;
        (answer.status == 200).then_some(())
    })
    .await;
}
