//! Serving requests for files.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::time::Instant;

use super::known::Trust;
use super::{Docroot, DocrootFiles};
use crate::clock;
use crate::docroot::{Manifest, Store, check_path};
use crate::files::{
    Caching, FileAnswer, Files, Fingerprint, Overlaid, OverlaidFile, Overlay, is_exhaustion,
};
use crate::frontend::failure::Failure;
use crate::frontend::page_headers;
use crate::link::{CallError, FileLookup};
use crate::log::{ContentId, Position};

/// The longest wait for a back end's answer about files.
const LOOKUP: Duration = Duration::from_secs(2);
/// The time for which no back end is asked after one has failed to answer.
const SILENT: Duration = Duration::from_secs(1);

/// The state, in the log, of the files that a request may refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LoggedFile {
    /// The log has none: the docroot's own file is served.
    Nothing,
    /// A file was removed.
    Removed,
    /// A file has this content.
    Content(ContentId),
}

impl LoggedFile {
    /// Combines the states of several files: the first with a content counts most, then one that was removed, then one
    /// that is not in the log.
    fn of(files: impl Iterator<Item = Option<Option<ContentId>>>) -> LoggedFile {
        files.fold(LoggedFile::Nothing, |logged, file| match (logged, file) {
            (LoggedFile::Content(_), _) | (_, None) => logged,
            (_, Some(Some(content))) => LoggedFile::Content(content),
            (_, Some(None)) => LoggedFile::Removed,
        })
    }
}

/// A back end's answer about a path: `None` if the file is not in the log, `Some(None)` if it was removed, or its
/// content.
type LookupAnswer = (String, Option<Option<ContentId>>);

/// The state of all files in the log at one moment.
#[derive(Debug)]
struct LoggedFiles {
    manifest: Manifest,
    /// A back end's answers, which take precedence over the manifest.
    answered: Vec<LookupAnswer>,
    docroot: Arc<Docroot>,
}

impl LoggedFiles {
    fn file(&self, paths: &[String]) -> LoggedFile {
        LoggedFile::of(paths.iter().map(|path| self.entry(path)))
    }

    fn entry(&self, path: &str) -> Option<Option<ContentId>> {
        match self.answered.iter().find(|(answered, _)| answered == path) {
            Some((_, content)) => *content,
            None => self.manifest.get(path).map(|entry| entry.content),
        }
    }
}

impl Overlay for LoggedFiles {
    fn find(&self, path: &str) -> Overlaid {
        let docroot = Arc::clone(&self.docroot);
        overlaid(&self.docroot.store, self.entry(path), move |content| {
            tracing::error!(content = content.hex(), "a stored file is gone: fetching it again");
            docroot.change(|known, _| known.lost(content));
        })
    }
}

/// For addresses in pages. Their contents are at least being fetched, so they are not requested here.
impl Overlay for Docroot {
    fn find(&self, path: &str) -> Overlaid {
        let entry = self.read(|known| known.manifest().get(path));
        // These files are not opened.
        overlaid(&self.store, entry.map(|entry| entry.content), |_| ())
    }
}

/// Returns the file at a path. `lost` is called when its content is no longer stored here.
fn overlaid(
    store: &Arc<Store>,
    logged: Option<Option<ContentId>>,
    lost: impl Fn(ContentId) + Send + 'static,
) -> Overlaid {
    let content = match logged {
        None => return Overlaid::Nothing,
        Some(None) => return Overlaid::Gone,
        Some(Some(content)) => content,
    };
    let tag = HeaderValue::try_from(format!("\"{}\"", content.hex()));
    let [a, b, c, d, e, f, g, h, ..] = content.hash;
    let (is_here, store) = (store.contains(content), Arc::clone(store));
    Overlaid::File(OverlaidFile {
        tag: tag.expect("hexadecimal digits make a header"),
        fingerprint: Fingerprint::of_hash([a, b, c, d, e, f, g, h]),
        length: content.length,
        modified: None,
        hash: content.hash,
        is_here,
        open: Box::new(move || match store.open_content(content) {
            Ok(Some(file)) => Ok(file),
            Ok(None) => {
                lost(content);
                Err(io::ErrorKind::NotFound.into())
            }
            Err(error) => Err(io::Error::other(error)),
        }),
    })
}

impl Docroot {
    /// Returns the state of all files, with a back end's answers taking precedence.
    fn logged_files(self: &Arc<Self>, answered: Vec<LookupAnswer>) -> LoggedFiles {
        let manifest = self.read(|known| known.manifest().clone());
        LoggedFiles { manifest, answered, docroot: Arc::clone(self) }
    }
}

impl DocrootFiles {
    /// Answers a request for the file at `path`, which is relative to the docroot.
    pub(in crate::frontend) async fn find(
        &self,
        method: &Method,
        headers: &HeaderMap,
        path: &str,
        caching: &Caching,
    ) -> Result<FileAnswer, Failure> {
        let mut paths = Files::meant_by(path);
        paths.retain(|path| check_path(path).is_ok());
        let deadline = Instant::now() + self.deadline;
        while Instant::now() < deadline {
            let mut changed = self.docroot.changed.subscribe();
            let known = self.docroot.logged_files(Vec::new()).file(&paths);
            // The clock is read after the request, as for pages.
            let has_lease =
                self.docroot.trust() != Trust::Torn && self.cache.holds_lease(clock::now());
            let answered = if has_lease { None } else { self.ask(&paths).await };
            let is_sure = has_lease || answered.is_some();
            // The state now is at least as new as when the lease was checked.
            let logged_files = self.docroot.logged_files(answered.unwrap_or_default());
            let logged = logged_files.file(&paths);
            match logged {
                LoggedFile::Content(content) if !self.docroot.store.contains(content) => {
                    let failures = || self.docroot.read(|known| known.failures(content));
                    let (_wanted, before) = (self.docroot.want(content), failures());
                    while self.docroot.logged_files(Vec::new()).file(&paths) == known
                        && !self.docroot.store.contains(content)
                    {
                        let waited = tokio::time::timeout_at(deadline, changed.changed()).await;
                        waited.map_err(|_| late())?.map_err(|_| late())?;
                        // It will not arrive soon: the disk is full, or no node has it.
                        if failures() > before {
                            return Err(late());
                        }
                    }
                    continue;
                }
                _ => {}
            }
            let files = self.files.behind(Arc::new(logged_files));
            match files.get(method, headers, path, caching).await {
                Ok(FileAnswer::Nothing) if logged == LoggedFile::Nothing && !is_sure => {
                    return Err(unsure());
                }
                Ok(FileAnswer::Response(mut response)) => {
                    // A file from the log may be a visitor's upload.
                    if matches!(logged, LoggedFile::Content(_)) {
                        page_headers::sandbox(response.headers_mut());
                    }
                    return Ok(FileAnswer::Response(response));
                }
                Ok(answer) => return Ok(answer),
                // The next iteration waits for a content that was lost.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if is_exhaustion(&error) => return Err(exhausted(&error)),
                Err(error) => return Err(Failure::internal(error.to_string())),
            }
        }
        Err(late())
    }

    /// Asks a back end; returns `None` if none can be asked.
    async fn ask(&self, paths: &[String]) -> Option<Vec<LookupAnswer>> {
        if paths.is_empty() {
            return Some(Vec::new());
        }
        let silent_until = &self.docroot.silent_until;
        if clock::now().as_nanos() < silent_until.load(Ordering::Relaxed) {
            return None;
        }
        let known = self.cache.position();
        let lookup = FileLookup {
            paths: paths.to_vec(),
            log: known.map(|known| known.log),
            applied: known.map_or(Position::START, |known| known.as_of),
            deadline: LOOKUP.as_millis() as u64,
        };
        match self.link.lookup(&lookup).await {
            Ok(found) => Some(paths.iter().cloned().zip(found.files).collect()),
            Err(CallError::NoBackend) => None,
            Err(error) => {
                tracing::warn!(%error, "no back end has answered a lookup of files");
                silent_until.store(clock::now().after(SILENT).as_nanos(), Ordering::Relaxed);
                None
            }
        }
    }
}

/// Creates the failure if it is unknown whether the file exists.
fn unsure() -> Failure {
    let message = "The site is not available at the moment. Please try again soon.";
    let cause = "no back end answers, and without one it is not known whether there is such a file";
    Failure {
        is_known: true,
        ..Failure::new(StatusCode::SERVICE_UNAVAILABLE, message).because(cause)
    }
}

/// Creates the failure if too many files are open.
fn exhausted(error: &io::Error) -> Failure {
    let message = "The site has too many files to send. Please try again soon.";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, message).because(error.to_string())
}

/// Creates the failure if the content has not arrived in time.
fn late() -> Failure {
    let message = "This file is not available yet. Please try again soon.";
    let cause = "the file's content could not be fetched from a back end in time";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, message).because(cause)
}
