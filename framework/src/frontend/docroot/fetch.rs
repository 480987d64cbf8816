//! Fetches contents in the background, for as long as the front end lives.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use http_body_util::BodyExt;
use tokio::time::{sleep, timeout};

use super::known::MissingReason;
use super::{Docroot, DocrootFiles};
use crate::clock;
use crate::docroot::{Partial, StoreError};
use crate::link::CallError;
use crate::log::ContentId;

/// The number of concurrent fetches.
const FETCHES: usize = 4;
/// The number of additional concurrent fetches of contents that requests wait for.
const URGENT_FETCHES: usize = 4;
/// The number of bytes written to the disk at a time.
const PIECE: usize = 256 * 1024;
/// The longest pause in a transfer before it is abandoned.
const SILENCE: Duration = Duration::from_secs(10);
/// The pause after an interrupted attempt, which doubles each time.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The interval between removals of unreferenced contents.
const SWEEP: Duration = Duration::from_secs(20);

/// The reason why a content was not fetched.
#[derive(Debug)]
enum FetchError {
    /// The transfer was interrupted, which permits no conclusion about the content.
    Broken(String),
    /// The content cannot be obtained or stored.
    Failed(MissingReason),
    /// It is not needed any more.
    Unwanted,
}

impl From<StoreError> for FetchError {
    fn from(error: StoreError) -> FetchError {
        let reason = error.to_string();
        FetchError::Failed(match error {
            // It was stored completely, so the back end's copy is damaged.
            StoreError::Wrong { .. } => MissingReason::Absent(reason),
            _ => MissingReason::Unstorable(reason),
        })
    }
}

/// An attempt to fetch a content, until it is dropped.
struct Attempt<'a> {
    docroot: &'a Docroot,
    content: ContentId,
    failure: Option<MissingReason>,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let failure = self.failure.take();
        self.docroot.change(|known, _| known.fetched(self.content, failure, clock::now()));
    }
}

impl DocrootFiles {
    /// Fetches missing contents of the log's files for as long as it is polled.
    pub(in crate::frontend) async fn fetch(&self) {
        let workers =
            (0..FETCHES + URGENT_FETCHES).map(|index| self.keep_fetching(index >= FETCHES));
        join_all(workers).await;
    }

    /// Removes unreferenced contents for as long as it is polled.
    pub(in crate::frontend) async fn sweep(&self) {
        loop {
            sleep(SWEEP).await;
            self.docroot.sweep().await;
        }
    }

    async fn keep_fetching(&self, urgent_only: bool) {
        let mut changed = self.docroot.changed.subscribe();
        let mut pause = SHORTEST_PAUSE;
        loop {
            changed.mark_unchanged();
            let now = clock::now();
            let Some(content) = self.docroot.write(|known| known.next(urgent_only, now)) else {
                let next = self.docroot.read(|known| known.next_attempt(urgent_only));
                tokio::select! {
                    // The sender lives as long as the docroot.
                    _ = changed.changed() => {}
                    () = sleep(next.map_or(LONGEST_PAUSE, |next| next.since(now))) => {}
                }
                continue;
            };
            let mut attempt = Attempt { docroot: &self.docroot, content, failure: None };
            let before = self.docroot.fetched_bytes();
            match self.fetch_content(content).await {
                Ok(()) => {
                    pause = SHORTEST_PAUSE;
                    self.docroot.change(|known, _| known.arrived(content));
                }
                Err(FetchError::Unwanted) => {}
                Err(FetchError::Failed(failure)) => {
                    let (MissingReason::Unstorable(reason) | MissingReason::Absent(reason)) =
                        &failure;
                    tracing::error!(content = content.hex(), reason, "a file cannot be fetched");
                    attempt.failure = Some(failure);
                }
                Err(FetchError::Broken(reason)) => {
                    drop(attempt);
                    tracing::debug!(
                        content = content.hex(),
                        reason,
                        "fetching a file was interrupted"
                    );
                    if self.docroot.fetched_bytes() > before {
                        pause = SHORTEST_PAUSE;
                    }
                    sleep(pause.mul_f64(rand::random_range(0.5..=1.0))).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    self.link.connected().await;
                }
            }
        }
    }

    /// Fetches one content, continuing where an earlier attempt was interrupted.
    async fn fetch_content(&self, content: ContentId) -> Result<(), FetchError> {
        let store = Arc::clone(&self.docroot.store);
        let begun = blocking(move || match store.open_content(content)? {
            Some(_) => Ok(None),
            None => store.resume(content).map(Some),
        });
        // Another task may have stored it meanwhile.
        let Some(mut partial) = begun.await? else { return Ok(()) };
        if !partial.is_whole() {
            partial = self.receive(content, partial).await?;
        }
        if !partial.is_whole() {
            return Err(FetchError::Broken("the back end sent too little".to_owned()));
        }
        blocking(move || partial.finish()).await
    }

    async fn receive(
        &self,
        content: ContentId,
        mut partial: Partial,
    ) -> Result<Partial, FetchError> {
        let mut body = match self.link.content(content, partial.length()).await {
            Ok(Some(body)) => body,
            Ok(None) => {
                let reason = "the back end does not have it".to_owned();
                return Err(FetchError::Failed(MissingReason::Absent(reason)));
            }
            Err(CallError::Refused { message, .. }) => {
                return Err(FetchError::Failed(MissingReason::Absent(message)));
            }
            Err(error) => return Err(FetchError::Broken(error.to_string())),
        };
        let mut piece = Vec::new();
        loop {
            let frame = timeout(SILENCE, body.frame()).await;
            let (goes_on, broken) = match frame {
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        piece.extend_from_slice(&data);
                    }
                    (true, None)
                }
                Ok(None) => (false, None),
                Ok(Some(Err(error))) => (false, Some(error.to_string())),
                Err(_) => (false, Some(format!("nothing arrived for {SILENCE:?}"))),
            };
            if piece.len() >= PIECE || !goes_on {
                let bytes = std::mem::take(&mut piece);
                partial = self.append(partial, bytes).await?;
            }
            match (goes_on, broken) {
                (_, Some(reason)) => return Err(FetchError::Broken(reason)),
                (false, None) => return Ok(partial),
                (true, None) if !self.docroot.read(|known| known.is_wanted(content)) => {
                    return Err(FetchError::Unwanted);
                }
                (true, None) => {}
            }
        }
    }

    async fn append(&self, mut partial: Partial, bytes: Vec<u8>) -> Result<Partial, FetchError> {
        let before = partial.length();
        let docroot = Arc::clone(&self.docroot);
        blocking(move || {
            let appended = partial.append(&bytes);
            docroot.fetched_bytes.fetch_add(partial.length() - before, Ordering::Relaxed);
            appended.map(|()| partial)
        })
        .await
    }
}

/// Runs disk operations on a thread where blocking is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, FetchError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(FetchError::from),
        Err(error) => Err(FetchError::Failed(MissingReason::Unstorable(error.to_string()))),
    }
}
