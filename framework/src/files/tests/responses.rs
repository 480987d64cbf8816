//! Responses for files and folders.

use super::*;

#[tokio::test]
async fn a_file_is_served_with_its_headers() {
    let (folder, files) = docroot();
    age(&folder, "css/site.css", 100);
    let (status, headers, body) = get_with(&files, "css/site.css", &[]).await;
    assert_eq!((status, &*body), (StatusCode::OK, "body {}"));
    let hash = format!("{:032x}", xxhash_rust::xxh3::xxh3_128(b"body {}"));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
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
    assert!(matches!(css, FileAnswer::Folder));
    for path in ["empty", "empty/", "css/site.css/", "index.html/"] {
        assert_eq!(get(&files, path).await, None, "{path}");
    }
}
