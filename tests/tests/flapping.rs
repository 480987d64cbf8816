//! Limits on the delay of writers at other front ends by a front end that flaps or has ended.
//!
//! By default the tests are short and their limits only exclude the delays of a cluster without probation. With
//! `FLAPPING_LONG=1`, on an idle machine, they use eight front ends and leases of two seconds; 90 % of the usual number
//! of writes must succeed, 99 in 100 of them within twice the usual time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use headwater_tests::Mode;
use headwater_tests::{Client, Cluster, Node, PATIENCE, Relay, Site, until};
use tokio::task::JoinSet;

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");
const WRITERS: usize = 4;

/// The repeated behaviour of one front end.
#[derive(Debug, Clone, Copy)]
enum Flapping {
    /// It is paused for nearly a lease, and then runs for a moment.
    Stops,
    /// It is killed half a lease after each start.
    IsKilled,
    /// Its messages are delayed so that no lease reaches it in time.
    IsDistant,
}

struct Scale {
    frontends: usize,
    lease: Duration,
    measured: Duration,
    /// The minimum number of writes, as a share of the usual number.
    share: f64,
    /// The maximum duration of 99 in 100 writes, as a multiple of the usual duration.
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
async fn a_front_end_that_is_paused_repeatedly_delays_writers_by_one_lease() {
    trial(Flapping::Stops).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_front_end_that_is_killed_repeatedly_delays_writers_by_one_lease() {
    trial(Flapping::IsKilled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_front_end_that_no_lease_reaches_in_time_delays_writers_by_one_lease() {
    trial(Flapping::IsDistant).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_writes_several_times_waits_one_lease_at_most() {
    let lease = Duration::from_secs(2);
    let mut cluster = Cluster::start(site(lease), 3).await;
    write(&cluster, lease).await;
    let node = cluster.frontends.pop().expect("there are several front ends");
    let relay = cluster.relays.pop().expect("each front end has a relay");
    let over = Arc::new(AtomicBool::new(false));
    let flapper = tokio::spawn(flap(Flapping::Stops, node, relay, lease, Arc::clone(&over)));
    tokio::time::sleep(lease / 20).await;
    let client = Client::new(cluster.frontends[0].http());
    let start = Instant::now();
    let response = client.post("/thrice/1", "").await.unwrap();
    let took = start.elapsed();
    over.store(true, Ordering::Relaxed);
    assert_eq!(response.status, 200);
    println!("it took {took:?}");
    assert!(took <= lease.mul_f64(1.6), "{took:?}");
    drop(flapper.await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_does_not_wait_for_a_front_end_that_was_killed() {
    let site = long_leases().await;
    let mut cluster = Cluster::start(site, 2).await;
    cluster.frontends[1].kill().await;
    quick_write(&cluster.frontends[0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_front_end_ends_the_lease_of_its_previous_process() {
    let site = long_leases().await;
    // The back end does not see the files of the front ends, as if it ran on another machine.
    let elsewhere = site.path("elsewhere");
    let backend = site.node(Mode::Backend, "b1").set("DOCROOT__SYNC", elsewhere.display());
    let backend = backend.start().await;
    let mut frontends = Vec::new();
    for name in ["f1", "f2"] {
        let launch = site.node(Mode::Frontend, name).set("LINK__BACKENDS", backend.link());
        let node = launch.start().await;
        node.ready().await;
        frontends.push(node);
    }
    frontends[1].kill().await;
    let client = Client::new(frontends[0].http());
    let writing = client.post("/page/1", "");
    tokio::pin!(writing);
    let waits = tokio::time::timeout(Duration::from_secs(1), &mut writing).await;
    assert!(waits.is_err(), "it may be running elsewhere");
    frontends[1].restart().await;
    let written = tokio::time::timeout(LONG / 3, writing).await;
    assert_eq!(written.expect("it waits for no lease").unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_starting_back_end_recognises_front_ends_that_have_ended() {
    let site = long_leases().await;
    let mut cluster = Cluster::start(site, 2).await;
    cluster.frontends[1].kill().await;
    cluster.backend.kill().await;
    cluster.restart_backend().await;
    cluster.frontends[0].ready().await;
    quick_write(&cluster.frontends[0]).await;
}

/// A lease that is far longer than everything else here.
const LONG: Duration = Duration::from_secs(45);

fn site(lease: Duration) -> Site {
    let lease = format!("[link]\nlease = \"{}ms\"\n", lease.as_millis());
    let thrice = "[[route]]\npath = \"/thrice/{n}\"\nmethods = [\"POST\"]\ncontroller = \"board.raise_thrice\"";
    Site::test_site(PROGRAM).project(&lease).route(thrice)
}

/// Returns a site with long leases whose log is not new, so that it cannot have front ends of an earlier log.
async fn long_leases() -> Site {
    let site = site(LONG);
    let mut first = site.node(Mode::SingleNodeWithCache, "n1").start().await;
    first.ready().await;
    quick_write(&first).await;
    assert!(first.stop().await.success());
    site
}

async fn quick_write(node: &Node) {
    let client = Client::new(node.http());
    let written = tokio::time::timeout(LONG / 3, client.post("/page/1", "")).await;
    assert_eq!(written.expect("it waits for no lease").unwrap().status, 200);
}

async fn trial(flapping: Flapping) {
    let scale = Scale::take();
    let mut cluster = Cluster::start(site(scale.lease), scale.frontends).await;
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
    if !matches!(flapping, Flapping::IsKilled) {
        // A killed front end is known to have ended, so it delays no writer and is not on probation.
        assert_eq!(state, "probation");
    }
    relay.delay(Duration::ZERO);
    node.ready().await;
}

/// Makes the front end flap until `over` is set.
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

/// Writes through all front ends of the cluster for `length`. Returns the durations of the writes in ascending order.
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

/// Returns the state of a front end in the back end's status.
async fn state_of(cluster: &Cluster, name: &str) -> String {
    let status = Client::new(cluster.backend.admin()).get("/status").await.unwrap();
    let status: serde_json::Value = serde_json::from_str(status.text()).unwrap();
    let members = status["members"].as_array().unwrap().iter();
    let states: Vec<_> = members
        .filter(|member| member["name"] == name)
        .map(|member| member["state"].as_str().unwrap())
        .collect();
    states.last().copied().unwrap_or_default().to_owned()
}

/// Waits until the node is not ready for this reason.
async fn reason(admin: SocketAddr, reason: &str) {
    let client = Client::new(admin);
    until(&format!("it says that it is {reason}"), async || {
        let response = client.get("/ready").await.ok()?;
        response.text().contains(reason).then_some(())
    })
    .await;
}
