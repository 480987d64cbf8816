//! Files below a folder, as responses.

use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use futures_util::TryStreamExt;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::StreamBody;
use rustix::io::Errno;
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use super::conditions::{Precondition, evaluate};
use super::validators::Validators;
use crate::body::{Body, BodyError};
use crate::media_type;

/// Files up to this size are read at once, longer ones while they are sent. In bytes.
const SMALL: u64 = 64 * 1024;

/// How much of a longer file is read at a time, in bytes.
const PIECE: usize = 128 * 1024;

/// The files below a folder.
///
/// Names that begin with a dot are not served, except `.well-known` (RFC 8615). Links are followed
/// as long as they stay below the folder.
#[derive(Debug, Clone)]
pub struct Files {
    root: Arc<Path>,
}

impl Files {
    /// The files below `root`.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn below(root: &Path) -> io::Result<Files> {
        let root = root.canonicalize()?;
        if !root.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Files { root: root.into() })
    }

    /// The response to a `GET` or `HEAD` for the file at `path`, relative and percent-decoded; for
    /// a folder it is the folder's `index.html`. `None` when there is no such file, or it must not
    /// be served. A client that has the file already, by `headers`, gets 304.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub async fn get(
        &self,
        method: &Method,
        headers: &HeaderMap,
        path: &str,
    ) -> io::Result<Option<Response<Body>>> {
        let Some(relative) = relative(path) else { return Ok(None) };
        let (root, with_content) = (self.root.clone(), *method != Method::HEAD);
        let found = tokio::task::spawn_blocking(move || open(&root, &relative, with_content));
        let Some(file) = found.await.map_err(io::Error::other)?? else { return Ok(None) };

        let mut response = Response::new(Body::empty());
        file.validators.insert_into(response.headers_mut());
        if evaluate(method, headers, &file.validators) == Precondition::NotModified {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(Some(response));
        }
        let added = response.headers_mut();
        added.insert(header::CONTENT_TYPE, file.media_type);
        added.insert(header::CONTENT_LENGTH, file.length.into());
        added.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        *response.body_mut() = match file.content {
            Content::None => Body::empty(),
            Content::Read(bytes) => bytes.into(),
            Content::Open(open) => stream(open, file.length),
        };
        Ok(Some(response))
    }
}

struct Found {
    length: u64,
    media_type: HeaderValue,
    validators: Validators,
    content: Content,
}

enum Content {
    None,
    Read(Bytes),
    Open(fs::File),
}

/// The path if every part of it is the plain name of something that may be served.
fn relative(path: &str) -> Option<PathBuf> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut safe = PathBuf::new();
    if path.is_empty() {
        return Some(safe);
    }
    for part in path.split('/') {
        let hidden = part.starts_with('.') && part != ".well-known";
        if part.is_empty() || hidden || part.contains(['\\', '\0']) {
            return None;
        }
        let mut components = Path::new(part).components();
        match (components.next(), components.next()) {
            (Some(Component::Normal(name)), None) => safe.push(name),
            _ => return None,
        }
    }
    Some(safe)
}

/// Finds and opens a file. It blocks.
fn open(root: &Path, relative: &Path, with_content: bool) -> io::Result<Option<Found>> {
    let Some(mut path) = resolve(root, &root.join(relative))? else { return Ok(None) };
    if path.is_dir() {
        match resolve(root, &path.join("index.html"))? {
            Some(index) => path = index,
            None => return Ok(None),
        }
    }
    // Before it is opened, because to open a pipe would wait for its writer.
    if !path.is_file() {
        return Ok(None);
    }
    let file = fs::File::open(&path)?;
    let metadata = file.metadata()?;
    let (length, modified) = (metadata.len(), metadata.modified()?);
    let age = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    let etag = HeaderValue::try_from(format!("W/\"{:x}-{length:x}\"", age.as_nanos()));
    let etag = etag.map_err(io::Error::other)?;
    let content = if !with_content {
        Content::None
    } else if length <= SMALL {
        let mut bytes = Vec::with_capacity(length as usize);
        file.take(length).read_to_end(&mut bytes)?;
        Content::Read(bytes.into())
    } else {
        Content::Open(file)
    };
    let length = match &content {
        Content::Read(bytes) => bytes.len() as u64,
        Content::None | Content::Open(_) => length,
    };
    let validators = Validators { etag, last_modified: Some(modified) };
    Ok(Some(Found { length, media_type: media_type::of(&path), validators, content }))
}

/// Where `path` really leads, if that is below `root`.
fn resolve(root: &Path, path: &Path) -> io::Result<Option<PathBuf>> {
    use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound, PermissionDenied};
    match path.canonicalize() {
        Ok(path) => Ok(path.starts_with(root).then_some(path)),
        Err(error) => match error.kind() {
            NotFound | NotADirectory | InvalidInput | InvalidFilename | PermissionDenied => {
                Ok(None)
            }
            _ if Errno::from_io_error(&error) == Some(Errno::LOOP) => Ok(None),
            _ => Err(error),
        },
    }
}

fn stream(file: fs::File, length: u64) -> Body {
    let mut file = tokio::fs::File::from_std(file);
    file.set_max_buf_size(PIECE);
    let pieces = ReaderStream::with_capacity(file.take(length), PIECE);
    Body::stream(StreamBody::new(pieces.map_ok(Frame::data).map_err(BodyError::broken)))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use proptest::prelude::*;
    use tempfile::TempDir;

    fn docroot() -> (TempDir, Files) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir_all(root.join("css/.git")).unwrap();
        fs::create_dir_all(root.join(".well-known")).unwrap();
        fs::write(folder.path().join("secret.txt"), "secret").unwrap();
        fs::write(root.join("css/site.css"), "body {}").unwrap();
        fs::write(root.join("css/.git/config"), "secret").unwrap();
        fs::write(root.join(".env"), "secret").unwrap();
        fs::write(root.join(".well-known/security.txt"), "mail").unwrap();
        fs::write(root.join("index.html"), "<p>home").unwrap();
        fs::write(root.join("long.bin"), vec![7; 300_000]).unwrap();
        let files = Files::below(&root).unwrap();
        (folder, files)
    }

    async fn get(files: &Files, path: &str) -> Option<Response<Body>> {
        files.get(&Method::GET, &HeaderMap::new(), path).await.unwrap()
    }

    #[tokio::test]
    async fn a_file_is_served_with_its_type_and_length() {
        let (_folder, files) = docroot();
        let response = get(&files, "css/site.css").await.unwrap();
        let headers = response.headers();
        assert_eq!(headers[header::CONTENT_TYPE], "text/css; charset=utf-8");
        assert_eq!(headers[header::CONTENT_LENGTH], "7");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(response.into_body().collect(100).await.unwrap(), "body {}");
    }

    #[tokio::test]
    async fn a_long_file_is_streamed_whole() {
        let (_folder, files) = docroot();
        let response = get(&files, "long.bin").await.unwrap();
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/octet-stream");
        assert_eq!(response.headers()[header::CONTENT_LENGTH], "300000");
        assert!(response.body().as_bytes().is_none());
        let bytes = response.into_body().collect(1_000_000).await.unwrap();
        assert_eq!(bytes, vec![7; 300_000]);
    }

    #[tokio::test]
    async fn a_folder_is_its_index() {
        let (_folder, files) = docroot();
        for path in ["", "/", "index.html"] {
            let response = get(&files, path).await.unwrap();
            assert_eq!(response.into_body().collect(100).await.unwrap(), "<p>home");
        }
        assert!(get(&files, "css").await.is_none());
    }

    #[tokio::test]
    async fn head_has_the_headers_and_no_body() {
        let (_folder, files) = docroot();
        let head = files.get(&Method::HEAD, &HeaderMap::new(), "long.bin").await.unwrap().unwrap();
        assert_eq!(head.headers()[header::CONTENT_LENGTH], "300000");
        assert!(head.into_body().collect(0).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn who_has_the_file_gets_304_until_it_changes() {
        let (folder, files) = docroot();
        let file = fs::File::options().write(true).open(folder.path().join("root/css/site.css"));
        file.unwrap().set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
        let first = get(&files, "css/site.css").await.unwrap();
        for (validator, condition) in [
            (header::ETAG, header::IF_NONE_MATCH),
            (header::LAST_MODIFIED, header::IF_MODIFIED_SINCE),
        ] {
            let headers = HeaderMap::from_iter([(condition, first.headers()[validator].clone())]);
            let again = || files.get(&Method::GET, &headers, "css/site.css");
            let response = again().await.unwrap().unwrap();
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
            assert_eq!(response.headers()[header::ETAG], first.headers()[header::ETAG]);
            let path = folder.path().join("root/css/site.css");
            let file = fs::File::options().write(true).open(path).unwrap();
            let time = file.metadata().unwrap().modified().unwrap();
            file.set_modified(time + Duration::from_secs(2)).unwrap();
            assert_eq!(again().await.unwrap().unwrap().status(), StatusCode::OK);
            file.set_modified(time).unwrap();
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
            assert!(get(&files, path).await.is_none(), "{path}");
        }
        assert!(get(&files, ".well-known/security.txt").await.is_some());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn links_and_pipes_do_not_lead_outside_or_hang() {
        use std::os::unix::fs::symlink;
        let (folder, files) = docroot();
        let root = folder.path().join("root");
        symlink("css/site.css", root.join("inside.css")).unwrap();
        symlink("../secret.txt", root.join("outside.txt")).unwrap();
        symlink(folder.path(), root.join("folder")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        assert!(
            std::process::Command::new("mkfifo").arg(root.join("pipe")).status().unwrap().success()
        );
        assert!(get(&files, "inside.css").await.is_some());
        for path in ["outside.txt", "folder/secret.txt", "loop", "pipe"] {
            assert!(get(&files, path).await.is_none(), "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_path_leads_outside(path in "([./\\\\a\0:é~%]|\\.\\.|[^a]){0,12}") {
            if let Some(relative) = relative(&path) {
                prop_assert!(relative.is_relative());
                prop_assert!(relative.components().all(|part| matches!(part, Component::Normal(_))));
                let joined = Path::new("/root").join(&relative);
                prop_assert!(joined.starts_with("/root"));
            }
        }
    }
}
