//! Files of an overlay.

use std::collections::BTreeMap;

use super::*;
use crate::http::encoding::encode;
use crate::http::negotiation::Coding;

/// Files by their paths, stored below a folder; `None` for a removed one.
#[derive(Debug)]
struct Front {
    folder: TempDir,
    files: BTreeMap<&'static str, Option<Vec<u8>>>,
    /// The files whose contents are not available yet.
    on_their_way: Vec<&'static str>,
}

impl Front {
    fn of(files: impl IntoIterator<Item = (&'static str, Option<Vec<u8>>)>) -> Front {
        let folder = tempfile::tempdir().unwrap();
        let files: BTreeMap<_, _> = files.into_iter().collect();
        for (path, content) in &files {
            let name = path.replace('/', "|");
            fs::write(folder.path().join(name), content.as_deref().unwrap_or_default()).unwrap();
        }
        Front { folder, files, on_their_way: Vec::new() }
    }
}

impl Overlay for Front {
    fn find(&self, path: &str) -> Overlaid {
        let content = match self.files.get(path) {
            None => return Overlaid::Nothing,
            Some(None) => return Overlaid::Gone,
            Some(Some(content)) => content,
        };
        let hash = *blake3::hash(content).as_bytes();
        let file = self.folder.path().join(path.replace('/', "|"));
        Overlaid::File(OverlaidFile {
            tag: format!("\"{}\"", blake3::Hash::from_bytes(hash)).parse().unwrap(),
            fingerprint: Fingerprint::of_hash(*b"\0\0\0\0\0\0\x0a\xbc"),
            length: content.len() as u64,
            modified: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)),
            hash,
            is_here: !self.on_their_way.contains(&path),
            open: Box::new(move || fs::File::open(&file)),
        })
    }
}

fn text(text: &str) -> Option<Vec<u8>> {
    Some(text.as_bytes().to_vec())
}

/// Returns the coding and the body for a client that accepts all codings in `accepted`.
async fn coding(files: &Files, path: &str, accepted: &str) -> (Option<String>, Vec<u8>) {
    let accept = [(header::ACCEPT_ENCODING, accepted)];
    let response = ask(files, Method::GET, path, &accept).await.expect("there is a file");
    let coding = response.headers().get(header::CONTENT_ENCODING);
    let coding = coding.map(|coding| coding.to_str().unwrap().to_owned());
    (coding, response.into_body().collect(1_000_000).await.unwrap().to_vec())
}

#[tokio::test]
async fn the_overlay_takes_precedence_over_the_docroot() {
    let (folder, files) = docroot();
    let root = folder.path().join("root");
    for name in ["a", "gone", "b"] {
        fs::write(root.join(name), "of the docroot").unwrap();
    }
    let front = || {
        let a = text("in front of it");
        Arc::new(Front::of([("a", a.clone()), ("new/index.html", a), ("gone", None)]))
    };
    let behind = files.behind(front());
    let (_, headers, body) = get_with(&behind, "a", &[]).await;
    assert_eq!(body, "in front of it");
    let tag = format!("\"{}\"", blake3::hash(b"in front of it"));
    assert_eq!(headers[header::ETAG], tag.as_str());
    assert_eq!(headers[header::LAST_MODIFIED], "Sun, 09 Sep 2001 01:46:40 GMT");
    assert_eq!(get(&behind, "gone").await, None);
    assert_eq!(get(&behind, "b").await.as_deref(), Some("of the docroot"));
    assert_eq!(behind.fingerprint("a").unwrap().to_string(), "0000000000000abc");
    let (_, headers, body) = get_with(&behind, "a.0000000000000abc", &[]).await;
    assert_eq!(body, "in front of it");
    assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    // Even if the docroot does not exist.
    let nowhere = Files::below(&folder.path().join("none"));
    assert_eq!(get(&nowhere, "a").await, None);
    let alone = nowhere.behind(front());
    assert_eq!(get(&alone, "new/").await.as_deref(), Some("in front of it"));
    assert_eq!(get(&alone, "b").await, None);
}

#[cfg(all(feature = "brotli", feature = "zstd"))]
#[tokio::test]
async fn a_sibling_in_the_overlay_is_sent_only_if_it_decodes_to_its_original() {
    let (_folder, files) = docroot();
    let (now, before) = ("body {}".repeat(1000), "main {}".repeat(1000));
    let encoded = |coding, content: &str| Some(encode(coding, content.as_bytes()).unwrap());
    let mut front = Front::of([
        ("a", text(&now)),
        ("a.gz", encoded(Coding::Gzip, &now)),
        ("a.br", encoded(Coding::Brotli, &before)),
        ("a.zst", encoded(Coding::Zstd, &now)),
        ("b", text(&now)),
        ("b.gz", text("no gzip")),
        ("b.br", None),
    ]);
    front.on_their_way.push("a.zst");
    let files = files.behind(Arc::new(front));
    for (path, accepted, expected) in [
        ("a", "br, zstd, gzip", Some("gzip")),
        ("a", "br, zstd", None),
        ("b", "br, gzip", None),
        ("a.0000000000000abc", "br, zstd, gzip", Some("gzip")),
        ("a.0000000000000abc", "br, zstd", None),
    ] {
        // The earlier result is cached.
        for _ in 0..2 {
            let (sent, body) = coding(&files, path, accepted).await;
            assert_eq!(sent.as_deref(), expected, "{path} {accepted}");
            assert!(sent.is_some() || body == now.as_bytes(), "{path} {accepted}");
        }
    }
}

#[tokio::test]
async fn originals_and_siblings_from_different_sources_do_not_match() {
    let (folder, files) = docroot();
    let root = folder.path().join("root");
    let (content, gzip) = ("body {}", encode(Coding::Gzip, b"body {}").unwrap());
    // Even if the one were right for the other, nothing proves it.
    for (name, content) in [("a", b"body {}".as_slice()), ("b.gz", &gzip), ("c.gz", &gzip)] {
        fs::write(root.join(name), content).unwrap();
    }
    let files = files.behind(Arc::new(Front::of([
        ("a.gz", Some(gzip.clone())),
        ("b", text(content)),
        ("c", None),
    ])));
    for path in ["a", "b"] {
        assert_eq!(coding(&files, path, "gzip").await, (None, content.into()), "{path}");
    }
    let accept = [(header::ACCEPT_ENCODING, "gzip")];
    assert!(ask(&files, Method::GET, "c", &accept).await.is_none());
}

#[tokio::test]
async fn a_truncated_file_is_not_encoded_under_the_tag_of_the_whole() {
    let (_folder, files) = docroot();
    let content = "body {}\n".repeat(1000);
    let front = Arc::new(Front::of([("a.css", text(&content))]));
    let path = front.folder.path().join("a.css");
    let files = files.encoded_in(vec![Coding::Gzip]).behind(front);
    fs::write(&path, &content[..2000]).unwrap();
    let accept = [(header::ACCEPT_ENCODING, "gzip")];
    let cut = ask(&files, Method::GET, "a.css", &accept).await.unwrap();
    assert!(!cut.headers().contains_key(header::CONTENT_ENCODING));
    fs::write(&path, &content).unwrap();
    let whole = encode(Coding::Gzip, content.as_bytes()).unwrap();
    assert_eq!(coding(&files, "a.css", "gzip").await, (Some("gzip".to_owned()), whole));
}
