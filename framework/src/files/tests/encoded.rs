//! Files without siblings, encoded by the server.

use super::*;
use crate::http::negotiation::Coding;

async fn get_bytes(
    files: &Files,
    path: &str,
    headers: &[(HeaderName, &str)],
) -> (HeaderMap, Bytes) {
    let response = ask(files, Method::GET, path, headers).await.expect("there is a file");
    let (parts, body) = response.into_parts();
    (parts.headers, body.collect(10_000_000).await.unwrap())
}

#[cfg(all(feature = "brotli", feature = "zstd"))]
#[tokio::test]
async fn text_without_a_sibling_is_sent_in_the_preferred_coding() {
    use crate::http::encoding::encode;

    let (folder, files) = docroot();
    let files = files.encoded_in(vec![Coding::Gzip, Coding::Brotli]);
    let content = "a { color: red }\n".repeat(5000);
    let path = folder.path().join("root/css/site.css");
    fs::write(&path, &content).unwrap();
    let (plain, body) = get_bytes(&files, "css/site.css", &[]).await;
    assert_eq!(
        (&plain[header::VARY], &*body),
        (&HeaderValue::from_static("Accept-Encoding"), content.as_bytes())
    );
    assert!(!plain.contains_key(header::CONTENT_ENCODING));
    let mut tags = vec![plain[header::ETAG].clone()];
    for (accepted, coding) in [
        ("gzip, deflate, br, zstd", Coding::Brotli),
        ("gzip", Coding::Gzip),
        ("gzip, br;q=0.9", Coding::Gzip),
    ] {
        for _ in 0..2 {
            let accept = [(header::ACCEPT_ENCODING, accepted)];
            let (headers, body) = get_bytes(&files, "css/site.css", &accept).await;
            assert_eq!(headers[header::CONTENT_ENCODING], coding.name(), "{accepted}");
            assert_eq!(headers[header::CONTENT_LENGTH], body.len().to_string().as_str());
            assert_eq!(headers[header::LAST_MODIFIED], plain[header::LAST_MODIFIED]);
            assert_eq!(body, encode(coding, content.as_bytes()).unwrap());
            let tag = headers[header::ETAG].clone();
            let known = [accept[0].clone(), (header::IF_NONE_MATCH, tag.to_str().unwrap())];
            let answer = ask(&files, Method::GET, "css/site.css", &known).await.unwrap();
            assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
            tags.push(tag);
        }
    }
    tags.sort_by_key(|tag| tag.as_bytes().to_vec());
    tags.dedup();
    assert_eq!(tags.len(), 3);
    // New content is encoded again.
    let other = "b { color: blue }\n".repeat(5000);
    fs::write(&path, &other).unwrap();
    let (_, body) = get_bytes(&files, "css/site.css", &[(header::ACCEPT_ENCODING, "gzip")]).await;
    assert_eq!(body, encode(Coding::Gzip, other.as_bytes()).unwrap());
    // A sibling takes precedence.
    fs::write(folder.path().join("root/css/site.css.gz"), "gzip!!").unwrap();
    let (_, body) =
        get_bytes(&files, "css/site.css", &[(header::ACCEPT_ENCODING, "br, gzip")]).await;
    assert_eq!(body, "gzip!!");
}

#[tokio::test]
async fn other_types_and_short_and_long_files_are_not_encoded() {
    let (folder, files) = docroot();
    let some = files.encoded_in(vec![Coding::Gzip]);
    let text = "x".repeat(2000);
    for (name, content) in [
        ("a.png", &*text),
        ("a.css.br", &text),
        ("short.css", &text[..1000]),
        ("long.css", &"x".repeat((1 << 20) + 1)),
    ] {
        fs::write(folder.path().join("root").join(name), content).unwrap();
        let (headers, body) = get_bytes(&some, name, &[(header::ACCEPT_ENCODING, "gzip")]).await;
        assert!(!headers.contains_key(header::CONTENT_ENCODING), "{name}");
        assert!(!headers.contains_key(header::VARY), "{name}");
        assert_eq!(body, content.as_bytes(), "{name}");
    }
    fs::write(folder.path().join("root/a.svg"), &text).unwrap();
    let accept = [(header::ACCEPT_ENCODING, "gzip")];
    let (headers, _) = get_bytes(&some, "a.svg", &accept).await;
    assert_eq!(headers[header::CONTENT_ENCODING], "gzip");
    let (headers, _) = get_bytes(&files, "a.svg", &accept).await;
    assert!(!headers.contains_key(header::CONTENT_ENCODING), "no coding is wanted");
}
