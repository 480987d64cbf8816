//! The lifetime of cached pages, and replies that are not cached at all.

use std::time::{Duration, Instant};

use headwater_tests::Mode;
use headwater_tests::until;

use crate::{CLUSTER, filled, site};

#[tokio::test]
async fn a_normal_page_is_made_once_on_each_front_end() {
    let cluster = CLUSTER.borrow();
    let first = filled(&cluster.visitor(0), "/normal/once").await;
    let second = filled(&cluster.visitor(1), "/normal/once").await;
    assert_ne!(first, second, "front ends share nothing");
    let hit = cluster.visitor(0).page("/normal/once").await;
    let left = hit.cache_status().strip_prefix("headwater; hit; ttl=").unwrap();
    assert!((500..=600).contains(&left.parse::<u32>().unwrap()), "{left}");
    assert_eq!(hit.header("content-type"), "text/plain; charset=utf-8");
}

#[tokio::test]
async fn a_persistent_page_does_not_expire() {
    let visitor = CLUSTER.borrow().visitor(0);
    filled(&visitor, "/persistent/a").await;
    assert_eq!(visitor.page("/persistent/a").await.cache_status(), "headwater; hit");
    filled(&visitor, "/static").await;
    assert_eq!(visitor.page("/static").await.cache_status(), "headwater; hit");
}

#[tokio::test]
async fn a_page_with_a_timeout_lives_exactly_that_long() {
    const TIMEOUT: Duration = Duration::from_secs(1);
    let visitor = CLUSTER.borrow().visitor(0).keep_alive();
    let before = Instant::now();
    let first = visitor.page("/brief/a").await;
    let after = Instant::now();
    until("the page is made anew", async || {
        let asked = Instant::now();
        let response = visitor.page("/brief/a").await;
        if response.is_hit() {
            assert_eq!(response.body, first.body);
            assert!(asked < after + TIMEOUT, "a hit after its time");
            return None;
        }
        assert!(Instant::now() >= before + TIMEOUT, "made anew before its time");
        assert_eq!(response.cache_status(), "headwater; fwd=stale; stored");
        assert_ne!(response.body, first.body);
        Some(())
    })
    .await;
}

#[tokio::test]
async fn the_lifetime_of_normal_pages_is_configured() {
    let lifetime = Duration::from_millis(500);
    let node = site().node(Mode::SingleNodeWithCache, "n1").set("CACHE__LIFETIME", "500ms");
    let node = node.start().await;
    node.ready().await;
    let visitor = node.visitor();
    let before = Instant::now();
    let first = visitor.page("/normal/a").await;
    until("the page is made anew", async || {
        (visitor.page("/normal/a").await.body != first.body).then_some(())
    })
    .await;
    assert!(before.elapsed() >= lifetime);
}

#[tokio::test]
async fn without_a_cache_each_page_is_made_anew() {
    let visitor = CLUSTER.borrow().visitor(0);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let response = visitor.page("/never/a").await;
        assert_eq!(response.cache_status(), "headwater; fwd=bypass");
        seen.push(response.text().parse::<u64>().unwrap());
    }
    assert!(seen[0] < seen[1] && seen[1] < seen[2], "{seen:?}");
}

#[tokio::test]
async fn every_response_has_a_cache_status() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0);
    for (method, target, said) in [
        ("GET", "/normal/said", "headwater; fwd=uri-miss; stored"),
        ("GET", "/normal/said", "headwater; hit; ttl="),
        ("HEAD", "/normal/said", "headwater; hit; ttl="),
        ("GET", "/never/said", "headwater; fwd=bypass"),
        ("POST", "/page/700", "headwater; fwd=method"),
        ("POST", "/normal/said", "headwater; fwd="),
        ("OPTIONS", "/normal/said", "headwater; fwd=method"),
        ("GET", "/nowhere", "headwater; fwd="),
        ("GET", "/error/500", "headwater; fwd=uri-miss"),
        ("GET", "/panic", "headwater; fwd=uri-miss"),
        ("GET", "/broken-template", "headwater; fwd=uri-miss"),
        ("GET", "/moved", "headwater; fwd=bypass"),
        ("GET", "/files/hello.txt", "headwater; fwd=bypass"),
        ("GET", "/set-cookie", "headwater; fwd=uri-miss"),
        ("GET", "/files/%2e%2e/x", "headwater; fwd="),
        ("POST", "/upload/small", "headwater; fwd=method"),
    ] {
        let response = visitor.ask(method, target, &[], "").await;
        let status = response.cache_status();
        assert!(status.starts_with(said), "{method} {target}: {status:?}");
        assert_eq!(response.headers.get_all("cache-status").iter().count(), 1, "{target}");
    }
}

#[tokio::test]
async fn head_fills_the_cache_and_is_served_from_it() {
    let visitor = CLUSTER.borrow().visitor(0);
    let head = visitor.ask("HEAD", "/normal/head", &[], "").await;
    assert_eq!((head.body.len(), head.cache_status()), (0, "headwater; fwd=uri-miss; stored"));
    let get = visitor.page("/normal/head").await;
    assert!(get.is_hit());
    assert_eq!(head.header("content-length"), get.body.len().to_string());
}

#[tokio::test]
async fn a_reply_with_a_cookie_is_for_one_visitor_only() {
    let visitor = CLUSTER.borrow().visitor(0);
    for target in ["/set-cookie", "/answers/cookies"] {
        for _ in 0..3 {
            let response = visitor.page(target).await;
            assert!(response.headers.contains_key("set-cookie"));
            assert_eq!(response.cache_status(), "headwater; fwd=uri-miss", "{target}");
        }
    }
}

#[tokio::test]
async fn errors_and_redirects_are_not_cached() {
    let visitor = CLUSTER.borrow().visitor(0);
    for target in ["/error/500", "/error/404", "/answers/redirect", "/answers/created", "/panic"] {
        for _ in 0..2 {
            let response = visitor.page(target).await;
            assert_eq!(response.cache_status(), "headwater; fwd=uri-miss", "{target}");
        }
    }
}
