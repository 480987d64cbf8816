//! Routes to tower services of the site.

use std::time::{Duration, Instant};

use headwater::internals::config::Mode;
use headwater::prelude::*;
use headwater_tests::{Client, Cluster, Node, Site, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower_service::Service;

const PROGRAM: &str = env!("CARGO_BIN_EXE_extended-site");

const ROUTES: &str = r#"
[[route]]
path = "/front/{*rest}"
service = "echo"

[[route]]
path = "/back/{*rest}"
service = "echo"
on = "backend"

[[route]]
path = "/only"
methods = ["PROPFIND"]
service = "echo"
max_body = "4 B"

[[route]]
path = "/socket"
service = "socket"

[[route]]
path = "/socket/back"
service = "socket"
on = "backend"
"#;

const PROJECT: &str = "[link]\nlease = \"1s\"\n\n[site]\ngreeting = \"Hello!\"\n";

fn site() -> Site {
    Site::new(PROGRAM).project(PROJECT).dispatch(ROUTES)
}

async fn send(node: &Node, method: &str, target: &str, body: &str) -> headwater_tests::Response {
    let request = http::Request::builder().method(method).uri(target);
    let request = request.body(http_body_util::Full::new(bytes::Bytes::from(body.to_owned())));
    Client::new(node.http()).send(request.unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_service_receives_unchanged_requests_on_the_node_that_its_route_names() {
    let cluster = Cluster::start(site(), 1).await;
    let front = &cluster.frontends[0];
    for (path, pid) in
        [("/front/a%20b?c=d", front.pid()), ("/back/a%20b?c=d", cluster.backend.pid())]
    {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let answer = send(front, method, path, "the body").await;
            let expected = format!("{pid} {method} {path} the body");
            assert_eq!((answer.status, answer.text()), (201, &*expected));
            assert_eq!(answer.header("x-echo"), "yes");
        }
        let head = send(front, "HEAD", path, "").await;
        assert_eq!((head.status, head.text(), head.header("x-echo")), (201, "", "yes"));
    }
    assert_eq!(send(front, "GET", "/only", "").await.status, 405);
    assert_eq!(send(front, "PROPFIND", "/only", "1234").await.status, 201);
    assert_eq!(send(front, "PROPFIND", "/only", "12345").await.status, 413);
}

/// Returns an upgraded connection, unless the node has reached its limit.
async fn upgraded(node: &Node) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(node.http()).await.unwrap();
    let request = "GET /socket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    if head.starts_with("http/1.1 503 ") {
        return None;
    }
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(head.contains("\r\nupgrade: echo\r\n"), "{head}");
    Some(stream)
}

async fn echoes(stream: &mut TcpStream, text: &str) -> bool {
    let mut read = vec![0; text.len()];
    let exchange = async {
        stream.write_all(text.as_bytes()).await?;
        stream.read_exact(&mut read).await
    };
    let exchanged = tokio::time::timeout(Duration::from_secs(10), exchange).await;
    exchanged.is_ok_and(|read| read.is_ok()) && read == text.as_bytes()
}

#[tokio::test]
async fn a_page_of_another_site_opens_no_socket() {
    let node = site().node(Mode::SingleNodeWithCache, "n1").start().await;
    for (origin, expected) in
        [("http://x", "HTTP/1.1 101 "), ("http://evil.example", "HTTP/1.1 403 ")]
    {
        let request = format!(
            "GET /socket HTTP/1.1\r\nhost: x\r\norigin: {origin}\r\nconnection: upgrade\r\n\
             upgrade: echo\r\n\r\n"
        );
        let mut stream = TcpStream::connect(node.http()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = vec![0; expected.len()];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(String::from_utf8(head).unwrap(), expected, "{origin}");
    }
}

#[tokio::test]
async fn an_upgraded_connection_belongs_to_its_service() {
    let node = site().node(Mode::SingleNodeWithCache, "n1");
    let node = node.set("LIMITS__IDLE_TIMEOUT", "200ms").set("LIMITS__HEADER_TIMEOUT", "200ms");
    let mut node = node.start().await;
    let mut stream = upgraded(&node).await.unwrap();
    assert!(echoes(&mut stream, "first").await);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(echoes(&mut stream, &"second".repeat(50_000)).await);
    // A stopping node does not wait for it.
    let begun = Instant::now();
    assert!(node.stop().await.success());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(!echoes(&mut stream, "third").await);
}

#[tokio::test]
async fn an_upgraded_connection_counts_until_it_ends() {
    let node = site().node(Mode::SingleNodeWithCache, "n1").set("LIMITS__CONNECTIONS", 1);
    let node = node.start().await;
    let mut stream = until("an upgrade", async || upgraded(&node).await).await;
    let client = Client::new(node.http());
    assert_eq!(client.get("/front/x").await.unwrap().status, 503);
    assert!(echoes(&mut stream, "still").await);
    drop(stream);
    until("its place", async || {
        let answer = client.get("/front/x").await.ok()?;
        (answer.status == 201).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_service_on_a_back_end_receives_no_upgrade() {
    let node = site().node(Mode::SingleNodeWithCache, "n1").start().await;
    node.ready().await;
    let request = http::Request::get("/socket/back").header("connection", "upgrade");
    let request = request.header("upgrade", "echo");
    let request = request.body(http_body_util::Full::<bytes::Bytes>::default()).unwrap();
    assert_eq!(Client::new(node.http()).send(request).await.unwrap().status, 426);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_front_end_in_a_server_of_its_own_is_a_member_of_the_cluster() {
    let site =
        site().route("[[route]]\npath = \"/\"\ncontroller = \"greet\"\ngroups = [\"greetings\"]");
    let mut backend = site.node(Mode::Backend, "b1").start().await;
    let project = format!(
        "name = \"embedded\"\n[link]\nlease = \"1s\"\nbackends = [\"{}\"]\n",
        backend.link()
    );
    let front = Site::new(PROGRAM).project(&project);
    let front =
        front.dispatch("[[route]]\npath = \"/\"\ncontroller = \"greet\"\ngroups = [\"greetings\"]");
    // The controller runs on the back end only.
    let greet = Registration::new("greet", async |_: Request| "not here");
    let service = App::new().controllers([greet]).into_frontend(front.path("")).await.unwrap();
    until("a lease", async || service.ready().ok()).await;
    let ask = async || {
        let request = http::Request::get("/").body(Body::empty()).unwrap();
        let (head, body) = service.clone().call(request).await.unwrap().into_parts();
        let body = body.collect(100).await.unwrap();
        let hit = head.headers["cache-status"].to_str().unwrap().contains("hit");
        (String::from_utf8(body.to_vec()).unwrap(), hit)
    };
    assert_eq!(ask().await, ("Hello! (1)".to_owned(), false));
    assert_eq!(ask().await, ("Hello! (1)".to_owned(), true));
    let admin = format!("http://{}", backend.admin());
    let printed = site.printed(&["invalidate", "--group", "greetings", "--admin", &admin]).await;
    assert!(printed.out.contains("embedded "), "{} {}", printed.out, printed.errors);
    assert_eq!(ask().await, ("Hello! (2)".to_owned(), false));
    service.stop().await;
    // It has left the membership: nothing waits for it.
    let printed = site.printed(&["invalidate", "--group", "greetings", "--admin", &admin]).await;
    assert!(!printed.out.contains("embedded "), "{} {}", printed.out, printed.errors);
    assert!(backend.stop().await.success());
}

#[tokio::test]
async fn check_finds_missing_services_and_meaningless_keys() {
    let routes = r#"[[route]]
path = "/a"
service = "ecko"

[[route]]
path = "/b"
service = "nothing-like-it"
on = "backend"

[[route]]
path = "/c"
service = "echo"
cache = "normal"

[[route]]
path = "/d"
service = "echo"
on = "moon"

[[route]]
path = "/e"
service = "echo"
vary = ["x-y"]

[[route]]
path = "/f"
controller = "greet"
on = "backend"
"#;
    let printed = site().dispatch(routes).printed(&["check"]).await;
    for words in [
        "dispatch.conf:1: no service is registered as `ecko`; did you mean `echo`?",
        "dispatch.conf:5: no service is registered as `nothing-like-it`: add",
        "dispatch.conf:13: responses of services are not cached",
        "dispatch.conf:18: `moon` is no place for a service",
        "dispatch.conf:23: `vary` has no meaning beside `service`",
        "dispatch.conf:28: `on` has no meaning beside `controller`",
    ] {
        assert!(printed.errors.contains(words), "{words}: {}", printed.errors);
    }
    assert_eq!(printed.errors.lines().count(), 6, "{}", printed.errors);
    let routes = site().printed(&["routes"]).await.out;
    assert!(routes.contains("service echo on a back end"), "{routes}");
    assert!(routes.contains("GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS"), "{routes}");
}
