//! Pages in content codings.

use std::io::Read;

use headwater_tests::Mode;
use headwater_tests::Response;

use super::{CLUSTER, encoded, hit, site};

/// Decodes the body as a client does.
fn decoded(response: &Response) -> Vec<u8> {
    let body = &response.body[..];
    let mut reader: Box<dyn Read> = match response.header("content-encoding") {
        "" => Box::new(body),
        "gzip" => Box::new(flate2::read::GzDecoder::new(body)),
        "br" => Box::new(brotli::Decompressor::new(body, 4096)),
        "zstd" => Box::new(zstd::stream::Decoder::new(body).unwrap()),
        other => panic!("an encoding that was not asked for: {other:?}"),
    };
    let mut content = Vec::new();
    reader.read_to_end(&mut content).unwrap();
    content
}

#[tokio::test]
async fn a_page_has_the_same_content_in_every_coding() {
    let visitor = CLUSTER.borrow().visitor(0);
    let target = "/text/64/same";
    let plain = hit(&visitor, target).await;
    for coding in ["gzip", "br", "zstd"] {
        let response = encoded(&visitor, target, coding).await;
        assert_eq!(response.header("content-encoding"), coding);
        assert_eq!(decoded(&response), plain.body, "{coding}");
        assert!(response.body.len() < plain.body.len() / 4, "{coding}: {}", response.body.len());
        assert_eq!(response.header("content-length"), response.body.len().to_string());
        let tag = plain.header("etag").trim_end_matches('"');
        assert_eq!(response.header("etag"), format!("{tag}-{coding}\""));
        for header in ["vary", "content-type", "cache-control", "last-modified"] {
            assert_eq!(response.header(header), plain.header(header), "{coding}: {header}");
        }
        assert!(response.is_hit());
        let asked = [("accept-encoding", coding)];
        let head = visitor.ask("HEAD", target, &asked, "").await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        for header in ["content-length", "content-encoding", "etag"] {
            assert_eq!(head.header(header), response.header(header), "{coding}: {header}");
        }
    }
}

#[tokio::test]
async fn each_client_receives_its_preferred_coding() {
    let visitor = CLUSTER.borrow().visitor(0);
    let target = "/text/8/negotiated";
    let plain = hit(&visitor, target).await;
    let mut lengths = Vec::new();
    for coding in ["gzip", "br", "zstd"] {
        lengths.push((encoded(&visitor, target, coding).await.body.len(), coding));
    }
    let shortest = lengths.iter().min().unwrap().1;
    for (accept, expected) in [
        ("", ""),
        ("identity", ""),
        ("deflate, compress", ""),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate, br, zstd", shortest),
        ("*", shortest),
        ("gzip;q=0.9, br;q=0.8, zstd;q=0.7", "gzip"),
        ("gzip;q=0, br;q=0.001", "br"),
        ("gzip;q=0.5, identity", ""),
        ("*;q=0, zstd", "zstd"),
        ("identity;q=0, br", "br"),
        // No coding is acceptable, but an error would not help the client.
        ("identity;q=0", ""),
        ("*;q=0", ""),
        ("gzip;q=abc", ""),
        ("\u{e9},;;==,\u{ff}", ""),
    ] {
        let response = visitor.page_with(target, &[("accept-encoding", accept)]).await;
        assert_eq!(response.status, 200, "{accept}");
        assert_eq!(response.header("content-encoding"), expected, "{accept}");
        assert_eq!(decoded(&response), plain.body, "{accept}");
        assert_eq!(response.header("vary"), "accept-encoding", "{accept}");
    }
}

#[tokio::test]
async fn only_replies_that_get_shorter_and_may_be_transformed_are_encoded() {
    let visitor = CLUSTER.borrow().visitor(0);
    for (target, vary) in [
        ("/headers/no-transform", ""),
        ("/headers/encoded", ""),
        ("/headers/digest", ""),
        ("/headers/image", ""),
        ("/own/short", ""),
        ("/uncached/8/a", ""),
    ] {
        let plain = visitor.page(target).await;
        assert_eq!(plain.header("vary"), vary, "{target}");
        // A page that is later in the queue is encoded, so this one was considered.
        let marker = format!("/text/1/after{}", target.replace('/', "-"));
        encoded(&visitor, &marker, "gzip").await;
        let response = visitor.page_with(target, &[("accept-encoding", "gzip, br, zstd")]).await;
        let own = if target == "/headers/encoded" { "x-mine" } else { "" };
        assert_eq!(response.header("content-encoding"), own, "{target}");
    }
    // A cached 404 is encoded like any other reply.
    let missing = encoded(&visitor, "/headers/missing", "br").await;
    assert_eq!(missing.status, 404);
    assert!(decoded(&missing).starts_with(b"<li id=\"missing-1\">"));
}

#[tokio::test]
async fn an_invalidated_page_is_invalid_in_every_coding() {
    let visitor = CLUSTER.borrow().visitor(0);
    let target = "/text/4/wrong";
    encoded(&visitor, target, "gzip").await;
    crate::invalidate(&visitor, "group=text:wrong").await;
    let anew = visitor.page_with(target, &[("accept-encoding", "gzip")]).await;
    assert!(!anew.is_hit(), "{}", anew.cache_status());
}

#[tokio::test]
async fn the_codings_are_configured() {
    let start = async |name: &str, encodings: &str| {
        let node = site().node(Mode::SingleNodeWithCache, name).set("CACHE__ENCODINGS", encodings);
        let node = node.start().await;
        node.ready().await;
        node
    };
    let node = start("n1", "gzip").await;
    encoded(&node.visitor(), "/text/4/a", "zstd, br, gzip;q=0.1").await;
    let asked = [("accept-encoding", "zstd, br, gzip;q=0.1")];
    let response = node.visitor().page_with("/text/4/a", &asked).await;
    assert_eq!(response.header("content-encoding"), "gzip");
    let node = start("n2", "").await;
    let plain = hit(&node.visitor(), "/text/4/a").await;
    assert!(!plain.headers.contains_key("vary"), "nothing depends on it");
}
