//! Messages for the next page: shown once, to one visitor, on pages that are cached for all.

#![allow(clippy::unwrap_used, reason = "a failed test is to panic")]

use std::sync::atomic::{AtomicUsize, Ordering};

use headwater::prelude::*;
use headwater::test::{Site, TestVisitor};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Draft {
    title: String,
    to: String,
}

/// A redirect with a message of its own.
#[controller("sent")]
async fn sent() -> Reply {
    redirect_to("/page").flash("notice", "Sent.", ())
}

/// A permanent redirect, which is cached.
#[controller("gone")]
async fn gone() -> Reply {
    redirect_permanent("/page")
}

#[controller("keep")]
async fn keep() -> Reply {
    redirect_to("/de/page").flash("notice", "kept", ())
}

#[controller("leave")]
async fn leave_for(Path(target): Path<String>) -> Reply {
    redirect_to(format!("/{target}")).flash("notice", "gone-there", ())
}

#[controller("save")]
async fn save(Form(draft): Form<Draft>) -> Reply {
    redirect_to(draft.to.clone()).flash("notice", "“{title}” is saved.", &draft)
}

const ROUTES: &str = r#"
[[route]]
path = "/save"
methods = ["POST"]
controller = "save"
[[route]]
path = "/keep"
methods = ["POST"]
controller = "keep"
[[route]]
path = "/moved"
redirect = "/page"
[[route]]
path = "/sent"
controller = "sent"
[[route]]
path = "/gone"
controller = "gone"
cache_statuses = [308]
cdn = "max-age=3600"
[[route]]
path = "/{lang}/page"
template = "page.html"
[[route]]
path = "/page"
template = "page.html"
[[route]]
path = "/other"
template = "page.html"
cache = "no_cache"
[[route]]
path = "/parts"
template = "parts.html"
[[route]]
path = "/within"
template = "within.html"
[[route]]
path = "/part"
template = "part.html"
[[route]]
path = "/plain"
template = "plain.txt"
"#;

const LEAVE: &str = r#"
[[route]]
path = "/leave/{target}"
methods = ["POST"]
controller = "leave"
"#;

fn files(own: Option<&str>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("dispatch.conf", ROUTES);
    let text = "a line of text, ".repeat(100);
    write("templates/page.html", &format!("<h1>Page</h1>{{{{ flash() }}}}<p>{text}</p>"));
    write("templates/parts.html", "<h1>Page</h1>{{ flash() }}{{ part(url=\"/part\") }}");
    write("templates/within.html", "<h1>Page</h1>{{ part(url=\"/part\") }}");
    write("templates/part.html", "<i>part</i>{{ flash() }}");
    write("templates/plain.txt", "page{{ flash() }}");
    if let Some(own) = own {
        write("templates/flash.html", own);
    }
    folder
}

fn site() -> Site {
    Site::in_folder(files(None).path())
        .cluster(App::new().controllers(controllers![keep, gone, save, sent]), 2)
}

fn leave(visitor: &mut TestVisitor, title: &str, to: &str) {
    let fields = [("title", title), ("to", to)];
    let body: Vec<String> =
        fields.map(|(name, value)| format!("{name}={}", encode_cookie_value(value))).into();
    let request = http::Request::post("/save")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.join("&"));
    visitor.send(request.unwrap()).page().is(303);
}

fn ask(
    visitor: &mut TestVisitor,
    method: &str,
    target: &str,
    header: (&str, &str),
) -> headwater::test::Page {
    let request = http::Request::builder().method(method).uri(target).header(header.0, header.1);
    visitor.send(request.body("").unwrap()).page().clone()
}

#[test]
fn a_message_is_shown_once_and_to_one_visitor_only() {
    let site = site();
    let [mut writer, mut reader] = [site.visitor(), site.visitor()];
    for target in ["/page", "/other", "/parts", "/within"] {
        for frontend in [0, 1] {
            reader.on(frontend).open(target);
        }
        let plain = reader.open(target).page().clone();
        leave(&mut writer, "Rain", target);
        assert_eq!(reader.open(target).page().body(), plain.body(), "{target}");
        writer.follow().page().has("p.flash.notice[role=status]", "“Rain” is saved.");
        let page = writer.page();
        assert_eq!(page.was_hit(), target != "/other", "{target}");
        assert_eq!(page.header("cache-control"), "private, no-store", "{target}");
        for header in ["etag", "last-modified", "cdn-cache-control", "cache-groups"] {
            assert_eq!(page.header(header), "", "{target}: {header}");
        }
        assert_eq!(writer.open(target).page().body(), plain.body(), "{target}");
        assert_eq!(writer.page().header("etag"), plain.header("etag"), "{target}");
        assert_eq!(writer.page().header("set-cookie"), "", "{target}");
    }
    site.audit();
}

#[test]
fn responses_that_show_no_page_keep_the_message() {
    let site = site();
    let mut visitor = site.visitor();
    let tag = visitor.open("/page").page().header("etag").to_owned();
    assert_ne!(tag, "");
    leave(&mut visitor, "Rain", "/page");
    assert_eq!(ask(&mut visitor, "HEAD", "/page", ("x-a", "b")).header("etag"), tag);
    for (name, ahead) in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("x-moz", "Prefetch"),
    ] {
        let page = ask(&mut visitor, "GET", "/page", (name, ahead));
        page.has_no("p", "Rain");
        assert_eq!((page.header("set-cookie"), page.header("etag")), ("", &*tag));
    }
    visitor.open("/other").page().has_no("p", "Rain");
    let page = ask(&mut visitor, "GET", "/page", ("if-none-match", &tag));
    page.is(200).has("p", "“Rain” is saved.");
    let page = ask(&mut visitor, "GET", "/page", ("if-none-match", &tag));
    assert_eq!(page.status(), 304, "it is gone, and the page is what it was");
    leave(&mut visitor, "Rain", "/plain");
    let page = visitor.follow().page();
    assert_eq!((&*page.source(), page.header("set-cookie")), ("page", ""), "it is not markup");
}

#[test]
fn a_redirect_keeps_the_message_for_its_target() {
    let site = site();
    let mut visitor = site.visitor();
    leave(&mut visitor, "Rain", "/moved");
    visitor.open("/page").page().has_no("p", "Rain");
    visitor.open("/moved").page().is(302);
    assert_eq!(visitor.page().header("cache-control"), "private, no-store");
    visitor.follow().page().has("p", "“Rain” is saved.");
    visitor.open("/moved");
    assert_eq!(visitor.page().header("set-cookie"), "");
    leave(&mut visitor, "Snow", "https://site.test/page?x=1#y");
    visitor.open("/page?x=1").page().has("p", "Snow");
}

#[test]
fn messages_are_escaped_and_cannot_be_forged() {
    let site = site();
    let mut visitor = site.visitor();
    leave(&mut visitor, "<b>{to}</b>", "/page");
    let cookie = visitor.cookie("__Host-flash").unwrap().to_owned();
    let page = visitor.follow().page();
    assert!(page.source().contains("“&lt;b&gt;{to}&lt;/b&gt;” is saved."), "{}", page.source());
    let mut other = cookie.clone().into_bytes();
    other[20] = if other[20] == b'A' { b'B' } else { b'A' };
    visitor.set_cookie("__Host-flash", std::str::from_utf8(&other).unwrap());
    visitor.open("/page").page().has_no("p", "saved");
    visitor.set_cookie("__Host-session", &cookie);
    visitor.open("/page").page().has_no("p", "saved");
}

#[test]
fn the_site_may_have_a_template_for_messages() {
    let own = "<div class=\"{{ kind }}\">{{ text }}{% if arguments.to %}!{% endif %}</div>";
    let site = Site::in_folder(files(Some(own)).path())
        .of(App::new().controllers(controllers![keep, gone, save, sent]));
    let mut visitor = site.visitor();
    leave(&mut visitor, "<Rain>", "/page");
    let page = visitor.follow().page();
    assert!(
        page.source().contains("<div class=\"notice\">“&lt;Rain&gt;” is saved.!</div>"),
        "{}",
        page.source()
    );
}

#[test]
fn no_shared_cache_stores_a_redirect_with_a_message() {
    let site = site();
    let [mut writer, mut reader] = [site.visitor(), site.visitor()];
    for _ in 0..2 {
        reader.open("/gone").page().is(308);
        assert_eq!(reader.page().header("cdn-cache-control"), "max-age=3600");
        assert_eq!(reader.page().header("set-cookie"), "");
    }
    leave(&mut writer, "Rain", "/gone");
    writer.open("/gone").page().is(308);
    let page = writer.page();
    assert!(page.was_hit() && page.header("set-cookie").starts_with("__Host-flash="), "{page}");
    assert_eq!(page.header("cdn-cache-control"), "");
    assert_eq!(page.header("cache-control"), "private, no-store");
    writer.follow().page().has("p", "Rain");
}

#[test]
fn a_message_is_in_the_language_of_its_page() {
    let own = "<p lang=\"{{ lang }}\">{{ text }} {{ t(key=\"close\") }}</p>";
    for (own, saved) in [(None, "gespeichert"), (Some(own), "gespeichert Schließen")] {
        let folder = files(own);
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("project.toml", "languages = [\"en\", \"de\"]\n");
        write("locales/en/a.ftl", "kept = saved\nclose = Close\n");
        write("locales/de/a.ftl", "kept = gespeichert\nclose = Schließen\n");
        let app = App::new().controllers(controllers![keep, gone, save, sent]);
        let site = Site::in_folder(folder.path()).of(app);
        let mut visitor = site.visitor();
        visitor.speaks("en");
        visitor.send(http::Request::post("/keep").body("").unwrap());
        visitor.follow().page().has("p", saved);
        assert_eq!(visitor.page().address(), "/de/page");
    }
}

#[test]
fn a_message_is_shown_on_a_page_that_is_not_cached_yet() {
    for target in ["/page", "/other", "/parts", "/within"] {
        let site = site();
        let mut visitor = site.visitor();
        leave(&mut visitor, "Rain", target);
        visitor.follow().page().has("p.flash.notice[role=status]", "“Rain” is saved.");
        assert!(!visitor.page().was_hit(), "{target}");
        visitor.open(target).page().has_no("p", "Rain");
    }
}

#[test]
fn a_redirect_with_its_own_message_replaces_the_earlier_one() {
    let site = site();
    let mut visitor = site.visitor();
    leave(&mut visitor, "Rain", "/sent");
    visitor.open("/sent").page().is(303);
    assert_eq!(visitor.page().headers().get_all("set-cookie").iter().count(), 1);
    visitor.follow().page().has("p", "Sent.").has_no("p", "Rain");
}

#[test]
fn a_message_is_in_its_pages_language_after_one_call_of_the_variant_function() {
    let folder = files(None);
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("project.toml", "languages = [\"en\", \"de\"]\n");
    write("locales/en/a.ftl", "gone-there = sent on\n");
    write("locales/de/a.ftl", "gone-there = weitergeleitet\n");
    write("templates/error.html", "<h1>{{ variant }}</h1>{{ flash() }}");
    let errors = "[[error]]\nstatus = 404\ntemplate = \"error.html\"\n";
    write("dispatch.conf", &format!("{ROUTES}{LEAVE}{errors}"));
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let app = App::new().controllers(controllers![keep, gone, leave_for, save, sent]).variant(
        |visitor: &headwater::prelude::Visitor<'_>| {
            RUNS.fetch_add(1, Ordering::Relaxed);
            Variant::named(visitor.cookie("shown-in").unwrap_or("en"))
        },
    );
    let site = Site::in_folder(folder.path()).of(app);
    let mut visitor = site.visitor();
    visitor.speaks("en").set_cookie("shown-in", "de");
    let runs = || RUNS.swap(0, Ordering::Relaxed);
    for target in ["page", "other", "nowhere"] {
        visitor.open(&format!("/{target}"));
        assert_eq!(runs(), 1, "{target}");
        visitor.open(&format!("/{target}"));
        assert_eq!(runs(), 1, "{target}, which may be in the cache");
        let request = http::Request::post(format!("/leave/{target}"));
        visitor.send(request.body("").unwrap()).page().is(303);
        runs();
        visitor.follow().page().has("p.flash", "weitergeleitet");
        assert_eq!(runs(), 1, "{target} with a message");
    }
}
