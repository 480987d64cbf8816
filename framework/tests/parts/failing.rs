//! The content in place of a part that fails.

use std::io::Write;
use std::sync::{Arc, Mutex};

use headwater::prelude::*;

use super::{Site, badge, greeting, header, routes};

/// The log of this thread while the guard exists.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn begin() -> (Log, tracing::subscriber::DefaultGuard) {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing::Level::WARN)
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .filter(|line| line.contains("a part cannot be inserted"))
            .map(str::to_owned)
            .collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[controller("broken")]
async fn broken() -> Result<Reply> {
    Err(std::io::Error::other("the disk is full").into())
}

#[controller("panics")]
async fn panics() -> Reply {
    panic!("a bug")
}

#[controller("teapot")]
async fn teapot() -> Reply {
    text("not shown").with_status(418)
}

#[controller("packed")]
async fn packed() -> Reply {
    html("\u{1f}").header("content-encoding", "gzip")
}

#[tokio::test]
async fn a_part_that_fails_shows_its_fallback_and_the_page_survives() {
    let (log, _guard) = Log::begin();
    let site = Site::open(
        controllers![broken, panics, teapot, packed, badge],
        &routes(&[
            ("/page/{name}", "template = \"page.html\""),
            ("/broken", "controller = \"broken\""),
            ("/broken-own", "controller = \"broken\"\ncache = \"no_cache\""),
            ("/panics", "controller = \"panics\""),
            ("/packed", "controller = \"packed\""),
            ("/teapot", "controller = \"teapot\""),
            ("/teapot-own", "controller = \"teapot\"\ncache = \"no_cache\""),
            ("/teapot-kept", "controller = \"teapot\"\ncache_statuses = [418]"),
            ("/typo", "template = \"typo.html\""),
            ("/moved", "redirect = \"/badge\""),
            ("/post", "controller = \"badge\"\nmethods = [\"POST\"]"),
            ("/assets/{*path}", "files = \"assets\""),
        ]),
        &[
            (
                "page.html",
                "<p>{{ part(url=\"/\" ~ name, fallback=\"<none>\") }}{{ part(url=\"/\" ~ name) }}</p>",
            ),
            ("typo.html", "{{ 1 / 0 }}"),
        ],
    )
    .await;
    for (name, cause) in [
        ("broken", "500"),
        ("broken-own", "500"),
        ("panics", "500"),
        ("packed", "encoded (gzip)"),
        ("teapot", "status 418"),
        ("teapot-own", "status 418"),
        ("teapot-kept", "status 418"),
        ("typo", "500"),
        ("moved", "redirects to /badge with status 30"),
        ("post", "status 405"),
        ("nowhere", "status 404"),
        ("assets%2Fnowhere.html", "status 404"),
    ] {
        let seen = log.lines().len();
        let answer = site.get(&format!("/page/{name}")).await;
        assert_eq!(answer.status(), 200, "{name}");
        assert_eq!(answer.body(), "<p>&lt;none&gt;</p>", "{name}");
        let lines = &log.lines()[seen..];
        assert_eq!(lines.len(), 2, "{name}: {lines:?}");
        for line in lines {
            for part in [cause, "request_id=", &format!("page=\"/page/{name}\"")] {
                assert!(line.contains(part), "{part} is not in {line}");
            }
        }
    }
    let file = site.get("/page/assets%2Flegal.html").await;
    assert_eq!(file.body().matches("<p>All rights reserved.</p>").count(), 2, "{file:?}");
}

#[tokio::test]
async fn only_pages_of_this_site_are_parts() {
    let (log, _guard) = Log::begin();
    let site = Site::open(
        controllers![],
        &routes(&[("/{name}", "template = \"page.html\"")]),
        &[("page.html", "[{{ part(url=name, fallback=\"-\") }}]")],
    )
    .await;
    let get = async |url: &str| {
        let encoded: String = url.bytes().map(|byte| format!("%{byte:02X}")).collect();
        site.get(&format!("/{encoded}")).await
    };
    for url in [
        "https://example.org/",
        "//example.org/",
        "http:",
        "javascript:alert(1)",
        "badge",
        "/a b",
        "/a//b",
        "/badge#top",
        "/x/%2e%2e/secret",
        "/%zz",
        "/a?b c",
    ] {
        let seen = log.lines().len();
        let answer = get(url).await;
        assert_eq!((answer.status().as_u16(), answer.body().as_str()), (200, "[-]"), "{url:?}");
        assert_eq!(log.lines().len(), seen + 1, "{url:?}");
    }
    // No page has control characters or backslashes in its path.
    for url in ["/\\example.org", "/a\r\nhost: example.org", "\0"] {
        assert_eq!(get(url).await.status(), 400, "{url:?}");
    }
}

#[tokio::test]
async fn parts_that_form_a_cycle_are_reported_with_the_chain() {
    let (log, _guard) = Log::begin();
    let files = [
        ("a.html", "a({{ part(url=\"/parts/b\") }})"),
        ("b.html", "b({{ part(url=\"/%61\", fallback=\"again\") }})"),
        ("data.json", "[{{ part(url=\"/data\", fallback=\"0\") }}]"),
    ];
    let routes = routes(&[
        ("/a", "template = \"a.html\""),
        ("/parts/b", "template = \"b.html\""),
        ("/data", "template = \"data.json\""),
    ]);
    let config = "environment = \"development\"\n";
    let site = Site::of(App::new(), config, &routes, &files).await;
    for _ in 0..2 {
        let answer = site.get("/a").await;
        let text = "a(b(again<!-- part /%61: the parts form a cycle: /a → /parts/b → /a -->))";
        assert_eq!(answer.body(), text);
    }
    assert!(log.lines()[0].contains("/a → /parts/b → /a"), "{:?}", log.lines());
    assert_eq!(site.get("/data").await.body(), "[0]", "a comment would do harm here");
    let production = Site::of(App::new(), "", &routes, &files).await;
    assert_eq!(production.get("/a").await.body(), "a(b(again))");
}

#[tokio::test]
async fn the_depth_and_the_number_of_parts_are_bounded() {
    let (log, _guard) = Log::begin();
    let site = Site::open(
        controllers![],
        &routes(&[
            ("/deep/{depth}", "template = \"deep.html\""),
            ("/many/{number}", "template = \"many.html\""),
            ("/leaf", "template = \"leaf.html\""),
        ]),
        &[
            ("deep.html", "{{ depth }}{{ part(url=\"/deep/\" ~ (depth | int + 1), fallback=\".\") }}"),
            (
                "many.html",
                "{% for _ in range(end=number | int) %}{{ part(url=\"/leaf\", fallback=\"-\") }}{% endfor %}",
            ),
            ("leaf.html", "+"),
        ],
    )
    .await;
    for _ in 0..2 {
        assert_eq!(site.get("/deep/0").await.body(), "012345678.");
    }
    assert!(log.lines()[0].contains("/deep/0 → /deep/1 → "), "{:?}", log.lines());
    assert_eq!(site.get("/many/200").await.body(), &"+".repeat(200));
    let seen = log.lines().len();
    let many = site.get("/many/1000").await;
    assert_eq!(*many.body(), "+".repeat(200) + &"-".repeat(800));
    assert_eq!(log.lines().len(), seen + 1, "what is true of all of them is logged once");
}

#[controller("endless")]
async fn endless() -> Reply {
    std::future::pending().await
}

#[tokio::test]
async fn a_part_that_takes_too_long_shows_its_fallback() {
    let (log, _guard) = Log::begin();
    let page = "{{ part(url=\"/endless\", fallback=\"late\") }} {{ part(url=\"/nested\") }}";
    let routes = routes(&[
        ("/", "template = \"page.html\""),
        ("/endless", "controller = \"endless\"\ncache = \"no_cache\""),
        ("/endless-cached", "controller = \"endless\""),
        ("/nested", "template = \"nested.html\""),
    ]);
    let nested = "nested({{ part(url=\"/endless-cached\", fallback=\"late\") }})";
    let files = [("page.html", page), ("nested.html", nested)];
    let app = App::new().controllers(controllers![endless]);
    let site = Site::of(app, "[http]\npart_timeout = \"100ms\"\n", &routes, &files).await;
    assert_eq!(site.get("/").await.body(), "late nested(late)");
    assert!(log.lines()[0].contains("`[http] part_timeout`"), "{:?}", log.lines());
    assert_eq!(header(&site.get("/").await, "cache-control"), "no-cache");
}

#[tokio::test]
async fn a_panicking_variant_function_fails_only_the_page_or_part_concerned() {
    let (log, _guard) = Log::begin();
    let app = App::new().controllers(controllers![badge, greeting]).variant(|visitor| {
        assert!(!visitor.uri().path().starts_with("/parts/"), "no variant for parts");
        Variant::yes()
    });
    let page = "<p>{{ part(url=\"/parts/greeting\", fallback=\"none\") }}\
                {{ part(url=\"/parts/badge\") }}{{ part(url=\"/greeting\") }}";
    let routes = routes(&[
        ("/", "template = \"page.html\""),
        ("/parts/greeting", "controller = \"greeting\""),
        ("/parts/badge", "controller = \"badge\"\ncache = \"no_cache\""),
        ("/greeting", "controller = \"greeting\""),
    ]);
    let routes = format!("{routes}[[error]]\nstatus = 500\ntemplate = \"error.html\"\n");
    let templates = [("page.html", page), ("error.html", "Sorry! {{ variant or \"-\" }}")];
    let site = Site::of(app, "", &routes, &templates).await;
    for count in 1..3 {
        let answer = site.get("/").await;
        assert_eq!((answer.status().as_u16(), &**answer.body()), (200, "<p>none<i>all</i>"));
        let lines = log.lines();
        assert_eq!(lines.len(), 2 * count, "{lines:?}");
        let why = "the site's variant function panicked: no variant for parts";
        assert!(lines.iter().all(|line| line.contains(why)), "{lines:?}");
    }
    for part in ["/parts/greeting", "/parts/badge"] {
        let answer = site.get(part).await;
        assert_eq!((answer.status().as_u16(), &**answer.body()), (500, "Sorry! -"), "{part}");
    }
}
