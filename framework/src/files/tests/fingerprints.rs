//! Names with fingerprints.

use super::*;

#[tokio::test]
async fn a_name_with_the_fingerprint_of_the_content_is_immutable() {
    let (folder, files) = docroot();
    let fingerprint = files.fingerprint("css/site.css").unwrap();
    let name = fingerprint.insert_into("css/site.css");
    let (_, headers, body) = get_with(&files, &name, &[]).await;
    assert_eq!(body, "body {}");
    assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    assert_eq!(headers[header::CONTENT_TYPE], "text/css; charset=utf-8");
    // Siblings are negotiated as well.
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
    // A file whose real name looks like that is found first.
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
async fn directives_of_a_route_are_omitted_for_an_outdated_fingerprint() {
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
        let FileAnswer::Response(response) = served else { panic!("{path}") };
        let value = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(value("cache-control"), Some(browser), "{path}");
        assert_eq!(value("cdn-cache-control"), cdn, "{path}");
    }
}

#[test]
fn a_missing_file_has_no_fingerprint_and_the_nearest_name_is_suggested() {
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
