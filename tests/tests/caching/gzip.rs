//! Pages with parts, for clients that accept gzip.

use std::io::Read;

use headwater_tests::{Client, Response, until};

use crate::{CLUSTER, invalidate};

/// The page `/spliced/NAME` has the parts `/numbered/NAME`, which is long, `/spliced-within/NAME`, which has a part
/// too, `/cookie/uncached`, and one that does not exist. `/spliced-at-once/NAME` has only parts that are found at once.
pub(crate) const ROUTES: &str = r#"
[[route]]
path = "/spliced/{name}"
template = "spliced.html"
groups = ["spliced:{name}"]

[[route]]
path = "/spliced-at-once/{name}"
template = "at-once.html"

[[route]]
path = "/spliced-within/{name}"
template = "within.html"

[[route]]
path = "/spliced-short/{name}"
template = "short.html"

[[route]]
path = "/spliced-alone/{name}"
template = "spliced.html"
cache = "no_cache"

[[route]]
path = "/numbered/{name}"
controller = "counter.lines"
groups = ["numbered:{name}"]
"#;

pub(crate) fn templates() -> [(&'static str, String); 4] {
    let lines = "<p>The ferry does not run today, for the river is high.</p>\n".repeat(40);
    let numbered = r#"{{ part(url="/numbered/" ~ name, fallback="no numbers") }}"#;
    let short = r#"<p>{{ part(url="/normal/" ~ name) }}</p>"#;
    let within = r#"{{ part(url="/spliced-within/" ~ name) }}"#;
    let visitor = r#"<p>{{ part(url="/cookie/uncached") }}</p>"#;
    let nowhere = r#"<p>{{ part(url="/nowhere/" ~ name, fallback="<nothing>") }}</p>"#;
    [
        ("spliced.html", format!("{lines}{numbered}{lines}{within}{visitor}\n{nowhere}\n")),
        ("at-once.html", format!("{short}{lines}{numbered}")),
        ("within.html", format!("{lines}{short}{lines}")),
        ("short.html", short.to_owned()),
    ]
}

const GZIP: (&str, &str) = ("accept-encoding", "br, zstd, gzip");

fn decoded(response: &Response) -> String {
    assert_eq!(response.header("content-encoding"), "gzip");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&response.body[..]).read_to_string(&mut text).unwrap();
    text
}

/// Requests a page until it is sent as gzip with all pieces deflated that can become shorter.
async fn deflated(visitor: &Client, target: &str) -> Response {
    until("the page comes as short gzip", async || {
        let response = visitor.page_with(target, &[GZIP]).await;
        let is_short = response.body.len() < 1200;
        (is_short && response.header("content-encoding") == "gzip").then_some(response)
    })
    .await
}

#[tokio::test]
async fn a_page_with_parts_has_the_same_content_as_gzip() {
    let visitor = CLUSTER.borrow().visitor(0);
    let target = "/spliced/same";
    let gzip = deflated(&visitor, target).await;
    let plain = visitor.page(target).await;
    assert!(gzip.is_hit() && plain.is_hit());
    assert_eq!(decoded(&gzip), plain.text());
    assert!(plain.text().contains("<p>nobody</p>\n<p>&lt;nothing&gt;</p>"), "{}", plain.text());
    assert!(gzip.body.len() < plain.body.len() / 6, "{}", gzip.body.len());
    assert_eq!(gzip.header("content-length"), gzip.body.len().to_string());
    let tag = plain.header("etag").trim_end_matches('"');
    assert_eq!(gzip.header("etag"), format!("{tag}-gzip\""));
    for response in [&plain, &gzip] {
        assert_eq!(response.header("vary"), "accept-encoding");
        assert_eq!(response.header("cache-control"), "private, no-cache");
        assert!(!response.headers.contains_key("last-modified"));
    }
    assert!(!plain.headers.contains_key("content-encoding"));
    let head = visitor.ask("HEAD", target, &[GZIP], "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["content-length", "content-encoding", "content-type", "etag", "vary"] {
        assert_eq!(head.header(name), gzip.header(name), "{name}");
    }
    let ben = visitor.page_with(target, &[GZIP, ("cookie", "name=ben")]).await;
    assert_eq!(decoded(&ben), plain.text().replace("nobody", "ben"));
    assert_ne!(ben.header("etag"), gzip.header("etag"));
}

#[tokio::test]
async fn a_client_that_has_either_representation_gets_304() {
    let visitor = CLUSTER.borrow().visitor(0);
    let target = "/spliced/known";
    let gzip = deflated(&visitor, target).await;
    let plain = visitor.page(target).await;
    for tag in [gzip.header("etag"), plain.header("etag")] {
        let known = visitor.page_with(target, &[GZIP, ("if-none-match", tag)]).await;
        assert_eq!((known.status, known.body.len()), (304, 0));
        assert_eq!(known.header("etag"), tag);
        assert_eq!(known.header("vary"), "accept-encoding");
        assert!(!known.headers.contains_key("content-encoding"));
    }
    let of_gzip = [("if-none-match", gzip.header("etag"))];
    assert_eq!(visitor.page_with(target, &of_gzip).await.status, 200, "it takes no gzip now");
    let range = visitor.page_with(target, &[GZIP, ("range", "bytes=3-11")]).await;
    assert_eq!((range.status, range.text()), (206, "The ferry"));
    assert_eq!(range.header("etag"), plain.header("etag"));
}

#[tokio::test]
async fn a_client_that_does_not_accept_gzip_gets_the_identity_representation() {
    let visitor = CLUSTER.borrow().visitor(0);
    let target = "/spliced/disliked";
    deflated(&visitor, target).await;
    let plain = visitor.page(target).await;
    for accept in ["", "gzip;q=0", "br, zstd", "gzip;q=0.5, identity", "*;q=0", "identity;q=0"] {
        let response = visitor.page_with(target, &[("accept-encoding", accept)]).await;
        assert_eq!(response.status, 200, "{accept}");
        assert_eq!(response.header("content-encoding"), "", "{accept}");
        assert_eq!(response.header("vary"), "accept-encoding", "{accept}");
        assert_eq!(response.body, plain.body, "{accept}");
    }
    for accept in ["gzip", "*", "x-gzip;q=0.1", "identity;q=0, gzip;q=0.001"] {
        let response = visitor.page_with(target, &[("accept-encoding", accept)]).await;
        assert_eq!(decoded(&response), plain.text(), "{accept}");
    }
}

#[tokio::test]
async fn an_invalidated_part_is_removed_from_the_gzip_form_at_once() {
    let cluster = CLUSTER.borrow();
    for (round, target) in
        ["/spliced/renewed", "/spliced-at-once/renewed"].into_iter().cycle().take(10).enumerate()
    {
        let mut before = Vec::new();
        for frontend in 0..2 {
            before.push(deflated(&cluster.visitor(frontend), target).await);
        }
        invalidate(&cluster.visitor(0), "group=numbered:renewed").await;
        for (frontend, before) in before.iter().enumerate() {
            let visitor = cluster.visitor(frontend);
            let after = visitor.page_with(target, &[GZIP]).await;
            assert!(after.is_hit(), "{round}: the page itself stays: {}", after.cache_status());
            assert_ne!(after.header("etag"), before.header("etag"), "{round}");
            let (old, new) = (decoded(before), decoded(&after));
            let number = |text: &str| {
                let (_, text) = text.split_once("<li>1: ").unwrap();
                text.split_once('<').unwrap().0.to_owned()
            };
            assert_ne!(number(&new), number(&old), "{round}: an old part");
            assert_eq!(new, visitor.page(target).await.text(), "{round}");
        }
    }
    invalidate(&cluster.visitor(0), "group=spliced:renewed").await;
    let after = cluster.visitor(0).page_with("/spliced/renewed", &[GZIP]).await;
    assert!(!after.is_hit(), "{}", after.cache_status());
}

#[tokio::test]
async fn short_pages_and_those_for_one_visitor_are_not_encoded() {
    let visitor = CLUSTER.borrow().visitor(0);
    // A page that is later in the queue is encoded, so these were considered.
    for (target, vary) in [("/spliced-short/a", "accept-encoding"), ("/spliced-alone/a", "")] {
        visitor.page_with(target, &[GZIP]).await;
        deflated(&visitor, "/spliced/after").await;
        let response = visitor.page_with(target, &[GZIP]).await;
        assert_eq!(response.header("content-encoding"), "", "{target}");
        assert_eq!(response.header("vary"), vary, "{target}");
    }
}
