//! Files of a docroot in a temporary folder, requested as by visitors.

mod conditions;
mod encoded;
mod fingerprints;
mod names;
mod overlay;
mod ranges;
mod responses;
mod siblings;

use std::fs;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
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

/// Sets the times of the file to this many seconds ago.
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
        FileAnswer::Response(response) => Some(response),
        FileAnswer::Folder | FileAnswer::Nothing => None,
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
