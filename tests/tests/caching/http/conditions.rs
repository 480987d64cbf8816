//! Conditional requests.

use std::time::{Duration, SystemTime};

use headwater_tests::Response;

use super::{CLUSTER, encoded, hit};

fn time(response: &Response, header: &str) -> SystemTime {
    httpdate::parse_http_date(response.header(header)).unwrap()
}

#[tokio::test]
async fn a_client_that_has_the_page_gets_304() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0);
    let target = "/text/2/known";
    let page = hit(&visitor, target).await;
    let tag = page.header("etag");
    assert_eq!((tag.len(), &tag[..1], page.header("vary")), (34, "\"", "accept-encoding"));
    let weak = format!("W/{tag}");
    let list = format!("\"x\", {tag}");
    for condition in [tag, &weak, &list, "*"] {
        for method in ["GET", "HEAD"] {
            let asked = [("if-none-match", condition)];
            let response = visitor.ask(method, target, &asked, "").await;
            assert_eq!((response.status, response.body.len()), (304, 0), "{method} {condition}");
            assert!(response.is_hit(), "{}", response.cache_status());
            for header in ["etag", "vary", "cache-control", "cache-groups", "surrogate-key"] {
                assert_eq!(response.header(header), page.header(header), "{header}");
            }
            for header in ["age", "date", "last-modified"] {
                assert!(response.headers.contains_key(header), "{header}");
            }
            for header in ["content-length", "content-type"] {
                assert!(!response.headers.contains_key(header), "{header}");
            }
        }
    }
    let other = visitor.page_with(target, &[("if-none-match", "\"x\"")]).await;
    assert_eq!((other.status, &other.body), (200, &page.body));
    // Every front end makes the same tag for the same content.
    let elsewhere = cluster.visitor(1).page_with(target, &[("if-none-match", tag)]).await;
    assert_eq!(elsewhere.status, 304);
    assert_eq!(elsewhere.cache_status(), "headwater; fwd=uri-miss; stored; fwd-status=200");
}

#[tokio::test]
async fn a_page_has_another_tag_when_it_has_changed() {
    let visitor = CLUSTER.borrow().visitor(0);
    let first = hit(&visitor, "/own/tagged").await;
    assert_eq!(visitor.form("/own/tagged", "").await.status, 200);
    let asked = [("if-none-match", first.header("etag"))];
    let second = visitor.page_with("/own/tagged", &asked).await;
    assert_eq!(second.status, 200);
    assert_ne!(second.header("etag"), first.header("etag"));
}

#[tokio::test]
async fn last_modified_is_earlier_while_its_second_may_contain_two_versions() {
    let visitor = CLUSTER.borrow().visitor(0);
    let target = "/text/2/dated";
    let made = visitor.page(target).await;
    let (shown, sent) = (time(&made, "last-modified"), time(&made, "date"));
    let early = sent.duration_since(shown).unwrap();
    assert!((5..=8).contains(&early.as_secs()), "{early:?}");
    let since = |header| [("if-modified-since", header)];
    let again = visitor.page_with(target, &since(made.header("last-modified"))).await;
    assert_eq!(again.status, 200, "the date is not that of the version");
    let again = visitor.page_with(target, &since(made.header("date"))).await;
    assert_eq!(again.status, 304, "what was made until now is the version");

    // Later the date of the version is sent, and is then recognised.
    let settled = headwater_tests::until("the date is shown", async || {
        let page = visitor.page(target).await;
        (time(&page, "last-modified") > shown).then_some(page)
    })
    .await;
    assert_eq!(time(&settled, "last-modified"), shown + Duration::from_secs(5));
    let again = visitor.page_with(target, &since(settled.header("last-modified"))).await;
    assert_eq!(again.status, 304);
    let both = [("if-none-match", "\"x\""), since(settled.header("last-modified"))[0]];
    assert_eq!(visitor.page_with(target, &both).await.status, 200, "tags decide");
}

#[tokio::test]
async fn a_failed_precondition_gets_412() {
    let visitor = CLUSTER.borrow().visitor(0);
    let target = "/text/2/wanted";
    let page = hit(&visitor, target).await;
    let tag = page.header("etag");
    for (name, value, status) in [
        ("if-match", tag, 200),
        ("if-match", "*", 200),
        ("if-match", "\"x\"", 412),
        ("if-match", &format!("W/{tag}"), 412),
        ("if-unmodified-since", page.header("date"), 200),
        ("if-unmodified-since", "Sun, 06 Nov 1994 08:49:37 GMT", 412),
    ] {
        let response = visitor.page_with(target, &[(name, value)]).await;
        assert_eq!(response.status, status, "{name}: {value}");
        if status == 412 {
            assert_eq!((response.body.len(), response.header("cache-control")), (0, "no-store"));
            assert!(response.is_hit());
        }
    }
}

#[tokio::test]
async fn the_tag_of_any_acceptable_encoding_is_recognised() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0);
    let target = "/text/2/codings";
    let gzip = encoded(&visitor, target, "gzip").await;
    let tag = gzip.header("etag").to_owned();
    assert!(tag.ends_with("-gzip\""), "{tag}");
    let ask = async |accept: &str| {
        let asked = [("if-none-match", tag.as_str()), ("accept-encoding", accept)];
        visitor.page_with(target, &asked).await
    };
    for accept in ["gzip", "zstd, br, gzip;q=0.1"] {
        let response = ask(accept).await;
        assert_eq!((response.status, response.header("etag")), (304, tag.as_str()), "{accept}");
    }
    // The request of a cache for a client that cannot decode the cached gzip.
    assert_eq!(ask("br").await.status, 200);
    // A front end that has not made the encoding yet recognises its tag.
    let asked = [("if-none-match", tag.as_str()), ("accept-encoding", "gzip")];
    assert_eq!(cluster.visitor(1).page_with(target, &asked).await.status, 304);
}

#[tokio::test]
async fn the_controllers_own_validators_are_used() {
    let visitor = CLUSTER.borrow().visitor(0);
    let asks = [
        ("/headers/tag", "if-none-match", "\"mine\"", 304),
        ("/headers/tag", "if-none-match", "W/\"mine\"", 304),
        ("/headers/tag", "if-match", "\"mine\"", 200),
        ("/headers/weak-tag", "if-none-match", "\"mine\"", 304),
        ("/headers/weak-tag", "if-match", "\"mine\"", 412),
        ("/headers/no-tag", "if-none-match", "mine", 200),
        ("/headers/date", "if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT", 304),
        ("/headers/date", "if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT", 200),
    ];
    for (target, name, value, status) in asks {
        let response = visitor.page_with(target, &[(name, value)]).await;
        assert_eq!(response.status, status, "{target} {name}: {value}");
    }
    assert_eq!(visitor.page("/headers/tag").await.header("etag"), "\"mine\"");
    let gzip = encoded(&visitor, "/headers/tag", "gzip").await;
    assert_eq!(gzip.header("etag"), "\"mine-gzip\"");
    let gzip = encoded(&visitor, "/headers/no-tag", "gzip").await;
    assert!(!gzip.headers.contains_key("etag"), "what is not a tag identifies nothing");
    let date = visitor.page("/headers/date").await;
    assert_eq!(date.header("last-modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
}

#[tokio::test]
async fn conditions_apply_to_pages_and_not_to_errors() {
    let visitor = CLUSTER.borrow().visitor(0);
    for _ in 0..2 {
        let response = visitor.page_with("/headers/missing", &[("if-none-match", "*")]).await;
        assert_eq!(response.status, 404, "{}", response.cache_status());
        let response = visitor.page_with("/headers/missing", &[("if-match", "\"x\"")]).await;
        assert_eq!(response.status, 404);
    }
}
