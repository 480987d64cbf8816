//! Tags, dates, and conditional requests.

use super::*;

#[tokio::test]
async fn a_client_that_has_the_file_gets_304_until_it_changes() {
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
        // With the same length, and within the same second.
        fs::write(folder.path().join("root/css/site.css"), "body[]!").unwrap();
        let (status, _, body) = get_with(&files, "css/site.css", &known).await;
        assert_eq!((status, &*body), (StatusCode::OK, "body[]!"));
    }
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
async fn a_tag_depends_on_the_content_only() {
    let (folder, files) = docroot();
    let tag = async |path| get_with(&files, path, &[]).await.1[header::ETAG].clone();
    let first = tag("css/site.css").await;
    fs::write(folder.path().join("root/copy.css"), "body {}").unwrap();
    age(&folder, "copy.css", 1000);
    assert_eq!(tag("copy.css").await, first);
    // The same date and length, but other content.
    let date = fs::metadata(folder.path().join("root/copy.css")).unwrap().modified().unwrap();
    fs::write(folder.path().join("root/copy.css"), "body[]!").unwrap();
    let file = fs::File::options().write(true).open(folder.path().join("root/copy.css"));
    file.unwrap().set_modified(date).unwrap();
    assert_ne!(tag("copy.css").await, first);
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
