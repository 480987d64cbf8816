//! Requests that try to poison the cache. None changes the response to another visitor.

use std::sync::LazyLock;
use std::time::Duration;

use headwater_tests::{Cluster, Response, Shared, Site, raw};

use crate::PROGRAM;

const ROUTES: &str = r#"
[[route]]
path = "/poison/{name}"
controller = "probe.show"
query = ["page"]

[[route]]
path = "/poison/templates/{name}"
template = "poison.html"
query = []

[[route]]
path = "/poison/{name}/assets/{*path}"
files = "assets"
"#;

/// A page that would repeat the input of visitors if the site trusted it.
const TEMPLATE: &str = "<p>{{ name }}</p>";

static CLUSTER: LazyLock<Shared> = LazyLock::new(|| {
    let site = || Site::test_site(PROGRAM).route(ROUTES).file("templates/poison.html", TEMPLATE);
    let site = move || site().file("docroot/assets/site.css", "p { color: red }");
    Shared::start(move || Cluster::start(site(), 1))
});

/// Headers with which other caches were poisoned, or which change the response.
const HEADERS: &[&str] = &[
    "X-Forwarded-Host: evil.example",
    "X-Forwarded-Host: evil.example\r\nX-Forwarded-Host: \"><script>",
    "X-Host: evil.example",
    "X-Forwarded-Server: evil.example",
    "X-Original-URL: /admin",
    "X-Rewrite-URL: /admin",
    "X-Original-Host: evil.example",
    "X-Forwarded-Scheme: nothttps",
    "X-Forwarded-Proto: http",
    "X-Forwarded-Port: 1",
    "X-Forwarded-Prefix: //evil.example",
    "X-Forwarded-For: 127.0.0.1",
    "Forwarded: for=127.0.0.1;host=evil.example;proto=https",
    "X-HTTP-Method-Override: POST",
    "X-HTTP-Method: DELETE",
    "X-Method-Override: HEAD",
    "X-Middleware-Subrequest: middleware",
    "X-Invoke-Status: 500",
    "RSC: 1",
    "Via: 1.1 evil",
    "Max-Forwards: 0",
    "Origin: https://evil.example",
    "Referer: https://evil.example/",
    "User-Agent: <script>alert(1)</script>",
    "Cookie: session=evil; language=xx; __Host-a=b",
    "Cookie: ;;=;\"",
    "Authorization: Basic ZXZpbDpldmls",
    "Accept: text/evil;q=1, */*;q=0",
    "Accept-Language: xx-evil, *;q=0",
    "Accept-Language: de;q=0, en;q=0, *;q=0.001",
    "Accept-Encoding: gzip;q=1, identity;q=0",
    "Accept-Encoding: identity;q=0, *;q=0",
    "Accept-Encoding: br;q=9999, zstd;q=-1, gzip;q=, ,,;=",
    "Accept-Charset: utf-7",
    "Cache-Control: no-store, no-cache, max-age=0",
    "Cache-Control: only-if-cached",
    "Pragma: no-cache",
    "Range: bytes=0-0",
    "Range: bytes=-1,0-,5-4,99999999999999999999-",
    "Range: bytes=0-0\r\nIf-Range: \"x\"",
    "If-None-Match: *",
    "If-Match: \"x\"",
    "If-Modified-Since: Fri, 31 Dec 9999 23:59:59 GMT",
    "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT",
    "Cache-Group-Invalidation: \"evil\"",
    "Surrogate-Key: evil",
    "Set-Cookie: session=evil",
    "Vary: *",
    "Age: 999999",
    "Content-Type: text/evil",
    "Content-Encoding: gzip",
    "Location: https://evil.example/",
    "Status: 404",
    "X-Variant-Of: evil",
    "Expect: 100-continue",
    "TE: trailers, chunked",
    "Upgrade: h2c",
    "Connection: Accept-Encoding, Host, Cache-Status",
    "Trailer: Content-Length",
    "Content-Length: 9\r\n\r\nname=evil",
    "Transfer-Encoding: chunked\r\n\r\n9\r\nname=evil\r\n0\r\n\r\n",
];

/// Spellings of a path that some caches and servers interpret differently. `NAME` is the page that
/// is requested afterwards.
const TARGETS: &[&str] = &[
    "/poison/NAME?utm_content=%3Cscript%3E",
    "/poison/NAME?utm=1&fbclid=2&_=3",
    "/poison/NAME?callback=evil",
    "/poison/NAME?%00",
    "/poison/NAME?page",
    "/poison/NAME?page=%3Cscript%3E",
    "/poison/NAME?Page=2",
    "/poison/NAME?utm=1;page=2",
    "/poison/NAME?page[]=2",
    "/poison/NAME??",
    "/poison/NAME#evil",
    "/poison/NAME;.css",
    "/poison/NAME;evil=1",
    "/poison/NAME.css",
    "/poison/NAME%2ecss",
    "/poison/NAME%3f.css",
    "/poison/NAME%23.css",
    "/poison/NAME%00.css",
    "/poison/NAME%0a.css",
    "/poison/NAME%0d%0aX-Evil:%201",
    "/poison/NAME%20",
    "/poison/NAME/",
    "/poison/NAME//",
    "/poison/NAME/%2e",
    "/poison/NAME/%2e%2e/evil",
    "/poison/NAME%2f..%2fevil",
    "/poison/NAME/assets/../../NAME",
    "/poison/NAME/assets/..%2f..%2f..%2fNAME",
    "/poison/NAME/assets/site.css",
    "/poison/NAME\\evil",
    "/poison/evil/../NAME",
    "/poison/evil/%2e%2e/NAME",
    "/poison/%2e/NAME",
    "/poison/./NAME",
    "/poison//NAME",
    "//poison/NAME",
    "/%70oison/NAME",
    "/POISON/NAME",
    "/Poison/NAME",
    "/poison/name",
    "/poison%2fNAME",
    "/poison/NAME%",
    "/poison/NAME%ff",
    "/poison/NAME%c0%af",
    "poison/NAME",
    "http://evil.example/poison/NAME",
    "http://evil.example/poison/NAME?x",
    "https://user:pw@evil.example/poison/NAME",
];

/// Methods of requests.
const METHODS: &[&str] = &["HEAD", "OPTIONS", "POST", "PUT", "PURGE", "get", "GETX", "TRACE"];

/// The parts of a response that must be equal for every visitor: status, headers, text.
type Seen = (u16, Vec<(String, String)>, String);

/// Headers that depend on the time, on the cache, or on the body.
const CHANGING: [&str; 5] = ["date", "age", "cache-status", "last-modified", "etag"];

fn seen(response: &Response, name: &str) -> Seen {
    let mut headers: Vec<(String, String)> = response
        .headers
        .iter()
        .filter(|(name, _)| !CHANGING.contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("?").to_owned()))
        .collect();
    headers.sort();
    (response.status, headers, response.text().replace(name, "NAME"))
}

/// Makes each attack on a separate page, then requests that page as another client, which must
/// receive the same response as for a page that was not attacked.
async fn attack_with(kind: &str, page: &str, attacks: impl Iterator<Item = String>) {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0);
    // As long as the other names, so that the lengths of responses are equal.
    let control = format!("{kind}-c999");
    let expected = seen(&visitor.page(&page.replace("NAME", &control)).await, &control);
    assert!(expected.0 == 200 && expected.2.contains("NAME"), "{expected:?}");
    for (number, attack) in attacks.enumerate() {
        let name = format!("{kind}-a{number:03}");
        let attack = attack.replace("NAME", &name);
        raw::exchange(visitor.address(), attack.as_bytes(), Duration::from_secs(5)).await;
        for time in ["first", "second"] {
            let response = visitor.page(&page.replace("NAME", &name)).await;
            let seen = seen(&response, &name);
            assert_eq!(seen, expected, "the {time} visitor after {attack:?}");
        }
    }
}

fn with_headers(page: &'static str) -> impl Iterator<Item = String> {
    HEADERS.iter().map(move |headers| {
        let (headers, body) = headers.split_once("\r\n\r\n").unwrap_or((headers, ""));
        format!("GET {page} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n\r\n{body}")
    })
}

#[tokio::test]
async fn no_header_that_is_not_in_the_key_changes_the_page_of_another_visitor() {
    for (kind, page) in [("h", "/poison/NAME"), ("ht", "/poison/templates/NAME")] {
        attack_with(kind, page, with_headers(page)).await;
    }
}

#[tokio::test]
async fn no_host_changes_the_page_of_another_visitor() {
    let hosts =
        ["evil.example", "evil.example:1", "a\r\nHost: b", "<script>", "", "127.0.0.1@evil"];
    let attacks = hosts.into_iter().map(|host| {
        format!("GET /poison/NAME HTTP/1.1\r\nConnection: close\r\nHost: {host}\r\n\r\n")
    });
    attack_with("o", "/poison/NAME", attacks).await;
}

#[tokio::test]
async fn no_spelling_of_a_path_or_query_changes_the_page_of_another_visitor() {
    let attacks = TARGETS
        .iter()
        .map(|target| format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    attack_with("p", "/poison/NAME", attacks).await;
}

#[tokio::test]
async fn no_method_changes_the_page_of_another_visitor() {
    let attacks = METHODS.iter().map(|method| {
        let head = "HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0";
        format!("{method} /poison/NAME {head}\r\n\r\n")
    });
    attack_with("m", "/poison/NAME", attacks).await;
}

#[tokio::test]
async fn only_spellings_of_one_path_share_a_page() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0);
    let made = visitor.page("/poison/sp-elled").await;
    assert!(!made.is_hit());
    for same in
        ["/poison/sp%2Delled", "/poison/sp%2delled", "/%70oison/sp-elled", "/poison/sp-elled?x=1"]
    {
        let response = visitor.page(same).await;
        assert!(response.is_hit() && response.body == made.body, "{same}");
    }
    for other in [
        "/poison/Sp-elled",
        "/poison/sp-elled;.css",
        "/poison/sp-elled.css",
        "/poison/sp-elled%2Fx",
    ] {
        let response = visitor.page(other).await;
        assert!(
            response.status != 200 || !response.is_hit() && response.body != made.body,
            "{other}"
        );
    }
    for refused in ["/poison//sp-elled", "//poison/sp-elled", "/poison/%2e%2e/poison/sp-elled"] {
        assert_eq!(visitor.page(refused).await.status, 400, "{refused}");
    }
}
