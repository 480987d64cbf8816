//! The security headers of pages.

use std::sync::LazyLock;

use headwater_tests::{Cluster, Mode, PATIENCE, Response, Shared, Site, raw};

use crate::PROGRAM;

const DEFAULT: &str =
    "base-uri 'self'; form-action 'self'; frame-ancestors 'self'; object-src 'none'";

static PLAIN: LazyLock<Shared> =
    LazyLock::new(|| Shared::start(|| Cluster::start(Site::test_site(PROGRAM).route(ANSWERS), 1)));

const ANSWERS: &str = r#"
[[route]]
path = "/answers/{kind}"
controller = "answers.give"
cache = "no_cache"
"#;

fn policy(response: &Response) -> &str {
    response.header("content-security-policy")
}

#[tokio::test]
async fn html_has_a_policy_in_new_cached_and_304_responses() {
    let cluster = PLAIN.borrow();
    let visitor = cluster.visitor(0);
    for target in ["/templated/1", "/templated/1", "/static", "/nowhere", "/error/418", "/panic"] {
        let page = visitor.page(target).await;
        assert_eq!(policy(&page), DEFAULT, "{target}");
        assert_eq!(page.header("referrer-policy"), "strict-origin-when-cross-origin", "{target}");
        assert_eq!(page.header("cross-origin-opener-policy"), "same-origin", "{target}");
    }
    let page = visitor.page("/templated/1").await;
    assert!(page.is_hit());
    let known = [("if-none-match", page.header("etag"))];
    let unchanged = visitor.page_with("/templated/1", &known).await;
    assert_eq!((unchanged.status, policy(&unchanged)), (304, DEFAULT));
    let other = visitor.page("/files/hello.txt").await;
    assert_eq!(policy(&other), "");
}

#[tokio::test]
async fn every_response_forbids_content_sniffing() {
    let cluster = PLAIN.borrow();
    let visitor = cluster.visitor(0);
    for target in [
        "/page/1",
        "/page/1",
        "/uncached/1",
        "/static",
        "/files/hello.txt",
        "/moved",
        "/nowhere",
        "/headers",
        "/download/1",
    ] {
        let response = visitor.page(target).await;
        assert_eq!(response.header("x-content-type-options"), "nosniff", "{target}");
    }
    let refused =
        raw::exchange(visitor.address(), b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n", PATIENCE)
            .await;
    assert!(refused.starts_with("HTTP/1.1 400 "), "{refused}");
    assert!(refused.contains("x-content-type-options: nosniff"), "{refused}");
}

#[tokio::test]
async fn an_uploaded_file_has_an_opaque_origin() {
    let cluster = PLAIN.borrow();
    let visitor = cluster.visitor(0);
    for (name, is_sandboxed) in [("a.svg", true), ("a.html", true), ("a.png", false)] {
        let stored = visitor.ask("POST", &format!("/gallery/{name}/1"), &[], "<svg/>").await;
        assert!(stored.status < 400, "{}", stored.text());
        let file = visitor.page(&format!("/files/uploads/{name}")).await;
        assert_eq!(file.status, 200, "{name}");
        assert_eq!(policy(&file).starts_with("sandbox"), is_sandboxed, "{name}: {}", policy(&file));
    }
}

const PROJECT: &str = r#"
[link]
lease = "1s"

[http]
referrer_policy = "off"
opener_policy = "same-origin-allow-popups"

[csp]
script-src = "'self' 'hashes'"
style-src = "'hashes'"
frame-ancestors = false
"#;

const ROUTES: &str = r#"
[[route]]
path = "/one"
template = "one.html"

[[route]]
path = "/two"
template = "two.html"

[[route]]
path = "/parts"
template = "parts.html"

[[route]]
path = "/cached-part"
template = "part.html"

[[route]]
path = "/own-part"
template = "own.html"
cache = "no_cache"
"#;

const STYLE: (&str, &str) =
    ("p { color: red }", "'sha256-ngewhhP73WDIbgwseeu52VAAJgKdGUsu1IUQQsAm8m4='");
const BASE: (&str, &str) = ("let base;", "'sha256-TtPmxfe+s9RgYXulN+m0eCu+xIz6e3W/gX5ZKDuWkGQ='");
const PAGE: (&str, &str) = ("let page;", "'sha256-cxUQh0GJZ7B+HVNC0ka/+zrs/LbyENrsNFrnZVrk+M4='");
const FRAGMENT: (&str, &str) =
    ("let fragment;", "'sha256-Sj3vuF2wvNaiczVwr4IVfb+o5qNo37xqOPe1udVM4+I='");
const PART: (&str, &str) = ("let part;", "'sha256-g0fT58wnWVxfvPaahiU5DpTLm91Qrw2JGX/mamuu0Bk='");
const OWN: (&str, &str) = ("let own;", "'sha256-fyRfWIMmZU68Qo1SKuRPneNpeMLEtW1VkRHdqbCq6+o='");

fn script((text, _): (&str, &str)) -> String {
    format!("<script>{text}</script>")
}

fn site() -> Site {
    let base =
        format!("<style>{}</style>{}{{% block body %}}{{% endblock %}}", STYLE.0, script(BASE));
    let one = format!(
        "{{% extends \"base.html\" %}}{{% block body %}}{}{{% if false %}}<script>let other;</script>{{% endif %}}\
         {{% endblock %}}",
        script(PAGE)
    );
    let cached = format!("{{% cache id=\"f\" %}}{}{{% endcache %}}", script(FRAGMENT));
    let parts = "<p>{{ part(url=\"/cached-part\") }}{{ part(url=\"/own-part\") }}";
    Site::test_site(PROGRAM)
        .project(PROJECT)
        .route(ROUTES)
        .template("base.html", &base)
        .template("one.html", &one)
        .template("two.html", &cached)
        .template("parts.html", &(script(PAGE) + parts))
        .template("part.html", &(script(PART) + &cached))
        .template("own.html", &script(OWN))
}

#[tokio::test]
async fn a_page_names_the_inline_scripts_that_it_shows_and_no_others() {
    let cluster = Cluster::start(site(), 1).await;
    let visitor = cluster.visitor(0);
    for (target, scripts, style) in [
        ("/one", [BASE, PAGE].as_slice(), STYLE.1),
        ("/two", &[FRAGMENT], ""),
        ("/own-part", &[OWN], ""),
        ("/parts", &[PAGE, PART, FRAGMENT, OWN], ""),
    ] {
        // Made first, then served from the cache, if there is one.
        for round in 0..3 {
            let page = visitor.page(target).await;
            for (text, _) in scripts {
                assert!(page.text().contains(text), "{target}: {}", page.text());
            }
            let mut hashes: Vec<&str> = scripts.iter().map(|(_, hash)| *hash).collect();
            hashes.sort_unstable();
            let hashes: String = hashes.iter().map(|hash| format!(" {hash}")).collect();
            let style = if style.is_empty() { String::new() } else { format!(" {style}") };
            let expected = format!(
                "base-uri 'self'; form-action 'self'; object-src 'none'; script-src 'self'{hashes}; \
                 style-src{style}"
            );
            assert_eq!(policy(&page), expected, "{target}, round {round}");
            assert_eq!(page.header("referrer-policy"), "", "{target}");
            assert_eq!(page.header("cross-origin-opener-policy"), "same-origin-allow-popups");
        }
    }
    // The built-in error page has a style of its own.
    let missing = visitor.ask("POST", "/one", &[], "").await;
    assert_eq!(missing.status, 405);
    assert!(policy(&missing).contains("style-src 'sha256-"), "{}", policy(&missing));
}

#[tokio::test]
async fn a_script_that_changes_from_page_to_page_is_refused_at_the_start() {
    let site = site().template("one.html", "<p>\n<script>let a = {{ b }};</script>");
    let checked = site.run(&["check"]);
    let said = String::from_utf8_lossy(&checked.stderr).into_owned()
        + &String::from_utf8_lossy(&checked.stdout);
    assert!(!checked.status.success(), "{said}");
    assert!(said.contains("templates/one.html:2") && said.contains("application/json"), "{said}");
    assert!(site.node(Mode::SingleNode, "n1").try_start().await.is_err());
}
