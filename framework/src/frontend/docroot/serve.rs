//! The way of a request for a file.

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

/// How long a back end may take to say what it knows of a file.
const LOOKUP: Duration = Duration::from_secs(2);
/// For how long none is asked after one has not answered.
const SILENT: Duration = Duration::from_secs(1);

/// What the log says about the files that a request may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// Nothing: it is the docroot's own.
    Nothing,
    /// It was removed.
    Removed,
    /// One has this content.
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

/// What a back end says of a path: nothing, that the file was removed, or its content.
type Statement = (String, Option<Option<ContentId>>);

/// What is said of all files at one moment.
#[derive(Debug)]
struct Stated {
    manifest: Manifest,
    /// What a back end has said counts before the manifest.
    answered: Vec<Statement>,
    docroot: Arc<Docroot>,
}

impl Stated {
    fn said(&self, paths: &[String]) -> Said {
        Said::of(paths.iter().map(|path| self.entry(path)))
    }

    fn entry(&self, path: &str) -> Option<Option<ContentId>> {
        match self.answered.iter().find(|(answered, _)| answered == path) {
            Some((_, content)) => *content,
            None => self.manifest.get(path).map(|entry| entry.content),
        }
    }
}

impl Overlay for Stated {
    fn find(&self, path: &str) -> Overlaid {
        let docroot = Arc::clone(&self.docroot);
        overlaid(&self.docroot.store, self.entry(path), move |content| {
            tracing::error!(content = content.hex(), "a stored file is gone: fetching it again");
            docroot.change(|known, _| known.lost(content));
        })
    }
}

/// For addresses in pages. Their contents are on their way at least, so they are not asked for.
impl Overlay for Docroot {
    fn find(&self, path: &str) -> Overlaid {
        let entry = self.read(|known| known.manifest().get(path));
        // They are not opened.
        overlaid(&self.store, entry.map(|entry| entry.content), |_| ())
    }
}

/// What stands at a path, as a file. `lost` is called when its content is no longer here.
fn overlaid(
    store: &Arc<Store>,
    said: Option<Option<ContentId>>,
    lost: impl Fn(ContentId) + Send + 'static,
) -> Overlaid {
    let content = match said {
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
    /// What is known of all files, unless a back end has answered otherwise.
    fn stated(self: &Arc<Self>, answered: Vec<Statement>) -> Stated {
        let manifest = self.read(|known| known.manifest().clone());
        Stated { manifest, answered, docroot: Arc::clone(self) }
    }
}

impl DocrootFiles {
    /// The answer to a request for the file at `path`, which starts at the docroot.
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
            let known = self.docroot.stated(Vec::new()).said(&paths);
            // The clock is read after the request, as for pages.
            let has_lease =
                self.docroot.trust() != Trust::Torn && self.cache.holds_lease(clock::now());
            let answered = if has_lease { None } else { self.ask(&paths).await };
            let is_sure = has_lease || answered.is_some();
            // What is known now is at least what was known when the lease was looked at.
            let stated = self.docroot.stated(answered.unwrap_or_default());
            let said = stated.said(&paths);
            match said {
                Said::Content(content) if !self.docroot.store.contains(content) => {
                    let failures = || self.docroot.read(|known| known.failures(content));
                    let (_wanted, before) = (self.docroot.want(content), failures());
                    while self.docroot.stated(Vec::new()).said(&paths) == known
                        && !self.docroot.store.contains(content)
                    {
                        let waited = tokio::time::timeout_at(deadline, changed.changed()).await;
                        waited.map_err(|_| late())?.map_err(|_| late())?;
                        // Nor will it come soon: the disk is full, or no node has it.
                        if failures() > before {
                            return Err(late());
                        }
                    }
                    continue;
                }
                _ => {}
            }
            let files = self.files.behind(Arc::new(stated));
            match files.get(method, headers, path, caching).await {
                Ok(FileAnswer::Nothing) if said == Said::Nothing && !is_sure => {
                    return Err(unsure());
                }
                Ok(FileAnswer::Response(mut response)) => {
                    // What the log has put there may be a visitor's.
                    if matches!(said, Said::Content(_)) {
                        page_headers::sandbox(response.headers_mut());
                    }
                    return Ok(FileAnswer::Response(response));
                }
                Ok(answer) => return Ok(answer),
                // What was lost is waited for in the next round.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if is_exhaustion(&error) => return Err(exhausted(&error)),
                Err(error) => return Err(Failure::internal(error.to_string())),
            }
        }
        Err(late())
    }

    /// What a back end says; `None` when none can be asked.
    async fn ask(&self, paths: &[String]) -> Option<Vec<Statement>> {
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
                tracing::warn!(%error, "no back end says what it knows of a file");
                silent_until.store(clock::now().after(SILENT).as_nanos(), Ordering::Relaxed);
                None
            }
        }
    }
}

/// It is not known whether there is such a file.
fn unsure() -> Failure {
    let message = "The site is not available at the moment. Please try again soon.";
    let cause = "no back end answers, and without one it is not known whether there is such a file";
    Failure {
        is_known: true,
        ..Failure::new(StatusCode::SERVICE_UNAVAILABLE, message).because(cause)
    }
}

/// Too many files are open.
fn exhausted(error: &io::Error) -> Failure {
    let message = "The site has too many files to send. Please try again soon.";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, message).because(error.to_string())
}

/// The content has not come in time.
fn late() -> Failure {
    let message = "This file is not here yet. Please try again soon.";
    let cause = "the file's content could not be fetched from a back end in time";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, message).because(cause)
}
