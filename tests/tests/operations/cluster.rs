//! The command that starts a site's nodes on one machine.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use headwater::internals::cli::{Announcement, Entrance};
use headwater_tests::{Client, PATIENCE, Site, until};
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::site;

/// The command `cluster` with its output.
struct Running {
    _site: Site,
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Running {
    fn start(site: &Site, arguments: &[&str]) -> Running {
        let mut command = site.command();
        command.arg("cluster").args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the site's program can be run");
        let out = BufReader::new(child.stdout.take().expect("the pipe was asked for"));
        let (sender, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Running { _site: site.clone(), child, lines }
    }

    /// Returns the announced nodes when all are ready.
    async fn nodes(&mut self) -> Vec<Announcement> {
        let mut nodes = Vec::new();
        loop {
            let line = tokio::time::timeout(PATIENCE, self.lines.recv()).await;
            let line = line.expect("the cluster starts").expect("the cluster goes on");
            if line == "ready" {
                return nodes;
            }
            nodes.push(line.parse().unwrap_or_else(|_| panic!("{line} announces no node")));
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the cluster runs");
    }

    async fn ended(&mut self) -> ExitStatus {
        let ended = "the cluster has ended";
        until(ended, async || self.child.try_wait().expect("it is this process's child")).await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until all of the nodes' processes have ended.
async fn all_gone(nodes: &[Announcement]) {
    for node in nodes {
        let process = format!("/proc/{}", node.pid);
        until("a node has ended", async || (!Path::new(&process).exists()).then_some(())).await;
    }
}

#[tokio::test]
async fn cluster_starts_a_site_and_stops_it() {
    for signal in [Signal::TERM, Signal::INT] {
        let site = site();
        let data = site.path("elsewhere");
        let mut cluster = Running::start(&site, &["--port", "0", "--data", data.to_str().unwrap()]);
        let nodes = cluster.nodes().await;
        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names[0], "b1");
        assert!(names.len() == 3 && names.contains(&"f1") && names.contains(&"f2"), "{names:?}");
        assert!(data.join("log.redb").exists());
        for node in &nodes {
            if let Entrance::Frontend(http) = node.entrance {
                let visitor = Client::new(http);
                assert_eq!(visitor.page("/page/1").await.text(), "0");
            }
        }
        cluster.signal(signal);
        assert!(cluster.ended().await.success(), "{signal:?}");
        all_gone(&nodes).await;
    }
}

#[tokio::test]
async fn the_nodes_of_a_cluster_end_with_it() {
    let mut cluster = Running::start(&site(), &["--port", "0", "--frontends", "1"]);
    let nodes = cluster.nodes().await;
    assert_eq!(nodes.len(), 2);
    cluster.signal(Signal::KILL);
    cluster.ended().await;
    all_gone(&nodes).await;
}

#[tokio::test]
async fn cluster_reloads_changed_files_on_all_front_ends() {
    let site = site();
    let mut cluster = Running::start(&site, &["--port", "0"]);
    // A signal before the nodes are ready is not lost.
    let first = cluster.lines.recv().await.expect("the cluster starts");
    cluster.signal(Signal::HUP);
    let mut nodes = vec![first.parse::<Announcement>().unwrap()];
    nodes.extend(cluster.nodes().await);
    let frontends: Vec<&Announcement> =
        nodes.iter().filter(|node| matches!(node.entrance, Entrance::Frontend(_))).collect();
    assert_eq!(frontends.len(), 2);
    let reached = async |edition: u64| {
        for node in &frontends {
            let operator = Client::new(node.admin);
            until("each front end has loaded the files", async || {
                let status = operator.page("/status").await.json();
                (status["edition"]["number"] == edition).then_some(())
            })
            .await;
        }
    };
    reached(2).await;
    let _site = site.template("plain.html", "third");
    cluster.signal(Signal::HUP);
    reached(3).await;
    for node in &frontends {
        let Entrance::Frontend(http) = node.entrance else { continue };
        assert_eq!(Client::new(http).page("/static").await.text(), "third");
    }
    let backend = Client::new(nodes[0].admin);
    assert_eq!(backend.page("/health").await.status, 200, "the back end has survived it");
    cluster.signal(Signal::TERM);
    assert!(cluster.ended().await.success());
}

#[tokio::test]
async fn a_cluster_keeps_running_without_a_killed_front_end() {
    let mut cluster = Running::start(&site(), &["--port", "0"]);
    let nodes = cluster.nodes().await;
    let frontends: Vec<_> =
        nodes.iter().filter(|node| matches!(node.entrance, Entrance::Frontend(_))).collect();
    kill_process(Pid::from_raw(frontends[0].pid.try_into().unwrap()).unwrap(), Signal::KILL)
        .unwrap();
    all_gone(std::slice::from_ref(frontends[0])).await;
    let Entrance::Frontend(http) = frontends[1].entrance else { unreachable!() };
    let visitor = Client::new(http);
    assert_eq!(visitor.form("/page/1", "").await.text(), "1");
    assert_eq!(visitor.page("/page/1").await.text(), "1");
    cluster.signal(Signal::TERM);
    assert!(cluster.ended().await.success());
    all_gone(&nodes).await;
}

#[tokio::test]
async fn the_ports_of_a_cluster_are_counted_from_the_first() {
    // If another process uses one of the ports, others are tried.
    for first in [21_500, 23_700, 25_900, 28_100] {
        let mut cluster = Running::start(&site(), &["--port", &first.to_string()]);
        let mut lines = Vec::new();
        while let Ok(Some(line)) = tokio::time::timeout(PATIENCE, cluster.lines.recv()).await {
            lines.push(line);
            if lines.last().is_some_and(|line| line == "ready") {
                break;
            }
        }
        if lines.last().is_none_or(|line| line != "ready") {
            assert_eq!(cluster.ended().await.code(), Some(1));
            continue;
        }
        lines.sort();
        let begins = [
            format!(
                "backend b1 link 127.0.0.1:{} admin http://127.0.0.1:{} pid ",
                first + 100,
                first + 300
            ),
            format!(
                "frontend f1 http://127.0.0.1:{first} admin http://127.0.0.1:{} pid ",
                first + 200
            ),
            format!(
                "frontend f2 http://127.0.0.1:{} admin http://127.0.0.1:{} pid ",
                first + 1,
                first + 201
            ),
        ];
        for (line, begin) in lines.iter().zip(begins) {
            assert!(line.starts_with(&begin), "{line} instead of {begin}");
        }
        return;
    }
    panic!("no ports are free");
}

#[tokio::test]
async fn a_cluster_that_cannot_start_reports_it_and_leaves_nothing_behind() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    if port > 65_000 {
        return;
    }
    let site = site();
    let printed = site.printed(&["cluster", "--port", &port.to_string()]).await;
    assert_eq!(printed.code, 1);
    // Another process may use the next port by now, and that front end may fail first.
    let reported = [port, port + 1].map(|port| format!("cannot listen on 127.0.0.1:{port} "));
    assert!(reported.iter().any(|error| printed.errors.contains(error)), "{}", printed.errors);
    let pids = printed.out.lines().filter_map(|line| line.parse::<Announcement>().ok());
    all_gone(&pids.collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn the_first_write_on_a_new_log_waits_for_no_front_end_of_an_earlier_cluster() {
    let site = site().project("[link]\nlease = \"45s\"\n");
    let data = site.path("elsewhere");
    for _ in 0..2 {
        let mut cluster = Running::start(&site, &["--port", "0", "--data", data.to_str().unwrap()]);
        let nodes = cluster.nodes().await;
        let http = nodes.iter().find_map(|node| match node.entrance {
            Entrance::Frontend(http) => Some(http),
            _ => None,
        });
        let client = Client::new(http.expect("there is a front end"));
        let writing = client.post("/page/1", "");
        let written = tokio::time::timeout(Duration::from_secs(15), writing).await;
        assert_eq!(written.expect("it waits for no lease").unwrap().status, 200);
        // The cluster is killed and then started with a new log.
        cluster.signal(Signal::KILL);
        cluster.ended().await;
        all_gone(&nodes).await;
        std::fs::remove_dir_all(&data).unwrap();
    }
}
