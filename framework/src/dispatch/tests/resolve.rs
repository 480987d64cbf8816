use std::time::Duration;

use http::{Method, StatusCode};
use proptest::prelude::*;

use super::*;
use crate::dispatch::{CacheType, Match, QueryKey, Scope, Target};

const SITE: &str = r#"
    [[route]]
    path = "/"
    alias = "/index.html"

    [[route]]
    path = "/index.html"
    controller = "index"
    cache = { type = "persistent", stale_if_error = "1h" }

    [[route]]
    name = "story"
    path = "/stories/{slug}"
    controller = "stories.show"
    groups = ["stories", "story:{slug}"]
    query = ["page"]
    vary = ["Accept-Language"]

    [[route]]
    path = "/stories/{slug}"
    methods = ["POST", "DELETE"]
    controller = "stories.change"
    max_body = "2 GiB"

    [[route]]
    path = "/stories/new"
    template = "new.html"

    [[route]]
    path = "/assets/{*path}"
    files = "assets/public"

    [[route]]
    path = "/favicon.ico"
    files = "./favicon.ico"

    [[route]]
    path = "/old/{*rest}"
    redirect = "/stories/{rest}?from={rest}"
    status = 308

    [[route]]
    pattern = '^/(?<year>[0-9]{4})/(?<month>[0-9]{2})$'
    controller = "archive"

    [[route]]
    pattern = '/[0-9]{4}/.*'
    template = "none.html"

    [[route]]
    pattern = '/stories/[a-z]+'
    methods = ["PUT"]
    controller = "stories.put"

    [[error]]
    status = 404
    template = "errors/404.html"
"#;

fn found<T>(path: &str, read: impl FnOnce(Match<'_>) -> T) -> T {
    let (table, path) = (table(SITE), CanonicalPath::new(path).unwrap());
    match table.resolve(&Method::GET, path) {
        Resolution::Route(found) => read(found),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_most_specific_path_wins_then_the_first_pattern() {
    let site = table(SITE);
    for (path, answer) in [
        ("/stories/new", "template new.html /stories/new"),
        ("/stories/a%2Fb,é", "controller stories.show /stories/a%2Fb,%C3%A9 slug=a/b,é"),
        ("/2024/05", "controller archive /2024/05 year=2024 month=05"),
        ("/2024/5", "template none.html /2024/5"),
        ("/assets/css/site.css", "files assets/public /assets/css/site.css path=css/site.css"),
        ("/assets/", "404 errors/404.html"),
        ("/stories/", "404 errors/404.html"),
        ("/x2024/05", "404 errors/404.html"),
    ] {
        assert_eq!(ask(&site, "GET", path), answer, "{path}");
    }
}

#[test]
fn head_follows_get() {
    let site = table(SITE);
    assert_eq!(ask(&site, "HEAD", "/stories/new"), "template new.html /stories/new");
}

#[test]
fn a_more_general_route_takes_the_methods_that_the_specific_one_does_not() {
    let site = table(SITE);
    let answer = ask(&site, "DELETE", "/stories/new");
    assert_eq!(answer, "controller stories.change /stories/new slug=new");
}

#[test]
fn patterns_are_tried_before_a_method_is_rejected() {
    let site = table(SITE);
    assert_eq!(ask(&site, "PUT", "/stories/abc"), "controller stories.put /stories/abc");
    assert_eq!(ask(&site, "PATCH", "/stories/abc"), "405 DELETE, GET, HEAD, OPTIONS, POST, PUT");
    assert_eq!(ask(&site, "PATCH", "/stories/a-b"), "405 DELETE, GET, HEAD, OPTIONS, POST");
    assert_eq!(ask(&site, "POST", "/2024/05"), "405 GET, HEAD, OPTIONS");
    assert_eq!(ask(&site, "POST", "/nowhere"), "404 errors/404.html");
}

#[test]
fn options_lists_the_methods_unless_a_route_takes_it() {
    let site = table(SITE);
    assert_eq!(ask(&site, "OPTIONS", "/index.html"), "options GET, HEAD, OPTIONS");
    assert_eq!(ask(&site, "OPTIONS", "/nowhere"), "404 errors/404.html");
    let own = table("route = [{ path = '/', methods = ['OPTIONS'], controller = 'c' }]");
    assert_eq!(ask(&own, "OPTIONS", "/"), "controller c /");
}

#[test]
fn an_alias_is_the_route_it_leads_to() {
    assert_eq!(ask(&table(SITE), "GET", "/"), "controller index /index.html");
    assert_eq!(ask(&table(SITE), "POST", "/"), "405 GET, HEAD, OPTIONS");
    let table = table(
        r#"
        route = [
            { path = "/a/{x}", alias = "/b/{x}.html" },
            { path = "/b/{y}", controller = "b" },
            { path = "/dot/{x}", alias = "/c/.{x}" },
            { pattern = "/c/.*", controller = "c" },
        ]"#,
    );
    assert_eq!(ask(&table, "GET", "/a/%2F1"), "controller b /b/%2F1.html y=/1.html");
    assert_eq!(ask(&table, "GET", "/dot/x"), "controller c /c/.x");
    assert_eq!(ask(&table, "GET", "/dot"), "404");
}

#[test]
fn aliases_that_grow_are_stopped() {
    let table = table(
        r#"
        route = [
            { pattern = "/(?<x>a+)", alias = "/{x}{x}{x}{x}" },
        ]"#,
    );
    // 4^8 bytes would exceed the length limit, and no route would match.
    assert_eq!(ask(&table, "GET", "/aa"), "404");
    let circle = super::table("route = [{ pattern = '/(?<x>a+)', alias = '/{x}' }]");
    assert_eq!(ask(&circle, "GET", "/a"), "loop");
}

#[test]
fn a_match_fills_in_the_groups() {
    let groups = found("/stories/a%20b", |found| found.groups());
    assert_eq!(groups, ["stories", "story:a b"]);
}

#[test]
fn a_match_determines_its_file() {
    let file = |path: &str| found(path, |found| found.file());
    assert_eq!(file("/assets/a%20b/c.css").as_deref(), Some("assets/public/a b/c.css"));
    assert_eq!(file("/favicon.ico").as_deref(), Some("favicon.ico"));
    assert_eq!(file("/index.html"), None);
}

#[test]
fn no_path_leads_out_of_the_folder() {
    let site = table(
        r#"
        route = [
            { path = "/a/{*path}", files = "a" },
            { pattern = "/b/x(?<path>.*)", files = "b" },
        ]"#,
    );
    for path in ["/a/%2Fetc/passwd", "/a/b%2Fc", "/b/x../secret", "/b/x.", "/b/x", "/b/x/"] {
        assert_eq!(ask(&site, "GET", path), "404", "{path}");
    }
    assert_eq!(ask(&site, "GET", "/b/x/y"), "files b /b/x/y path=/y");
}

#[test]
fn a_redirect_takes_captures_into_path_and_query() {
    let location = found("/old/a/b&c%2Fd", |found| {
        let Target::Redirect { status, .. } = found.route.target else { panic!() };
        assert_eq!(status, StatusCode::PERMANENT_REDIRECT);
        found.redirect()
    });
    assert_eq!(location.as_deref(), Some("/stories/a/b&c%2Fd?from=a%2Fb%26c%2Fd"));
}

#[test]
fn a_redirect_never_leads_to_a_host_that_the_visitor_chose() {
    let table = table("route = [{ pattern = '/old(?<rest>/.*)', redirect = '/{rest}' }]");
    let path = CanonicalPath::new("/old/evil.example").unwrap();
    let Resolution::Route(found) = table.resolve(&Method::GET, path) else { panic!() };
    assert_eq!(found.redirect().as_deref(), Some("/evil.example"));
}

#[test]
fn a_route_declares_how_its_content_is_cached() {
    found("/", |found| {
        assert_eq!(found.route.cache.kind, CacheType::Persistent);
        assert_eq!(found.route.cache.stale_if_error, Duration::from_secs(3600));
        assert_eq!(found.route.query, QueryKey::All);
    });
    found("/stories/x", |found| {
        assert_eq!(found.route.cache.kind, CacheType::Normal);
        assert_eq!(found.route.query, QueryKey::Only(vec!["page".to_owned()]));
        assert_eq!(found.route.vary, ["accept-language"]);
        assert_eq!(found.route.label(), "/stories/{slug} (dispatch.conf:11)");
    });
    found("/stories/new", |found| assert_eq!(found.route.cache.kind, CacheType::Persistent));
    found("/assets/x", |found| assert_eq!(found.route.cache.kind, CacheType::NoCache));
}

#[test]
fn the_listing_is_in_the_order_of_matching() {
    let site = table(SITE);
    let paths: Vec<String> = site.routes().iter().map(|route| route.path()).collect();
    assert_eq!(
        paths,
        [
            "/",
            "/assets/{*path}",
            "/favicon.ico",
            "/index.html",
            "/old/{*rest}",
            "/stories/new",
            "/stories/{slug}",
            "/stories/{slug}",
            "^/(?<year>[0-9]{4})/(?<month>[0-9]{2})$",
            "/[0-9]{4}/.*",
            "/stories/[a-z]+",
        ]
    );
    let listing = site.to_string();
    let line = listing.lines().find(|line| line.contains("stories.show")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let expected = [
        "GET,HEAD",
        "/stories/{slug}",
        "controller",
        "stories.show",
        "normal",
        "story",
        "dispatch.conf:11",
    ];
    assert_eq!(words, expected);
    assert!(listing.contains("errors/404.html"));
}

#[test]
fn controllers_and_templates_are_listed_with_their_locations() {
    let site = table(SITE);
    let controllers: Vec<&str> = site.controllers().map(|(name, _)| name).collect();
    assert_eq!(controllers, ["index", "stories.show", "stories.change", "archive", "stories.put"]);
    let templates: Vec<&str> = site.templates().map(|(name, _)| name).collect();
    assert_eq!(templates, ["new.html", "none.html", "errors/404.html"]);
    assert_eq!(site.error_template(Scope::SITE, StatusCode::INTERNAL_SERVER_ERROR), None);
}

proptest! {
    #[test]
    fn any_request_is_resolved(
        method in "GET|HEAD|POST|OPTIONS|FOO",
        path in "/(old|stories|assets|2024|[a-z%/0-9.é]{0,6}){0,2}/[a-z0-9%2F.]{0,8}",
    ) {
        if let Ok(path) = CanonicalPath::new(&path) {
            let site = table(SITE);
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            if let Resolution::Route(found) = site.resolve(&method, path) {
                prop_assert!(found.route.takes(&method));
                let _ = (found.to_params(), found.groups(), found.redirect());
                if let Some(file) = found.file() {
                    prop_assert!(!file.split('/').any(|part| matches!(part, "" | "." | "..")));
                }
            }
        }
    }
}
