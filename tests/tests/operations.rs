//! What operators do: look, check, invalidate by hand, start and stop.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use headwater::cli::{Announcement, Entrance};
use headwater::config::Mode;
use headwater_tests::{Cluster, PATIENCE, Shared, Site, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

fn site() -> Site {
    Site::test_site(PROGRAM).project("[link]\nlease = \"2s\"\n")
}

static CLUSTER: LazyLock<Shared> = LazyLock::new(|| Shared::start(|| Cluster::start(site(), 2)));

#[tokio::test]
async fn every_node_tells_how_it_is() {
    let cluster = CLUSTER.borrow();
    for node in [&cluster.backend, &cluster.frontends[0], &cluster.frontends[1]] {
        let operator = node.operator();
        for target in ["/health", "/ready"] {
            assert_eq!(operator.page(target).await.status, 200, "{target} of {}", node.name());
        }
        assert_eq!(node.status().await["name"], node.name());
        let wrong = operator.form("/health", "").await;
        assert_eq!((wrong.status, wrong.header("allow")), (405, "GET, HEAD"));
        let nothing = operator.page("/nothing").await;
        assert!(nothing.status == 404 && nothing.text().contains("/metrics"), "{}", nothing.text());
    }
    let frontend = cluster.frontends[0].status().await;
    assert_eq!(frontend["mode"], "frontend");
    assert_eq!(frontend["backends"][0]["connected"], true);
    let backend = cluster.backend.status().await;
    assert_eq!(backend["mode"], "backend");
    let members: Vec<_> = backend["members"].as_array().unwrap().iter().collect();
    for name in ["f1", "f2"] {
        let is_serving = |m: &&&serde_json::Value| m["name"] == name && m["state"] == "serving";
        assert_eq!(members.iter().filter(is_serving).count(), 1, "{members:?}");
    }
}

#[tokio::test]
async fn metrics_are_counted_in_the_format_of_prometheus() {
    let cluster = CLUSTER.borrow();
    let frontend = &cluster.frontends[0];
    let hits = "headwater_responses_total{cache=\"hit\"}";
    let before = frontend.metric(hits).await;
    for _ in 0..5 {
        frontend.visitor().page("/page/100").await;
    }
    assert!(frontend.metric(hits).await >= before + 4.0);
    let records = cluster.backend.metric("headwater_log_records_total").await;
    frontend.visitor().form("/page/100", "").await;
    assert!(cluster.backend.metric("headwater_log_records_total").await > records);
    for node in [frontend, &cluster.backend] {
        let metrics = node.operator().page("/metrics").await;
        assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
        for line in metrics.text().lines().filter(|line| !line.is_empty()) {
            if let Some(comment) = line.strip_prefix("# ") {
                assert!(
                    comment.starts_with("HELP headwater_")
                        || comment.starts_with("TYPE headwater_")
                );
                continue;
            }
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("headwater_"), "{line}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
}

#[tokio::test]
async fn the_admin_port_of_a_back_end_invalidates() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(1);
    let operator = cluster.backend.operator();
    visitor.page("/page/200").await;
    assert!(visitor.page("/page/200").await.is_hit());
    for (headers, body, status) in [
        (&JSON[..], json!({ "groups": ["page:200"], "patterns": ["^/(a"] }), 400),
        (&JSON, json!({ "groups": [], "patterns": [] }), 400),
        (&JSON, json!({ "group": ["page:200"] }), 400),
        (&JSON, json!("page:200"), 400),
        (&[("content-type", "text/plain")], json!({ "groups": ["page:200"] }), 415),
        (&[], json!({ "groups": ["page:200"] }), 415),
    ] {
        let response = operator.ask("POST", "/invalidate", headers, body.to_string()).await;
        assert_eq!(response.status, status, "{body}: {}", response.text());
        assert!(response.json()["error"].is_string(), "{body}: {}", response.text());
        assert!(visitor.page("/page/200").await.is_hit(), "{body} invalidates nothing");
    }
    let elsewhere = cluster.frontends[0].operator();
    let body = json!({ "groups": ["page:200"] }).to_string();
    assert_eq!(elsewhere.ask("POST", "/invalidate", &JSON, body.clone()).await.status, 404);
    let receipt = operator.ask("POST", "/invalidate", &JSON, body).await;
    assert_eq!(receipt.status, 200, "{}", receipt.text());
    assert!(receipt.text().contains("f1") && receipt.text().contains("f2"));
    assert!(!visitor.page("/page/200").await.is_hit());
}

#[tokio::test]
async fn invalidate_prints_the_receipt() {
    let cluster = CLUSTER.borrow();
    // The first write waits for front ends of an earlier log, should there have been one.
    cluster.visitor(0).form("/page/300", "").await;
    let admin = format!("http://{}", cluster.backend.admin());
    for arguments in [["--group", "page:300"], ["--pattern", "^/page/300$"]] {
        for frontend in 0..2 {
            cluster.visitor(frontend).page("/page/300").await;
            assert!(cluster.visitor(frontend).page("/page/300").await.is_hit());
        }
        let printed = cluster
            .site
            .printed(&["invalidate", arguments[0], arguments[1], "--admin", &admin])
            .await;
        assert_eq!((printed.code, &*printed.errors), (0, ""));
        let lines: Vec<&str> = printed.out.lines().collect();
        assert!(lines[0].starts_with("position "), "{lines:?}");
        assert!(lines[1].starts_with("f1 ") && lines[1].ends_with(" ms"), "{lines:?}");
        assert!(lines[2].starts_with("f2 ") && lines.len() == 3, "{lines:?}");
        for frontend in 0..2 {
            assert!(!cluster.visitor(frontend).page("/page/300").await.is_hit());
        }
    }
}

#[tokio::test]
async fn an_invalidation_that_is_wrong_fails_and_does_nothing() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0);
    let admin = format!("http://{}", cluster.backend.admin());
    let frontend = format!("http://{}", cluster.frontends[0].admin());
    visitor.page("/page/400").await;
    assert!(visitor.page("/page/400").await.is_hit());
    for (arguments, code, message) in [
        (
            &["--group", "page:400", "--pattern", "^/(a", "--admin", &*admin][..],
            1,
            "unclosed group",
        ),
        (&["--admin", &admin], 2, "--group"),
        (&["--group", "page:400", "--admin", &frontend], 1, "not a back end's admin port"),
        (&["--group", "page:400", "--admin", "http://127.0.0.1:9"], 1, "cannot be reached"),
        (&["--group", "page:400", "--admin", "no address"], 2, "no address"),
    ] {
        let arguments = [&["invalidate"], arguments].concat();
        let printed = cluster.site.printed(&arguments).await;
        assert_eq!(printed.code, code, "{arguments:?}: {}", printed.errors);
        assert!(printed.errors.contains(message), "{arguments:?}: {}", printed.errors);
        assert!(visitor.page("/page/400").await.is_hit(), "{arguments:?}");
    }
}

#[tokio::test]
async fn status_shows_nodes_and_members() {
    let cluster = CLUSTER.borrow();
    cluster.visitor(0).page("/page/500").await;
    let backend = format!("http://{}", cluster.backend.admin());
    let frontend = format!("http://{}", cluster.frontends[0].admin());
    let printed =
        cluster.site.printed(&["status", "--admin", &backend, "--admin", &frontend]).await;
    assert_eq!((printed.code, &*printed.errors), (0, ""));
    let line = |name: &str| {
        let line = printed.out.lines().find(|line| line.split(' ').next() == Some(name));
        line.unwrap_or_else(|| panic!("no {name} in {}", printed.out)).to_owned()
    };
    assert!(line("b1").contains("backend") && line("b1").contains(&backend));
    assert!(line("f1").contains("frontend") && line("f1").contains('%'));
    assert!(line("f2").contains("serving"));
    let nobody = cluster.site.printed(&["status", "--admin", "http://127.0.0.1:9"]).await;
    assert_eq!(nobody.code, 1);
    assert!(nobody.errors.contains("http://127.0.0.1:9"), "{}", nobody.errors);
}

#[tokio::test]
async fn routes_shows_the_table_as_it_is_matched() {
    let printed = site().printed(&["routes"]).await;
    assert_eq!((printed.code, &*printed.errors), (0, ""));
    let line = |path: &str, target: &str| {
        let found = printed
            .out
            .lines()
            .find(|line| line.split_whitespace().nth(1) == Some(path) && line.contains(target));
        found.unwrap_or_else(|| panic!("no {path} in {}", printed.out)).to_owned()
    };
    assert!(line("/page/{n}", "board.page").starts_with("GET,HEAD"));
    assert!(line("/page/{n}", "board.page").contains("normal"));
    assert!(line("/page/{n}", "board.raise").starts_with("POST"));
    assert!(line("/timeout/{n}", "board.page").contains("timeout 1s"));
    assert!(line("/", "alias").contains("/static"));
    assert!(line("/moved", "redirect").contains("302"));
    assert!(line("/files/{*path}", "files").contains("dispatch.conf:"));
    assert_eq!(site().printed(&["check"]).await.out, "no problems\n");
}

/// A site in which as much is wrong as possible.
fn broken() -> Site {
    Site::test_site(PROGRAM)
        .project(
            "environment = \"staging\"\n\n[link]\nleese = \"2s\"\ndeadline = \"soon\"\n\n\
             [limits]\nbody = \"8 MB\"\n",
        )
        .dispatch(
            r#"[[route]]
path = "/a"
controler = "board.page"

[[route]]
path = "/b"
controller = "board.pag"

[[route]]
pattern = '^/c/(?<name>[a-z]+$'
controller = "board.page"

[[route]]
path = "/d"
template = "missing.html"

[[route]]
path = "/e"
alias = "/f"

[[route]]
path = "/f"
alias = "/e"

[[route]]
path = "/g"
controller = "board.all"
cache = "forever"

[[route]]
path = "/h"
controller = "board.all"
groups = ["h:{name}"]

[[route]]
include = "no-such.conf"

[[route]]
path = "/d"
template = "page.html"

[[error]]
status = 200
template = "error.html"
"#,
        )
        .template("wrong.html", "line one\n{% if %}\n")
}

#[tokio::test]
async fn check_shows_all_problems_at_once_and_where_they_are() {
    let printed = broken().printed(&["check"]).await;
    assert_eq!(printed.code, 1, "{}", printed.errors);
    for (place, words) in [
        ("project.toml:1", "staging"),
        ("project.toml:4", "did you mean `lease`?"),
        ("project.toml:5", "soon"),
        ("project.toml:8", "8 MB"),
        ("dispatch.conf:3", "did you mean `controller`?"),
        ("dispatch.conf:7", "did you mean `board.page`?"),
        ("dispatch.conf:10", "unclosed group"),
        ("dispatch.conf:15", "missing.html"),
        ("dispatch.conf:19", "/e"),
        ("dispatch.conf:28", "forever"),
        ("dispatch.conf:33", "{name}"),
        ("dispatch.conf:36", "no-such.conf"),
        ("dispatch.conf:43", "status"),
        ("wrong.html", "2"),
    ] {
        let found = printed.errors.split_inclusive('\n').any(|line| line.contains(place));
        assert!(found && printed.errors.contains(words), "{place} {words}:\n{}", printed.errors);
    }
}

#[tokio::test]
async fn a_node_with_problems_does_not_start_and_shows_them_all() {
    let site = broken().project("[http]\nlissten = \"127.0.0.1:0\"\n\n[cache]\nbytes = \"lots\"\n");
    let ended = site.node(Mode::Backend, "b1").try_start().await.expect_err("it must not start");
    assert_eq!(ended.status.code(), Some(1));
    for words in ["project.toml:2", "did you mean `listen`?", "project.toml:5", "lots"] {
        assert!(ended.messages.contain(words), "{words}: {}", ended.messages);
    }
    let site = broken().project("");
    let ended = site.node(Mode::Frontend, "f1").try_start().await.expect_err("it must not start");
    assert_eq!(ended.status.code(), Some(1));
    for words in ["dispatch.conf:3", "dispatch.conf:10", "unclosed group", "wrong.html"] {
        assert!(ended.messages.contain(words), "{words}: {}", ended.messages);
    }
}

#[tokio::test]
async fn a_variable_that_means_nothing_is_an_error() {
    for (name, value, words) in [
        ("LINK__LEESE", "2s", "HEADWATER_LINK__LEASE"),
        ("LINK__LEASE", "soon", "HEADWATER_LINK__LEASE"),
        ("CACHE__BYTES", "much", "HEADWATER_CACHE__BYTES"),
    ] {
        let node = site().node(Mode::Backend, "b1").set(name, value);
        let ended = node.try_start().await.expect_err("it must not start");
        assert_eq!(ended.status.code(), Some(1));
        assert!(ended.messages.contain(words), "{words}: {}", ended.messages);
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    for (mode, key) in [
        (Mode::Frontend, "HTTP__LISTEN"),
        (Mode::Frontend, "ADMIN__LISTEN"),
        (Mode::Backend, "LINK__LISTEN"),
    ] {
        let node = site().node(mode, "n1").set(key, address);
        let ended = node.try_start().await.expect_err("it must not start");
        assert_eq!(ended.status.code(), Some(1));
        assert!(ended.messages.contain(&address.to_string()), "{key}: {}", ended.messages);
    }
}

#[tokio::test]
async fn messages_can_be_json() {
    let node = site().node(Mode::SingleNodeWithCache, "n1").set("TRACE__FORMAT", "json");
    let mut node = node.start().await;
    node.ready().await;
    node.visitor().page("/error/500").await;
    assert!(node.stop().await.success());
    let messages = node.messages().to_string();
    assert!(messages.contains("the address says so"), "{messages}");
    for line in messages.lines() {
        let line: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
    }
}

#[tokio::test]
async fn a_front_end_that_stops_finishes_what_it_does_and_leaves_the_membership() {
    let site = Site::test_site(PROGRAM).project("[link]\nlease = \"4s\"\n");
    let mut cluster = Cluster::start(site, 2).await;
    // The first write waits for front ends of an earlier log, should there have been one.
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
    assert!(start.elapsed() < Duration::from_secs(2), "a write waits for who has left");
}

#[tokio::test]
async fn a_back_end_that_stops_finishes_what_it_does() {
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
async fn a_node_that_stops_does_not_wait_forever() {
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
async fn a_node_that_stops_does_not_wait_for_connections_without_requests() {
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

#[tokio::test]
async fn a_single_node_is_a_whole_site() {
    for mode in [Mode::SingleNode, Mode::SingleNodeWithCache] {
        let mut node = site().node(mode, "alone").start().await;
        node.ready().await;
        let visitor = node.visitor();
        assert_eq!(visitor.form("/page/1", "").await.text(), "1", "{mode:?}");
        visitor.page("/page/1").await;
        let second = visitor.page("/page/1").await;
        assert_eq!(second.text(), "1");
        assert_eq!(second.is_hit(), mode == Mode::SingleNodeWithCache, "{mode:?}");
        assert!(second.cache_status().starts_with("headwater; "), "{mode:?}");
        assert_eq!(visitor.form("/page/1", "").await.text(), "2");
        for target in ["/page/1", "/pattern/1", "/timeout/1", "/stale/1"] {
            assert_eq!(visitor.page(target).await.text(), "2", "{target}");
        }
        assert_eq!(visitor.form("/counter/always", "").await.text(), "forgotten");
        let receipt = visitor.form("/invalidate", "group=x&pattern=^/y").await;
        assert_eq!(receipt.status, 200, "{}", receipt.text());
        assert_eq!(visitor.page("/files/hello.txt").await.status, 200);
        assert_eq!(visitor.page("/nowhere").await.status, 404);
        assert_eq!(node.status().await["mode"], mode.as_str());
        node.restart().await;
        node.ready().await;
        assert_eq!(node.visitor().page("/page/1").await.text(), "2");
        assert!(node.stop().await.success());
    }
}

#[tokio::test]
async fn without_a_cache_a_page_is_made_anew_each_time() {
    let node = site().node(Mode::SingleNode, "alone").start().await;
    node.ready().await;
    let first = node.visitor().page("/counter").await;
    let second = node.visitor().page("/counter").await;
    assert_ne!(first.text(), second.text());
}

/// The command `cluster`, and what it prints.
struct Running {
    _site: Site,
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Running {
    fn start(site: &Site, arguments: &[&str]) -> Running {
        let mut command = site.command();
        command.arg("cluster").args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Running { _site: site.clone(), child, lines }
    }

    /// The nodes, as they are announced until all are ready.
    async fn nodes(&mut self) -> Vec<Announcement> {
        let mut nodes = Vec::new();
        loop {
            let line = tokio::time::timeout(PATIENCE, self.lines.recv()).await;
            let line = line.expect("the cluster starts").expect("the cluster goes on");
            if line == "ready" {
                return nodes;
            }
            nodes.push(line.parse().unwrap_or_else(|_| panic!("{line} announces nobody")));
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    async fn ended(&mut self) -> ExitStatus {
        until("the cluster has ended", async || self.child.try_wait().unwrap()).await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until none of the nodes' processes is there.
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
                let visitor = headwater_tests::Client::new(http);
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
async fn a_cluster_goes_on_without_a_front_end_that_was_killed() {
    let mut cluster = Running::start(&site(), &["--port", "0"]);
    let nodes = cluster.nodes().await;
    let frontends: Vec<_> =
        nodes.iter().filter(|node| matches!(node.entrance, Entrance::Frontend(_))).collect();
    kill_process(Pid::from_raw(frontends[0].pid.try_into().unwrap()).unwrap(), Signal::KILL)
        .unwrap();
    all_gone(std::slice::from_ref(frontends[0])).await;
    let Entrance::Frontend(http) = frontends[1].entrance else { unreachable!() };
    let visitor = headwater_tests::Client::new(http);
    assert_eq!(visitor.form("/page/1", "").await.text(), "1");
    assert_eq!(visitor.page("/page/1").await.text(), "1");
    cluster.signal(Signal::TERM);
    assert!(cluster.ended().await.success());
    all_gone(&nodes).await;
}

#[tokio::test]
async fn the_ports_of_a_cluster_are_counted_from_the_first() {
    // Somebody else may have one of the ports, then others are tried.
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
async fn a_cluster_that_cannot_start_says_so_and_leaves_nothing_behind() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    if port > 65_000 {
        return;
    }
    let site = site();
    let printed = site.printed(&["cluster", "--port", &port.to_string()]).await;
    assert_eq!(printed.code, 1);
    assert!(printed.errors.contains(&port.to_string()), "{}", printed.errors);
    let pids = printed.out.lines().filter_map(|line| line.parse::<Announcement>().ok());
    all_gone(&pids.collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn the_command_line_explains_itself() {
    let site = site();
    let help = site.printed(&["--help"]).await;
    assert_eq!(help.code, 0);
    for command in ["serve", "cluster", "routes", "check", "invalidate", "status"] {
        assert!(help.out.contains(command), "{command}: {}", help.out);
        assert_eq!(site.printed(&[command, "--help"]).await.code, 0, "{command}");
    }
    let wrong = site.printed(&["sreve"]).await;
    assert_eq!(wrong.code, 2);
    assert!(wrong.errors.contains("serve"), "{}", wrong.errors);
    let wrong = site.printed(&["serve", "--mode", "frontent"]).await;
    assert_eq!(wrong.code, 2);
    assert!(wrong.errors.contains("frontend"), "{}", wrong.errors);
}
