//! Errors are sent to programs as problem documents, and to readers as a page or a redirect to one.

use headwater::app::SiteService;
use headwater::prelude::*;
use http::header::{ACCEPT, LOCATION, VARY};

#[derive(Clone, serde::Serialize, serde::Deserialize, Session)]
struct Account {
    #[session(user)]
    name: String,
}

#[controller("own")]
async fn own(account: headwater::extract::Session<Account>) -> Reply {
    json(&account.name)
}

#[controller("user")]
async fn user(SessionUser(name): SessionUser) -> Reply {
    json(&name)
}

#[controller("members")]
#[before(signed_in)]
async fn members() -> Reply {
    json("members")
}

#[controller("stepped")]
#[before(signed_in)]
#[after(mark)]
async fn stepped() -> Reply {
    json("stepped")
}

async fn mark(reply: Reply) -> Reply {
    let status = reply.status().as_u16();
    reply.header("x-seen", status).header("cache-control", "max-age=1")
}

#[controller("gone")]
async fn gone() -> Reply {
    error(404).message("It is gone.")
}

const ROUTES: &str = r#"
[[route]]
path = "/own"
methods = ["GET", "POST"]
controller = "own"
cache = "no_cache"

[[route]]
path = "/user"
controller = "user"
session = "user"

[[route]]
path = "/members"
controller = "members"
cache = "no_cache"

[[route]]
path = "/stepped"
controller = "stepped"
cache = "no_cache"

[[route]]
path = "/api/own"
methods = ["GET", "POST"]
controller = "own"
cache = "no_cache"
errors = "problem"

[[route]]
path = "/api/user"
controller = "user"
session = "user"
errors = "problem"

[[route]]
path = "/gone"
controller = "gone"
cache_statuses = { 404 = "1h" }
audit = true

[[error]]
status = 404
template = "gone.html"
"#;

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const PROGRAM: &str = "application/json";

async fn start() -> (tempfile::TempDir, SiteService) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("dispatch.conf"), ROUTES).unwrap();
    std::fs::write(folder.path().join("project.toml"), "environment = \"development\"\n").unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    std::fs::write(folder.path().join("templates/gone.html"), "<p>{{ message }}").unwrap();
    let controllers = controllers![own, user, members, stepped, gone];
    let app = App::new().session::<Account>("/sign-in").controllers(controllers);
    let site = app.into_service(folder.path()).await;
    (folder, site.unwrap_or_else(|problems| panic!("{problems}")))
}

async fn ask(site: &SiteService, method: &str, path: &str, accept: &str) -> http::Response<Bytes> {
    let request = http::Request::builder().method(method).uri(path).header(ACCEPT, accept);
    let answer = site.answer(request.body(Body::empty()).unwrap()).await;
    let (parts, body) = answer.into_parts();
    http::Response::from_parts(parts, body.collect(1 << 20).await.unwrap())
}

fn text<'a>(answer: &'a http::Response<Bytes>, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_without_a_session_is_redirected_and_a_program_receives_a_401() {
    let (_folder, site) = start().await;
    for (method, path, accept, is_program) in [
        ("GET", "/own", BROWSER, false),
        ("GET", "/own", "*/*", false),
        ("GET", "/own", PROGRAM, true),
        ("POST", "/own", PROGRAM, true),
        ("GET", "/user", BROWSER, false),
        // Requests share a miss of the same key, but each client receives its own kind of answer.
        ("GET", "/user", PROGRAM, true),
        ("GET", "/user", BROWSER, false),
        ("GET", "/members", BROWSER, false),
        ("GET", "/members", PROGRAM, true),
        ("GET", "/api/own", BROWSER, true),
        ("POST", "/api/own", "*/*", true),
        ("GET", "/api/user", "*/*", true),
    ] {
        let answer = ask(&site, method, path, accept).await;
        let status = answer.status().as_u16();
        let said = format!("{method} {path} for {accept}: {status} {:?}", answer.headers());
        assert_eq!(text(&answer, "cache-control"), "no-store", "{said}");
        if is_program {
            assert_eq!(status, 401, "{said}");
            assert_eq!(text(&answer, "content-type"), "application/problem+json", "{said}");
            assert!(!answer.headers().contains_key(LOCATION), "{said}");
            let document: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
            assert_eq!(
                (&document["status"], &document["title"]),
                (&401.into(), &"Unauthorized".into())
            );
            assert_eq!(document["detail"], "Please sign in first.");
        } else {
            let location = format!("/sign-in?back=%2F{}", &path[1..]);
            assert_eq!((status, text(&answer, "location")), (303, &*location), "{said}");
            assert!(answer.body().is_empty(), "{said}");
        }
    }
    // After-steps see the answer for readers.
    for (accept, status) in [(BROWSER, 303), (PROGRAM, 401)] {
        let answer = ask(&site, "GET", "/stepped", accept).await;
        assert_eq!((answer.status().as_u16(), text(&answer, "x-seen")), (status, "303"));
        // An answer that other caches store is for clients with the same `Accept`.
        assert_eq!(text(&answer, "vary"), "accept", "{status}");
    }
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_cached_for_readers_and_for_programs() {
    let (_folder, site) = start().await;
    for round in ["fwd=uri-miss", "hit"] {
        for (accept, media_type) in [
            (PROGRAM, "application/problem+json"),
            (BROWSER, "text/html; charset=utf-8"),
            ("*/*", "text/html; charset=utf-8"),
        ] {
            let answer = ask(&site, "GET", "/gone", accept).await;
            let said = format!("{round} for {accept}: {:?}", answer.headers());
            assert_eq!(answer.status(), 404, "{said}");
            assert_eq!(text(&answer, "content-type"), media_type, "{said}");
            assert!(text(&answer, VARY.as_str()).contains("accept"), "{said}");
            let is_shared = accept == "*/*";
            let expected = if is_shared { "hit" } else { round };
            assert!(text(&answer, "cache-status").contains(expected), "{said}");
            assert!(answer.body().windows(11).any(|words| words == b"It is gone."), "{said}");
        }
    }
    let audit = site.audit().await;
    assert_eq!((audit.checked, audit.findings.len(), audit.unclear.len()), (2, 0, 0), "{audit}");
    site.stop().await;
}
