//! Headers of pages for other caches, conditional requests, ranges and content codings.

mod changes;
mod conditions;
mod control;
mod encodings;
mod ranges;

use std::sync::LazyLock;

use headwater_tests::{Client, Cluster, Response, Shared, Site, until};

use crate::PROGRAM;

const ROUTES: &str = r#"
[[route]]
path = "/text/{kibibytes}/{name}"
controller = "texts.lines"
groups = ["texts", "text:{name}"]

[[route]]
path = "/persistent/{kibibytes}/{name}"
controller = "texts.lines"
cache = "persistent"

[[route]]
path = "/by-language/{kibibytes}/{name}"
controller = "texts.lines"
vary = ["x-language", "accept-encoding"]

[[route]]
path = "/for-long/{kibibytes}/{name}"
controller = "texts.lines"
cache = { timeout = "1s", stale_if_error = "1h" }
browser = "public, max-age=600"
cdn = "max-age=3600"

[[route]]
path = "/uncached/{kibibytes}/{name}"
controller = "texts.lines"
cache = "no_cache"
browser = "max-age=5"

[[route]]
path = "/headers/{kind}"
controller = "texts.headers"
cache_statuses = [404]
browser = "max-age=9"

[[route]]
path = "/own/{name}"
controller = "counter.next"

[[route]]
path = "/own/{name}"
methods = ["POST", "PUT", "DELETE"]
controller = "texts.change"

[[route]]
path = "/alias/{name}"
alias = "/own/{name}"

[[route]]
path = "/alias/{name}"
methods = ["POST"]
controller = "texts.change"

[[route]]
path = "/elsewhere"
methods = ["POST"]
controller = "texts.change"

[[route]]
path = "/named/{name}"
controller = "counter.next"
groups = ["named:{name}"]

[[route]]
path = "/reads"
controller = "texts.named"
cache = "no_cache"
"#;

const PROJECT: &str = r#"
[link]
lease = "2s"
[http]
group_headers = ["cache-groups", "surrogate-key", "cache-tag"]
"#;

fn site() -> Site {
    Site::test_site(PROGRAM).project(PROJECT).route(ROUTES)
}

static CLUSTER: LazyLock<Shared> = LazyLock::new(|| Shared::start(|| Cluster::start(site(), 2)));

/// Requests a page twice and returns the cached response.
async fn hit(visitor: &Client, target: &str) -> Response {
    visitor.page(target).await;
    let hit = visitor.page(target).await;
    assert!(hit.is_hit(), "{target}: {}", hit.cache_status());
    hit
}

/// Requests a page until it is sent encoded.
async fn encoded(visitor: &Client, target: &str, accept: &str) -> Response {
    until("the page comes encoded", async || {
        let response = visitor.page_with(target, &[("accept-encoding", accept)]).await;
        response.headers.contains_key("content-encoding").then_some(response)
    })
    .await
}
