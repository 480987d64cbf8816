//! Rate limits of controllers for each visitor.

use headwater_tests::{Client, Cluster, Mode, Response, Site, until};

use crate::PROGRAM;

const ROUTES: &str = r#"
[[route]]
path = "/limited/{name}"
methods = ["GET", "POST"]
controller = "probe.show"
cache = "no_cache"
rate = "3/1h"

[[route]]
path = "/kept"
controller = "counter.next"
groups = ["counter"]
rate = "1/1h"

[[route]]
path = "/recovering"
controller = "probe.show"
cache = "no_cache"
rate = "2/2s"

[[route]]
path = "/search"
controller = "probe.show"
cache = "no_cache"
rate = "100/1m"

[[route]]
path = "/search"
methods = ["POST"]
controller = "probe.show"
rate = "2/1h"

[[error]]
status = 429
template = "error.html"
"#;

const PROJECT: &str = "[link]\nlease = \"1s\"\n\n[http]\ntrusted_proxies = [\"127.0.0.1\"]\n";

fn site() -> Site {
    Site::test_site(PROGRAM).project(PROJECT).route(ROUTES)
}

async fn ask(visitor: &Client, method: &str, target: &str, address: &str) -> Response {
    visitor.ask(method, target, &[("x-forwarded-for", address)], "").await
}

#[tokio::test]
async fn a_visitor_is_counted_once_for_the_whole_cluster() {
    let cluster = Cluster::start(site(), 2).await;
    let (one, two) = (cluster.visitor(0), cluster.visitor(1));
    let visitor = "198.51.100.7";
    for (frontend, method, target) in
        [(&one, "GET", "/limited/a"), (&two, "POST", "/limited/a"), (&two, "GET", "/limited/b")]
    {
        assert_eq!(ask(frontend, method, target, visitor).await.status, 200, "{target}");
    }
    for frontend in [&one, &two] {
        let refused = ask(frontend, "POST", "/limited/c", visitor).await;
        assert_eq!(refused.status, 429);
        assert!(refused.text().contains("the site's page for 429"), "{}", refused.text());
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1100..=1200).contains(&wait), "{wait}");
        assert_eq!(refused.header("cache-control"), "no-store");
    }
    let said = "has asked for GET,HEAD,POST /limited/{name} more than 3 times in 3600s";
    let messages = cluster.frontends[0].messages();
    until(said, async || messages.contain(said).then_some(())).await;
    assert_eq!(ask(&one, "GET", "/limited/a", "198.51.100.8").await.status, 200);
    assert_eq!(ask(&one, "GET", "/recovering", visitor).await.status, 200, "another route");
}

#[tokio::test]
async fn routes_with_one_path_have_a_rate_each() {
    let node = site().node(Mode::SingleNodeWithCache, "n1").start().await;
    node.ready().await;
    let visitor = node.visitor();
    let address = "198.51.100.1";
    for (method, status) in
        [("POST", 200), ("GET", 200), ("POST", 200), ("POST", 429), ("GET", 200), ("HEAD", 200)]
    {
        let response = ask(&visitor, method, "/search", address).await;
        assert_eq!(response.status, status, "{method}: {}", response.text());
    }
}

#[tokio::test]
async fn an_ipv6_customer_network_is_one_visitor() {
    let node = site().node(Mode::SingleNodeWithCache, "n1").start().await;
    node.ready().await;
    let visitor = node.visitor();
    for (address, status) in [
        ("2001:db8:1:2::1", 200),
        ("2001:db8:1:2::2", 200),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", 200),
        ("2001:db8:1:2:3::4", 429),
        ("2001:db8:1:3::1", 200),
        ("::ffff:198.51.100.1", 200),
    ] {
        assert_eq!(ask(&visitor, "GET", "/limited/a", address).await.status, status, "{address}");
    }
}

#[tokio::test]
async fn hits_are_not_counted_and_a_refusal_affects_no_other_visitor() {
    let cluster = Cluster::start(site(), 1).await;
    let visitor = cluster.visitor(0);
    let (one, two) = ("198.51.100.1", "198.51.100.2");
    assert_eq!(ask(&visitor, "GET", "/kept", one).await.status, 200);
    for _ in 0..5 {
        let hit = ask(&visitor, "GET", "/kept", one).await;
        assert!(hit.status == 200 && hit.is_hit(), "{}", hit.cache_status());
    }
    // Another page of the same route is not cached, and the visitor's allowance for making it is
    // used up.
    assert_eq!(ask(&visitor, "GET", "/kept?page=2", one).await.status, 429);
    let other = ask(&visitor, "GET", "/kept?page=2", two).await;
    assert!(
        other.status == 200 && other.cache_status().ends_with("; stored"),
        "{}",
        other.cache_status()
    );
    let hit = ask(&visitor, "GET", "/kept?page=2", one).await;
    assert!(hit.status == 200 && hit.is_hit(), "{}", hit.cache_status());
}

#[tokio::test]
async fn a_visitor_that_waits_for_retry_after_is_accepted() {
    let node = site().node(Mode::SingleNodeWithCache, "n1").start().await;
    node.ready().await;
    let visitor = node.visitor();
    let refused = until("a refusal", async || {
        let response = ask(&visitor, "GET", "/recovering", "198.51.100.1").await;
        (response.status == 429).then_some(response)
    });
    let wait: u64 = refused.await.header("retry-after").parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    tokio::time::sleep(std::time::Duration::from_secs(wait)).await;
    assert_eq!(ask(&visitor, "GET", "/recovering", "198.51.100.1").await.status, 200);
}
