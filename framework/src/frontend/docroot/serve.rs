//! The way of a request for a file.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::TryStreamExt;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;
use tokio_util::io::ReaderStream;

use super::{Docroot, Trust};
use crate::body::{Body, BodyError};
use crate::clock;
use crate::docroot::check_path;
use crate::frontend::FrontEnd;
use crate::frontend::failure::Failure;
use crate::http::{Precondition, Validators, conditions};
use crate::link::{CallError, Lookup};
use crate::log::{ContentId, Position};
use crate::media_type;

/// How long a back end may take to say what it knows of a file.
const LOOKUP: Duration = Duration::from_secs(2);
/// For how long none is asked after one has not answered.
const SILENT: Duration = Duration::from_secs(1);
/// How much of a file is read at a time, in bytes.
const PIECE: usize = 128 * 1024;

/// What the log says about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// Nothing: it is the docroot's own.
    Nothing,
    /// It was removed.
    Removed,
    /// It has this content.
    Content(ContentId),
}

impl Said {
    /// The first of the files that has a content; that one was removed counts before nothing.
    fn of(files: impl Iterator<Item = Option<Option<ContentId>>>) -> Said {
        files.fold(Said::Nothing, |said, file| match (said, file) {
            (Said::Content(_), _) | (_, None) => said,
            (_, Some(Some(content))) => Said::Content(content),
            (_, Some(None)) => Said::Removed,
        })
    }
}

impl Docroot {
    fn said(&self, paths: &[String]) -> Said {
        self.read(|known| {
            let manifest = known.manifest();
            Said::of(paths.iter().map(|path| manifest.get(path).map(|entry| entry.content)))
        })
    }

    async fn open(&self, content: ContentId) -> Result<Option<File>, Failure> {
        if !self.store.contains(content) {
            return Ok(None);
        }
        let store = Arc::clone(&self.store);
        let opened = tokio::task::spawn_blocking(move || store.open_content(content)).await;
        let opened = opened.map_err(|error| Failure::internal(error.to_string()))?;
        let file = opened.map_err(|error| Failure::internal(error.to_string()))?;
        if file.is_none() {
            tracing::error!(content = content.hex(), "a stored file is gone: fetching it again");
            self.change(|known, _| known.lost(content));
        }
        Ok(file)
    }
}

impl FrontEnd {
    /// The response to a request for the file at `path`, which starts at the docroot; `None` when there
    /// is no such file.
    pub(in crate::frontend) async fn find_file(
        &self,
        request: &Parts,
        path: &str,
    ) -> Result<Option<Response<Body>>, Failure> {
        let paths = candidates(path);
        let deadline = Instant::now() + self.settings.deadline;
        loop {
            let mut changed = self.docroot.changed.subscribe();
            let known = self.docroot.said(&paths);
            // The clock is read after the request, as for pages.
            let is_sure =
                self.docroot.trust() != Trust::Torn && self.cache.holds_lease(clock::now());
            let (said, is_sure) = match is_sure {
                // What is known now is at least what was known when the lease was looked at.
                true => (self.docroot.said(&paths), true),
                false => match self.ask(&paths).await {
                    Some(said) => (said, true),
                    None => (known, false),
                },
            };
            let content = match said {
                Said::Content(content) => content,
                Said::Removed => return Ok(None),
                Said::Nothing => {
                    let found = self.own_file(request, path).await?;
                    return if found.is_some() || is_sure { Ok(found) } else { Err(unsure()) };
                }
            };
            if let Some(file) = self.docroot.open(content).await? {
                return Ok(Some(response(request, path, content, file)));
            }
            let _wanted = self.docroot.want(content);
            loop {
                let is_new = self.docroot.said(&paths) != known;
                if is_new || self.docroot.store.contains(content) {
                    break;
                }
                let waited = tokio::time::timeout_at(deadline, changed.changed()).await;
                if waited.is_err() {
                    return Err(late());
                }
            }
        }
    }

    /// The file of this front end's own docroot.
    async fn own_file(
        &self,
        request: &Parts,
        path: &str,
    ) -> Result<Option<Response<Body>>, Failure> {
        let Some(files) = &self.files else { return Ok(None) };
        let found = files.get(&request.method, &request.headers, path).await;
        found.map_err(|error| Failure::internal(error.to_string()))
    }

    /// What a back end says; `None` when none can be asked.
    async fn ask(&self, paths: &[String]) -> Option<Said> {
        if paths.is_empty() {
            return Some(Said::Nothing);
        }
        let silent_until = &self.docroot.silent_until;
        if clock::now().as_nanos() < silent_until.load(Ordering::Relaxed) {
            return None;
        }
        let known = self.cache.position();
        let lookup = Lookup {
            paths: paths.to_vec(),
            log: known.map(|known| known.log),
            applied: known.map_or(Position::START, |known| known.as_of),
            deadline: LOOKUP.as_millis() as u64,
        };
        match self.link.lookup(&lookup).await {
            Ok(found) => Some(Said::of(found.files.into_iter())),
            Err(CallError::NoBackend) => None,
            Err(error) => {
                tracing::warn!(%error, "no back end says what it knows of a file");
                silent_until.store(clock::now().after(SILENT).as_nanos(), Ordering::Relaxed);
                None
            }
        }
    }
}

/// The files that a request for `path` may mean: the one of that name, or a folder's index.
fn candidates(path: &str) -> Vec<String> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let index =
        if path.is_empty() { "index.html".to_owned() } else { format!("{path}/index.html") };
    let both = [path.to_owned(), index];
    both.into_iter().filter(|path| check_path(path).is_ok()).collect()
}

fn response(request: &Parts, path: &str, content: ContentId, file: File) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let etag = HeaderValue::try_from(format!("\"{}\"", content.hex()));
    let etag = etag.expect("hexadecimal digits make a header");
    let validators = Validators { etag, last_modified: None };
    validators.insert_into(response.headers_mut());
    let caching = HeaderValue::from_static("no-cache");
    response.headers_mut().insert(header::CACHE_CONTROL, caching);
    match conditions::evaluate(&request.method, &request.headers, &validators) {
        Precondition::Proceed => {}
        Precondition::NotModified => {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        Precondition::Failed => {
            *response.status_mut() = StatusCode::PRECONDITION_FAILED;
            return response;
        }
    }
    let added = response.headers_mut();
    added.insert(header::CONTENT_TYPE, media_type::of(path));
    added.insert(header::CONTENT_LENGTH, content.length.into());
    added.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if request.method != Method::HEAD {
        let mut file = tokio::fs::File::from_std(file);
        file.set_max_buf_size(PIECE);
        let pieces = ReaderStream::with_capacity(file.take(content.length), PIECE);
        let frames = pieces.map_ok(Frame::data).map_err(BodyError::broken);
        *response.body_mut() = Body::stream(StreamBody::new(frames));
    }
    response
}

/// Nobody can say whether there is such a file.
fn unsure() -> Failure {
    let message = "The site is not available at the moment. Please try again soon.";
    let cause = "no back end answers, and without one nobody can say whether there is such a file";
    Failure {
        is_known: true,
        ..Failure::new(StatusCode::SERVICE_UNAVAILABLE, message).because(cause)
    }
}

/// The content has not come in time.
fn late() -> Failure {
    let message = "This file is not here yet. Please try again soon.";
    let cause = "the file's content could not be fetched from a back end in time";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, message).because(cause)
}
