//! Fragments of templates in complete sites in this process.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex};

use futures_util::future::join_all;
use headwater::app::SiteService;
use headwater::prelude::*;
use tera::{Kwargs, State as TeraState};

#[controller("page")]
async fn page(Path(name): Path<String>, VariantName(variant): VariantName) -> Reply {
    template("page.html").with("name", name).with("variant", variant)
}

#[controller("forget.group")]
async fn forget_group(Path(group): Path<String>, cluster: Cluster) -> Result<Reply> {
    cluster.invalidate(Invalidation::new().group(group)).await?;
    Ok(status(204))
}

#[controller("forget.pattern")]
async fn forget_pattern(pattern: String, cluster: Cluster) -> Result<Reply> {
    cluster.invalidate(Invalidation::new().pattern(pattern)).await?;
    Ok(status(204))
}

const ROUTES: &str = r#"
[[route]]
path = "/page/{name}"
controller = "page"
groups = ["page:{name}"]

[[route]]
path = "/direct/{name}"
controller = "page"
cache = "no_cache"

[[route]]
path = "/vary/{name}"
controller = "page"
vary = ["x-color"]

[[route]]
path = "/static/{name}"
template = "page.html"

[[route]]
path = "/forget/{group}"
methods = ["POST"]
controller = "forget.group"

[[route]]
path = "/forget"
methods = ["POST"]
controller = "forget.pattern"
"#;

/// A gate that the test opens and closes during a render.
#[derive(Default)]
struct Gate {
    waiting: Mutex<(bool, bool)>,
    changed: Condvar,
}

impl Gate {
    /// Closes the gate for the next render.
    fn shut(&self) {
        *self.waiting.lock().unwrap() = (true, false);
    }

    fn pass(&self) {
        let mut state = self.waiting.lock().unwrap();
        state.1 = true;
        self.changed.notify_all();
        while state.0 {
            state = self.changed.wait(state).unwrap();
        }
    }

    /// Waits until a render has reached the gate.
    fn reached(&self) {
        let mut state = self.waiting.lock().unwrap();
        while !state.1 {
            state = self.changed.wait(state).unwrap();
        }
    }

    fn open(&self) {
        self.waiting.lock().unwrap().0 = false;
        self.changed.notify_all();
    }
}

struct Site {
    service: SiteService,
    gate: Arc<Gate>,
    fails: Arc<AtomicBool>,
    _folder: tempfile::TempDir,
}

impl Site {
    /// Starts a site with this template for all pages. It can call `count()`, which returns a new
    /// number each time, `gate()`, and `fail()`.
    async fn of(template: &str) -> Site {
        Site::configured(template, "", |_| Variant::yes()).await
    }

    async fn configured(
        template: &str,
        config: &str,
        variant: fn(&Visitor<'_>) -> Variant,
    ) -> Site {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("templates")).unwrap();
        std::fs::write(folder.path().join("templates/page.html"), template).unwrap();
        std::fs::write(folder.path().join("dispatch.conf"), ROUTES).unwrap();
        std::fs::write(folder.path().join("project.toml"), config).unwrap();
        let gate = Arc::new(Gate::default());
        let fails = Arc::new(AtomicBool::new(false));
        let (passed, failing, counter) = (Arc::clone(&gate), Arc::clone(&fails), AtomicU64::new(0));
        let counter = Arc::new(counter);
        let app = App::new()
            .controllers(controllers![page, forget_group, forget_pattern])
            .variant(variant)
            .templates(move |tera| {
                let (gate, fails, counter) =
                    (Arc::clone(&passed), Arc::clone(&failing), Arc::clone(&counter));
                tera.register_function("count", move |_: Kwargs, _: &TeraState<'_>| {
                    counter.fetch_add(1, Ordering::Relaxed) + 1
                });
                tera.register_function("gate", move |_: Kwargs, _: &TeraState<'_>| {
                    // Another thread takes over the other tasks of this one.
                    tokio::task::block_in_place(|| gate.pass());
                    ""
                });
                tera.register_function("fail", move |_: Kwargs, _: &TeraState<'_>| {
                    match fails.load(Ordering::Relaxed) {
                        true => Err(tera::Error::message("it fails")),
                        false => Ok(""),
                    }
                });
            });
        let service = app.into_service(folder.path()).await;
        let service = service.unwrap_or_else(|problems| panic!("{problems}"));
        Site { service, gate, fails, _folder: folder }
    }

    async fn ask(&self, request: http::Request<Body>) -> http::Response<Bytes> {
        let (parts, body) = self.service.answer(request).await.into_parts();
        http::Response::from_parts(parts, body.collect(1 << 20).await.unwrap())
    }

    async fn get(&self, path: &str) -> String {
        let response = self.ask(http::Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 200, "{path}: {:?}", response.body());
        String::from_utf8(response.body().to_vec()).unwrap()
    }

    async fn colored(&self, path: &str, color: &str) -> String {
        let request = http::Request::get(path).header("x-color", color);
        let response = self.ask(request.body(Body::empty()).unwrap()).await;
        String::from_utf8(response.body().to_vec()).unwrap()
    }

    /// Returns whether the page is served from the cache.
    async fn is_hit(&self, path: &str) -> bool {
        let response = self.ask(http::Request::get(path).body(Body::empty()).unwrap()).await;
        response.headers()["cache-status"].to_str().unwrap().contains("; hit")
    }

    async fn forget_group(&self, group: &str) {
        let request = http::Request::post(format!("/forget/{group}"));
        assert_eq!(self.ask(request.body(Body::empty()).unwrap()).await.status(), 204);
    }

    async fn forget_pattern(&self, pattern: &str) {
        let request = http::Request::post("/forget").body(Body::from(pattern.to_owned())).unwrap();
        assert_eq!(self.ask(request).await.status(), 204);
    }
}

const CARD: &str =
    "{% cache id='card', groups='cards' %}card {{ count() }}{% endcache %}, {{ name }}";

#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_is_evaluated_once_for_all_pages() {
    let site = Site::of(CARD).await;
    for name in ["a", "b", "c"] {
        assert_eq!(site.get(&format!("/page/{name}")).await, format!("card 1, {name}"));
        assert_eq!(site.get(&format!("/static/{name}")).await, format!("card 1, {name}"));
        for _ in 0..2 {
            assert_eq!(site.get(&format!("/direct/{name}")).await, format!("card 1, {name}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invalidating_a_fragment_invalidates_the_pages_around_it() {
    let site = Site::of(
        "{% cache id=['list', name], groups='lists' %}[{% cache id='card', groups='cards' %}\
         {{ count() }}{% endcache %}]{% endcache %} {{ count() }}",
    )
    .await;
    assert_eq!(site.get("/page/a").await, "[1] 2");
    assert_eq!(site.get("/page/b").await, "[1] 3");
    assert!(site.is_hit("/page/a").await && site.is_hit("/page/b").await);
    site.forget_group("cards").await;
    assert_eq!(site.get("/page/a").await, "[4] 5");
    assert_eq!(site.get("/page/b").await, "[4] 6");
    site.forget_group("lists").await;
    assert_eq!(site.get("/page/a").await, "[4] 7");
    assert_eq!(site.get("/page/b").await, "[4] 8");
    site.forget_pattern("^fragment:list/a$").await;
    assert_eq!(site.get("/page/b").await, "[4] 8");
    assert_eq!(site.get("/page/a").await, "[4] 9");
    site.forget_pattern("^fragment:card$").await;
    assert_eq!(site.get("/page/a").await, "[10] 11");
    assert_eq!(site.get("/page/b").await, "[10] 12");
    site.forget_pattern("card").await;
    assert_eq!(site.get("/static/b").await, "[13] 14");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_fragment_does_not_keep_a_page_from_being_stored() {
    let site = Site::of(CARD).await;
    for name in ["a", "b"] {
        assert_eq!(site.get(&format!("/page/{name}")).await, format!("card 1, {name}"));
    }
    // The page's group was invalidated after the fragment was made.
    site.forget_group("page:a").await;
    assert!(!site.is_hit("/page/a").await);
    assert!(site.is_hit("/page/a").await);
    assert_eq!(site.get("/page/a").await, "card 1, a");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_fragment_is_invalidated_meanwhile_is_not_stored() {
    let site = Arc::new(
        Site::of("{% cache id='card', groups='cards' %}{{ count() }}{% endcache %}{{ gate() }}")
            .await,
    );
    for path in ["/page/a", "/static/a"] {
        let before = site.get("/direct/a").await;
        site.gate.shut();
        let visitor = Arc::clone(&site);
        let visit = tokio::spawn(async move { visitor.get(path).await });
        let reached = Arc::clone(&site.gate);
        tokio::task::spawn_blocking(move || reached.reached()).await.unwrap();
        // The fragment was found, and the rest of the page is not rendered yet.
        site.forget_group("cards").await;
        site.gate.open();
        assert_eq!(visit.await.unwrap(), before);
        let after = site.get(path).await;
        assert_ne!(after, before, "{path}");
        assert_eq!(site.get("/direct/a").await, after);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_that_is_invalidated_while_it_is_evaluated_is_not_stored() {
    let site = Arc::new(
        Site::of("{% cache id='card', groups='cards' %}{{ count() }}{{ gate() }}{% endcache %}")
            .await,
    );
    site.gate.shut();
    let visitor = Arc::clone(&site);
    let visit = tokio::spawn(async move { visitor.get("/direct/a").await });
    let reached = Arc::clone(&site.gate);
    tokio::task::spawn_blocking(move || reached.reached()).await.unwrap();
    site.forget_group("cards").await;
    site.gate.open();
    assert_eq!(visit.await.unwrap(), "1");
    assert_eq!(site.get("/direct/a").await, "2");
    assert_eq!(site.get("/direct/a").await, "2");
}

fn by_color(visitor: &Visitor<'_>) -> Variant {
    let color = visitor.headers().get("x-color").and_then(|color| color.to_str().ok());
    match color {
        Some("none") => Variant::no(),
        Some("red, now") => Variant::named("red").uncached(),
        Some(color) => Variant::named(color),
        None => Variant::yes(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_of_one_variant_is_never_found_by_another() {
    let template = "{% cache id='a', type='persistent' %}{{ variant }}{% endcache %}";
    let site = Site::configured(template, "", by_color).await;
    for _ in 0..2 {
        for kind in ["page", "static"] {
            for color in ["red", "blue"] {
                for name in ["a", "b"] {
                    let path = format!("/{kind}/{name}");
                    assert_eq!(site.colored(&path, color).await, color, "{path}");
                }
            }
        }
    }
    // A page that is not cached finds the fragments of its visitor's variant.
    assert_eq!(site.colored("/direct/a", "blue").await, "blue");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uncached_page_may_have_a_variant_and_is_neither_found_nor_stored() {
    let template = "{{ variant or 'none' }} {% cache id='a' %}{{ count() }}{% endcache %}";
    let site = Site::configured(template, "", by_color).await;
    assert_eq!(site.colored("/static/a", "red").await, "red 1");
    assert_eq!(site.colored("/static/a", "red, now").await, "red 2");
    assert_eq!(site.colored("/static/a", "red").await, "red 1");
    assert_eq!(site.colored("/page/b", "red, now").await, "red 3");
    assert_eq!(site.colored("/static/a", "none").await, "none 4");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_without_cache_neither_finds_nor_stores_fragments() {
    let site = Site::configured(CARD, "", by_color).await;
    assert_eq!(site.colored("/page/a", "none").await, "card 1, a");
    assert_eq!(site.get("/direct/a").await, "card 2, a");
    assert_eq!(site.colored("/direct/a", "none").await, "card 3, a");
    assert_eq!(site.get("/page/a").await, "card 2, a");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_of_a_page_that_varies_is_for_the_same_header_only() {
    let site = Site::of(CARD).await;
    assert_eq!(site.colored("/vary/a", "red").await, "card 1, a");
    assert_eq!(site.colored("/vary/a", "blue").await, "card 2, a");
    assert_eq!(site.colored("/vary/b", "red").await, "card 1, b");
    assert_eq!(site.get("/page/a").await, "card 3, a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_renders_of_one_missing_fragment_never_mix() {
    let both = Arc::new(Barrier::new(2));
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    let template = "{{ name }}: {% cache id=['both', name | first_of] %}{{ name }}{{ meet() }}{{ name }}{% endcache %}";
    std::fs::write(folder.path().join("templates/page.html"), template).unwrap();
    std::fs::write(folder.path().join("dispatch.conf"), ROUTES).unwrap();
    let app = App::new().controllers(controllers![page, forget_group, forget_pattern]);
    let app = app.templates(move |tera| {
        let both = Arc::clone(&both);
        tera.register_function("meet", move |_: Kwargs, _: &TeraState<'_>| {
            tokio::task::block_in_place(|| both.wait());
            ""
        });
        tera.register_filter("first_of", |name: &str, _: Kwargs, _: &TeraState<'_>| {
            name.split('-').next().unwrap_or_default().to_owned()
        });
    });
    let service = app.into_service(folder.path()).await.unwrap();
    let get = |name: String| {
        let service = service.clone();
        tokio::spawn(async move {
            let request = http::Request::get(format!("/page/{name}")).body(Body::empty()).unwrap();
            let body = service.answer(request).await.into_body().collect(1 << 20).await.unwrap();
            String::from_utf8(body.to_vec()).unwrap()
        })
    };
    for round in 0..20 {
        let (a, b) = (format!("{round}-a"), format!("{round}-b"));
        let pages = join_all([get(a.clone()), get(b.clone())]).await;
        // Both renders were inside the fragment at the same time.
        assert_eq!(*pages[0].as_ref().unwrap(), format!("{a}: {a}{a}"));
        assert_eq!(*pages[1].as_ref().unwrap(), format!("{b}: {b}{b}"));
        let third = get(format!("{round}-c")).await.unwrap();
        assert!(
            third.ends_with(&format!(": {a}{a}")) || third.ends_with(&format!(": {b}{b}")),
            "{third}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_a_fragment_fails_the_page_and_stores_nothing() {
    let site = Site::of(
        "{% cache id='a' %}{{ count() }}{% endcache %}{% cache id='b' %}{{ count() }}{{ fail() }}{% endcache %}",
    )
    .await;
    site.fails.store(true, Ordering::Relaxed);
    for path in ["/page/a", "/direct/a", "/static/a"] {
        let response = site.ask(http::Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 500);
        let body = String::from_utf8_lossy(response.body());
        assert!(!body.contains("__headwater"), "{body}");
    }
    site.fails.store(false, Ordering::Relaxed);
    assert_eq!(site.get("/page/a").await, "78");
    assert_eq!(site.get("/direct/a").await, "78");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_node_without_a_cache_the_tags_pass_their_body_through() {
    let site = Site::configured(CARD, "mode = \"single-node\"\n", |_| Variant::yes()).await;
    for (count, path) in [(1, "/page/a"), (2, "/page/a"), (3, "/static/a"), (4, "/direct/a")] {
        assert_eq!(site.get(path).await, format!("card {count}, a"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_type_of_a_fragment_determines_its_caching() {
    let site = Site::of(
        "{% for type in ['normal', 'persistent', 'timeout 1h', 'timeout 0', 'no_cache'] %}\
         {% cache id=type, type=type %}{{ count() }} {% endcache %}{% endfor %}",
    )
    .await;
    assert_eq!(site.get("/direct/a").await, "1 2 3 4 5 ");
    assert_eq!(site.get("/direct/a").await, "1 2 3 6 7 ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_that_is_too_long_is_shown_and_not_stored() {
    let site = Site::configured(
        "{% cache id='a' %}{{ count() }}{{ '0123456789' }}{% endcache %}{% cache id='b' %}{{ count() }}{% endcache %}",
        "[cache]\nmax_entry = \"10 B\"\n",
        |_| Variant::yes(),
    )
    .await;
    assert_eq!(site.get("/direct/a").await, "101234567892");
    assert_eq!(site.get("/direct/a").await, "301234567892");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_in_tags_are_reported_before_the_site_runs() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    std::fs::write(folder.path().join("templates/page.html"), "\n  {% cache groups='a' %}")
        .unwrap();
    std::fs::write(folder.path().join("dispatch.conf"), ROUTES).unwrap();
    let app = App::new().controllers(controllers![page, forget_group, forget_pattern]);
    let problems = app.into_service(folder.path()).await.err().unwrap().to_string();
    assert!(problems.contains("page.html:2:3: a fragment needs an id"), "{problems}");
    assert!(problems.contains("page.html:2:3: this `cache` is never closed"), "{problems}");
}

/// Returns the examples of the guide's chapter, in their order.
fn examples() -> Vec<String> {
    let chapter = include_str!("../../docs/guide/fragments.md");
    let blocks = chapter.split("```").skip(1).step_by(2);
    let examples = blocks.filter_map(|block| block.strip_prefix("html\n"));
    examples.filter(|example| example.contains("{% cache")).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_guide_render_the_same_with_cached_fragments() {
    let expected = [
        "<ul> <li><a href=\"/stories/rain\">Rain</a></li> </ul>",
        "[rain] [sun]",
        "<p>Rain, by Ada</p>",
        "…",
        "[rain]",
        "THE &AMP; FERRY",
    ];
    // A row of a table comes from a back end.
    let examples: Vec<_> = examples().into_iter().filter(|it| !it.contains("row=")).collect();
    assert_eq!(examples.len(), expected.len());
    for (example, expected) in examples.into_iter().zip(expected) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("templates")).unwrap();
        std::fs::write(folder.path().join("templates/page.html"), &example).unwrap();
        std::fs::write(folder.path().join("templates/card.html"), "[{{ story.slug }}]").unwrap();
        std::fs::write(folder.path().join("dispatch.conf"), ROUTES).unwrap();
        let app = App::new().controllers(controllers![page, forget_group, forget_pattern]);
        let app = app.templates(|tera| {
            let story = |slug: &str, title: &str, hidden: bool| {
                serde_json::json!({ "slug": slug, "title": title, "hidden": hidden, "author": "Ada" })
            };
            let (rain, sun) = (story("rain", "Rain", false), story("sun", "Sun", true));
            tera.global_context().insert("story", &rain);
            tera.global_context().insert("latest", &[&rain]);
            tera.global_context().insert("stories", &[&rain, &sun]);
            tera.global_context().insert("site", &serde_json::json!({ "name": "The & ferry" }));
        });
        let site = app.into_service(folder.path()).await;
        let site = site.unwrap_or_else(|problems| panic!("{example}: {problems}"));
        for path in ["/direct/a", "/direct/a", "/page/b"] {
            let request = http::Request::get(path).body(Body::empty()).unwrap();
            let body = site.answer(request).await.into_body().collect(1 << 20).await.unwrap();
            let body = String::from_utf8(body.to_vec()).unwrap();
            let words = body.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(words, expected, "{example}");
        }
    }
}
