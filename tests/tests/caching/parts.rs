//! Pages with parts, over HTTP.

use headwater_tests::{Cluster, until};

use crate::{CLUSTER, filled, invalidate, site};

/// The page `/with-parts/NAME` has the parts `/normal/NAME`, `/cookie/uncached`, and one that does
/// not exist.
pub(crate) const ROUTES: &str = r#"
[[route]]
path = "/with-parts/{name}"
template = "parts.html"
"#;

pub(crate) const TEMPLATE: &str = r#"<p>{{ part(url="/normal/" ~ name, fallback="no number") }}</p>
<p>{{ part(url="/cookie/uncached", fallback="no visitor") }}</p>
<p>{{ part(url="/nowhere/" ~ name, fallback="<nothing>") }}</p>
"#;

fn whole(number: &str, visitor: &str) -> String {
    format!("<p>{number}</p>\n<p>{visitor}</p>\n<p>&lt;nothing&gt;</p>\n")
}

#[tokio::test]
async fn a_cached_page_contains_the_parts_of_each_visitor() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0).keep_alive();
    let number = filled(&visitor, "/normal/badges").await;
    for (round, name) in ["ann", "ben", "ann", "cleo"].into_iter().enumerate() {
        let cookie = format!("name={name}");
        let headers = [("cookie", cookie.as_str())];
        let head = visitor.ask("HEAD", "/with-parts/badges", &headers, "").await;
        let page = visitor.page_with("/with-parts/badges", &headers).await;
        assert_eq!((page.status, page.text()), (200, whole(&number, name).as_str()));
        assert!(page.is_hit(), "{round}: {}", page.cache_status());
        assert_eq!(page.header("cache-control"), "private, no-cache");
        for name in ["content-length", "content-type", "etag"] {
            assert_eq!(head.header(name), page.header(name), "{name}");
        }
        assert_eq!(page.header("content-length"), page.body.len().to_string());
    }
    let part = visitor.page_with("/cookie/uncached", &[("cookie", "name=dora")]).await;
    assert_eq!(part.text(), "dora", "a part is a page of its own");
}

#[tokio::test]
async fn an_invalidated_part_is_made_anew_in_pages_that_stay_cached() {
    let cluster = CLUSTER.borrow();
    let mut before = Vec::new();
    for frontend in 0..2 {
        let visitor = cluster.visitor(frontend);
        visitor.page("/with-parts/renewed").await;
        before.push(visitor.page("/with-parts/renewed").await);
    }
    invalidate(&cluster.visitor(0), "group=normal:renewed").await;
    for (frontend, before) in before.iter().enumerate() {
        let visitor = cluster.visitor(frontend);
        let page = visitor.page("/with-parts/renewed").await;
        assert!(page.is_hit(), "{}", page.cache_status());
        assert_ne!(page.text(), before.text());
        assert_ne!(page.header("etag"), before.header("etag"));
        assert_eq!(visitor.page("/with-parts/renewed").await.text(), page.text());
    }
    invalidate(&cluster.visitor(0), "pattern=^/with-parts/renewed$").await;
    let visitor = cluster.visitor(0);
    let (number, page) = (visitor.page("/normal/renewed").await, "/with-parts/renewed");
    assert!(number.is_hit(), "what is invalidated is the page, and not its parts");
    let page = visitor.page(page).await;
    assert!(!page.is_hit());
    assert_eq!(page.text(), whole(number.text(), "nobody"));
}

#[tokio::test]
async fn without_a_back_end_a_page_is_served_without_its_parts() {
    let mut cluster = Cluster::start(site(), 1).await;
    let visitor = cluster.visitor(0);
    let number = filled(&visitor, "/normal/alone").await;
    let page = visitor.page("/with-parts/alone").await;
    assert_eq!(page.text(), whole(&number, "nobody"));
    let messages = cluster.frontends[0].messages();
    until("the log names the part", async || {
        messages.contain("part=\"/nowhere/alone\"").then_some(())
    })
    .await;
    cluster.backend.kill().await;
    // The front end still has its pages, but without a lease it must not serve them as parts.
    until("the page shows what is left", async || {
        let page = visitor.page("/with-parts/alone").await;
        assert_eq!(page.status, 200, "the page itself needs no back end");
        (page.text() == whole("no number", "no visitor")).then_some(())
    })
    .await;
    cluster.restart_backend().await;
    until("all of it is back", async || {
        let page = visitor.page("/with-parts/alone").await;
        (page.text().contains("<p>nobody</p>") && !page.text().contains("no number")).then_some(())
    })
    .await;
}
