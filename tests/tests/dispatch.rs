//! `dispatch.conf` as a browser sees it: every kind of rule, methods, names of routes, error pages.

use std::sync::LazyLock;

use headwater_tests::{Cluster, Shared, Site};
use serde_json::json;

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

const ROUTES: &str = r#"
[[route]]
path = "/probe/{one}"
controller = "probe.show"
name = "probe"

[[route]]
path = "/probe/fixed"
template = "plain.html"

[[route]]
path = "/probe/{one}/{*rest}"
controller = "probe.show"
name = "rest"

[[route]]
pattern = '^/(?<year>[0-9]{4})/(?<slug>[a-z-]+)$'
controller = "probe.show"
name = "dated"

[[route]]
pattern = '/[0-9]+/.*'
template = "plain.html"

[[route]]
path = "/write"
methods = ["POST", "PUT", "DELETE", "PROPFIND"]
controller = "probe.show"

[[route]]
path = "/both"
controller = "probe.show"
methods = ["GET", "POST"]
cache = "no_cache"

[[route]]
path = "/short/{one}"
alias = "/probe/{one}"

[[route]]
path = "/shorter/{one}"
alias = "/short/{one}"

[[route]]
path = "/gone/{one}"
redirect = "/probe/{one}"
status = 301

[[route]]
path = "/elsewhere"
redirect = "https://example.org/there"

[[route]]
path = "/template/{word}"
template = "word.html"

[[route]]
path = "/one-file"
files = "files/hello.txt"

[[route]]
path = "/names"
template = "names.html"

[[route]]
path = "/area"
delegate = "area/dispatch.conf"

[[route]]
include = "more/routes.conf"
"#;

const AREA: &str = r#"
[[route]]
path = "/"
alias = "/start"

[[route]]
path = "/start"
controller = "probe.show"
name = "area-start"

[[route]]
path = "/inner/{two}"
controller = "probe.show"
name = "inner"

[[route]]
path = "/deeper"
delegate = "deeper.conf"

[[error]]
status = 404
template = "area-error.html"
"#;

const DEEPER: &str = r#"
[[route]]
path = "/end"
controller = "probe.show"
"#;

const MORE: &str = r#"
[[route]]
path = "/included"
controller = "probe.show"

[[route]]
include = "nested/routes.conf"
"#;

const NESTED: &str = r#"
[[route]]
path = "/included/twice"
controller = "probe.show"
"#;

const NAMES: &str = r#"{{ url_for(name="probe", one="a b/c") }}
{{ url_for(name="rest", one="x", rest="y/z") }}
{{ url_for(name="area-start") }}
{{ url_for(name="inner", two=7) }}"#;

fn site() -> Site {
    Site::test_site(PROGRAM)
        .route(ROUTES)
        .file("area/dispatch.conf", AREA)
        .file("area/deeper.conf", DEEPER)
        .file("more/routes.conf", MORE)
        .file("more/nested/routes.conf", NESTED)
        .file("docroot/files/style.css", "body { color: #222 }\n")
        .file("docroot/files/deep/er.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>")
        .file("docroot/secret.txt", "not below the folder that is served")
        .template("word.html", "<p>{{ word }}</p>")
        .template("names.html", NAMES)
        .template("area-error.html", "the area has no such page")
}

static CLUSTER: LazyLock<Shared> = LazyLock::new(|| Shared::start(|| Cluster::start(site(), 1)));

#[tokio::test]
async fn captures_are_decoded_and_reach_the_controller_with_path_and_query() {
    let visitor = CLUSTER.borrow().visitor(0);
    let seen = visitor.page("/probe/gr%C3%BC%C3%9Fe%20da?b=2&a=1").await;
    assert_eq!(seen.status, 200, "{}", seen.text());
    assert_eq!(seen.json()["captures"], json!({ "one": "grüße da" }));
    assert_eq!(seen.json()["method"], "GET");
    let seen = visitor.page("/probe/x/y/z%2Fw").await.json();
    assert_eq!(seen["captures"], json!({ "one": "x", "rest": "y/z/w" }));
}

#[tokio::test]
async fn the_most_specific_path_wins_and_paths_win_over_patterns() {
    let visitor = CLUSTER.borrow().visitor(0);
    assert!(visitor.page("/probe/fixed").await.text().contains("<title>Plain</title>"));
    assert!(visitor.page("/probe/fixe").await.text().contains("\"one\""));
    let dated = visitor.page("/2026/a-rainy-day").await.json();
    assert_eq!(dated["captures"], json!({ "year": "2026", "slug": "a-rainy-day" }));
    assert!(visitor.page("/2026/A").await.text().contains("<title>Plain</title>"));
    assert_eq!(visitor.page("/x2026/a").await.status, 404);
}

#[tokio::test]
async fn a_missing_page_is_a_404_with_the_sites_error_page() {
    let visitor = CLUSTER.borrow().visitor(0);
    for target in ["/nowhere", "/probe", "/probe/", "/Static", "/static/", "/files/nothing.txt"] {
        let response = visitor.page(target).await;
        assert_eq!(response.status, 404, "{target}");
        assert!(response.text().contains("the site's page for 404"), "{target}");
        assert_eq!(response.header("content-type"), "text/html; charset=utf-8");
        assert!(response.cache_status().starts_with("headwater; fwd="), "{target}");
    }
}

#[tokio::test]
async fn another_method_is_a_405_that_names_the_allowed_methods() {
    let visitor = CLUSTER.borrow().visitor(0);
    for (method, target, allowed) in [
        ("POST", "/static", ["GET", "HEAD"].as_slice()),
        ("DELETE", "/page/1", &["GET", "HEAD", "POST"]),
        ("GET", "/write", &["POST", "PUT", "DELETE", "PROPFIND"]),
        ("POST", "/files/hello.txt", &["GET", "HEAD"]),
        ("PATCH", "/elsewhere", &["GET", "HEAD"]),
        ("BREW", "/both", &["GET", "HEAD", "POST"]),
    ] {
        let response = visitor.ask(method, target, &[], "").await;
        assert_eq!(response.status, 405, "{method} {target}");
        let allow: Vec<&str> = response.header("allow").split(", ").collect();
        for method in allowed {
            assert!(allow.contains(method), "{method} {target}: {allow:?}");
        }
        let others = allow.iter().filter(|name| !allowed.contains(name) && **name != "OPTIONS");
        assert_eq!(others.count(), 0, "{method} {target}: {allow:?}");
    }
}

#[tokio::test]
async fn options_returns_the_allowed_methods() {
    let visitor = CLUSTER.borrow().visitor(0);
    let response = visitor.ask("OPTIONS", "/page/1", &[], "").await;
    assert_eq!(response.status, 204);
    let mut allow: Vec<&str> = response.header("allow").split(", ").collect();
    allow.sort_unstable();
    assert_eq!(allow, ["GET", "HEAD", "OPTIONS", "POST"]);
    assert_eq!(visitor.ask("OPTIONS", "/nowhere", &[], "").await.status, 404);
}

#[tokio::test]
async fn methods_of_any_name_reach_their_controller_with_the_body() {
    let visitor = CLUSTER.borrow().visitor(0);
    for method in ["POST", "PUT", "DELETE", "PROPFIND"] {
        let seen = visitor.ask(method, "/write?a=b", &[], "a body").await;
        assert_eq!(seen.status, 200, "{}", seen.text());
        let seen = seen.json();
        assert_eq!((&seen["method"], &seen["body"]), (&json!(method), &json!("a body")));
        assert_eq!(seen["uri"], "/write?a=b");
    }
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let visitor = CLUSTER.borrow().visitor(0);
    for target in [
        "/static",
        "/probe/head",
        "/uncached/1",
        "/files/hello.txt",
        "/nowhere",
        "/error/418",
        "/download/1",
    ] {
        let get = visitor.page(target).await;
        let head = visitor.ask("HEAD", target, &[], "").await;
        assert_eq!(head.status, get.status, "{target}");
        assert!(head.body.is_empty(), "{target}");
        for name in ["content-type", "content-length", "etag", "cache-control"] {
            // A request's id has a fixed length, so the error pages are equally long.
            assert_eq!(head.header(name), get.header(name), "{name} of {target}");
        }
    }
}

#[tokio::test]
async fn an_alias_shows_the_page_of_another_address() {
    let visitor = CLUSTER.borrow().visitor(0);
    assert_eq!(visitor.page("/").await.body, visitor.page("/static").await.body);
    for target in ["/short/a%20b?c=d", "/shorter/a%20b?c=d"] {
        let seen = visitor.page(target).await.json();
        assert_eq!(seen["captures"], json!({ "one": "a b" }), "{target}");
        assert_eq!(seen["uri"], "/probe/a%20b?c=d", "{target}");
    }
}

#[tokio::test]
async fn an_alias_and_its_target_are_one_page_in_the_cache() {
    let visitor = CLUSTER.borrow().visitor(0);
    assert!(!visitor.page("/shorter/once").await.is_hit());
    for target in ["/shorter/once", "/short/once", "/probe/once"] {
        assert!(visitor.page(target).await.is_hit(), "{target}");
    }
}

#[tokio::test]
async fn a_redirect_leads_to_another_address() {
    let visitor = CLUSTER.borrow().visitor(0);
    for (target, status, location) in [
        ("/moved", 302, "/static"),
        ("/gone/a%20b", 301, "/probe/a%20b"),
        ("/elsewhere", 302, "https://example.org/there"),
    ] {
        let response = visitor.page(target).await;
        assert_eq!((response.status, response.header("location")), (status, location));
    }
    // No path from a visitor redirects to another host.
    for target in ["/gone/%2F%2Fevil.example", "/gone/%5Cevil.example", "/gone/a%0D%0Ab:%20c"] {
        let response = visitor.page(target).await;
        let location = response.header("location");
        let inside = location.is_empty() || location.starts_with("/probe/");
        assert!(inside && !response.headers.contains_key("b"), "{target}: {location}");
    }
}

#[tokio::test]
async fn a_static_rule_shows_its_template_with_the_captures() {
    let visitor = CLUSTER.borrow().visitor(0);
    let response = visitor.page("/template/%3Cb%3E").await;
    assert_eq!((response.status, response.text()), (200, "<p>&lt;b&gt;</p>"));
}

#[tokio::test]
async fn names_of_routes_become_addresses() {
    let visitor = CLUSTER.borrow().visitor(0);
    let names = visitor.page("/names").await;
    let lines: Vec<&str> = names.text().lines().collect();
    assert_eq!(lines, ["/probe/a%20b%2Fc", "/probe/x/y/z", "/area/start", "/area/inner/7"]);
}

#[tokio::test]
async fn a_delegated_table_handles_all_paths_below_its_prefix() {
    let visitor = CLUSTER.borrow().visitor(0);
    for (target, captures) in [
        ("/area", json!({})),
        ("/area/start", json!({})),
        ("/area/inner/x", json!({ "two": "x" })),
        ("/area/deeper/end", json!({})),
    ] {
        let response = visitor.page(target).await;
        assert_eq!(response.status, 200, "{target}: {}", response.text());
        assert_eq!(response.json()["captures"], captures, "{target}");
    }
    let missing = visitor.page("/area/nothing").await;
    assert_eq!((missing.status, missing.text()), (404, "the area has no such page"));
    // Error pages that the table does not declare are those of the site's own table.
    let wrong = visitor.ask("POST", "/area/start", &[], "").await;
    assert_eq!(wrong.status, 405);
}

#[tokio::test]
async fn included_tables_belong_to_the_one_that_includes_them() {
    let visitor = CLUSTER.borrow().visitor(0);
    assert_eq!(visitor.page("/included").await.status, 200);
    assert_eq!(visitor.page("/included/twice").await.status, 200);
}

#[tokio::test]
async fn files_have_their_type_and_validators() {
    let visitor = CLUSTER.borrow().visitor(0);
    for (target, media_type) in [
        ("/files/hello.txt", "text/plain; charset=utf-8"),
        ("/files/style.css", "text/css; charset=utf-8"),
        ("/files/deep/er.svg", "image/svg+xml"),
        ("/one-file", "text/plain; charset=utf-8"),
    ] {
        let response = visitor.page(target).await;
        assert_eq!((response.status, response.header("content-type")), (200, media_type));
        assert_eq!(response.header("content-length"), response.body.len().to_string());
        assert!(response.cache_status().starts_with("headwater; fwd="), "{target}");
        let etag = response.header("etag");
        assert!(!etag.is_empty(), "{target}");
        let again = visitor.page_with(target, &[("if-none-match", etag)]).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{target}");
    }
    assert_eq!(visitor.page("/files/hello.txt").await.text(), "hello, world\n");
}

#[tokio::test]
async fn nothing_beside_the_folder_of_files_is_served() {
    let visitor = CLUSTER.borrow().visitor(0);
    for target in [
        "/files/../secret.txt",
        "/files/%2e%2e/secret.txt",
        "/files/..%2fsecret.txt",
        "/files/deep/..%2f..%2fsecret.txt",
        "/files/%2e%2e%2fsecret.txt",
        "/files//etc/passwd",
        "/files/%2fetc%2fpasswd",
        "/files/..%5csecret.txt",
        "/files/deep",
        "/files/deep/",
        "/files/",
        "/files/hello.txt%00",
    ] {
        let response = visitor.page(target).await;
        assert!(matches!(response.status, 400 | 404), "{target}: {}", response.status);
    }
}

#[tokio::test]
async fn a_path_has_one_spelling_in_the_cache() {
    let visitor = CLUSTER.borrow().visitor(0);
    assert!(!visitor.page("/probe/spelling~a").await.is_hit());
    for target in ["/probe/spelling~a", "/probe/spelling%7Ea", "/%70robe/spellin%67~%61"] {
        assert!(visitor.page(target).await.is_hit(), "{target}");
    }
}
