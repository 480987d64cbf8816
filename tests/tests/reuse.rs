//! The headers of pages for other caches: lifetimes, sharing, and groups.

#![allow(clippy::unwrap_used, reason = "a failed test is to panic")]

use std::ops::Range;

use headwater::prelude::*;
use headwater::test::{Page, Site};
use serde::{Deserialize, Serialize};

/// Adds groups with names of 16 bytes, of which 481 fit into a header.
fn in_groups(reply: Reply, groups: Range<usize>) -> Reply {
    groups.fold(reply, |reply, number| reply.group(format!("group-{number:010}")))
}

#[controller("part")]
async fn part(Path((first, end)): Path<(usize, usize)>) -> Reply {
    in_groups(html("part"), first..end)
}

#[controller("page")]
async fn page(Path((first, end, part)): Path<(usize, usize, String)>) -> Reply {
    in_groups(template("page.html").with("part", format!("/part/{part}")), first..end)
}

#[controller("long")]
async fn long(Path(bytes): Path<usize>) -> Reply {
    html("x".repeat(bytes)).group("long")
}

#[controller("own")]
async fn own() -> Reply {
    let reply = html("own").header("cache-control", "public, max-age=60, x-no-store=1");
    reply.header("cdn-cache-control", "max-age=60").group("own")
}

#[controller("missing")]
async fn missing() -> Reply {
    error(StatusCode::NOT_FOUND).header("cdn-cache-control", "max-age=3600").group("missing")
}

#[controller("soften")]
async fn soften(cluster: Cluster) -> Result<Reply> {
    cluster.invalidate(Invalidation::new().group("own").soft()).await?;
    Ok(status(204))
}

#[derive(Serialize, Deserialize)]
struct Account {
    name: String,
}

impl SessionData for Account {
    fn user(&self) -> Option<String> {
        Some(self.name.clone())
    }
}

const PROJECT: &str = r#"
languages = ["en", "de"]
[cache]
max_entry = "1000 B"
[http]
group_headers = ["surrogate-key"]
"#;

const ROUTES: &str = r#"
[[route]]
path = "/part/{first}/{end}"
controller = "part"
browser = "max-age=60"
cdn = "max-age=3600"
[[route]]
path = "/page/{first}/{end}/{*part}"
controller = "page"
browser = "max-age=60"
cdn = "max-age=3600"
[[route]]
path = "/long/{bytes}"
controller = "long"
groups = ["length:{bytes}"]
vary = ["x-shade"]
browser = "max-age=60"
cdn = "max-age=3600"
[[route]]
path = "/silent/{bytes}"
controller = "long"
[[route]]
path = "/uncached/{bytes}"
controller = "long"
cache = "no_cache"
groups = ["length:{bytes}"]
cdn = "max-age=3600"
[[route]]
path = "/missing"
controller = "missing"
groups = ["errors"]
[[route]]
path = "/own"
controller = "own"
session = "user"
cache = { type = "persistent", stale_while_revalidate = "1h" }
[[route]]
path = "/soften"
methods = ["POST"]
controller = "soften"
[[route]]
path = "/around/{first}/{end}"
template = "around.html"
cache = "no_cache"
browser = "max-age=60"
cdn = "max-age=3600"
"#;

fn site() -> Site {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("project.toml", PROJECT);
    write("dispatch.conf", ROUTES);
    write("templates/page.html", "page {{ part(url=part) }}");
    write("templates/around.html", "around {{ part(url=\"/part/1/2\") }}");
    let controllers = controllers![part, page, long, missing, own, soften];
    let app = App::new().controllers(controllers).session::<Account>("/sign-in").variant(
        |visitor: &Visitor<'_>| match visitor.cookie("variant") {
            Some(name) => Variant::named(name),
            None => Variant::yes(),
        },
    );
    Site::in_folder(folder.path()).of(app)
}

fn told(page: &Page) -> [&str; 2] {
    ["cache-control", "cdn-cache-control"].map(|name| page.header(name))
}

fn groups(page: &Page) -> Vec<&str> {
    page.header("surrogate-key").split(' ').filter(|name| !name.is_empty()).collect()
}

const FOR_LONG: [&str; 2] = ["max-age=60", "max-age=3600"];

#[test]
fn a_page_names_all_groups_of_its_parts_once() {
    let site = site();
    let mut visitor = site.visitor();
    // The groups of both together are longer than a header may be.
    let expected: Vec<String> = (0..450).map(|number| format!("group-{number:010}")).collect();
    for is_hit in [false, true] {
        let page = visitor.open("/page/0/350/175/450").page();
        assert_eq!(page.was_hit(), is_hit);
        assert_eq!(
            (groups(page), told(page)),
            (expected.iter().map(|name| &**name).collect(), FOR_LONG)
        );
    }
}

#[test]
fn a_page_whose_groups_cannot_all_be_named_must_be_revalidated() {
    let site = site();
    let mut visitor = site.visitor();
    for (address, named, expected) in [
        ("/part/0/481", 481, FOR_LONG),
        ("/part/0/482", 481, ["no-cache", ""]),
        ("/page/0/350/350/480", 480, FOR_LONG),
        ("/page/0/350/350/600", 481, ["no-cache", ""]),
    ] {
        for _ in 0..2 {
            let page = visitor.open(address).page();
            assert_eq!((groups(page).len(), told(page)), (named, expected), "{address}");
        }
    }
}

#[test]
fn a_page_that_is_too_long_for_this_cache_has_the_same_headers_for_others() {
    let site = site();
    let mut visitor = site.visitor();
    for (address, is_kept) in [("/long/1000", true), ("/long/1001", false)] {
        let page = visitor.open(address).page();
        assert_eq!(page.header("cache-status").contains("; stored"), is_kept, "{address}");
        assert_eq!((told(page), page.header("vary")), (FOR_LONG, "x-shade"), "{address}");
        let length = address.replace("/long/", "length:");
        assert_eq!(groups(page), [&length, "long"], "{address}");
    }
    assert_eq!(told(visitor.open("/silent/1000").page()), ["no-cache", ""]);
    assert_eq!(told(visitor.open("/silent/1001").page()), ["no-store", ""]);
}

#[test]
fn a_page_that_only_other_caches_store_has_its_groups() {
    let site = site();
    let mut visitor = site.visitor();
    for (address, named) in
        [("/uncached/7", ["length:7", "long"]), ("/missing", ["errors", "missing"])]
    {
        let page = visitor.open(address).page();
        assert_eq!(told(page), ["no-store", "max-age=3600"], "{address}");
        assert_eq!(groups(page), named, "{address}");
    }
}

#[test]
fn no_shared_cache_stores_a_page_of_one_user_whatever_its_controller_declares() {
    let site = site();
    let mut visitor = site.visitor();
    visitor.sign_in(&Account { name: "ann".to_owned() });
    for is_hit in [false, true] {
        let page = visitor.open("/own").page();
        assert_eq!((page.was_hit(), told(page)), (is_hit, ["private, no-cache", ""]));
    }
    // Nor a stale page.
    visitor.send(http::Request::post("/soften").body("").unwrap()).page().is(204);
    let page = visitor.open("/own").page();
    let status = page.header("cache-status");
    assert!(status.contains("stale-while-revalidate"), "{status}");
    assert_eq!(told(page), ["private, no-cache", ""]);
}

#[test]
fn a_part_with_the_variant_of_its_page_can_be_shared() {
    let site = site();
    let mut visitor = site.visitor();
    visitor.set_cookie("variant", "dark");
    for _ in 0..2 {
        let page = visitor.open("/around/1/2").page();
        assert_eq!((page.source().as_str(), told(page)), ("around part", FOR_LONG));
    }
}
