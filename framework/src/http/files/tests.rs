use std::fs;
use std::time::{Duration, SystemTime};

use http::{HeaderName, HeaderValue, StatusCode, header};
use tempfile::TempDir;

use super::*;

fn docroot() -> (TempDir, Files) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    for name in ["css/.git", ".well-known", "empty"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    fs::write(folder.path().join("secret.txt"), "secret").unwrap();
    for (name, content) in [
        ("css/site.css", "body {}"),
        ("css/.git/config", "secret"),
        (".env", "secret"),
        (".well-known/security.txt", "mail"),
        ("index.html", "<p>home"),
        ("css/index.html", "<p>css"),
    ] {
        fs::write(root.join(name), content).unwrap();
    }
    fs::write(root.join("long.bin"), vec![7; 300_000]).unwrap();
    let files = Files::below(&root);
    (folder, files)
}

/// Makes the file look as if it had been made so many seconds ago.
fn age(folder: &TempDir, name: &str, seconds: u64) {
    let file = fs::File::options().write(true).open(folder.path().join("root").join(name)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
}

async fn ask(
    files: &Files,
    method: Method,
    path: &str,
    headers: &[(HeaderName, &str)],
) -> Option<Response<Body>> {
    let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
    let caching = Caching::CONFIRM;
    match files.get(&method, &headers.collect(), path, &caching).await.unwrap() {
        Answer::Response(response) => Some(response),
        Answer::Folder | Answer::Nothing => None,
    }
}

async fn get_with(
    files: &Files,
    path: &str,
    headers: &[(HeaderName, &str)],
) -> (StatusCode, HeaderMap, String) {
    let response = ask(files, Method::GET, path, headers).await.expect("there is a file");
    let (parts, body) = response.into_parts();
    let body = body.collect(10_000_000).await.unwrap();
    if let Some(length) = parts.headers.get(header::CONTENT_LENGTH) {
        assert_eq!(length, body.len().to_string().as_str());
    }
    (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
}

async fn get(files: &Files, path: &str) -> Option<String> {
    let response = ask(files, Method::GET, path, &[]).await?;
    let body = response.into_body().collect(10_000_000).await.unwrap();
    Some(String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn a_file_is_served_with_all_that_headers_say() {
    let (folder, files) = docroot();
    age(&folder, "css/site.css", 100);
    let (status, headers, body) = get_with(&files, "css/site.css", &[]).await;
    assert_eq!((status, &*body), (StatusCode::OK, "body {}"));
    let hash = format!("{:032x}", xxhash_rust::xxh3::xxh3_128(b"body {}"));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::ACCEPT_RANGES, "bytes"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::ETAG, &format!("\"{hash}\"")),
    ] {
        assert_eq!(headers[&name], value, "{name}");
    }
    let modified = httpdate::parse_http_date(headers[header::LAST_MODIFIED].to_str().unwrap());
    let age = SystemTime::now().duration_since(modified.unwrap()).unwrap();
    assert!((100..103).contains(&age.as_secs()), "{age:?}");
    assert!(!headers.contains_key(header::VARY));
}

#[tokio::test]
async fn a_long_file_is_streamed_whole() {
    let (_folder, files) = docroot();
    let response = ask(&files, Method::GET, "long.bin", &[]).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/octet-stream");
    assert_eq!(response.headers()[header::CONTENT_LENGTH], "300000");
    assert!(response.body().as_bytes().is_none());
    let bytes = response.into_body().collect(1_000_000).await.unwrap();
    assert_eq!(bytes, vec![7; 300_000]);
}

#[tokio::test]
async fn a_folder_is_its_index_and_its_address_ends_with_a_slash() {
    let (_folder, files) = docroot();
    for (path, page) in [
        ("", "<p>home"),
        ("/", "<p>home"),
        ("index.html", "<p>home"),
        ("css/", "<p>css"),
        ("css/index.html", "<p>css"),
    ] {
        assert_eq!(get(&files, path).await.as_deref(), Some(page), "{path}");
    }
    let (method, headers, caching) = (Method::GET, HeaderMap::new(), Caching::CONFIRM);
    let css = files.get(&method, &headers, "css", &caching).await.unwrap();
    assert!(matches!(css, Answer::Folder));
    for path in ["empty", "empty/", "css/site.css/", "index.html/"] {
        assert_eq!(get(&files, path).await, None, "{path}");
    }
}

#[tokio::test]
async fn head_has_the_headers_and_no_body() {
    let (_folder, files) = docroot();
    for path in ["long.bin", "css/site.css"] {
        let get = ask(&files, Method::GET, path, &[]).await.unwrap();
        let range = [(header::RANGE, "bytes=0-0")];
        let head = ask(&files, Method::HEAD, path, &range).await.unwrap();
        assert_eq!((head.status(), head.headers()), (StatusCode::OK, get.headers()), "{path}");
        assert!(head.into_body().collect(0).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn who_has_the_file_gets_304_until_it_changes() {
    let (folder, files) = docroot();
    for (validator, condition) in
        [(header::ETAG, header::IF_NONE_MATCH), (header::LAST_MODIFIED, header::IF_MODIFIED_SINCE)]
    {
        fs::write(folder.path().join("root/css/site.css"), "body {}").unwrap();
        age(&folder, "css/site.css", 60);
        let (_, first, _) = get_with(&files, "css/site.css", &[]).await;
        let known = [(condition, first[validator].to_str().unwrap())];
        let (status, headers, body) = get_with(&files, "css/site.css", &known).await;
        assert_eq!((status, &*body), (StatusCode::NOT_MODIFIED, ""));
        for name in [header::ETAG, header::LAST_MODIFIED, header::CACHE_CONTROL] {
            assert_eq!(headers[&name], first[&name], "{name}");
        }
        // Of the same length, and within the same second.
        fs::write(folder.path().join("root/css/site.css"), "body[]!").unwrap();
        let (status, _, body) = get_with(&files, "css/site.css", &known).await;
        assert_eq!((status, &*body), (StatusCode::OK, "body[]!"));
    }
}

#[tokio::test]
async fn a_tag_is_that_of_the_content_whatever_the_file_system_says() {
    let (folder, files) = docroot();
    let tag = async |path| get_with(&files, path, &[]).await.1[header::ETAG].clone();
    let first = tag("css/site.css").await;
    fs::write(folder.path().join("root/copy.css"), "body {}").unwrap();
    age(&folder, "copy.css", 1000);
    assert_eq!(tag("copy.css").await, first);
    // The same date and length, and other content.
    let date = fs::metadata(folder.path().join("root/copy.css")).unwrap().modified().unwrap();
    fs::write(folder.path().join("root/copy.css"), "body[]!").unwrap();
    let file = fs::File::options().write(true).open(folder.path().join("root/copy.css"));
    file.unwrap().set_modified(date).unwrap();
    assert_ne!(tag("copy.css").await, first);
}

#[tokio::test]
async fn conditions_that_fail_are_412() {
    let (folder, files) = docroot();
    age(&folder, "css/site.css", 60);
    let (_, first, _) = get_with(&files, "css/site.css", &[]).await;
    let tag = first[header::ETAG].to_str().unwrap();
    for (name, value, expected) in [
        (header::IF_MATCH, tag, StatusCode::OK),
        (header::IF_MATCH, "*", StatusCode::OK),
        (header::IF_MATCH, "\"other\"", StatusCode::PRECONDITION_FAILED),
        (
            header::IF_UNMODIFIED_SINCE,
            "Sun, 06 Nov 1994 08:49:37 GMT",
            StatusCode::PRECONDITION_FAILED,
        ),
    ] {
        let (status, headers, body) =
            get_with(&files, "css/site.css", &[(name.clone(), value)]).await;
        assert_eq!(status, expected, "{name}: {value}");
        let failed = status == StatusCode::PRECONDITION_FAILED;
        assert_eq!(body.is_empty(), failed);
        assert_eq!(headers[header::CACHE_CONTROL], if failed { "no-store" } else { "no-cache" });
    }
}

#[tokio::test]
async fn ranges_are_cut_out_of_short_and_long_files() {
    let (folder, files) = docroot();
    let long: Vec<u8> = (0..300_000).map(|i| b'a' + (i % 23) as u8).collect();
    fs::write(folder.path().join("root/long.bin"), &long).unwrap();
    let short = b"body {}".to_vec();
    for (path, content) in [("css/site.css", short), ("long.bin", long)] {
        let length = content.len();
        let last = format!("bytes={}-", length - 1);
        for (range, cut) in
            [("bytes=2-3", 2..4), ("bytes=-2", length - 2..length), (&*last, length - 1..length)]
        {
            let (status, headers, body) = get_with(&files, path, &[(header::RANGE, range)]).await;
            assert_eq!(status, StatusCode::PARTIAL_CONTENT);
            assert_eq!(body.as_bytes(), &content[cut.clone()]);
            let expected = format!("bytes {}-{}/{length}", cut.start, cut.end - 1);
            assert_eq!(headers[header::CONTENT_RANGE], expected.as_str());
            assert!(headers.contains_key(header::ETAG));
        }
        let several = [(header::RANGE, "bytes=0-0,2-3, -1")];
        let (status, headers, body) = get_with(&files, path, &several).await;
        assert_eq!(status, StatusCode::PARTIAL_CONTENT);
        let media_type = headers[header::CONTENT_TYPE].to_str().unwrap();
        let boundary = media_type.strip_prefix("multipart/byteranges; boundary=").unwrap();
        assert_eq!(body.matches(boundary).count(), 4);
        assert!(body.contains(&format!("Content-Range: bytes 2-3/{length}\r\n\r\n")));
        let none = [(header::RANGE, "bytes=9000000-")];
        let (status, headers, body) = get_with(&files, path, &none).await;
        assert_eq!((status, &*body), (StatusCode::RANGE_NOT_SATISFIABLE, ""));
        assert_eq!(headers[header::CONTENT_RANGE], format!("bytes */{length}").as_str());
    }
}

#[tokio::test]
async fn if_range_sends_the_whole_of_another_version() {
    let (folder, files) = docroot();
    age(&folder, "css/site.css", 60);
    let (_, first, _) = get_with(&files, "css/site.css", &[]).await;
    for (value, expected) in [
        (first[header::ETAG].to_str().unwrap(), StatusCode::PARTIAL_CONTENT),
        (first[header::LAST_MODIFIED].to_str().unwrap(), StatusCode::PARTIAL_CONTENT),
        ("\"other\"", StatusCode::OK),
        ("Sun, 06 Nov 1994 08:49:37 GMT", StatusCode::OK),
    ] {
        let headers = [(header::RANGE, "bytes=0-1"), (header::IF_RANGE, value)];
        assert_eq!(get_with(&files, "css/site.css", &headers).await.0, expected, "{value}");
    }
}

#[tokio::test]
async fn a_file_that_has_just_changed_is_dated_back() {
    let (_folder, files) = docroot();
    let (_, headers, _) = get_with(&files, "css/site.css", &[]).await;
    let date = headers[header::LAST_MODIFIED].to_str().unwrap();
    let since = [(header::IF_MODIFIED_SINCE, date)];
    assert_eq!(get_with(&files, "css/site.css", &since).await.0, StatusCode::OK);
    let range = [(header::RANGE, "bytes=0-0"), (header::IF_RANGE, date)];
    assert_eq!(get_with(&files, "css/site.css", &range).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_very_long_file_has_a_tag_only_when_it_is_settled() {
    let (folder, files) = docroot();
    let path = folder.path().join("root/huge.bin");
    fs::File::create(&path).unwrap().set_len(5 << 30).unwrap();
    let last = [(header::RANGE, "bytes=-3")];
    let (status, headers, body) = get_with(&files, "huge.bin", &last).await;
    assert_eq!((status, &*body), (StatusCode::PARTIAL_CONTENT, "\0\0\0"));
    assert_eq!(headers[header::CONTENT_RANGE], "bytes 5368709117-5368709119/5368709120");
    assert!(!headers.contains_key(header::ETAG));
}

#[tokio::test]
async fn siblings_are_chosen_by_quality_and_have_their_own_tags() {
    let (folder, files) = docroot();
    let root = folder.path().join("root/css");
    let originals = "body {}".repeat(100);
    fs::write(root.join("site.css"), &originals).unwrap();
    for (end, content) in [("br", "br!"), ("zst", "zstd!"), ("gz", "gzip!!")] {
        fs::write(root.join(format!("site.css.{end}")), content).unwrap();
    }
    let plain = get_with(&files, "css/site.css", &[]).await;
    assert_eq!(plain.1[header::VARY], "Accept-Encoding");
    assert_eq!(plain.2, originals);
    let mut tags = vec![plain.1[header::ETAG].clone()];
    for (accepted, coding, body) in [
        ("gzip", "gzip", "gzip!!"),
        ("gzip, br, zstd", "br", "br!"),
        ("gzip;q=1, zstd;q=0.9, br;q=0.8", "gzip", "gzip!!"),
        ("br;q=0, *", "zstd", "zstd!"),
        ("identity;q=0.5, br;q=0.6", "br", "br!"),
    ] {
        let accept = [(header::ACCEPT_ENCODING, accepted)];
        let (status, headers, sent) = get_with(&files, "css/site.css", &accept).await;
        assert_eq!((status, &*sent), (StatusCode::OK, body), "{accepted}");
        assert_eq!(headers[header::CONTENT_ENCODING], coding);
        assert_eq!(headers[header::CONTENT_TYPE], "text/css; charset=utf-8");
        assert_eq!(headers[header::VARY], "Accept-Encoding");
        let tag = headers[header::ETAG].clone();
        let known = [accept[0].clone(), (header::IF_NONE_MATCH, tag.to_str().unwrap())];
        let (status, headers, _) = get_with(&files, "css/site.css", &known).await;
        assert_eq!(status, StatusCode::NOT_MODIFIED);
        assert_eq!(headers[header::VARY], "Accept-Encoding");
        // Ranges are those of the encoded bytes.
        let range = [accept[0].clone(), (header::RANGE, "bytes=0-1")];
        let (status, headers, sent) = get_with(&files, "css/site.css", &range).await;
        assert_eq!((status, &*sent), (StatusCode::PARTIAL_CONTENT, &body[..2]));
        assert_eq!(headers[header::CONTENT_ENCODING], coding);
        tags.push(tag);
    }
    tags.sort_by_key(|tag| tag.as_bytes().to_vec());
    tags.dedup();
    assert_eq!(tags.len(), 4);
    // Who takes nothing that is here gets the file as it is.
    for accepted in ["identity;q=1, *;q=0", "identity;q=0", "*;q=0", "deflate", ""] {
        let accept = [(header::ACCEPT_ENCODING, accepted)];
        let (status, headers, sent) = get_with(&files, "css/site.css", &accept).await;
        assert_eq!((status, sent), (StatusCode::OK, originals.clone()), "{accepted}");
        assert!(!headers.contains_key(header::CONTENT_ENCODING));
    }
}

#[tokio::test]
async fn siblings_are_files_of_their_own_too() {
    let (folder, files) = docroot();
    for (end, media_type) in
        [("gz", "application/gzip"), ("zst", "application/zstd"), ("br", "application/x-brotli")]
    {
        let name = format!("css/site.css.{end}");
        fs::write(folder.path().join("root").join(&name), "x").unwrap();
        fs::write(folder.path().join("root").join(format!("{name}.gz")), "y").unwrap();
        let accept = [(header::ACCEPT_ENCODING, "gzip, br, zstd")];
        let (_, headers, body) = get_with(&files, &name, &accept).await;
        assert_eq!(
            (&headers[header::CONTENT_TYPE], &*body),
            (&HeaderValue::from_static(media_type), "x")
        );
        assert!(!headers.contains_key(header::CONTENT_ENCODING));
        assert!(!headers.contains_key(header::VARY));
    }
}

#[tokio::test]
async fn a_sibling_that_is_older_than_its_original_is_not_used() {
    let (folder, files) = docroot();
    fs::write(folder.path().join("root/css/site.css.gz"), "gz").unwrap();
    let coding = async || {
        let accept = [(header::ACCEPT_ENCODING, "gzip")];
        let (_, headers, _) = get_with(&files, "css/site.css", &accept).await;
        headers.get(header::CONTENT_ENCODING).cloned()
    };
    age(&folder, "css/site.css", 100);
    age(&folder, "css/site.css.gz", 200);
    assert_eq!(coding().await, None);
    age(&folder, "css/site.css.gz", 50);
    assert_eq!(coding().await.unwrap(), "gzip");
    // A date without fractions of a second, from the same second.
    let set = |name: &str, time| {
        let path = folder.path().join("root/css").join(name);
        fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    };
    let second = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    set("site.css", second + Duration::from_millis(700));
    set("site.css.gz", second);
    assert_eq!(coding().await.unwrap(), "gzip");
    set("site.css.gz", second + Duration::from_millis(100));
    assert_eq!(coding().await, None);
    // One that could not be written is none.
    fs::write(folder.path().join("root/css/site.css.gz"), "").unwrap();
    assert_eq!(coding().await, None);
}

#[tokio::test]
async fn a_name_with_the_fingerprint_of_the_content_is_kept_for_ever() {
    let (folder, files) = docroot();
    let fingerprint = files.fingerprint("css/site.css").unwrap();
    let name = fingerprint.insert_into("css/site.css");
    let (_, headers, body) = get_with(&files, &name, &[]).await;
    assert_eq!(body, "body {}");
    assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    assert_eq!(headers[header::CONTENT_TYPE], "text/css; charset=utf-8");
    // With the encodings of the file.
    fs::write(folder.path().join("root/css/site.css.gz"), "gz").unwrap();
    let accept = [(header::ACCEPT_ENCODING, "gzip")];
    let (_, headers, body) = get_with(&files, &name, &accept).await;
    assert_eq!(
        (&headers[header::CONTENT_ENCODING], &*body),
        (&HeaderValue::from_static("gzip"), "gz")
    );
    assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");

    fs::write(folder.path().join("root/css/site.css"), "main {}").unwrap();
    let (_, headers, body) = get_with(&files, &name, &[]).await;
    assert_eq!(
        (&headers[header::CACHE_CONTROL], &*body),
        (&HeaderValue::from_static("no-cache"), "main {}")
    );
    assert_ne!(files.fingerprint("css/site.css").unwrap(), fingerprint);
    // A file that is really called so is itself.
    fs::write(folder.path().join("root").join(&name), "real").unwrap();
    let (_, headers, body) = get_with(&files, &name, &[]).await;
    assert_eq!(
        (&headers[header::CACHE_CONTROL], &*body),
        (&HeaderValue::from_static("no-cache"), "real")
    );
    assert_eq!(get(&files, "css/none.0123456789abcdef.css").await, None);
    assert_eq!(get(&files, ".0123456789abcdef.env").await, None);
}

#[tokio::test]
async fn what_a_route_tells_caches_is_left_out_where_the_content_is_another() {
    let (_folder, files) = docroot();
    let caching = Caching {
        browser: HeaderValue::from_static("max-age=60"),
        cdn: Some(HeaderValue::from_static("max-age=3600")),
    };
    let current = files.fingerprint("css/site.css").unwrap().insert_into("css/site.css");
    for (path, browser, cdn) in [
        ("css/site.css", "max-age=60", Some("max-age=3600")),
        (&current, "public, max-age=31536000, immutable", None),
        ("css/site.0123456789abcdef.css", "no-cache", None),
    ] {
        let (method, headers) = (Method::GET, HeaderMap::new());
        let served = files.get(&method, &headers, path, &caching).await.unwrap();
        let Answer::Response(response) = served else { panic!("{path}") };
        let value = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(value("cache-control"), Some(browser), "{path}");
        assert_eq!(value("cdn-cache-control"), cdn, "{path}");
    }
}

#[test]
fn a_file_that_is_not_there_has_no_fingerprint_and_the_nearest_is_named() {
    let (folder, files) = docroot();
    let error = files.fingerprint("css/sit.css").unwrap_err().to_string();
    let css = folder.path().join("root/css");
    let expected =
        format!("there is no file `css/sit.css` in {}; did you mean `site.css`?", css.display());
    assert_eq!(error, expected);
    for path in ["../secret.txt", "css", "", "css/.git/config", "/etc/passwd", "../secret.tx"] {
        let error = files.fingerprint(path).unwrap_err().to_string();
        assert!(error.starts_with("there is no file") && !error.contains("`secret"), "{error}");
    }
}

#[tokio::test]
async fn what_is_hidden_or_outside_is_not_there() {
    let (folder, files) = docroot();
    let long = "x".repeat(5000);
    let absolute = folder.path().join("secret.txt");
    for path in [
        "../secret.txt",
        "css/../../secret.txt",
        "css/../index.html",
        "/etc/passwd",
        absolute.to_str().unwrap(),
        ".env",
        "css/.git/config",
        "css//site.css",
        "css\\site.css",
        "index.html/x",
        "index.html\0",
        "nothing",
        "..",
        ".",
        &long,
    ] {
        assert_eq!(get(&files, path).await, None, "{path}");
    }
    assert!(get(&files, ".well-known/security.txt").await.is_some());
}

#[tokio::test]
async fn links_and_pipes_do_not_lead_outside_or_hang() {
    use std::os::unix::fs::symlink;
    let (folder, files) = docroot();
    let root = folder.path().join("root");
    symlink("css/site.css", root.join("inside.css")).unwrap();
    symlink("../secret.txt", root.join("outside.txt")).unwrap();
    symlink("../secret.txt", root.join("css/site.css.gz")).unwrap();
    symlink(folder.path(), root.join("folder")).unwrap();
    symlink("loop", root.join("loop")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(root.join("pipe")).status();
    assert!(made.unwrap().success());
    assert!(get(&files, "inside.css").await.is_some());
    for path in ["outside.txt", "folder/secret.txt", "loop", "pipe"] {
        assert_eq!(get(&files, path).await, None, "{path}");
    }
    let accept = [(header::ACCEPT_ENCODING, "gzip")];
    assert_eq!(get_with(&files, "css/site.css", &accept).await.2, "body {}");
}

/// `a`, `css/site.css` and an index are another file, `gone` is none.
#[derive(Debug)]
struct Other(PathBuf);

impl Overlay for Other {
    fn find(&self, path: &str) -> Overlaid {
        let version = match path {
            "gone" => return Overlaid::Gone,
            "a" | "css/site.css" | "new/index.html" => Some(5),
            "a.gz" => Some(5),
            "a.br" => Some(4),
            "a.zst" => None,
            _ => return Overlaid::Nothing,
        };
        let file = self.0.clone();
        Overlaid::File(OverlaidFile {
            tag: HeaderValue::from_static("\"a tag\""),
            fingerprint: Fingerprint::of_hash(*b"\0\0\0\0\0\0\x0a\xbc"),
            length: "of the overlay".len() as u64,
            modified: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)),
            version,
            open: Box::new(move || fs::File::open(file)),
        })
    }
}

#[tokio::test]
async fn what_stands_in_front_of_the_docroot_counts() {
    let (folder, files) = docroot();
    let root = folder.path().join("root");
    for name in ["a", "gone", "b", "css/site.css.gz"] {
        fs::write(root.join(name), "of the docroot").unwrap();
    }
    let other = folder.path().join("other");
    fs::write(&other, "of the overlay").unwrap();
    let behind = files.behind(Arc::new(Other(other.clone())));
    let (_, headers, body) = get_with(&behind, "a", &[]).await;
    assert_eq!(body, "of the overlay");
    assert_eq!(headers[header::ETAG], "\"a tag\"");
    assert_eq!(headers[header::LAST_MODIFIED], "Sun, 09 Sep 2001 01:46:40 GMT");
    assert_eq!(get(&behind, "gone").await, None);
    assert_eq!(get(&behind, "b").await.as_deref(), Some("of the docroot"));
    assert_eq!(behind.fingerprint("a").unwrap().to_string(), "0000000000000abc");
    let (_, headers, body) = get_with(&behind, "a.0000000000000abc", &[]).await;
    assert_eq!(body, "of the overlay");
    assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");

    // A sibling is from the same place, and not from before its original.
    for (path, accepted, coding) in [
        ("a", "br, zstd, gzip", Some("gzip")),
        ("a", "br, zstd", None),
        ("css/site.css", "gzip", None),
    ] {
        let accept = [(header::ACCEPT_ENCODING, accepted)];
        let (_, headers, _) = get_with(&behind, path, &accept).await;
        let sent = headers.get(header::CONTENT_ENCODING).map(|coding| coding.to_str().unwrap());
        assert_eq!(sent, coding, "{path} {accepted}");
    }
    // Even if the docroot is not there.
    let nowhere = Files::below(&folder.path().join("none"));
    assert_eq!(get(&nowhere, "a").await, None);
    let alone = nowhere.behind(Arc::new(Other(other)));
    assert_eq!(get(&alone, "new/").await.as_deref(), Some("of the overlay"));
    assert_eq!(get(&alone, "b").await, None);
}

#[test]
fn a_request_means_a_file_an_index_or_a_file_without_its_fingerprint() {
    for (path, meant) in [
        ("css/site.css", &["css/site.css", "css/site.css/index.html"][..]),
        ("css/", &["css", "css/index.html"]),
        ("", &["index.html"]),
        (
            "a.0123456789abcdef.css",
            &["a.0123456789abcdef.css", "a.0123456789abcdef.css/index.html", "a.css"],
        ),
        ("../a", &[]),
        (".git/config", &[]),
    ] {
        assert_eq!(Files::meant_by(path), meant, "{path}");
    }
}
