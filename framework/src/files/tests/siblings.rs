//! Siblings of files in other codings.

use super::*;

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
        // Ranges select from the encoded bytes.
        let range = [accept[0].clone(), (header::RANGE, "bytes=0-1")];
        let (status, headers, sent) = get_with(&files, "css/site.css", &range).await;
        assert_eq!((status, &*sent), (StatusCode::PARTIAL_CONTENT, &body[..2]));
        assert_eq!(headers[header::CONTENT_ENCODING], coding);
        tags.push(tag);
    }
    tags.sort_by_key(|tag| tag.as_bytes().to_vec());
    tags.dedup();
    assert_eq!(tags.len(), 4);
    // A client that accepts no available coding receives the file without encoding.
    for accepted in ["identity;q=1, *;q=0", "identity;q=0", "*;q=0", "deflate", ""] {
        let accept = [(header::ACCEPT_ENCODING, accepted)];
        let (status, headers, sent) = get_with(&files, "css/site.css", &accept).await;
        assert_eq!((status, sent), (StatusCode::OK, originals.clone()), "{accepted}");
        assert!(!headers.contains_key(header::CONTENT_ENCODING));
    }
}

#[tokio::test]
async fn siblings_are_also_served_under_their_own_names() {
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
    // An empty one is the result of a failed write.
    fs::write(folder.path().join("root/css/site.css.gz"), "").unwrap();
    assert_eq!(coding().await, None);
}
