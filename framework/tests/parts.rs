//! Pages with parts, in whole sites in this process.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use headwater::app::SiteService;
use headwater::controller::Controllers;
use headwater::prelude::*;
use tokio::sync::Barrier;

/// A site in this process.
struct Site {
    service: SiteService,
    _folder: tempfile::TempDir,
}

/// What a visitor gets.
type Answer = http::Response<String>;

impl Site {
    /// A site of these controllers, routes and templates.
    async fn open(controllers: Controllers, routes: &str, templates: &[(&str, &str)]) -> Site {
        Site::of(App::new().controllers(controllers), "", routes, templates).await
    }

    async fn of(app: App, config: &str, routes: &str, templates: &[(&str, &str)]) -> Site {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        file("project.toml", config);
        file("dispatch.conf", routes);
        file("docroot/assets/legal.html", "<p>All rights reserved.</p>");
        templates.iter().for_each(|(name, text)| file(&format!("templates/{name}"), text));
        let service = app.into_service(folder.path()).await;
        Site { service: service.unwrap_or_else(|problems| panic!("{problems}")), _folder: folder }
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.service.answer(request.body(Body::empty()).unwrap()).await;
        let (parts, body) = response.into_parts();
        let body = body.collect(1 << 30).await.unwrap();
        http::Response::from_parts(parts, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[]).await
    }

    async fn get_as(&self, visitor: &str, path: &str) -> Answer {
        self.ask("GET", path, &[("cookie", &format!("name={visitor}"))]).await
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

fn is_hit(answer: &Answer) -> bool {
    header(answer, "cache-status").starts_with("headwater; hit")
}

/// What is logged in this thread while the guard lives.
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
            .filter(|line| line.contains("a part is not there"))
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

fn route(path: &str, what: &str) -> String {
    format!("[[route]]\npath = \"{path}\"\n{what}\n")
}

fn routes(routes: &[(&str, &str)]) -> String {
    routes.iter().map(|(path, what)| route(path, what)).collect()
}

#[controller("badge")]
async fn badge(cookies: Cookies) -> Reply {
    html(format!("<b>{}</b>", cookies.get("name").unwrap_or("nobody")))
}

#[controller("greeting")]
async fn greeting(VariantName(name): VariantName) -> Reply {
    html(format!("<i>{}</i>", name.as_deref().unwrap_or("all")))
}

static NEWS: AtomicU64 = AtomicU64::new(0);

#[controller("news")]
async fn news() -> Reply {
    html(format!("news {}", NEWS.fetch_add(1, Ordering::SeqCst))).group("news")
}

#[controller("publish")]
#[invalidate(groups = ["news"])]
async fn publish() -> Reply {
    template("page.html")
}

#[tokio::test]
async fn a_page_cached_for_everybody_holds_a_part_for_each_visitor() {
    let site = Site::open(
        controllers![badge],
        &routes(&[
            ("/", "template = \"page.html\""),
            ("/parts/badge", "controller = \"badge\"\ncache = \"no_cache\""),
        ]),
        &[("page.html", "<p>Hello {{ part(url=\"/parts/badge\") }}!</p>")],
    )
    .await;
    let first = site.get_as("ann", "/").await;
    assert_eq!(first.body(), "<p>Hello <b>ann</b>!</p>");
    let second = site.get_as("ben", "/").await;
    assert_eq!(second.body(), "<p>Hello <b>ben</b>!</p>");
    assert!(is_hit(&second), "the page itself is the same for all");
    for answer in [&first, &second] {
        assert_eq!(header(answer, "cache-control"), "private, no-cache");
        assert_eq!(header(answer, "content-length"), answer.body().len().to_string());
        assert!(!answer.headers().contains_key("last-modified"));
    }
    assert_ne!(header(&first, "etag"), header(&second, "etag"));
    let again = site.get_as("ann", "/").await;
    assert_eq!(header(&first, "etag"), header(&again, "etag"));
    assert_eq!(site.get_as("ann", "/parts/badge").await.body(), "<b>ann</b>");
}

#[tokio::test]
async fn a_part_has_a_variant_of_its_own() {
    let by_cookie = |visitor: &Visitor<'_>| match visitor.cookie("name") {
        Some(name) if visitor.uri().path().starts_with("/parts/") => Variant::named(name),
        _ => Variant::yes(),
    };
    let app = App::new().controllers(controllers![greeting]).variant(by_cookie);
    let page = "{{ part(url=\"/parts/greeting\") }}";
    let routes = routes(&[
        ("/", "template = \"page.html\""),
        ("/parts/greeting", "controller = \"greeting\""),
    ]);
    let site = Site::of(app, "", &routes, &[("page.html", page)]).await;
    assert_eq!(header(&site.get("/").await, "cache-control"), "no-cache");
    for _ in 0..2 {
        let answer = site.get_as("ann", "/").await;
        assert_eq!(answer.body(), "<i>ann</i>");
        assert_eq!(header(&answer, "cache-control"), "private, no-cache");
        assert_eq!(site.get("/").await.body(), "<i>all</i>");
    }
    assert!(is_hit(&site.get_as("ann", "/parts/greeting").await));
}

#[tokio::test]
async fn a_variant_function_that_panics_fails_what_it_was_asked_for_and_no_more() {
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

#[tokio::test]
async fn what_a_part_depends_on_leaves_the_page_in_the_cache() {
    let site = Site::open(
        controllers![news, publish],
        &routes(&[
            ("/", "template = \"page.html\""),
            ("/parts/news", "controller = \"news\""),
            ("/publish", "controller = \"publish\"\nmethods = [\"POST\"]"),
        ]),
        &[("page.html", "[{{ part(url=\"/parts/news\") }}]")],
    )
    .await;
    let before = site.get("/").await;
    let again = site.get("/").await;
    assert_eq!(again.body(), before.body(), "the part is in the cache too");
    assert_eq!(header(&again, "etag"), header(&before, "etag"), "however it was put together");
    let posted = site.ask("POST", "/publish", &[("content-length", "0")]).await;
    assert_ne!(posted.body(), before.body(), "a reply to POST shows what it has written");
    let after = site.get("/").await;
    assert!(is_hit(&after));
    assert_eq!(after.body(), posted.body());
    assert_ne!(header(&after, "etag"), header(&before, "etag"));
}

static SIDE_BY_SIDE: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(3));

#[controller("meeting")]
async fn meeting(Path(name): Path<String>) -> String {
    SIDE_BY_SIDE.wait().await;
    name
}

#[tokio::test]
async fn missing_parts_are_fetched_side_by_side() {
    let site = Site::open(
        controllers![meeting],
        &routes(&[
            ("/", "template = \"page.html\""),
            ("/cached/{name}", "controller = \"meeting\""),
            ("/own/{name}", "controller = \"meeting\"\ncache = \"no_cache\""),
        ]),
        &[(
            "page.html",
            "{{ part(url=\"/own/a\") }} {{ part(url=\"/cached/b\") }} {{ part(url=\"/own/c\") }}.",
        )],
    )
    .await;
    // Each of them waits for the two others.
    assert_eq!(site.get("/").await.body(), "a b c.");
}

#[controller("broken")]
async fn broken() -> Result<Reply> {
    Err(std::io::Error::other("the disk is full").into())
}

#[controller("panics")]
async fn panics() -> Reply {
    panic!("a bug")
}

#[controller("packed")]
async fn packed() -> Reply {
    html("\u{1f}").header("content-encoding", "gzip")
}

#[tokio::test]
async fn a_part_that_fails_shows_its_fallback_and_the_page_survives() {
    let (log, _guard) = Log::begin();
    let site = Site::open(
        controllers![broken, panics, packed, badge],
        &routes(&[
            ("/page/{name}", "template = \"page.html\""),
            ("/broken", "controller = \"broken\""),
            ("/broken-own", "controller = \"broken\"\ncache = \"no_cache\""),
            ("/panics", "controller = \"panics\""),
            ("/packed", "controller = \"packed\""),
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
        ("typo", "500"),
        ("moved", "leads on to /badge with status 30"),
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
            for part in [cause, "request_id=", &format!("page=/page/{name}")] {
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
    // Control characters and backslashes are not in the path of any page either.
    for url in ["/\\example.org", "/a\r\nhost: example.org", "\0"] {
        assert_eq!(get(url).await.status(), 400, "{url:?}");
    }
}

#[tokio::test]
async fn parts_that_lead_in_a_circle_show_the_chain() {
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
        let text = "a(b(again<!-- part /%61: the parts lead in a circle: /a → /parts/b → /a -->))";
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

#[controller("echo")]
async fn echo(
    headers: HeaderMap,
    method: Method,
    uri: Uri,
    Remote(remote): Remote,
    body: Bytes,
) -> Reply {
    let remote = remote.unwrap();
    let mut names: Vec<&str> = headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    text(format!("{method} {uri} {} {} {}", names.join(","), remote, body.len()))
        .header("set-cookie", "seen=1")
        .header("vary", "cookie")
}

#[tokio::test]
async fn a_part_is_asked_for_with_what_concerns_the_visitor_and_not_the_page() {
    let routes = routes(&[
        ("/", "template = \"page.html\"\nmethods = [\"GET\", \"POST\"]"),
        ("/echo", "controller = \"echo\"\ncache = \"no_cache\""),
    ]);
    let page = "{{ part(url=\"/echo?b=1&a=2\") }}";
    let site = Site::open(controllers![echo], &routes, &[("page.html", page)]).await;
    for method in ["GET", "POST"] {
        let headers = [
            ("cookie", "name=ann"),
            ("accept-language", "de"),
            ("accept-encoding", "gzip"),
            ("if-none-match", "\"1\""),
            ("if-modified-since", "Sat, 21 Nov 2026 10:00:00 GMT"),
            ("content-type", "text/plain"),
        ];
        let answer = site.ask(method, "/", &headers).await;
        assert_eq!(answer.status(), 200);
        let expected = "GET /echo?b=1&a=2 accept-language,cookie 127.0.0.1 0";
        assert_eq!(answer.body(), expected, "{method}");
        assert!(!answer.headers().contains_key("set-cookie"), "no part sets a cookie");
        assert_eq!(
            header(&answer, "cache-control"),
            match method {
                "GET" => "private, no-cache",
                _ => "no-store",
            }
        );
    }
}

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
    assert_eq!(header(&answer, "cache-control"), "max-age=60");
    assert!(header(&answer, "vary").contains("accept-language"), "{answer:?}");
    assert_eq!(header(&answer, "cdn-cache-control"), "", "the part says nothing of CDNs");
    let answer = site.get("/failing").await;
    assert_eq!(header(&answer, "cache-control"), "no-cache", "the part may be back soon");
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
async fn conditions_and_ranges_are_those_of_the_whole() {
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
    // The parts themselves are asked for as a whole, whatever is asked of the page.
    let encoded = site.ask("GET", "/", &[ann, ("accept-encoding", "gzip, br;q=0.1, *;q=0")]).await;
    assert_eq!(encoded.body(), whole.body());
    assert!(!encoded.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn a_fragment_keeps_the_places_of_its_parts() {
    let routes = routes(&[
        ("/page/{name}", "template = \"page.html\""),
        ("/parts/badge", "controller = \"badge\"\ncache = \"no_cache\""),
    ]);
    let page =
        "{{ name }}: {% cache id=\"menu\" %}menu {{ part(url=\"/parts/badge\") }}{% endcache %}.";
    let site = Site::open(controllers![badge], &routes, &[("page.html", page)]).await;
    for (name, visitor) in [("one", "ann"), ("two", "ben"), ("one", "cleo")] {
        let answer = site.get_as(visitor, &format!("/page/{name}")).await;
        assert_eq!(*answer.body(), format!("{name}: menu <b>{visitor}</b>."));
    }
}
