//! Range requests for files.

use super::*;

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
async fn the_whole_file_is_sent_when_if_range_names_another_version() {
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
