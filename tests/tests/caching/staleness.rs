//! Stale pages, cached replies that are not pages, and replies that no request waits for.

use std::time::{Duration, Instant};

use headwater_tests::{Client, Cluster, Response, until};

use crate::{CLUSTER, filled, invalidate, site};

async fn mood(visitor: &Client, name: &str, mood: &str) {
    let response = visitor.form(&format!("/mood/{name}/{mood}"), "").await;
    assert_eq!(response.status, 204);
}

fn is_old(response: &Response) -> bool {
    let status = response.cache_status();
    status.starts_with("headwater; hit; ttl=")
        && status.ends_with("; detail=stale-while-revalidate")
}

#[tokio::test]
async fn an_expired_page_is_served_until_there_is_a_new_one() {
    let visitor = CLUSTER.borrow().visitor(0).keep_alive();
    assert_eq!(visitor.page("/timed/a").await.text(), "1");
    let mut seen_old = false;
    until("there is a new page", async || {
        let response = visitor.page("/timed/a").await;
        // No request waits for the new page.
        assert!(response.is_hit(), "{}", response.cache_status());
        seen_old |= is_old(&response);
        assert_eq!(response.text() == "2", seen_old && !is_old(&response));
        (response.text() == "2").then_some(())
    })
    .await;
    assert!(seen_old);
}

#[tokio::test]
async fn a_soft_invalidation_makes_pages_stale_on_every_front_end() {
    let cluster = CLUSTER.borrow();
    for frontend in 0..2 {
        filled(&cluster.visitor(frontend), "/soft/all").await;
    }
    let receipt = invalidate(&cluster.visitor(0), "group=mood:all&soft=true").await.json();
    assert!(receipt["acknowledgements"].as_array().unwrap().len() >= 2, "{receipt}");
    for frontend in 0..2 {
        let visitor = cluster.visitor(frontend);
        let old = visitor.page("/soft/all").await;
        assert!(is_old(&old), "{}", old.cache_status());
        until("there is a new page", async || {
            let response = visitor.page("/soft/all").await;
            (response.cache_status() == "headwater; hit" && response.body != old.body).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn patterns_can_be_soft_and_a_hard_invalidation_takes_precedence() {
    let visitor = CLUSTER.borrow().visitor(0);
    filled(&visitor, "/soft/hard").await;
    mood(&visitor, "hard", "failing").await;
    invalidate(&visitor, "pattern=^/soft/hard$&soft=true").await;
    assert!(is_old(&visitor.page("/soft/hard").await));
    assert!(is_old(&visitor.page("/soft/hard").await), "a refresh that fails changes nothing");
    invalidate(&visitor, "pattern=^/soft/hard$").await;
    assert_eq!(visitor.page("/soft/hard").await.status, 500);
}

#[tokio::test]
async fn operators_invalidate_softly_too() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0);
    let admin = format!("http://{}", cluster.backend.admin());
    filled(&visitor, "/soft/command").await;
    let command = ["invalidate", "--group", "mood:command", "--soft", "--admin", &admin];
    let printed = cluster.site.printed(&command).await;
    assert_eq!((printed.code, &*printed.errors), (0, ""));
    assert!(is_old(&visitor.page("/soft/command").await));
    filled(&visitor, "/soft/port").await;
    let json = [("content-type", "application/json")];
    let body = r#"{"patterns": ["^/soft/port$"], "soft": true}"#;
    let receipt = cluster.backend.operator().ask("POST", "/invalidate", &json, body).await;
    assert_eq!(receipt.status, 200, "{}", receipt.text());
    assert!(is_old(&visitor.page("/soft/port").await));
}

#[tokio::test]
async fn without_a_stale_window_a_soft_invalidation_acts_like_a_hard_one() {
    let visitor = CLUSTER.borrow().visitor(0);
    let old = filled(&visitor, "/plain/soft").await;
    invalidate(&visitor, "group=mood:soft&soft=true").await;
    let response = visitor.page("/plain/soft").await;
    // The sweeper may have evicted the page.
    assert!(response.cache_status().ends_with("; stored"), "{}", response.cache_status());
    assert_ne!(response.text(), old);
}

#[tokio::test]
async fn a_stale_page_is_served_while_the_back_end_is_down() {
    let mut cluster = Cluster::start(site(), 1).await;
    let visitor = cluster.frontends[0].visitor();
    for target in ["/fallback/soft", "/fallback/hard", "/soft/cut"] {
        filled(&visitor, target).await;
    }
    invalidate(&visitor, "group=mood:soft&soft=true").await;
    invalidate(&visitor, "group=mood:hard").await;
    cluster.backend.kill().await;
    let instead =
        |status| format!("headwater; fwd=stale; fwd-status={status}; detail=stale-if-error");
    until("the front end notices", async || {
        let response = visitor.page("/fallback/soft").await;
        assert_eq!((response.status, response.text()), (200, "1"));
        (response.cache_status() == instead(503)).then_some(())
    })
    .await;
    assert_eq!(visitor.page("/fallback/hard").await.status, 503, "it is known to be wrong");
    // Without a lease the page is not served stale while a new one is made, because it may have
    // been invalidated hard.
    until("the lease is over", async || {
        let response = visitor.page("/soft/cut").await;
        assert_eq!((response.status, response.text()), (200, "1"));
        (response.cache_status() == instead(503)).then_some(())
    })
    .await;
    cluster.restart_backend().await;
    until("the page is made anew", async || {
        let response = visitor.page("/fallback/soft").await;
        (response.status == 200 && response.cache_status().ends_with("; stored")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_404_or_redirect_is_cached_for_its_own_lifetime() {
    const TIME: Duration = Duration::from_secs(1);
    let visitor = CLUSTER.borrow().visitor(0).keep_alive();
    mood(&visitor, "none", "missing").await;
    let before = Instant::now();
    let missing = visitor.page("/listed/none").await;
    assert_eq!((missing.status, missing.cache_status()), (404, "headwater; fwd=uri-miss; stored"));
    mood(&visitor, "none", "there").await;
    until("the page is found", async || {
        let response = visitor.page("/listed/none").await;
        if response.status == 404 {
            assert!(response.is_hit() && response.body == missing.body);
            return None;
        }
        assert!(Instant::now() >= before + TIME, "made anew before its time");
        Some(())
    })
    .await;
    mood(&visitor, "away", "moved").await;
    for status in ["headwater; fwd=uri-miss; stored", "headwater; hit; ttl=3"] {
        let moved = visitor.page("/listed/away").await;
        assert_eq!((moved.status, moved.header("location")), (301, "/1"));
        assert!(moved.cache_status().starts_with(status), "{}", moved.cache_status());
    }
    for _ in 0..2 {
        assert_eq!(visitor.page("/plain/away").await.cache_status(), "headwater; fwd=uri-miss");
    }
}

#[tokio::test]
async fn a_reply_can_set_its_own_cache_type() {
    let visitor = CLUSTER.borrow().visitor(0);
    mood(&visitor, "mine", "persistent").await;
    filled(&visitor, "/plain/mine").await;
    assert_eq!(visitor.page("/plain/mine").await.cache_status(), "headwater; hit");
    invalidate(&visitor, "group=mood:mine").await;
    mood(&visitor, "mine", "never").await;
    for _ in 0..3 {
        let status = visitor.page("/plain/mine").await.cache_status().to_owned();
        assert!(status.starts_with("headwater; fwd=") && !status.ends_with("stored"), "{status}");
    }
    mood(&visitor, "mine", "usual").await;
    filled(&visitor, "/plain/mine").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_for_an_uncacheable_page_do_not_wait_for_each_other() {
    const VISITORS: u32 = 30;
    const ONE: Duration = Duration::from_millis(300);
    let visitor = CLUSTER.borrow().visitor(0);
    mood(&visitor, "queue", "private").await;
    visitor.page("/plain/queue").await;
    let start = Instant::now();
    let requests: Vec<_> = (0..VISITORS)
        .map(|_| tokio::spawn(async { CLUSTER.borrow().visitor(0).page("/plain/queue").await }))
        .collect();
    for request in requests {
        let response = request.await.unwrap();
        assert!(response.headers.contains_key("set-cookie") && !response.is_hit());
    }
    let took = start.elapsed();
    assert!(took < ONE * VISITORS / 2, "{took:?} for {VISITORS} replies of {ONE:?}");
}
