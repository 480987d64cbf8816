//! The headers for browsers and other caches.

use std::time::{Duration, SystemTime};

use headwater_tests::{Cluster, Response, until};

use super::{CLUSTER, hit, site};

#[tokio::test]
async fn a_page_must_be_revalidated_unless_the_site_declares_otherwise() {
    let visitor = CLUSTER.borrow().visitor(0);
    for (target, browser, cdn) in [
        ("/text/1/control", "no-cache", ""),
        ("/for-long/1/control", "public, max-age=600", "max-age=3600"),
        ("/uncached/1/control", "max-age=5", ""),
        ("/headers/control", "max-age=7", "max-age=8"),
        ("/headers/x", "max-age=9", ""),
        // The route's keys apply to the page, not to an error in its place.
        ("/headers/missing", "no-cache", ""),
        ("/error/404", "no-store", ""),
        ("/set-cookie", "no-store", ""),
    ] {
        for _ in 0..2 {
            let response = visitor.page(target).await;
            assert_eq!(response.header("cache-control"), browser, "{target}");
            assert_eq!(response.header("cdn-cache-control"), cdn, "{target}");
        }
    }
}

#[tokio::test]
async fn vary_names_each_header_that_the_page_depends_on_once() {
    let visitor = CLUSTER.borrow().visitor(0);
    let headers = [("x-language", "de")];
    for (target, vary) in [
        ("/by-language/1/a", "x-language, accept-encoding"),
        ("/by-language/0/a", "x-language, accept-encoding"),
        ("/headers/vary", "x-mark, accept-encoding, cookie"),
        ("/own/vary", ""),
    ] {
        let response = visitor.page_with(target, &headers).await;
        assert_eq!(response.header("vary"), vary, "{target}");
        assert!(response.headers.get_all("vary").iter().count() <= 1, "{target}");
    }
    let first = visitor.page_with("/by-language/1/split", &headers).await;
    assert!(!first.is_hit());
    let asked = [headers[0], ("accept-encoding", "gzip, x-unheard-of")];
    let second = visitor.page_with("/by-language/1/split", &asked).await;
    assert!(second.is_hit(), "Accept-Encoding never splits the cache");
}

#[tokio::test]
async fn age_is_that_of_the_lease_and_adds_up_with_the_date() {
    let visitor = CLUSTER.borrow().visitor(0);
    let targets = ["/text/1/age", "/persistent/1/age"];
    for target in targets {
        let made = visitor.page(target).await;
        assert!(!made.headers.contains_key("age"), "it was made for this request");
        assert_eq!(visitor.page(target).await.header("age"), "0", "{target}");
    }
    let left = |page: &Response| -> u64 {
        page.cache_status().split("ttl=").nth(1).unwrap().parse().unwrap()
    };
    let at_first = left(&visitor.page(targets[0]).await);
    until("the page gets older than a lease", async || {
        (left(&visitor.page(targets[0]).await) + 4 <= at_first).then_some(())
    })
    .await;
    for target in targets {
        let page = visitor.page(target).await;
        let age = page.header("age").parse::<u64>().unwrap();
        assert!(age <= 2, "a lease has confirmed it since: {age}");
        let by_hyper = visitor.page_with(target, &[("connection", "close")]).await;
        for page in [page, by_hyper] {
            let age = page.header("age").parse::<u64>().unwrap();
            let date = httpdate::parse_http_date(page.header("date")).unwrap();
            let present = date + Duration::from_secs(age);
            let passed = SystemTime::now().duration_since(present).unwrap();
            assert!(passed < Duration::from_secs(3), "{passed:?}");
        }
    }
}

#[tokio::test]
async fn each_group_header_has_its_own_syntax() {
    let visitor = CLUSTER.borrow().visitor(0);
    let page = hit(&visitor, "/text/1/grouped").await;
    assert_eq!(page.header("cache-groups"), "\"texts\", \"text:grouped\"");
    assert_eq!(page.header("surrogate-key"), "texts text:grouped");
    assert_eq!(page.header("cache-tag"), "texts,text:grouped");
    let page = hit(&visitor, "/headers/x").await;
    assert_eq!(page.header("cache-groups"), r#""headers", "a b", "c,d", "\"e\\""#);
    assert_eq!(page.header("surrogate-key"), r#"headers c,d "e\"#);
    assert_eq!(page.header("cache-tag"), r#"headers,"e\"#);
    let page = hit(&visitor, "/headers/groups").await;
    assert_eq!(page.header("cache-groups"), "\"mine\"", "the controller has said it");
    assert_eq!(page.header("cache-tag"), "headers");
    let own = hit(&visitor, "/own/grouped").await;
    assert!(!own.headers.contains_key("cache-groups"), "the site's own groups stay inside");
}

#[tokio::test]
async fn a_stale_page_does_not_look_fresh() {
    let mut cluster = Cluster::start(site(), 1).await;
    let visitor = cluster.visitor(0);
    let target = "/for-long/1/old";
    let made = visitor.page(target).await;
    assert_eq!(made.header("cache-control"), "public, max-age=600");
    cluster.backend.kill().await;
    let stale = until("the old page is shown", async || {
        let response = visitor.page(target).await;
        response.cache_status().contains("stale-if-error").then_some(response)
    })
    .await;
    assert_eq!((stale.status, &stale.body), (200, &made.body));
    let age = stale.header("age").parse::<u64>().unwrap();
    assert!(age >= 1, "{age}");
    let date = httpdate::parse_http_date(stale.header("date")).unwrap();
    let ago = SystemTime::now().duration_since(date).unwrap();
    assert!(ago >= Duration::from_secs(age), "{ago:?}");
    assert_eq!(stale.header("cache-control"), "no-cache");
    assert!(!stale.headers.contains_key("cdn-cache-control"));
    let asked = [("if-none-match", made.header("etag"))];
    let known = visitor.page_with(target, &asked).await;
    assert_eq!((known.status, known.header("cache-control")), (304, "no-cache"));
    assert!(known.headers.contains_key("age"));
}
