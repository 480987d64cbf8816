//! Files of the docroot as a browser sees them: served and hidden files, conditions, ranges, encoded siblings,
//! fingerprints, and the use of memory and threads.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use headwater_tests::Mode;
use headwater_tests::{Client, Cluster, Response, Shared, Site, raw, until};
use http::Request;
use http_body_util::{BodyExt, Empty};

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

const ROUTES: &str = r#"
[[route]]
path = "/assets/{*path}"
files = "assets"

[[route]]
path = "/kept/{*path}"
files = "assets"
browser = "max-age=60"
cdn = "max-age=3600"

[[route]]
path = "/docs"
files = "docs"

[[route]]
path = "/library/{*path}"
alias = "/assets/{path}"

[[route]]
path = "/favicon.ico"
files = "assets/favicon.ico"

[[route]]
path = "/styled"
template = "styled.html"
cache = "no_cache"

[[route]]
path = "/unstyled"
template = "unstyled.html"
cache = "no_cache"
"#;

const GIB: u64 = 1 << 30;

const CSS: &str = "body { color: #222; margin: 0 }\n";

fn site() -> Site {
    let site = Site::test_site(PROGRAM)
        .route(ROUTES)
        .template("styled.html", "{{ asset(path='site.css') }} {{ asset(path='/favicon.ico') }}")
        .template("unstyled.html", "{{ asset(path='sit.css') }}")
        .file("docroot/assets/site.css", CSS)
        .file("docroot/assets/favicon.ico", "icon")
        .file("docroot/assets/changing.css", "one")
        .file("docroot/assets/app.js", "let x = 1;\n".repeat(20))
        .file("docroot/assets/sub/index.html", "<p>sub")
        .file("docroot/assets/sub/page.html", "<p>page")
        .file("docroot/assets/.secret", "hidden")
        .file("docroot/assets/.git/config", "hidden")
        .file("docroot/assets/.well-known/security.txt", "mail us")
        .file("docroot/docs/index.html", "<p>docs")
        .file("docroot/outside.txt", "beside the folder that is served")
        .file("beside.txt", "outside of the docroot");
    for (end, content) in [("br", "brotli"), ("zst", "zstandard"), ("gz", "gzipped!!")] {
        fs::write(site.path(format!("docroot/assets/app.js.{end}")), content).unwrap();
    }
    let assets = site.path("docroot/assets");
    for (target, name) in [
        ("site.css", "link.css"),
        ("../../beside.txt", "out.txt"),
        ("../../beside.txt", "site.css.gz"),
        ("/etc", "etc"),
        ("loop", "loop"),
    ] {
        symlink(target, assets.join(name)).unwrap();
    }
    symlink(assets.join("site.css"), assets.join("absolute.css")).unwrap();
    for (name, length) in [("huge.bin", 4 * GIB), ("other.bin", 4 * GIB)] {
        File::create(assets.join(name)).unwrap().set_len(length).unwrap();
    }
    // The files are as old as after a deployment an hour ago.
    for name in ["site.css", "app.js", "app.js.br", "app.js.zst", "app.js.gz"] {
        let file = File::options().write(true).open(assets.join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    }
    site
}

static CLUSTER: LazyLock<Shared> = LazyLock::new(|| Shared::start(|| Cluster::start(site(), 1)));

fn visitor() -> Client {
    CLUSTER.borrow().visitor(0)
}

fn assert_headers(response: &Response, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(response.header(name), *value, "{name}");
    }
}

#[tokio::test]
async fn a_file_has_all_its_headers() {
    let response = visitor().page("/assets/site.css").await;
    assert_eq!((response.status, response.text()), (200, CSS));
    assert_headers(
        &response,
        &[
            ("content-type", "text/css; charset=utf-8"),
            ("content-length", &CSS.len().to_string()),
            ("x-content-type-options", "nosniff"),
            ("accept-ranges", "bytes"),
            ("cache-control", "no-cache"),
            ("cdn-cache-control", ""),
            ("vary", ""),
            ("cache-status", "headwater; fwd=bypass"),
        ],
    );
    let tag = response.header("etag");
    assert!(tag.starts_with('"') && tag.len() == 34, "{tag}");
    assert!(response.header("last-modified").ends_with(" GMT"));
    let head = visitor().ask("HEAD", "/assets/site.css", &[("range", "bytes=0-1")], "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["etag", "content-length", "content-type", "last-modified", "accept-ranges"] {
        assert_eq!(head.header(name), response.header(name), "{name}");
    }
}

#[tokio::test]
async fn hidden_and_outside_files_are_not_served_in_any_spelling() {
    let visitor = visitor();
    for target in [
        "/assets/../outside.txt",
        "/assets/%2e%2e/outside.txt",
        "/assets/%2E%2E%2Foutside.txt",
        "/assets/..%2foutside.txt",
        "/assets/sub/..%2f..%2foutside.txt",
        "/assets/sub/%2e%2e/%2e%2e/outside.txt",
        "/assets/..%5coutside.txt",
        "/assets/..;/outside.txt",
        "/assets/%252e%252e/outside.txt",
        "/assets/%c0%ae%c0%ae/outside.txt",
        "/assets//etc/passwd",
        "/assets/%2fetc%2fpasswd",
        "/assets/./site.css",
        "/assets/site.css%00",
        "/assets/site.css%00.png",
        "/assets/site.css/",
        "/assets/site.css/x",
        "/assets/.secret",
        "/assets/%2esecret",
        "/assets/.git/config",
        "/assets/%2egit/config",
        "/assets/out.txt",
        "/assets/etc/passwd",
        "/assets/loop",
        "/assets/none.css",
        "/assets/none.0123456789abcdef.css",
        "/assets/.0123456789abcdef.secret",
        "/assets/",
    ] {
        let response = visitor.page(target).await;
        assert!(matches!(response.status, 400 | 404), "{target}: {}", response.status);
        for secret in ["beside", "outside of", "hidden", "root:"] {
            assert!(!response.text().contains(secret), "{target}");
        }
    }
    for target in ["/assets/link.css", "/assets/absolute.css", "/assets/.well-known/security.txt"] {
        assert_eq!(visitor.page(target).await.status, 200, "{target}");
    }
    // The symbolic link beside it points outside the docroot, so it is not a sibling.
    let zipped = visitor.page_with("/assets/site.css", &[("accept-encoding", "gzip")]).await;
    assert_eq!((zipped.text(), zipped.header("content-encoding")), (CSS, ""));
}

#[tokio::test]
async fn a_folder_shows_its_index_at_an_address_with_a_slash() {
    let visitor = visitor();
    for (target, text) in
        [("/assets/sub/", "<p>sub"), ("/assets/sub/index.html", "<p>sub"), ("/docs", "<p>docs")]
    {
        let response = visitor.page(target).await;
        assert_eq!((response.status, response.text()), (200, text), "{target}");
        assert_eq!(response.header("content-type"), "text/html; charset=utf-8");
    }
    for (target, location) in [
        ("/assets/sub", "/assets/sub/"),
        ("/assets/sub?a=b&c", "/assets/sub/?a=b&c"),
        ("/%61ssets/sub", "/assets/sub/"),
        ("/library/sub", "/library/sub/"),
    ] {
        let response = visitor.page(target).await;
        assert_eq!((response.status, response.header("location")), (302, location), "{target}");
        assert_eq!(visitor.page(location).await.status, 200, "{location}");
    }
    assert_eq!(visitor.page("/assets/sub/page.html/").await.status, 404);
}

#[tokio::test]
async fn conditions_decide_between_the_file_304_and_412() {
    let visitor = visitor();
    let first = visitor.page("/assets/site.css").await;
    let (tag, date) = (first.header("etag"), first.header("last-modified"));
    let (weak, several) = (format!("W/{tag}"), format!("\"a\", W/\"b\" , {tag}"));
    let long = format!("{}{tag}", "\"x\", ".repeat(2000));
    const OLD: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (headers, status) in [
        (&[("if-none-match", tag)][..], 304),
        (&[("if-none-match", &weak)], 304),
        (&[("if-none-match", &several)], 304),
        (&[("if-none-match", &long)], 304),
        (&[("if-none-match", "*")], 304),
        (&[("if-none-match", "\"other\"")], 200),
        (&[("if-none-match", "\"")], 200),
        (&[("if-modified-since", date)], 304),
        (&[("if-modified-since", OLD)], 200),
        (&[("if-modified-since", "soon")], 200),
        (&[("if-none-match", "\"other\""), ("if-modified-since", date)], 200),
        (&[("if-match", tag)], 200),
        (&[("if-match", &several)], 200),
        (&[("if-match", "*")], 200),
        (&[("if-match", &weak)], 412),
        (&[("if-match", "\"other\"")], 412),
        (&[("if-unmodified-since", date)], 200),
        (&[("if-unmodified-since", OLD)], 412),
        (&[("if-match", tag), ("if-unmodified-since", OLD)], 200),
        (&[("if-match", "\"other\""), ("if-none-match", tag)], 412),
        (&[("if-match", tag), ("if-none-match", tag)], 304),
    ] {
        for method in ["GET", "HEAD"] {
            let response = visitor.ask(method, "/assets/site.css", headers, "").await;
            assert_eq!(response.status, status, "{method} {headers:?}");
            match status {
                304 => {
                    assert_headers(&response, &[("etag", tag), ("cache-control", "no-cache")]);
                    assert!(response.body.is_empty());
                }
                412 => assert!(response.body.is_empty() && response.header("etag").is_empty()),
                _ => assert_eq!(response.header("etag"), tag),
            }
        }
    }
}

#[tokio::test]
async fn a_range_near_the_end_of_four_gibibytes_is_sent() {
    let site = site();
    use std::os::unix::fs::FileExt;
    let name = "docroot/assets/huge.bin";
    let file = File::options().write(true).open(site.path(name)).unwrap();
    file.write_all_at(b"the end", 4 * GIB - 7).unwrap();
    file.write_all_at(b"the middle", 2 * GIB).unwrap();
    let node = site.node(Mode::SingleNode, "n1").start().await;
    let visitor = node.visitor();
    let length = 4 * GIB;
    for (range, start, text) in [
        ("bytes=-7".to_owned(), length - 7, "the end"),
        (format!("bytes={}-", length - 3), length - 3, "end"),
        (format!("bytes={}-{}", length - 7, length - 5), length - 7, "the"),
        (format!("bytes={}-{}", length - 3, u64::MAX), length - 3, "end"),
        (format!("bytes={}-{}", 2 * GIB, 2 * GIB + 9), 2 * GIB, "the middle"),
    ] {
        let response = visitor.page_with("/assets/huge.bin", &[("range", &range)]).await;
        assert_eq!((response.status, response.text()), (206, text), "{range}");
        let end = start + text.len() as u64 - 1;
        assert_headers(
            &response,
            &[
                ("content-range", &format!("bytes {start}-{end}/{length}")),
                ("content-length", &text.len().to_string()),
                ("content-type", "application/octet-stream"),
            ],
        );
    }
    let range = format!("bytes={}-{},-3,0-0", 2 * GIB, 2 * GIB + 2);
    let response = visitor.page_with("/assets/huge.bin", &[("range", &range)]).await;
    assert_eq!(response.status, 206);
    let (media_type, boundary) = response.header("content-type").split_once("; boundary=").unwrap();
    assert_eq!(media_type, "multipart/byteranges");
    let part = |start: u64, end: u64, text: &str| {
        format!(
            "--{boundary}\r\nContent-Type: application/octet-stream\r\n\
             Content-Range: bytes {start}-{end}/{length}\r\n\r\n{text}\r\n"
        )
    };
    let expected = part(2 * GIB, 2 * GIB + 2, "the")
        + &part(length - 3, length - 1, "end")
        + &part(0, 0, "\0")
        + &format!("--{boundary}--\r\n");
    assert_eq!(response.text(), expected);
    assert_eq!(response.header("content-length"), expected.len().to_string());

    let head = visitor.ask("HEAD", "/assets/huge.bin", &[], "").await;
    assert_eq!((head.status, head.header("content-length")), (200, &*length.to_string()));
    // The file has a tag once it has been unchanged for some seconds, and downloads can be resumed with it.
    let tag = until("the file has a tag", async || {
        let head = visitor.ask("HEAD", "/assets/huge.bin", &[], "").await;
        Some(head.header("etag").to_owned()).filter(|tag| !tag.is_empty())
    })
    .await;
    let resume = [("range", "bytes=-7"), ("if-range", &tag)];
    assert_eq!(visitor.page_with("/assets/huge.bin", &resume).await.status, 206);
    let known = [("if-none-match", &*tag)];
    assert_eq!(visitor.page_with("/assets/huge.bin", &known).await.status, 304);
}

#[tokio::test]
async fn unsatisfiable_and_malformed_ranges_are_416_or_the_whole_file() {
    let visitor = visitor();
    let many = |range: fn(usize) -> String| {
        let ranges: Vec<String> = (0..10_000).map(range).collect();
        format!("bytes={}", ranges.join(","))
    };
    let thousand = format!("bytes={}", vec!["0-0"; 1000].join(","));
    for (range, status) in [
        ("bytes=5-2", 200),
        ("bytes=-", 200),
        ("bytes=", 200),
        ("bytes=0-0,5-2", 200),
        ("bytes=--1", 200),
        ("bytes=-1-2", 200),
        ("bytes=+1-2", 200),
        ("bytes= 0 - 1", 200),
        ("bytes=1 2", 200),
        ("bytes=0x1-2", 200),
        ("bytes=a-b", 200),
        ("bytes 0-1", 200),
        ("lines=0-1", 200),
        ("bytes=0-,0-", 200),
        ("bytes=0-0,0-,1-", 200),
        (&thousand, 200),
        ("bytes=99999999999999999999-", 416),
        ("bytes=99999999999999999999-999999999999999999999", 416),
        ("bytes=-0", 416),
        ("bytes=1000-2000,3000-", 416),
        (" bytes=0-0 ,\t2-2 ", 206),
        ("bytes=0-0,99999999999999999999-", 206),
        ("bytes=0-99999999999999999999", 206),
        ("bytes=-99999999999999999999", 206),
        ("BYTES=0-0", 206),
    ] {
        let response = visitor.page_with("/assets/site.css", &[("range", range)]).await;
        assert_eq!(response.status, status, "{range}");
        match status {
            200 => assert_eq!(response.text(), CSS, "{range}"),
            416 => {
                let expected = format!("bytes */{}", CSS.len());
                assert_headers(
                    &response,
                    &[("content-range", &expected), ("cache-control", "no-store")],
                );
            }
            _ => {}
        }
        assert!(response.body.len() < 2 * CSS.len() + 400, "{range}");
    }
    for hostile in [many(|i| format!("{}-{}", 2 * i, 2 * i)), many(|_| "0-".to_owned())] {
        let request = format!(
            "GET /assets/site.css HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             range: {hostile}\r\n\r\n"
        );
        let address = visitor.address();
        let answer = raw::exchange(address, request.as_bytes(), Duration::from_secs(20)).await;
        // The header may also be too long.
        let refused = answer.starts_with("HTTP/1.1 431 ");
        let whole = answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(CSS);
        assert!(refused || whole, "{}", &answer[..answer.len().min(100)]);
    }
    let twice =
        b"GET /assets/site.css HTTP/1.1\r\nhost: x\r\nrange: bytes=0-0\r\nrange: bytes=1-1\r\n\
                  connection: close\r\n\r\n";
    let answer = raw::exchange(visitor.address(), twice, Duration::from_secs(5)).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(CSS), "{answer}");
}

#[tokio::test]
async fn if_range_with_another_version_sends_the_whole_file() {
    let visitor = visitor();
    let first = visitor.page("/assets/site.css").await;
    let tag = first.header("etag");
    for (value, status) in [
        (tag, 206),
        (first.header("last-modified"), 206),
        (&format!("W/{tag}"), 200),
        ("\"other\"", 200),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 200),
        ("*", 200),
        ("", 200),
    ] {
        let headers = [("range", "bytes=0-3"), ("if-range", value)];
        let response = visitor.page_with("/assets/site.css", &headers).await;
        assert_eq!(response.status, status, "{value}");
        assert_eq!(response.text(), if status == 206 { "body" } else { CSS });
    }
    // A failed precondition is evaluated first.
    let headers = [("range", "bytes=0-3"), ("if-none-match", tag)];
    assert_eq!(visitor.page_with("/assets/site.css", &headers).await.status, 304);
}

#[tokio::test]
async fn an_encoded_sibling_is_sent_to_clients_that_prefer_it() {
    let visitor = visitor();
    let plain = visitor.page("/assets/app.js").await;
    assert_headers(&plain, &[("vary", "Accept-Encoding"), ("content-encoding", "")]);
    let mut tags = vec![plain.header("etag").to_owned()];
    for (accepted, coding) in [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0.9", "gzip"),
        ("br;q=0, zstd;q=0, *", "gzip"),
        ("*;q=0.1, br;q=0.05", "zstd"),
        ("GZIP", "gzip"),
        ("identity;q=0.2, gzip;q=0.3", "gzip"),
        ("identity, gzip;q=0.9", ""),
        ("gzip;q=0", ""),
        ("deflate", ""),
        ("", ""),
        ("gzip;q=nonsense", ""),
        // No coding is acceptable, and the unencoded file is better than an error.
        ("identity;q=0", ""),
        ("*;q=0", ""),
    ] {
        let accept = ("accept-encoding", accepted);
        let response = visitor.page_with("/assets/app.js", &[accept]).await;
        assert_eq!(response.status, 200);
        assert_headers(
            &response,
            &[
                ("content-encoding", coding),
                ("content-type", "text/javascript; charset=utf-8"),
                ("vary", "Accept-Encoding"),
            ],
        );
        let expected = match coding {
            "br" => "brotli",
            "zstd" => "zstandard",
            "gzip" => "gzipped!!",
            _ => plain.text(),
        };
        assert_eq!(response.text(), expected, "{accepted}");
        let tag = response.header("etag").to_owned();
        let known = visitor.page_with("/assets/app.js", &[accept, ("if-none-match", &tag)]).await;
        assert_eq!((known.status, known.header("vary")), (304, "Accept-Encoding"));
        let resume = [accept, ("range", "bytes=1-2"), ("if-range", &tag)];
        let part = visitor.page_with("/assets/app.js", &resume).await;
        assert_eq!((part.status, part.text()), (206, &expected[1..3]));
        assert_eq!(part.header("content-encoding"), coding);
        tags.push(tag);
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4, "each coding has a tag of its own");
    for (end, media_type) in
        [("br", "application/x-brotli"), ("zst", "application/zstd"), ("gz", "application/gzip")]
    {
        let response = visitor.page(&format!("/assets/app.js.{end}")).await;
        assert_headers(&response, &[("content-type", media_type), ("content-encoding", "")]);
    }
}

#[tokio::test]
async fn an_address_with_a_fingerprint_is_immutable_until_the_file_changes() {
    let site = site();
    let node = site.node(Mode::SingleNode, "n1").start().await;
    let visitor = node.visitor();
    let page = visitor.page("/styled").await;
    let (style, icon) = page.text().split_once(' ').expect("two addresses");
    assert_eq!(icon, "/favicon.ico", "its route is for this name only");
    let digits = style.strip_prefix("/assets/site.").and_then(|rest| rest.strip_suffix(".css"));
    let is_fingerprint =
        |digits: &str| digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(digits.is_some_and(is_fingerprint), "{style}");

    const FOR_EVER: &str = "public, max-age=31536000, immutable";
    let response = visitor.page(style).await;
    assert_eq!((response.status, response.text()), (200, CSS));
    assert_headers(
        &response,
        &[("cache-control", FOR_EVER), ("content-type", "text/css; charset=utf-8")],
    );
    let tag = response.header("etag");
    let known = visitor.page_with(style, &[("if-none-match", tag)]).await;
    assert_eq!((known.status, known.header("cache-control")), (304, FOR_EVER));

    fs::write(site.path("docroot/assets/site.css"), "main {}").unwrap();
    let old = visitor.page(style).await;
    assert_eq!((old.status, old.text()), (200, "main {}"));
    assert_eq!(old.header("cache-control"), "no-cache");
    let new = visitor.page("/styled").await;
    let (new, _) = new.text().split_once(' ').unwrap();
    assert_ne!(new, style);
    let response = visitor.page(new).await;
    assert_eq!((response.text(), response.header("cache-control")), ("main {}", FOR_EVER));

    let missing = visitor.page("/unstyled").await;
    assert_eq!(missing.status, 500);
    let said = "did you mean `site.css`?";
    until("the log says what is missing", async || node.messages().contain(said).then_some(()))
        .await;
}

#[tokio::test]
async fn a_route_declares_the_caching_of_its_files() {
    let visitor = visitor();
    let kept = visitor.page("/kept/site.css").await;
    let headers = [("cache-control", "max-age=60"), ("cdn-cache-control", "max-age=3600")];
    assert_headers(&kept, &headers);
    let known =
        visitor.page_with("/kept/site.css", &[("if-none-match", kept.header("etag"))]).await;
    assert_eq!(known.status, 304);
    assert_headers(&known, &headers);
    // A response for the fingerprint of another version must not be stored.
    let other = visitor.page("/kept/site.0123456789abcdef.css").await;
    assert_headers(&other, &[("cache-control", "no-cache"), ("cdn-cache-control", "")]);
    let missing = visitor.page("/kept/none.css").await;
    assert_headers(&missing, &[("cache-control", "no-store"), ("cdn-cache-control", "")]);
}

#[tokio::test]
async fn two_versions_within_one_second_are_never_confused() {
    let visitor = visitor();
    let borrowed = CLUSTER.borrow();
    let path = borrowed.site.path("docroot/assets/changing.css");
    let mut known: Vec<Response> = Vec::new();
    // Versions of the same length within a few ticks of the clock.
    for number in 0..30 {
        let content = format!("{number:03}");
        fs::write(&path, &content).unwrap();
        for former in &known {
            for (condition, validator) in
                [("if-none-match", "etag"), ("if-modified-since", "last-modified")]
            {
                let condition = [(condition, former.header(validator))];
                let response = visitor.page_with("/assets/changing.css", &condition).await;
                assert_eq!((response.status, response.text()), (200, &*content), "{condition:?}");
            }
            let range = [("range", "bytes=0-0"), ("if-range", former.header("last-modified"))];
            assert_eq!(visitor.page_with("/assets/changing.css", &range).await.status, 200);
        }
        known.push(visitor.page("/assets/changing.css").await);
        known.drain(..known.len().saturating_sub(3));
    }
}

fn huge(target: &str) -> Request<Empty<Bytes>> {
    Request::get(target).body(Empty::new()).unwrap()
}

/// Returns the number of the process's threads.
fn threads(pid: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Threads:")).unwrap();
    line.trim().parse().unwrap()
}

#[tokio::test]
async fn slow_clients_of_a_huge_file_use_neither_memory_nor_threads() {
    const CLIENTS: usize = 50;
    let node = site().node(Mode::SingleNode, "n1").start().await;
    let visitor = node.visitor();
    // The first requests allocate memory that is then reused.
    for target in ["/assets/site.css", "/assets/other.bin"] {
        let mut response = visitor.open(huge(target)).await.unwrap();
        response.frame().await.unwrap().unwrap();
    }
    node.forget_peak_memory();
    let (memory, threads_before) = (node.peak_memory(), threads(node.pid()));
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut response = visitor.open(huge("/assets/huge.bin")).await.unwrap();
        let mut read = 0;
        while read < 8 << 20 {
            let frame = response.frame().await.unwrap().unwrap();
            read += frame.into_data().unwrap().len();
        }
        clients.push(response);
    }
    let grown = node.peak_memory().saturating_sub(memory) >> 20;
    let started = threads(node.pid()).saturating_sub(threads_before);
    println!("{CLIENTS} clients: {grown} MiB, {started} threads");
    assert!(grown < 50, "{grown} MiB for {CLIENTS} clients");
    assert!(started < 20, "{started} threads for {CLIENTS} clients");
    // Other clients are served meanwhile.
    assert_eq!(visitor.page("/assets/site.css").await.text(), CSS);
}
