//! The cache as a browser sees it: its four types, keys, the invalidation and expiry of entries,
//! stale responses, and replies that are never cached.

mod flight;
mod gzip;
mod http;
mod invalidation;
mod key;
mod lifetime;
mod memory;
mod parts;
mod poisoning;
mod staleness;
mod variants;

use std::sync::LazyLock;

use headwater_tests::{Client, Cluster, Response, Shared, Site};

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

const ROUTES: &str = r#"
[[route]]
path = "/normal/{name}"
controller = "counter.next"
groups = ["normal", "normal:{name}"]

[[route]]
path = "/persistent/{name}"
controller = "counter.next"
cache = "persistent"
groups = ["persistent:{name}"]

[[route]]
path = "/brief/{name}"
controller = "counter.next"
cache = { timeout = "1s" }

[[route]]
path = "/never/{name}"
controller = "counter.next"
cache = "no_cache"

[[route]]
path = "/mood/{name}/{mood}"
methods = ["POST"]
controller = "moods.set"

[[route]]
path = "/plain/{name}"
controller = "moods.show"
groups = ["mood:{name}"]

[[route]]
path = "/soft/{name}"
controller = "moods.show"
groups = ["mood:{name}"]
cache = { type = "persistent", stale_while_revalidate = "1h", stale_if_error = "1h" }

[[route]]
path = "/timed/{name}"
controller = "moods.show"
cache = { timeout = "1s", stale_while_revalidate = "1h" }

[[route]]
path = "/fallback/{name}"
controller = "moods.show"
groups = ["mood:{name}"]
cache = { type = "normal", stale_if_error = "1h" }

[[route]]
path = "/listed/{name}"
controller = "moods.show"
cache_statuses = { 404 = "1s", 301 = "1h" }

[[route]]
path = "/flight/{name}/{milliseconds}"
controller = "flights.slow"
groups = ["flight:{name}"]

[[route]]
path = "/runs/{name}"
controller = "flights.runs"
cache = "no_cache"

[[route]]
path = "/key/page"
controller = "probe.show"
query = ["page"]

[[route]]
path = "/key/none"
controller = "probe.show"
query = []

[[route]]
path = "/key/all/{name}"
controller = "probe.show"

[[route]]
path = "/key/header/{name}"
controller = "probe.header"
vary = ["x-shade", "x-mark"]

[[route]]
path = "/key/language/{name}"
controller = "probe.header"
vary = ["accept-language", "accept-encoding"]

[[route]]
path = "/key/headers"
controller = "probe.headers"

[[route]]
path = "/key/visit"
controller = "probe.visit"

[[route]]
path = "/key/visit/uncached"
controller = "probe.visit"
cache = "no_cache"

[[route]]
path = "/answers/{kind}"
controller = "answers.give"
"#;

pub(crate) fn site() -> Site {
    let site = Site::test_site(PROGRAM)
        .project("languages = [\"en\", \"de\"]\n[link]\nlease = \"2s\"\n")
        .route(ROUTES)
        .route(parts::ROUTES)
        .template("parts.html", parts::TEMPLATE)
        .route(gzip::ROUTES);
    let templates = gzip::templates();
    templates.iter().fold(site, |site, (name, text)| site.template(name, text))
}

pub(crate) static CLUSTER: LazyLock<Shared> =
    LazyLock::new(|| Shared::start(|| Cluster::start(site(), 2)));

/// Makes the test site invalidate something.
pub(crate) async fn invalidate(visitor: &Client, form: &str) -> Response {
    let response = visitor.form("/invalidate", form).await;
    assert_eq!(response.status, 200, "{}", response.text());
    response
}

/// Requests a page that must not be cached yet, then the same page from the cache, and returns its
/// text.
pub(crate) async fn filled(visitor: &Client, target: &str) -> String {
    let made = visitor.page(target).await;
    assert!(!made.is_hit(), "{target}: {}", made.cache_status());
    assert!(made.cache_status().ends_with("; stored"), "{target}: {}", made.cache_status());
    let hit = visitor.page(target).await;
    assert!(hit.is_hit(), "{target}: {}", hit.cache_status());
    assert_eq!(made.body, hit.body, "{target}");
    hit.text().to_owned()
}
