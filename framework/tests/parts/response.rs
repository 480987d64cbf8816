//! The headers of a page with its parts.

use std::sync::atomic::{AtomicU64, Ordering};

use headwater::prelude::*;

use super::{Site, badge, header, routes};

#[tokio::test]
async fn error_pages_and_pages_of_one_visitor_have_parts_too() {
    let routes = routes(&[
        ("/own", "controller = \"own\"\ncache = \"no_cache\""),
        ("/parts/badge", "controller = \"badge\"\ncache = \"no_cache\""),
    ]) + "[[error]]\nstatus = 404\ntemplate = \"error.html\"\n";
    let files = [
        ("own.html", "own {{ part(url=\"/parts/badge\") }}"),
        ("error.html", "{{ status }} {{ part(url=\"/parts/badge\") }}"),
    ];
    let site = Site::open(controllers![badge, own], &routes, &files).await;
    let own = site.get_as("ann", "/own").await;
    assert_eq!(own.body(), "own <b>ann</b>");
    assert_eq!(header(&own, "cache-control"), "no-store");
    let error = site.get_as("ann", "/nowhere").await;
    assert_eq!((error.status().as_u16(), error.body().as_str()), (404, "404 <b>ann</b>"));
    let head = site.ask("HEAD", "/own", &[("cookie", "name=ann")]).await;
    assert_eq!((head.body().len(), header(&head, "content-length")), (0, "14"));
}

#[controller("own")]
async fn own() -> Reply {
    template("own.html")
}

#[tokio::test]
async fn head_of_a_page_with_parts_has_the_headers_of_get() {
    let routes = routes(&[
        ("/", "template = \"page.html\""),
        ("/parts/nested", "template = \"nested.html\""),
        ("/parts/leaf", "template = \"leaf.html\""),
    ]);
    let files = [
        ("page.html", "page {{ part(url=\"/parts/nested\") }} {{ part(url=\"/parts/leaf\") }}"),
        ("nested.html", "({{ part(url=\"/parts/leaf\") }})"),
        ("leaf.html", "leaf"),
    ];
    let site = Site::open(controllers![], &routes, &files).await;
    for _ in 0..2 {
        let head = site.ask("HEAD", "/", &[]).await;
        let get = site.get("/").await;
        assert_eq!(get.body(), "page (leaf) leaf");
        assert!(head.body().is_empty());
        for name in ["content-length", "etag", "content-type", "cache-control"] {
            assert!(get.headers().contains_key(name), "{name}");
            assert_eq!(header(&head, name), header(&get, name));
        }
    }
}

#[controller("daily")]
async fn daily() -> Reply {
    html("daily").header("cache-control", "max-age=60").header("vary", "accept-language")
}

#[tokio::test]
async fn a_page_is_shared_no_more_than_its_parts() {
    let routes = routes(&[
        ("/", "controller = \"long\""),
        ("/daily", "controller = \"daily\""),
        ("/failing", "controller = \"failing\""),
    ]);
    let files = [
        ("long.html", "{{ part(url=\"/daily\") }}"),
        ("failing.html", "{{ part(url=\"/nowhere\", fallback=\"-\") }}"),
    ];
    let site = Site::open(controllers![long, daily, failing], &routes, &files).await;
    let answer = site.get("/").await;
    assert_eq!(header(&answer, "cache-control"), "no-cache", "the part has another policy");
    assert!(header(&answer, "vary").contains("accept-language"), "{answer:?}");
    assert_eq!(header(&answer, "cdn-cache-control"), "", "the part says nothing of CDNs");
    let answer = site.get("/failing").await;
    assert_eq!(header(&answer, "cache-control"), "no-cache", "the part may be back soon");
}

static NEWS: AtomicU64 = AtomicU64::new(0);

#[controller("old")]
async fn old() -> Reply {
    let number = NEWS.fetch_add(1, Ordering::SeqCst);
    let reply = html(format!("{number}")).group("news").header("cache-control", "max-age=3600");
    reply.header("cdn-cache-control", "max-age=86400")
}

#[controller("soften")]
async fn soften(cluster: Cluster) -> Result<Reply> {
    cluster.invalidate(Invalidation::new().group("news").soft()).await?;
    Ok(status(204))
}

#[tokio::test]
async fn a_page_with_a_stale_part_is_stale() {
    let routes = routes(&[
        ("/", "controller = \"long\""),
        (
            "/daily",
            "controller = \"old\"\ncache = { type = \"persistent\", stale_while_revalidate = \"1h\" }",
        ),
        ("/soften", "controller = \"soften\"\nmethods = [\"POST\"]"),
    ]);
    let files = [("long.html", "{{ part(url=\"/daily\") }}")];
    let site = Site::open(controllers![long, old, soften], &routes, &files).await;
    for _ in 0..2 {
        assert_eq!(header(&site.get("/").await, "cache-control"), "max-age=3600");
    }
    assert_eq!(site.ask("POST", "/soften", &[]).await.status(), 204);
    let answer = site.get("/").await;
    assert_eq!((answer.body().as_str(), header(&answer, "cache-control")), ("0", "no-cache"));
}

#[controller("long")]
async fn long() -> Reply {
    let reply = template("long.html").header("cache-control", "max-age=3600");
    reply.header("cdn-cache-control", "max-age=86400")
}

#[controller("failing")]
async fn failing() -> Reply {
    template("failing.html").header("cache-control", "public, max-age=3600")
}

#[tokio::test]
async fn conditions_and_ranges_apply_to_the_whole_page() {
    let routes = routes(&[
        ("/", "template = \"page.html\""),
        ("/parts/badge", "controller = \"badge\"\ncache = \"no_cache\""),
        ("/parts/leaf", "template = \"leaf.html\""),
    ]);
    let files = [
        ("page.html", "0123{{ part(url=\"/parts/leaf\") }}89{{ part(url=\"/parts/badge\") }}"),
        ("leaf.html", "4567"),
    ];
    let site = Site::open(controllers![badge], &routes, &files).await;
    let ann = ("cookie", "name=ann");
    let whole = site.ask("GET", "/", &[ann]).await;
    assert_eq!(whole.body(), "0123456789<b>ann</b>");
    let tag = header(&whole, "etag").to_owned();

    let known = site.ask("GET", "/", &[ann, ("if-none-match", &tag)]).await;
    assert_eq!((known.status().as_u16(), known.body().as_str()), (304, ""));
    assert_eq!(header(&known, "etag"), tag);
    assert_eq!(header(&known, "cache-control"), "private, no-cache");
    assert_eq!(header(&known, "age"), "0");
    let other = site.ask("GET", "/", &[("if-none-match", &tag)]).await;
    assert_eq!((other.status().as_u16(), other.body().as_str()), (200, "0123456789<b>nobody</b>"));
    let failed = site.ask("GET", "/", &[("if-match", &tag)]).await;
    assert_eq!(failed.status(), 412);

    let some = site.ask("GET", "/", &[ann, ("range", "bytes=2-11"), ("if-range", &tag)]).await;
    assert_eq!((some.status().as_u16(), some.body().as_str()), (206, "23456789<b"));
    assert_eq!(header(&some, "content-range"), "bytes 2-11/20");
    let changed = site.ask("GET", "/", &[("range", "bytes=2-11"), ("if-range", &tag)]).await;
    assert_eq!(changed.status(), 200);
    let beyond = site.ask("GET", "/", &[ann, ("range", "bytes=20-")]).await;
    assert_eq!(beyond.status(), 416);
    // Parts are requested completely and unencoded, whatever the headers of the page's request.
    let encoded = site.ask("GET", "/", &[ann, ("accept-encoding", "gzip, br;q=0.1, *;q=0")]).await;
    assert_eq!(encoded.body(), whole.body());
    assert!(!encoded.headers().contains_key("content-encoding"));
}
