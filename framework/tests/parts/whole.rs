//! The content of a page with its parts for different visitors.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use headwater::extract::NotInKey;
use headwater::prelude::*;
use tokio::sync::Barrier;

use super::{Site, badge, greeting, header, is_hit, routes};

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
async fn a_shared_page_contains_a_part_for_each_visitor() {
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

/// The number of badges made for a class of visitors, and for one visitor.
static BADGES: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

#[controller("class-badge")]
async fn class_badge(cookies: Result<Cookies, NotInKey>) -> Reply {
    let name = cookies.ok().and_then(|cookies| cookies.get("name").map(str::to_owned));
    BADGES[usize::from(name.is_some())].fetch_add(1, Ordering::SeqCst);
    html(format!("<b>{}</b>", name.as_deref().unwrap_or("Log in")))
}

#[tokio::test]
async fn a_class_of_visitors_shares_a_part_and_all_others_have_their_own() {
    let by_class = |visitor: &Visitor<'_>| match visitor.cookie("name") {
        None => Variant::named("en"),
        Some(_) if visitor.uri().path() == "/parts/badge" => Variant::no(),
        Some(_) => Variant::named("en member"),
    };
    let app = App::new().controllers(controllers![class_badge]).variant(by_class);
    let inline = "{% if variant is ending_with(pat=\" member\") %}\
                  {{ part(url=\"/parts/badge\") }}{% else %}<b>Log in</b>{% endif %}";
    let pages = routes(&[
        ("/", "template = \"page.html\""),
        ("/whole", "template = \"whole.html\""),
        ("/parts/badge", "controller = \"class-badge\""),
    ]);
    let templates = [("page.html", "{{ part(url=\"/parts/badge\") }}"), ("whole.html", inline)];
    let site = Site::of(app, "", &pages, &templates).await;
    for page in ["/", "/whole"] {
        for _ in 0..3 {
            let answer = site.get(page).await;
            assert_eq!(answer.body(), "<b>Log in</b>");
            assert_eq!(header(&answer, "cache-control"), "no-cache", "{page}");
            for name in ["ann", "ben"] {
                let answer = site.get_as(name, page).await;
                assert_eq!(answer.body(), &format!("<b>{name}</b>"));
                assert_eq!(header(&answer, "cache-control"), "private, no-cache", "{page}");
            }
        }
    }
    let made = BADGES.each_ref().map(|made| made.load(Ordering::SeqCst));
    assert_eq!(made, [1, 12], "one for the class, and one for each response to the others");
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
async fn invalidating_a_part_leaves_the_page_in_the_cache() {
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
async fn missing_parts_are_requested_concurrently() {
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
    // Each of the parts waits for the two others.
    assert_eq!(site.get("/").await.body(), "a b c.");
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
    html(format!("{method} {uri} {} {} {}", names.join(","), remote, body.len()))
        .header("set-cookie", "seen=1")
        .header("vary", "cookie")
}

#[tokio::test]
async fn a_part_is_requested_with_the_visitors_headers_and_not_the_pages() {
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

#[controller("cheer")]
async fn cheer() -> Reply {
    text("<script>'Tom & Jerry'</script>")
}

#[tokio::test]
async fn text_is_escaped_in_a_page_of_markup() {
    let routes = routes(&[
        ("/", "template = \"page.html\""),
        ("/note", "template = \"note.txt\""),
        ("/cheer", "controller = \"cheer\""),
        ("/own", "controller = \"cheer\"\ncache = \"no_cache\""),
        ("/with-parts", "template = \"parts.txt\""),
        ("/badge", "controller = \"badge\"\ncache = \"no_cache\""),
    ]);
    let parts = "{{ part(url=\"/cheer\") }} {{ part(url=\"/own\") }}";
    let within = "a<b {{ part(url=\"/badge\") }}{{ part(url=\"/none\", fallback=\"<i>\") }}";
    let page = format!("<p>{parts} {{{{ part(url=\"/with-parts\") }}}}");
    let files = [("page.html", &*page), ("note.txt", parts), ("parts.txt", within)];
    let site = Site::open(controllers![badge, cheer], &routes, &files).await;
    let (raw, escaped) = (
        "<script>'Tom & Jerry'</script>",
        "&lt;script&gt;&#39;Tom &amp; Jerry&#39;&lt;/script&gt;",
    );
    for _ in 0..2 {
        let expected = format!("<p>{escaped} {escaped} a&lt;b <b>nobody</b>&lt;i&gt;");
        assert_eq!(*site.get("/").await.body(), expected);
        assert_eq!(*site.get("/note").await.body(), format!("{raw} {raw}"), "it is text, too");
    }
}

#[tokio::test]
async fn a_cached_fragment_keeps_the_places_of_its_parts() {
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
