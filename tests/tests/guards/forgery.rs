//! Unsafe requests from pages of other sites.

use std::sync::LazyLock;
use std::time::Duration;

use headwater_tests::{Client, Cluster, Shared, Site, raw, until};

use crate::PROGRAM;

const ROUTES: &str = r#"
[[route]]
path = "/write"
methods = ["GET", "POST", "DELETE"]
controller = "probe.show"
cache = "no_cache"

[[route]]
path = "/hook"
methods = ["POST"]
controller = "probe.show"
forgery = "allow"

[[route]]
path = "/area"
delegate = "area.conf"

[[error]]
status = 403
template = "error.html"
"#;

const AREA: &str = r#"
[[route]]
path = "/write"
methods = ["POST"]
controller = "probe.show"

[[error]]
status = 403
template = "area.html"
"#;

const PROJECT: &str = r#"
[link]
lease = "1s"

[http]
trusted_origins = ["https://shop.example"]
trusted_proxies = ["127.0.0.1"]
"#;

static CLUSTER: LazyLock<Shared> = LazyLock::new(|| {
    Shared::start(|| {
        let site = Site::test_site(PROGRAM).project(PROJECT).route(ROUTES);
        let site = site.file("area.conf", AREA).template("area.html", "the area's own page");
        Cluster::start(site, 1)
    })
});

/// Returns the status of a request for `a.example` with these headers.
async fn status(visitor: &Client, method: &str, target: &str, headers: &[(&str, &str)]) -> u16 {
    let headers = [&[("host", "a.example")], headers].concat();
    visitor.ask(method, target, &headers, "a=b").await.status
}

#[tokio::test]
async fn a_page_of_another_site_cannot_send_unsafe_requests() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0);
    for (headers, expected) in [
        ([].as_slice(), 200),
        (&[("sec-fetch-site", "same-origin")], 200),
        (&[("sec-fetch-site", "none")], 200),
        (&[("sec-fetch-site", "same-site"), ("origin", "https://b.a.example")], 403),
        (&[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")], 403),
        (&[("sec-fetch-site", "cross-site"), ("origin", "null")], 403),
        (&[("sec-fetch-site", "cross-site"), ("origin", "https://shop.example")], 200),
        (&[("origin", "http://a.example")], 200),
        (&[("origin", "http://evil.example")], 403),
        (&[("origin", "null")], 403),
        (&[("x-forwarded-proto", "https"), ("origin", "https://a.example")], 200),
        (&[("x-forwarded-proto", "https"), ("origin", "http://a.example")], 403),
    ] {
        for method in ["POST", "DELETE"] {
            let status = status(&visitor, method, "/write", headers).await;
            assert_eq!(status, expected, "{method} with {headers:?}");
        }
        assert_eq!(status(&visitor, "GET", "/write", headers).await, 200, "{headers:?}");
        assert_eq!(status(&visitor, "POST", "/hook", headers).await, 200, "{headers:?}");
    }
}

#[tokio::test]
async fn the_refusal_is_the_sites_page_and_the_log_explains_the_fix() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0);
    let from = [("sec-fetch-site", "cross-site"), ("origin", "https://pay.example")];
    let refused = visitor.ask("POST", "/write", &from, "a=b").await;
    assert!(refused.text().contains("the site's page for 403"), "{}", refused.text());
    assert!(!refused.text().contains("pay.example"), "{}", refused.text());
    for name in ["vary", "set-cookie"] {
        assert_eq!(refused.header(name), "", "{name}");
    }
    let messages = cluster.frontends[0].messages();
    for words in [
        "`Sec-Fetch-Site` is `cross-site`",
        "trusted_origins = [\\\"https://pay.example\\\"] in [http] of project.toml",
        "forgery = \\\"allow\\\" at ",
    ] {
        until(words, async || messages.contain(words).then_some(())).await;
    }
    let refused = visitor.ask("POST", "/area/write", &from, "a=b").await;
    assert_eq!((refused.status, refused.text()), (403, "the area's own page"));
}

#[tokio::test]
async fn an_upload_is_refused_before_its_body_is_read() {
    let cluster = CLUSTER.borrow();
    let request = "POST /upload HTTP/1.1\r\nhost: a.example\r\nsec-fetch-site: cross-site\r\n\
                   content-length: 1000000000\r\n\r\nthe first piece";
    let address = cluster.frontends[0].http();
    let answer = raw::exchange(address, request.as_bytes(), Duration::from_secs(10)).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}
