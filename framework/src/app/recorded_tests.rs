//! Recorded reads, from the controller to the cached page.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::App;
use super::service::SiteService;
use crate::body::Body;
use crate::controller::Registration;
use crate::extract::Cluster;
use crate::log::Invalidation;
use crate::packed;
use crate::reply::{Reply, error, status, template, text};
use crate::request::Request;

struct Row(String, Value);

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        packed::marked_row(&self.0, &self.1, to)
    }
}

const ROUTES: &str = r#"
[[route]]
path = "/page"
controller = "page"

[[route]]
path = "/direct"
controller = "direct"
cache = "no_cache"

[[route]]
path = "/text"
controller = "text"

[[route]]
path = "/missing"
controller = "missing"
cache_statuses = [404]

[[route]]
path = "/unrecorded"
controller = "direct"

[[route]]
path = "/forget/{kind}/{key}"
methods = ["POST"]
controller = "forget"
"#;

const PAGE: &str = "{% cache row=a %}{{ a.title }}{% endcache %} \
                    {% cache id='b' %}{{ b.title }}{% endcache %} {% cache id='note' %}{{ note }}{% endcache %}";

struct Site {
    service: SiteService,
    _folder: TempDir,
}

/// Returns a page with the number of pages made so far in a row `t/a`, a row `t/b`, and a note.
fn page(made: &AtomicUsize) -> Reply {
    let number = made.fetch_add(1, Ordering::Relaxed) + 1;
    let row = |key: &str| Row(format!("t/{key}"), json!({ "title": format!("{key}{number}") }));
    template("page.html").with("a", row("a")).with("b", row("b")).with("note", number)
}

fn groups(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

impl Site {
    async fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("templates")).unwrap();
        for (name, text) in
            [("templates/page.html", PAGE), ("dispatch.conf", ROUTES), ("project.toml", "")]
        {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let made = Arc::new(AtomicUsize::new(0));
        let controller = |name: &'static str, reply: fn(&AtomicUsize) -> Reply| {
            let made = Arc::clone(&made);
            Registration::new(name, move |_: Request| {
                let reply = reply(&made);
                async { reply }
            })
        };
        let app = App::new().controllers([
            controller("page", |made| page(made).record(groups(&["t/a", "t/b", "t@"]))),
            controller("direct", |made| page(made).record(None)),
            controller("text", |made| {
                text(made.fetch_add(1, Ordering::Relaxed).to_string()).record(groups(&["t/a"]))
            }),
            controller("missing", |made| {
                let number = made.fetch_add(1, Ordering::Relaxed).to_string();
                error(404).message(number).record(groups(&["t/a"]))
            }),
            Registration::new("forget", |request: Request| async move {
                let group = format!("{}/{}", request.parts.params[0].1, request.parts.params[1].1);
                let cluster = Cluster::of(&request.parts.site);
                cluster.invalidate(Invalidation::new().group(group)).await.unwrap();
                status(204)
            }),
        ]);
        let service = app.into_service(folder.path()).await;
        let service = service.unwrap_or_else(|problems| panic!("{problems}"));
        Site { service, _folder: folder }
    }

    async fn get(&self, path: &str) -> String {
        let request = http::Request::get(path).body(Body::empty()).unwrap();
        let body = self.service.answer(request).await.into_body().collect(1 << 20).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    async fn forget(&self, group: &str) {
        let request = http::Request::post(format!("/forget/{group}")).body(Body::empty()).unwrap();
        assert_eq!(self.service.answer(request).await.status(), 204);
    }
}

#[tokio::test]
async fn a_page_is_invalid_with_its_reads_and_a_fragment_with_the_values_it_names() {
    let site = Site::new().await;
    assert_eq!(site.get("/page").await, "a1 b1 1");
    site.forget("t/c").await;
    assert_eq!(site.get("/page").await, "a1 b1 1");
    site.forget("t/b").await;
    assert_eq!(site.get("/page").await, "a1 b2 2");
    site.forget("t/a").await;
    assert_eq!(site.get("/page").await, "a3 b2 3");
}

#[tokio::test]
async fn texts_and_error_pages_are_invalid_with_their_reads() {
    let site = Site::new().await;
    for path in ["/text", "/missing"] {
        let first = site.get(path).await;
        assert_eq!(site.get(path).await, first);
        site.forget("t/b").await;
        assert_eq!(site.get(path).await, first);
        site.forget("t/a").await;
        assert_ne!(site.get(path).await, first);
    }
}

#[tokio::test]
async fn a_page_of_unrecorded_reads_is_not_kept() {
    for path in ["/direct", "/unrecorded"] {
        let site = Site::new().await;
        assert_eq!(site.get(path).await, "a1 b1 1");
        // The rows are marked; a fragment without any mark is made anew.
        assert_eq!(site.get(path).await, "a1 b1 2");
        site.forget("t/b").await;
        assert_eq!(site.get(path).await, "a1 b3 3");
    }
}
