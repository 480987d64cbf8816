//! Complete sites in this process, through [`headwater::app::SiteService`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use futures_util::poll;
use headwater::app::SiteService;
use headwater::controller::Controllers;
use headwater::prelude::*;
use http_body_util::StreamBody;
use tokio::sync::Semaphore;

/// Starts a site with these controllers, each at `/cached/NAME` and `/direct/NAME`.
async fn site(controllers: Controllers, config: &str) -> (tempfile::TempDir, SiteService) {
    let folder = tempfile::tempdir().unwrap();
    let mut routes = String::new();
    for controller in &controllers {
        for (kind, cache) in [("cached", "normal"), ("direct", "no_cache")] {
            let name = controller.name();
            routes += &format!(
                "[[route]]\npath = \"/{kind}/{name}\"\ncontroller = \"{name}\"\ncache = \"{cache}\"\n"
            );
        }
    }
    std::fs::write(folder.path().join("dispatch.conf"), routes).unwrap();
    std::fs::write(folder.path().join("project.toml"), config).unwrap();
    let site = App::new().controllers(controllers).into_service(folder.path()).await;
    (folder, site.unwrap_or_else(|problems| panic!("{problems}")))
}

async fn ask(site: &SiteService, method: &str, path: &str) -> http::Response<Bytes> {
    ask_with(site, http::Request::builder().method(method).uri(path)).await
}

async fn ask_with(site: &SiteService, request: http::request::Builder) -> http::Response<Bytes> {
    let (parts, body) = site.answer(request.body(Body::empty()).unwrap()).await.into_parts();
    http::Response::from_parts(parts, body.collect(1 << 20).await.unwrap())
}

#[controller("framed")]
async fn framed() -> Reply {
    let reply = text("0123456789").header("content-length", "3");
    let reply = reply.header("transfer-encoding", "chunked").header("keep-alive", "timeout=1");
    reply.header("connection", "close, x-once").header("x-once", "1").header("x-kept", "1")
}

#[controller("empty")]
async fn empty() -> Reply {
    status(204)
}

#[controller("reset")]
async fn reset() -> Reply {
    text("nothing of this").with_status(205)
}

#[controller("busy")]
async fn busy() -> Reply {
    error(503).header("retry-after", "120").header("content-length", "3")
}

#[tokio::test(flavor = "multi_thread")]
async fn framing_headers_of_controllers_are_ignored() {
    let (_folder, site) = site(controllers![framed, empty, busy, reset], "").await;
    for path in ["/cached/framed", "/direct/framed"] {
        let answer = ask(&site, "GET", path).await;
        assert_eq!(answer.body(), "0123456789");
        let headers = answer.headers();
        for name in ["transfer-encoding", "keep-alive", "connection", "x-once"] {
            assert_eq!(headers.get(name), None, "{path} {name}");
        }
        assert!(headers.get("content-length").is_none_or(|length| length == "10"), "{path}");
        assert_eq!(headers["x-kept"], "1");
        let head = ask(&site, "HEAD", path).await;
        assert_eq!(head.headers()["content-length"], "10");
        assert!(head.body().is_empty());
    }
    let answer = ask(&site, "HEAD", "/direct/empty").await;
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.headers().get("content-length"), None);
    for path in ["/cached/reset", "/direct/reset"] {
        let answer = ask(&site, "GET", path).await;
        assert_eq!((answer.status().as_u16(), answer.body().len()), (205, 0), "{path}");
        let length = answer.headers().get("content-length");
        assert!(length.is_none_or(|length| length == "0"), "{path}: {length:?}");
    }
    let answer = ask(&site, "GET", "/cached/busy").await;
    assert_eq!(answer.headers()["retry-after"], "120");
    assert_eq!(answer.headers().get("content-length"), None);
}

#[controller("stall")]
async fn stall() -> Body {
    let first = http_body::Frame::data(Bytes::from_static(b"begun"));
    let first = futures_util::stream::iter([Ok::<_, std::io::Error>(first)]);
    let endless = futures_util::StreamExt::chain(first, futures_util::stream::pending());
    Body::stream(StreamBody::new(endless))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stalls_does_not_hold_its_key() {
    let (_folder, site) = site(controllers![stall], "[link]\ndeadline = \"300ms\"\n").await;
    let started = Instant::now();
    let (first, second) =
        tokio::join!(ask(&site, "GET", "/cached/stall"), ask(&site, "GET", "/cached/stall"));
    assert_eq!(first.status(), 504);
    assert_eq!(second.status(), 504);
    assert!(started.elapsed() < Duration::from_secs(5));
}

static FLIGHTS: AtomicU64 = AtomicU64::new(0);
static GATE: Semaphore = Semaphore::const_new(0);

#[controller("gated")]
async fn gated() -> Result<Reply> {
    let number = FLIGHTS.fetch_add(1, Ordering::SeqCst) + 1;
    GATE.acquire().await?.forget();
    Ok(text(number.to_string()).group("news"))
}

#[controller("news")]
#[invalidate(groups = ["news"])]
async fn news() -> &'static str {
    "new"
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_waits_for_at_most_two_flights_however_many_records_are_appended() {
    let (_folder, site) = site(controllers![gated, news], "").await;
    let visit = || Box::pin(ask(&site, "GET", "/cached/gated"));
    let mut first = visit();
    while FLIGHTS.load(Ordering::SeqCst) < 1 {
        assert!(poll!(&mut first).is_pending());
        tokio::task::yield_now().await;
    }
    ask(&site, "GET", "/direct/news").await;
    // The present flight is too old for these two.
    let (mut late, mut second) = (visit(), visit());
    assert!(poll!(&mut late).is_pending());
    assert!(poll!(&mut second).is_pending());
    GATE.add_permits(1);
    assert_eq!(first.await.body(), "1");
    while FLIGHTS.load(Ordering::SeqCst) < 2 {
        assert!(poll!(&mut second).is_pending());
        tokio::task::yield_now().await;
    }
    // The second flight was begun after these requests, so both may share it despite further
    // records.
    ask(&site, "GET", "/direct/news").await;
    assert!(poll!(&mut late).is_pending());
    GATE.add_permits(1);
    let both = tokio::time::timeout(Duration::from_secs(20), join(late, second));
    let (late, second) = both.await.expect("no request waits for a third flight");
    assert_eq!((late.body().as_ref(), second.body().as_ref()), (&b"2"[..], &b"2"[..]));
}

static RUNS: AtomicU64 = AtomicU64::new(0);

#[controller("count")]
async fn count() -> String {
    tokio::time::sleep(Duration::from_millis(50)).await;
    RUNS.fetch_add(1, Ordering::Relaxed).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_concurrent_visitors_cause_one_run_of_the_controller() {
    let (_folder, site) = site(controllers![count], "").await;
    let visits = (0..100).map(|_| ask(&site, "GET", "/cached/count"));
    let answers = join_all(visits).await;
    assert!(answers.iter().all(|answer| answer.body() == "0"));
    assert_eq!(RUNS.load(Ordering::Relaxed), 1);
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_too_long_is_shown_and_not_stored() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    write("templates/long.html", "0123456789a");
    write("templates/short.html", "0123456789");
    let route = |name: &str| format!("[[route]]\npath = \"/{name}\"\ntemplate = \"{name}.html\"\n");
    write("dispatch.conf", &(route("long") + &route("short")));
    write("project.toml", "[cache]\nmax_entry = \"10 B\"\n");
    let site = App::new().into_service(folder.path()).await;
    let site = site.unwrap_or_else(|problems| panic!("{problems}"));
    for (path, second) in [("/long", "headwater; fwd=uri-miss"), ("/short", "headwater; hit")] {
        ask(&site, "GET", path).await;
        let answer = ask(&site, "GET", path).await;
        assert_eq!(answer.headers()["cache-status"], second, "{path}");
        assert!(answer.body().starts_with(b"0123456789"), "{path}");
    }
}

static LATE_BEGUN: Semaphore = Semaphore::const_new(0);
static LATE: Semaphore = Semaphore::const_new(0);

#[controller("late")]
async fn late() -> Result<Reply> {
    LATE_BEGUN.add_permits(1);
    LATE.acquire().await?.forget();
    Ok(template("late.html").group("late"))
}

#[controller("later")]
#[invalidate(groups = ["late"])]
async fn later() -> Reply {
    status(204)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_as_of_of_a_page_precedes_the_run_of_its_controller() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    std::fs::write(folder.path().join("templates/late.html"), "late").unwrap();
    let routes = "[[route]]\npath = \"/late\"\ncontroller = \"late\"\n\
                  [[route]]\npath = \"/later\"\ncontroller = \"later\"\nmethods = [\"POST\"]\n";
    std::fs::write(folder.path().join("dispatch.conf"), routes).unwrap();
    let site = App::new().controllers(controllers![late, later]).into_service(folder.path()).await;
    let site = site.unwrap_or_else(|problems| panic!("{problems}"));
    let overtake = async {
        LATE_BEGUN.acquire().await.unwrap().forget();
        assert_eq!(ask(&site, "POST", "/later").await.status(), 204);
        LATE.add_permits(100);
    };
    let (overtaken, ()) = join(ask(&site, "GET", "/late"), overtake).await;
    assert_eq!((overtaken.body().as_ref(), overtaken.status().as_u16()), (&b"late"[..], 200));
    for is_hit in [false, true] {
        let answer = ask(&site, "GET", "/late").await;
        let status = answer.headers()["cache-status"].to_str().unwrap();
        assert_eq!(status.starts_with("headwater; hit"), is_hit, "{status}");
    }
}

static ABSENT_RUNS: AtomicU64 = AtomicU64::new(0);
static ABSENT: Semaphore = Semaphore::const_new(0);

/// A page that does not exist at first.
#[controller("absent")]
async fn absent() -> Result<Reply> {
    let run = ABSENT_RUNS.fetch_add(1, Ordering::SeqCst);
    ABSENT.acquire().await?.forget();
    if run == 0 { Err(not_found()) } else { Ok(text("there")) }
}

#[controller("publish")]
#[invalidate(groups = ["absent"])]
async fn publish() -> Reply {
    status(204)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_page_is_never_answered_with_404() {
    let folder = tempfile::tempdir().unwrap();
    let routes = "[[route]]\npath = \"/absent\"\ncontroller = \"absent\"\n\
                  [[route]]\npath = \"/publish\"\ncontroller = \"publish\"\nmethods = [\"POST\"]\n";
    std::fs::write(folder.path().join("dispatch.conf"), routes).unwrap();
    let app = App::new().controllers(controllers![absent, publish]);
    let site = app.into_service(folder.path()).await;
    let site = site.unwrap_or_else(|problems| panic!("{problems}"));
    let mut early = std::pin::pin!(ask(&site, "GET", "/absent"));
    while ABSENT_RUNS.load(Ordering::SeqCst) == 0 {
        assert!(poll!(&mut early).is_pending());
        tokio::task::yield_now().await;
    }
    assert_eq!(ask(&site, "POST", "/publish").await.status(), 204);
    let mut late = std::pin::pin!(ask(&site, "GET", "/absent"));
    assert!(poll!(&mut late).is_pending(), "it waits for the other's flight");
    ABSENT.add_permits(2);
    let (early, late) = join(early, late).await;
    assert_eq!((early.status().as_u16(), late.body().as_ref()), (404, &b"there"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_borrows_the_files_of_a_site_with_languages_and_a_docroot() {
    let (here, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::create_dir_all(here.path().join("docroot/assets")).unwrap();
    std::fs::create_dir(here.path().join("templates")).unwrap();
    let routes = "[[route]]\npath = \"/\"\ntemplate = \"page.html\"\nvary = [\"accept-language\"]\n\
                  [[route]]\npath = \"/assets/{*path}\"\nfiles = \"assets\"\n";
    for (name, text) in [
        ("project.toml", "languages = [\"en\", \"de\"]\n[log]\npath = \"data\"\n"),
        ("dispatch.conf", routes),
        ("templates/page.html", "{{ asset(path=\"a.css\") }}"),
        ("docroot/assets/a.css", "p {}"),
    ] {
        std::fs::write(here.path().join(name), text).unwrap();
    }
    let borrow = |from: &str, to: &str| {
        std::os::unix::fs::symlink(here.path().join(from), folder.path().join(to)).unwrap();
    };
    ["dispatch.conf", "templates"].iter().for_each(|name| borrow(name, name));
    let open = || App::new().into_service(folder.path());

    ["project.toml", "docroot"].iter().for_each(|name| borrow(name, name));
    let site = open().await.unwrap();
    assert_eq!(ask(&site, "GET", "/").await.status(), 200);
    assert_eq!(ask(&site, "GET", "/assets/a.css").await.body(), "p {}");
    site.stop().await;
    assert!(folder.path().join("data").exists() && !here.path().join("data").exists());

    // The test's own folder with a symbolic link in it.
    std::fs::remove_file(folder.path().join("docroot")).unwrap();
    std::fs::create_dir(folder.path().join("docroot")).unwrap();
    borrow("docroot/assets", "docroot/assets");
    let site = open().await.unwrap();
    assert_eq!(ask(&site, "GET", "/assets/a.css").await.status(), 404, "it is outside");
    site.stop().await;
}

#[controller("taken")]
async fn taken() -> Reply {
    error(409).message("Someone was faster.")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_built_in_error_page_is_in_a_language_of_the_site() {
    let config = "languages = [\"en\", \"de-CH\", \"pl\"]\n";
    let (folder, site) = site(controllers![taken], config).await;
    for (path, accepted, language, words) in [
        ("/nowhere", "de", "de", "Diese Seite gibt es nicht."),
        ("/nowhere", "en, de;q=0.5", "en", "There is no such page."),
        ("/nowhere", "fr", "en", "There is no such page."),
        ("/nowhere", "pl", "en", "There is no such page."),
        ("/direct/taken", "de", "de", "Someone was faster."),
    ] {
        let request = http::Request::get(path).header("accept-language", accepted);
        let response = ask_with(&site, request).await;
        let page = String::from_utf8_lossy(response.body());
        assert!(page.contains(&format!("<html lang=\"{language}\">")), "{accepted}: {page}");
        assert!(page.contains(words), "{accepted}: {page}");
    }
    site.stop().await;
    drop(folder);
}

#[controller("gone")]
async fn gone() -> Result<Reply> {
    Err(not_found())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cached_error_page_is_not_in_the_language_of_its_first_visitor() {
    let folder = tempfile::tempdir().unwrap();
    let route = |path: &str, more: &str| {
        format!(
            "[[route]]\npath = \"{path}\"\ncontroller = \"gone\"\ncache_statuses = [404]\n{more}\n"
        )
    };
    let routes = route("/one", "") + &route("/each", "vary = [\"accept-language\"]");
    std::fs::write(folder.path().join("dispatch.conf"), routes).unwrap();
    let config = "languages = [\"en\", \"de\"]\n";
    std::fs::write(folder.path().join("project.toml"), config).unwrap();
    let app = App::new().controllers(controllers![gone]);
    let site = app.into_service(folder.path()).await.unwrap();
    for (path, accepted, language) in
        [("/one", "de", "en"), ("/one", "en", "en"), ("/each", "de", "de"), ("/each", "en", "en")]
    {
        let request = http::Request::get(path).header("accept-language", accepted);
        let response = ask_with(&site, request).await;
        let page = String::from_utf8_lossy(response.body());
        assert!(page.contains(&format!("<html lang=\"{language}\">")), "{path} {accepted}: {page}");
    }
    site.stop().await;
}

#[controller("invitation")]
async fn invitation(Lang(lang): Lang, texts: Texts) -> String {
    texts.text(&lang, &t!("invitation", name = "Ana", guests = 2))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_end_writes_texts_in_the_languages_of_the_site_but_not_into_pages() {
    let open = async |cache: &str| {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = folder.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        write("project.toml", "languages = [\"en\", \"de\"]\n");
        let route = "[[route]]\npath = \"/\"\ncontroller = \"invitation\"";
        write("dispatch.conf", &format!("{route}\ncache = \"{cache}\"\n"));
        let guests = "{ $guests ->\n    [one] a guest\n   *[other] guests\n }";
        write("locales/en/mails.ftl", &format!("invitation = {{ $name }} and {guests}\n"));
        write("locales/de/mails.ftl", "invitation = { $name } und Gäste\n");
        let app = App::new().controllers(controllers![invitation]);
        (app.into_service(folder.path()).await, folder)
    };
    let (refused, _folder) = open("normal").await;
    let problems = refused.err().unwrap().to_string();
    assert!(problems.contains("t(message=…)"), "{problems}");

    let (site, _folder) = open("no_cache").await;
    let site = site.unwrap_or_else(|problems| panic!("{problems}"));
    for (accepted, text) in
        [("de", "Ana und Gäste"), ("en", "Ana and guests"), ("fr", "Ana and guests")]
    {
        let request = http::Request::get("/").header("accept-language", accepted);
        assert_eq!(ask_with(&site, request).await.body(), text, "{accepted}");
    }
    site.stop().await;
}

#[controller("host")]
async fn host(headers: Headers) -> Result<String> {
    let host = headers.get("host")?.map(|host| host.to_str().map(str::to_owned));
    Ok(host.transpose()?.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_different_hosts_are_not_shared_however_the_host_is_spelled() {
    let folder = tempfile::tempdir().unwrap();
    let routes = "[[route]]\npath = \"/\"\ncontroller = \"host\"\nvary = [\"host\"]\n";
    std::fs::write(folder.path().join("dispatch.conf"), routes).unwrap();
    let app = App::new().controllers(controllers![host]);
    let site = app.into_service(folder.path()).await.unwrap();
    for (version, uri, host, expected) in [
        (http::Version::HTTP_2, "http://a.example/", None, "a.example"),
        (http::Version::HTTP_2, "http://b.example/", None, "b.example"),
        (http::Version::HTTP_11, "/", Some("A.example:80"), "a.example"),
        (http::Version::HTTP_11, "http://b.example/", Some("a.example"), "b.example"),
    ] {
        for _ in 0..2 {
            let request = http::Request::get(uri).version(version);
            let request =
                host.into_iter().fold(request, |request, host| request.header("host", host));
            let response = ask_with(&site, request).await;
            assert_eq!(response.body(), expected, "{uri} {host:?}");
        }
    }
    let differing = http::Request::get("http://a.example/").version(http::Version::HTTP_2);
    let response = ask_with(&site, differing.header("host", "b.example")).await;
    assert_eq!(response.status(), 400);
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    site.stop().await;
}

#[controller("typed")]
async fn typed() -> Reply {
    template("note.txt").with("v", "<b>&").header("content-type", "text/html; charset=utf-8")
}

#[controller("feed")]
async fn feed() -> Reply {
    template("feed.rss").with("v", "<b>&")
}

#[controller("plain")]
async fn plain() -> Reply {
    template("note.txt").with("v", "<b>&")
}

#[tokio::test(flavor = "multi_thread")]
async fn values_in_markup_are_escaped() {
    let folder = tempfile::tempdir().unwrap();
    let templates = folder.path().join("templates");
    std::fs::create_dir(&templates).unwrap();
    for name in ["note.txt", "feed.rss"] {
        std::fs::write(templates.join(name), "{{ v }}").unwrap();
    }
    std::fs::write(templates.join("error.txt"), "{{ status }}").unwrap();
    let routes = ["typed", "feed", "plain"]
        .map(|name| format!("[[route]]\npath = \"/{name}\"\ncontroller = \"{name}\"\n"))
        .concat();
    let routes = routes + "[[error]]\nstatus = 404\ntemplate = \"error.txt\"\n";
    std::fs::write(folder.path().join("dispatch.conf"), routes).unwrap();
    let app = App::new().controllers(controllers![typed, feed, plain]);
    let site =
        app.into_service(folder.path()).await.unwrap_or_else(|problems| panic!("{problems}"));

    let feed = ask(&site, "GET", "/feed").await;
    assert_eq!(feed.headers()["content-type"], "application/rss+xml");
    assert_eq!(feed.body(), "&lt;b&gt;&amp;");
    assert_eq!(feed.headers()["x-content-type-options"], "nosniff");
    let plain = ask(&site, "GET", "/plain").await;
    assert_eq!(plain.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(plain.body(), "<b>&");
    let typed = ask(&site, "GET", "/typed").await;
    assert_eq!(typed.status(), 500, "a template that does not escape, sent as HTML");
    assert!(!String::from_utf8_lossy(typed.body()).contains("<b>&"));
    let missing = ask(&site, "GET", "/missing").await;
    assert_eq!(missing.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(missing.body(), "404");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_receives_an_error_as_a_problem_document_and_a_browser_as_a_page() {
    let (_folder, site) = site(controllers![busy], "").await;
    let get = |path: &str, accept: &str| http::Request::get(path).header("accept", accept);
    let answer = ask_with(&site, get("/direct/busy", "application/json")).await;
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert_eq!(answer.headers()["retry-after"], "120");
    let document: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(document["type"], "about:blank");
    assert_eq!(document["title"], "Service Unavailable");
    assert_eq!(
        (answer.status(), &document["status"]),
        (StatusCode::SERVICE_UNAVAILABLE, &503.into())
    );
    assert!(document["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{document}");
    assert!(document["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{document}");
    assert!(document.get("cause").is_none(), "in production: {document}");

    let missing = ask_with(&site, get("/nothing", "application/problem+json")).await;
    assert_eq!((missing.status(), missing.body()[0]), (StatusCode::NOT_FOUND, b'{'));
    for accept in ["text/html,*/*;q=0.8", "*/*"] {
        let page = ask_with(&site, get("/direct/busy", accept)).await;
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8", "{accept}");
    }
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_for_programs_answers_every_client_with_problem_documents() {
    let folder = tempfile::tempdir().unwrap();
    let routes = "[[route]]\npath = \"/api\"\ncontroller = \"busy\"\nerrors = \"problem\"\n\
                  [[route]]\npath = \"/api/kept\"\ncontroller = \"gone\"\ncache_statuses = [404]\n\
                  errors = \"problem\"\n\
                  [[error]]\nstatus = 404\ntemplate = \"gone.html\"\n";
    std::fs::write(folder.path().join("dispatch.conf"), routes).unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    std::fs::write(folder.path().join("templates/gone.html"), "<p>gone").unwrap();
    let app = App::new().controllers(controllers![busy, gone]);
    let site =
        app.into_service(folder.path()).await.unwrap_or_else(|problems| panic!("{problems}"));
    for (method, path, status) in [
        ("GET", "/api", 503),
        ("DELETE", "/api", 405),
        ("GET", "/api/kept", 404),
        ("GET", "/api/kept", 404),
    ] {
        let answer = ask(&site, method, path).await;
        assert_eq!(answer.status().as_u16(), status, "{method} {path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{method} {path}");
        let document: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(document["status"], status, "{method} {path}");
    }
    let kept = ask(&site, "GET", "/api/kept").await;
    let cache = kept.headers()["cache-status"].to_str().unwrap();
    assert!(cache.starts_with("headwater; hit"), "{cache}");
    site.stop().await;
}
