//! Requests for some of the bytes of a page.

use super::{CLUSTER, encoded, hit};

#[tokio::test]
async fn a_range_of_the_page_is_sent() {
    let visitor = CLUSTER.borrow().visitor(0);
    let target = "/text/3/ranges";
    let page = hit(&visitor, target).await;
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=100-299", 100, 300),
        ("bytes=3000-", 3000, 3072),
        ("bytes=-5", 3067, 3072),
        ("bytes=0-99999", 0, 3072),
        ("bytes=5-9,8-20", 5, 21),
    ] {
        let response = visitor.page_with(target, &[("range", range)]).await;
        assert_eq!((response.status, &response.body[..]), (206, &page.body[from..to]), "{range}");
        let described = format!("bytes {from}-{}/3072", to - 1);
        assert_eq!(response.header("content-range"), described, "{range}");
        assert_eq!(response.header("content-length"), (to - from).to_string());
        assert_eq!(response.header("etag"), page.header("etag"));
        assert_eq!(response.header("content-type"), page.header("content-type"));
    }
    let head = visitor.ask("HEAD", target, &[("range", "bytes=0-0")], "").await;
    assert_eq!((head.status, head.header("content-length")), (200, "3072"));
}

#[tokio::test]
async fn several_ranges_are_sent_as_multipart_with_their_positions() {
    let visitor = CLUSTER.borrow().visitor(0);
    let target = "/text/3/several";
    let page = hit(&visitor, target).await;
    let response = visitor.page_with(target, &[("range", "bytes=-3, 0-1,500-509")]).await;
    assert_eq!(response.status, 206);
    let boundary = response.header("content-type").strip_prefix("multipart/byteranges; boundary=");
    let boundary = boundary.unwrap();
    let mut expected = String::new();
    for (from, to) in [(3069, 3072), (0, 2), (500, 510)] {
        let content = &page.text()[from..to];
        expected += &format!(
            "\r\n--{boundary}\r\nContent-Type: text/html; charset=utf-8\r\n\
             Content-Range: bytes {from}-{}/3072\r\n\r\n{content}",
            to - 1
        );
    }
    expected += &format!("\r\n--{boundary}--\r\n");
    assert_eq!(response.text(), expected.trim_start());
    assert_eq!(response.header("content-length"), response.body.len().to_string());
}

#[tokio::test]
async fn a_range_beyond_the_end_is_416_and_a_malformed_one_is_ignored() {
    let visitor = CLUSTER.borrow().visitor(0);
    let target = "/text/3/nonsense";
    let page = hit(&visitor, target).await;
    for range in ["bytes=3072-", "bytes=9999-99999", "bytes=-0"] {
        let response = visitor.page_with(target, &[("range", range)]).await;
        assert_eq!((response.status, response.body.len()), (416, 0), "{range}");
        assert_eq!(response.header("content-range"), "bytes */3072");
        assert_eq!(response.header("cache-control"), "no-store");
    }
    let many = format!("bytes={}", "0-1,4-5,8-9,".repeat(100));
    for range in ["bytes", "bytes=", "bytes=5-1", "lines=1-2", "bytes=x-", "bytes=1", &many] {
        let response = visitor.page_with(target, &[("range", range)]).await;
        assert_eq!((response.status, &response.body), (200, &page.body), "{range}");
    }
}

#[tokio::test]
async fn a_range_of_another_version_is_not_sent() {
    let visitor = CLUSTER.borrow().visitor(0);
    let target = "/text/3/if-range";
    let page = hit(&visitor, target).await;
    let tag = page.header("etag");
    let weak = format!("W/{tag}");
    for (condition, status) in [
        (tag, 206),
        (&weak, 200),
        ("\"x\"", 200),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 200),
        // This date may still be that of another version.
        (page.header("last-modified"), 200),
    ] {
        let asked = [("range", "bytes=0-9"), ("if-range", condition)];
        let response = visitor.page_with(target, &asked).await;
        assert_eq!(response.status, status, "{condition}");
    }
    let asked = [("range", "bytes=0-9"), ("if-none-match", tag)];
    assert_eq!(visitor.page_with(target, &asked).await.status, 304, "conditions come first");
}

#[tokio::test]
async fn ranges_apply_to_the_unencoded_page() {
    let visitor = CLUSTER.borrow().visitor(0);
    let target = "/text/3/plain-ranges";
    let page = hit(&visitor, target).await;
    let gzip = encoded(&visitor, target, "gzip").await;
    let range = ("range", "bytes=10-19");
    let ask = async |headers: &[(&str, &str)]| visitor.page_with(target, headers).await;
    let response = ask(&[range, ("accept-encoding", "gzip")]).await;
    assert_eq!((response.status, &response.body[..]), (206, &page.body[10..20]));
    assert!(!response.headers.contains_key("content-encoding"));
    assert_eq!(response.header("etag"), page.header("etag"));
    let of_gzip = [range, ("accept-encoding", "gzip"), ("if-range", gzip.header("etag"))];
    let response = ask(&of_gzip).await;
    assert_eq!((response.status, &response.body), (200, &gzip.body));
    let only = [range, ("accept-encoding", "gzip, identity;q=0")];
    let response = ask(&only).await;
    assert_eq!((response.status, &response.body), (200, &gzip.body));
}
