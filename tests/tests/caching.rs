//! The cache, seen from a browser: its four types, what belongs to a key, what ends an entry's
//! life, and what is never kept.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use headwater::config::Mode;
use headwater_tests::{Client, Cluster, Response, Shared, Site, until};
use serde_json::json;

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

const ROUTES: &str = r#"
[[route]]
path = "/normal/{name}"
controller = "counter.next"
groups = ["normal", "normal:{name}"]

[[route]]
path = "/persistent/{name}"
controller = "counter.next"
cache = "persistent"
groups = ["persistent:{name}"]

[[route]]
path = "/brief/{name}"
controller = "counter.next"
cache = { timeout = "1s" }

[[route]]
path = "/never/{name}"
controller = "counter.next"
cache = "no_cache"

[[route]]
path = "/flight/{name}/{milliseconds}"
controller = "flights.slow"
groups = ["flight:{name}"]

[[route]]
path = "/runs/{name}"
controller = "flights.runs"
cache = "no_cache"

[[route]]
path = "/key/page"
controller = "probe.show"
query = ["page"]

[[route]]
path = "/key/none"
controller = "probe.show"
query = []

[[route]]
path = "/key/all/{name}"
controller = "probe.show"

[[route]]
path = "/key/header/{name}"
controller = "probe.header"
vary = ["accept-language", "x-mark"]

[[route]]
path = "/key/headers"
controller = "probe.headers"

[[route]]
path = "/key/visit"
controller = "probe.visit"

[[route]]
path = "/answers/{kind}"
controller = "answers.give"
"#;

fn site() -> Site {
    Site::test_site(PROGRAM).project("[link]\nlease = \"2s\"\n").route(ROUTES)
}

static CLUSTER: LazyLock<Shared> = LazyLock::new(|| Shared::start(|| Cluster::start(site(), 2)));

/// Has the test site invalidate something.
async fn invalidate(visitor: &Client, form: &str) -> Response {
    let response = visitor.form("/invalidate", form).await;
    assert_eq!(response.status, 200, "{}", response.text());
    response
}

/// Asks for a page that must be made anew, then for the same page from the cache; its text.
async fn filled(visitor: &Client, target: &str) -> String {
    let made = visitor.page(target).await;
    assert!(!made.is_hit(), "{target}: {}", made.cache_status());
    assert!(made.cache_status().ends_with("; stored"), "{target}: {}", made.cache_status());
    let hit = visitor.page(target).await;
    assert!(hit.is_hit(), "{target}: {}", hit.cache_status());
    assert_eq!(made.body, hit.body, "{target}");
    hit.text().to_owned()
}

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
async fn a_persistent_page_has_no_end() {
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
async fn every_response_says_what_the_cache_did() {
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
async fn invalidating_a_group_ends_its_pages_on_every_front_end_and_no_others() {
    let cluster = CLUSTER.borrow();
    let mut old = Vec::new();
    for frontend in 0..2 {
        let visitor = cluster.visitor(frontend);
        old.push(filled(&visitor, "/normal/in-the-group").await);
        filled(&visitor, "/normal/beside-it").await;
    }
    let receipt = invalidate(&cluster.visitor(0), "group=normal:in-the-group").await.json();
    let who: Vec<&str> = receipt["acknowledgements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|acknowledgement| acknowledgement["frontend"].as_str().unwrap())
        .collect();
    assert_eq!(who, ["f1", "f2"], "{receipt}");
    for (frontend, old) in old.into_iter().enumerate() {
        let visitor = cluster.visitor(frontend);
        let anew = visitor.page("/normal/in-the-group").await;
        assert!(!anew.is_hit() && anew.text() != old, "{}", anew.cache_status());
        assert!(visitor.page("/normal/beside-it").await.is_hit());
    }
}

#[tokio::test]
async fn invalidating_a_pattern_ends_the_pages_whose_address_matches() {
    let cluster = CLUSTER.borrow();
    for frontend in 0..2 {
        let visitor = cluster.visitor(frontend);
        for name in ["tree-1", "tree-22", "tree-x"] {
            filled(&visitor, &format!("/persistent/{name}")).await;
        }
        filled(&visitor, "/key/all/tree-1?leaf=2").await;
    }
    let pattern = "pattern=^/persistent/tree-[0-9]%2B$|leaf=2";
    invalidate(&cluster.visitor(1), pattern).await;
    for frontend in 0..2 {
        let visitor = cluster.visitor(frontend);
        for target in ["/persistent/tree-1", "/persistent/tree-22", "/key/all/tree-1?leaf=2"] {
            assert!(!visitor.page(target).await.is_hit(), "{target}");
        }
        assert!(visitor.page("/persistent/tree-x").await.is_hit());
    }
}

#[tokio::test]
async fn a_pattern_that_is_none_is_an_error_and_invalidates_nothing() {
    let visitor = CLUSTER.borrow().visitor(0);
    filled(&visitor, "/persistent/stays").await;
    let response = visitor.form("/invalidate", "group=persistent:stays&pattern=^/(a").await;
    assert_eq!(response.status, 422);
    assert!(response.text().contains("unclosed group"), "{}", response.text());
    assert!(visitor.page("/persistent/stays").await.is_hit());
}

#[tokio::test]
async fn a_controller_invalidates_what_its_attribute_says_when_its_predicate_holds() {
    let cluster = CLUSTER.borrow();
    let (visitor, other) = (cluster.visitor(0), cluster.visitor(1));
    filled(&other, "/counter?page=a").await;
    assert_eq!(visitor.form("/counter/if/404", "").await.status, 404);
    assert_eq!(visitor.form("/counter/if/500", "").await.status, 500);
    assert!(other.page("/counter?page=a").await.is_hit(), "the predicate does not hold");
    assert_eq!(visitor.form("/counter/if/200", "").await.status, 200);
    assert!(!other.page("/counter?page=a").await.is_hit(), "the predicate holds");
    assert!(other.page("/counter?page=a").await.is_hit());
    assert_eq!(visitor.form("/counter/always", "").await.status, 200);
    assert!(!other.page("/counter?page=a").await.is_hit(), "there is no predicate");
}

#[tokio::test]
async fn a_write_is_seen_on_every_front_end_at_once() {
    let cluster = CLUSTER.borrow();
    let targets = ["/page/800", "/templated/800", "/pattern/800", "/timeout/800", "/stale/800"];
    for round in 0..10 {
        for frontend in 0..2 {
            for target in targets {
                cluster.visitor(frontend).page(target).await;
            }
        }
        let version = cluster.visitor(round % 2).form("/page/800", "").await;
        for frontend in 0..2 {
            for target in targets {
                let page = cluster.visitor(frontend).page(target).await;
                let shown = format!("<b>{}</b>", version.text());
                assert!(
                    page.text() == version.text() || page.text().contains(&shown),
                    "{target}: {}",
                    page.text()
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_many_want_a_page_it_is_made_once() {
    let target = "/flight/popular/400";
    let requests: Vec<_> = (0..100)
        .map(|_| tokio::spawn(async move { CLUSTER.borrow().visitor(0).page(target).await }))
        .collect();
    let mut collapsed = 0;
    for request in requests {
        let response = request.await.unwrap();
        assert_eq!((response.status, response.text()), (200, "1"));
        collapsed += usize::from(response.cache_status().ends_with("; collapsed"));
    }
    let runs = CLUSTER.borrow().visitor(0).page("/runs/popular").await;
    assert_eq!(runs.text(), "1");
    assert!(collapsed > 0, "nobody has waited for somebody else's flight");
}

#[tokio::test]
async fn who_comes_after_an_invalidation_does_not_share_an_older_flight() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0);
    let target = "/flight/overtaken/800";
    let early = tokio::spawn(async move { CLUSTER.borrow().visitor(0).page(target).await });
    until("the flight has started", async || {
        (visitor.page("/runs/overtaken").await.text() == "1").then_some(())
    })
    .await;
    invalidate(&visitor, "group=flight:overtaken").await;
    let late = visitor.page(target).await;
    assert_eq!(late.text(), "2", "{}", late.cache_status());
    assert_eq!(early.await.unwrap().status, 200);
    let after = visitor.page(target).await;
    assert!(after.is_hit() && after.text() == "2", "{}: {}", after.cache_status(), after.text());
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
async fn errors_and_redirects_are_not_kept() {
    let visitor = CLUSTER.borrow().visitor(0);
    for target in ["/error/500", "/error/404", "/answers/redirect", "/answers/created", "/panic"] {
        for _ in 0..2 {
            let response = visitor.page(target).await;
            assert_eq!(response.cache_status(), "headwater; fwd=uri-miss", "{target}");
        }
    }
}

#[tokio::test]
async fn a_cached_controller_sees_only_its_key() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0);
    let personal = [("cookie", "name=Ada"), ("authorization", "Basic x"), ("x-shown", "Ada")];
    let seen = visitor.page_with("/key/page?utm=1&page=2&fbclid=3", &personal).await.json();
    assert_eq!(seen["uri"], "/key/page?page=2");
    assert!(visitor.page("/key/page?page=2&utm=4").await.is_hit());
    let seen = visitor.page("/key/none?a=b").await.json();
    assert_eq!(seen["uri"], "/key/none");
    assert!(visitor.page("/key/none").await.is_hit());
}

#[tokio::test]
async fn asking_for_more_than_the_key_is_an_error_that_names_what_to_declare() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0);
    let all = [("cookie", "name=Ada"), ("x-secret", "1")];
    for (target, advice) in [
        ("/cookie", "the controller asked for the cookies, but the route `/cookie"),
        ("/key/headers", "with the headers that are needed and take them one by one"),
        ("/key/visit", "the controller asked for the visitor's address"),
        ("/key/header/x-secret", "asked for the header `x-secret`"),
        ("/key/header/cookie", "asked for the header `cookie`"),
    ] {
        let response = visitor.page_with(target, &all).await;
        assert_eq!(response.status, 500, "{target}: {}", response.text());
        assert!(!response.text().contains("Ada"), "{target}");
        let messages = cluster.frontends[0].messages();
        until(advice, async || messages.contain(advice).then_some(())).await;
    }
}

#[tokio::test]
async fn each_value_of_a_declared_header_has_its_own_page() {
    let visitor = CLUSTER.borrow().visitor(0);
    let target = "/key/header/accept-language";
    for language in ["de", "en", "de, en;q=0.5"] {
        let headers = [("accept-language", language)];
        let made = visitor.page_with(target, &headers).await;
        assert!(!made.is_hit(), "{language}");
        assert_eq!(made.json(), json!([language]));
        let vary = made.header("vary").to_ascii_lowercase();
        assert!(vary.contains("accept-language"), "vary: {vary:?}");
        assert!(visitor.page_with(target, &headers).await.is_hit(), "{language}");
    }
    assert_eq!(visitor.page(target).await.json(), json!([]), "none is a value, too");
    let empty = visitor.page_with(target, &[("accept-language", "")]).await;
    assert_eq!(empty.json(), json!([""]));
    // A value that looks like another header's is not taken for it.
    let headers = [("accept-language", "x\n"), ("x-mark", "y")];
    let sent = headers.map(|(name, value)| (name, value.trim()));
    assert_eq!(visitor.page_with(target, &sent).await.json(), json!(["x"]));
    assert_eq!(visitor.page_with(target, &sent[..1]).await.json(), json!(["x"]));
    assert!(visitor.page_with(target, &sent).await.is_hit());
}

#[tokio::test]
async fn a_query_has_one_spelling_in_the_cache() {
    let visitor = CLUSTER.borrow().visitor(0);
    for (first, same) in [
        ("?a=1&b=2", ["?b=2&a=1", "?%61=1&b=%32", "?a=1&b=2&"]),
        ("?c=x%20y", ["?c=x+y", "?c=x%20y", "?&c=x%20y"]),
        ("?d=%C3%BC", ["?d=%c3%bc", "?d=%C3%BC", "?%64=%C3%bc"]),
    ] {
        let made = visitor.page(&format!("/key/all/query{first}")).await;
        assert!(!made.is_hit(), "{first}");
        for other in same {
            let response = visitor.page(&format!("/key/all/query{other}")).await;
            assert!(response.is_hit() && response.body == made.body, "{first} and {other}");
        }
    }
    let made = visitor.page("/key/all/empty").await;
    let response = visitor.page("/key/all/empty?").await;
    assert!(response.is_hit() && response.body == made.body);
}

#[tokio::test]
async fn queries_that_differ_have_different_pages() {
    let visitor = CLUSTER.borrow().visitor(0);
    let queries = ["?a=1", "?a=2", "?a=1&a=2", "?a=2&a=1", "?a=1%26a=2", "?a", "?b=1", "?a=1&b="];
    for query in queries {
        let made = visitor.page(&format!("/key/all/differ{query}")).await;
        assert!(!made.is_hit(), "{query}");
        assert!(visitor.page(&format!("/key/all/differ{query}")).await.is_hit(), "{query}");
    }
}

#[tokio::test]
async fn the_variant_function_decides_what_is_cached_and_under_which_key() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0);
    let plain = visitor.page("/key/all/variants").await.json();
    assert_eq!(plain["variant"], json!(null));
    let ask = async |variant: &str| {
        visitor.page_with("/key/all/variants", &[("x-variant", variant)]).await
    };

    for name in ["blue", "red"] {
        let made = ask(&format!("named {name}")).await;
        assert!(!made.is_hit(), "{name}");
        assert_eq!(made.json()["variant"], name);
        assert!(ask(&format!("named {name}")).await.is_hit(), "{name}");
    }

    for _ in 0..2 {
        let alone = ask("no").await;
        assert_eq!(alone.cache_status(), "headwater; fwd=bypass");
    }

    let made = ask("key the-same").await;
    assert!(!made.is_hit());
    let elsewhere = visitor.page_with("/key/all/others", &[("x-variant", "key the-same")]).await;
    assert!(elsewhere.is_hit() && elsewhere.body == made.body, "the key takes the URL's place");
    invalidate(&visitor, "group=keyed").await;
    assert!(!ask("key the-same").await.is_hit(), "the variant's group is the entry's");
    assert!(ask("named blue").await.is_hit());
    invalidate(&visitor, "pattern=^/key/all/variants$").await;
    assert!(!ask("named blue").await.is_hit(), "a pattern finds a page in all its variants");
}

#[tokio::test]
async fn the_memory_of_the_cache_is_bounded() {
    const MOST: f64 = (4 << 20) as f64;
    let node = site().node(Mode::SingleNodeWithCache, "n1");
    let node = node.set("CACHE__BYTES", "4 MiB").set("CACHE__PERSISTENT_BYTES", "1 MiB");
    let node = node.start().await;
    node.ready().await;
    let visitor = node.visitor().keep_alive();
    let persistent = visitor.page("/persistent/kept").await;
    for number in 0..200 {
        let response = visitor.page(&format!("/filled/64?number={number}")).await;
        assert_eq!(response.body.len(), 64 << 10);
    }
    until("the cache is within its bounds", async || {
        let bytes = node.metric("headwater_cache_bytes").await;
        let entries = node.metric("headwater_cache_entries").await;
        (bytes <= MOST * 1.25 && entries > 10.0).then_some(())
    })
    .await;
    let still = visitor.page("/persistent/kept").await;
    assert!(still.is_hit() && still.body == persistent.body, "what is persistent goes last");
    let too_long = visitor.page("/filled/5000").await;
    assert_eq!((too_long.status, too_long.body.len()), (200, 64 * (5000 << 10) / 64));
    assert!(!visitor.page("/filled/5000").await.is_hit(), "longer than the longest entry");
}

#[tokio::test]
async fn forgetting_groups_and_patterns_to_save_memory_breaks_no_law() {
    let node = site().node(Mode::SingleNodeWithCache, "n1");
    let node = node.set("CACHE__MAX_GROUPS", 8).set("CACHE__MAX_PATTERNS", 2).start().await;
    node.ready().await;
    let visitor = node.visitor().keep_alive();
    for round in 1..=3 {
        for page in 0..40 {
            visitor.page(&format!("/page/{page}")).await;
            visitor.page(&format!("/pattern/{page}")).await;
        }
        for page in 0..40 {
            let version = visitor.form(&format!("/page/{page}"), "").await;
            assert_eq!(version.text(), round.to_string());
        }
        for page in 0..40 {
            for target in [format!("/page/{page}"), format!("/pattern/{page}")] {
                assert_eq!(visitor.page(&target).await.text(), round.to_string(), "{target}");
            }
        }
    }
    for page in 0..40 {
        visitor.form(&format!("/page/{page}"), "").await;
    }
    until("groups without pages are forgotten", async || {
        (node.metric("headwater_cache_groups").await <= 8.0).then_some(())
    })
    .await;
    assert_eq!(visitor.page("/page/1").await.text(), "4");
}
