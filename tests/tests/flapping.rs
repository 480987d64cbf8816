//! What one front end that comes and goes may cost the writers at the others.
//!
//! Short by default, and then only far from what it was before there was probation. With
//! `FLAPPING_LONG=1` on a machine with nothing else to do: eight front ends and leases of two seconds, as
//! many writes as with all well, less a tenth, and 99 in 100 of them within twice the time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use headwater_tests::{Client, Cluster, Node, PATIENCE, Relay, Site, until};
use tokio::task::JoinSet;

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");
const WRITERS: usize = 4;

/// What one front end does again and again.
#[derive(Debug, Clone, Copy)]
enum Flapping {
    /// It stops for nearly a lease, and runs for a moment.
    Stops,
    /// It is killed half a lease after each start.
    IsKilled,
    /// It is so far away that no lease reaches it in time.
    IsDistant,
}

struct Scale {
    frontends: usize,
    lease: Duration,
    measured: Duration,
    /// How many of the usual writes there have to be.
    share: f64,
    /// How many times the usual time 99 in 100 of them may take.
    times: f64,
}

impl Scale {
    fn take() -> Scale {
        match std::env::var_os("FLAPPING_LONG") {
            None => Scale {
                frontends: 4,
                lease: Duration::from_secs(1),
                measured: Duration::from_secs(2),
                share: 0.4,
                times: 10.0,
            },
            Some(_) => Scale {
                frontends: 8,
                lease: Duration::from_secs(2),
                measured: Duration::from_secs(15),
                share: 0.9,
                times: 2.0,
            },
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_front_end_that_stops_again_and_again_costs_writers_one_lease() {
    trial(Flapping::Stops).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_front_end_that_is_killed_again_and_again_costs_writers_one_lease() {
    trial(Flapping::IsKilled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_front_end_that_no_lease_reaches_in_time_costs_writers_one_lease() {
    trial(Flapping::IsDistant).await;
}

async fn trial(flapping: Flapping) {
    let scale = Scale::take();
    let lease = format!("[link]\nlease = \"{}ms\"\n", scale.lease.as_millis());
    let site = Site::test_site(PROGRAM).project(&lease);
    let mut cluster = Cluster::start(site, scale.frontends).await;
    let node = cluster.frontends.pop().expect("there are several front ends");
    let relay = cluster.relays.pop().expect("each front end has a relay");
    write(&cluster, scale.lease).await;

    let before = write(&cluster, scale.measured).await;
    let over = Arc::new(AtomicBool::new(false));
    let (name, admin) = (node.name().to_owned(), node.admin());
    let flapper = tokio::spawn(flap(flapping, node, relay, scale.lease, Arc::clone(&over)));
    write(&cluster, 2 * scale.lease).await;
    let during = write(&cluster, scale.measured).await;
    let state = state_of(&cluster, &name).await;
    if !matches!(flapping, Flapping::IsKilled) {
        reason(admin, "on probation").await;
    }
    over.store(true, Ordering::Relaxed);
    let (node, relay) = flapper.await.expect("the front end can be treated so");
    let after = write(&cluster, scale.measured).await;

    let usual = (before.len() + after.len()) as f64 / 2.0;
    let usually = (p99(&before) + p99(&after)) / 2;
    println!(
        "{flapping:?}: {} writes instead of {usual}, p99 {:?} instead of {usually:?}, longest {:?}; {state}",
        during.len(),
        p99(&during),
        during.last(),
    );
    assert!(during.len() as f64 >= scale.share * usual, "{} of {usual} writes", during.len());
    assert!(p99(&during) <= usually.mul_f64(scale.times), "{:?} for {usually:?}", p99(&during));
    assert!(matches!(&*state, "probation" | "gone" | "cut"), "{state}");
    relay.delay(Duration::ZERO);
    node.ready().await;
}

/// Keeps the front end flapping until it is over.
async fn flap(
    flapping: Flapping,
    mut node: Node,
    relay: Relay,
    lease: Duration,
    over: Arc<AtomicBool>,
) -> (Node, Relay) {
    while !over.load(Ordering::Relaxed) {
        match flapping {
            Flapping::Stops => {
                node.pause();
                tokio::time::sleep(lease.mul_f64(0.95)).await;
                node.resume();
                tokio::time::sleep(lease.mul_f64(0.05)).await;
            }
            Flapping::IsKilled => {
                node.restart().await;
                tokio::time::sleep(lease / 2).await;
            }
            Flapping::IsDistant => {
                relay.delay(lease.mul_f64(0.6));
                tokio::time::sleep(lease / 2).await;
            }
        }
    }
    (node, relay)
}

/// Writes through all front ends of the cluster for so long. Returns how long the writes took, in
/// ascending order.
async fn write(cluster: &Cluster, length: Duration) -> Vec<Duration> {
    let mut writers = JoinSet::new();
    let end = Instant::now() + length;
    for writer in 0..WRITERS {
        let frontend = cluster.frontends[writer % cluster.frontends.len()].http();
        writers.spawn(async move {
            let client = Client::new(frontend).timeout(PATIENCE);
            let mut took = Vec::new();
            while Instant::now() < end {
                let start = Instant::now();
                let response = client.post(&format!("/page/{writer}"), "").await.unwrap();
                assert_eq!(response.status, 200);
                took.push(start.elapsed());
            }
            took
        });
    }
    let mut took = writers.join_all().await.concat();
    took.sort();
    took
}

fn p99(took: &[Duration]) -> Duration {
    took[took.len() * 99 / 100]
}

/// How the back end sees a front end.
async fn state_of(cluster: &Cluster, name: &str) -> String {
    let status = Client::new(cluster.backend.admin()).get("/status").await.unwrap();
    let status: serde_json::Value = serde_json::from_str(&status.text()).unwrap();
    let members = status["members"].as_array().unwrap().iter();
    let states: Vec<_> = members
        .filter(|member| member["name"] == name)
        .map(|member| member["state"].as_str().unwrap())
        .collect();
    states.last().copied().unwrap_or_default().to_owned()
}

/// Waits until the node says why it is not ready.
async fn reason(admin: SocketAddr, reason: &str) {
    let client = Client::new(admin);
    until(&format!("it says that it is {reason}"), async || {
        let response = client.get("/ready").await.ok()?;
        response.text().contains(reason).then_some(())
    })
    .await;
}
