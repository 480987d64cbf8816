//! The docroot of a back end: the source of the files that the log puts into every docroot.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::TryStreamExt;
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use crate::body::{Body, BodyError};
use crate::clock;
use crate::docroot::{
    Keeper, Keeping, Manifest, Pin, Store, StoreError, SyncError, Taken, check_path,
};
use crate::link::{BackEndRefusal, FileLookup, FoundFiles};
use crate::log::{ContentId, FileChange, Position, Record};

use super::Backend;

/// The number of bytes of a content that are read at a time.
const PIECE: usize = 128 * 1024;

/// The files of a back end: those in its docroot, and those in the log.
#[derive(Debug)]
pub(super) struct BackEndDocroot {
    folder: PathBuf,
    pub(super) store: Arc<Store>,
    manifest: Mutex<Manifest>,
    /// One lock for each path that is being imported.
    turns: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl BackEndDocroot {
    pub(super) fn new(folder: PathBuf, store: Arc<Store>) -> BackEndDocroot {
        BackEndDocroot { folder, store, manifest: Mutex::default(), turns: Mutex::default() }
    }

    /// Observes the next record.
    pub(super) fn observe(&self, record: &Record) {
        if record.content.files.is_empty() {
            return;
        }
        let mut manifest = self.lock();
        for change in &record.content.files {
            // Records arrive in order here, so the manifest is never ahead of one.
            let _ = manifest.apply(record.position, change);
        }
    }

    /// Restores the manifest of a checkpoint.
    pub(super) fn restore(&self, manifest: Manifest) {
        *self.lock() = manifest;
    }

    /// Returns the log's manifest, as of now or a moment ago.
    pub(super) fn manifest(&self) -> Manifest {
        self.lock().clone()
    }

    /// Imports the file at `path` as it is now.
    pub(super) async fn take(self: &Arc<Self>, path: &str) -> Result<Taken, SyncError> {
        check_path(path).map_err(|reason| SyncError::Path { path: path.to_owned(), reason })?;
        let turn = self.turn(path).lock_owned().await;
        let (docroot, file) = (Arc::clone(self), path.to_owned());
        let importing = tokio::task::spawn_blocking(move || {
            if !docroot.folder.is_dir() {
                return Err(SyncError::NoDocroot { folder: docroot.folder.clone() });
            }
            match docroot.store.import(&docroot.folder, &file) {
                Ok(pin) => Ok(Some(pin)),
                Err(StoreError::Absent) => Ok(None),
                Err(reason) => Err(SyncError::Store { path: file, reason }),
            }
        });
        let pin = match importing.await {
            Ok(imported) => imported?,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        let content = pin.as_ref().map(Pin::content);
        Ok(Taken::new(FileChange { path: path.to_owned(), content }, (pin, turn)))
    }

    /// Looks files up in the manifest.
    pub(super) fn find(&self, paths: &[String]) -> FoundFiles {
        let manifest = self.lock();
        let files = paths.iter().map(|path| manifest.get(path).map(|entry| entry.content));
        FoundFiles { files: files.collect() }
    }

    /// Returns a content from `offset` on; `None` if it is not here.
    pub(super) async fn content(
        self: &Arc<Self>,
        content: ContentId,
        offset: u64,
    ) -> Result<Option<Body>, BackEndRefusal> {
        let docroot = Arc::clone(self);
        let opening = tokio::task::spawn_blocking(move || docroot.open(content));
        let failed = |error: &dyn std::fmt::Display| {
            tracing::error!(content = content.hex(), %error, "a file cannot be sent to a front end");
            BackEndRefusal { message: format!("the back end cannot read the content: {error}") }
        };
        let opened = opening.await.map_err(|error| failed(&error))?;
        let Some(file) = opened.map_err(|error| failed(&error))? else { return Ok(None) };
        let mut file = tokio::fs::File::from_std(file);
        file.set_max_buf_size(PIECE);
        file.seek(std::io::SeekFrom::Start(offset)).await.map_err(|error| failed(&error))?;
        let left = content.length.saturating_sub(offset);
        let pieces = ReaderStream::with_capacity(file.take(left), PIECE);
        let frames = pieces.map_ok(Frame::data).map_err(BodyError::broken);
        Ok(Some(Body::stream(StreamBody::new(frames))))
    }

    /// Removes contents that nothing refers to any more.
    pub(super) async fn sweep(self: &Arc<Self>) {
        let docroot = Arc::clone(self);
        let sweeping = tokio::task::spawn_blocking(move || {
            let referred = docroot.manifest().contents();
            docroot.store.sweep(&referred, clock::now())
        });
        match sweeping.await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "contents of former files were removed"),
            Err(error) => tracing::error!(%error, "former files could not be removed"),
        }
    }

    /// Opens a content. If it is missing from the store, it may still be in the docroot.
    fn open(&self, content: ContentId) -> Result<Option<std::fs::File>, StoreError> {
        if let Some(file) = self.store.open_content(content)? {
            return Ok(Some(file));
        }
        for path in self.manifest().paths_of(content) {
            match self.store.import(&self.folder, path) {
                Ok(pin) if pin.content() == content => {
                    tracing::warn!(path, "the stored content was lost and has been imported again");
                    return self.store.open_content(content);
                }
                Ok(_) | Err(StoreError::Absent) => {}
                Err(error) => {
                    tracing::warn!(path, %error, "a lost content cannot be imported again")
                }
            }
        }
        Ok(None)
    }

    /// Returns the lock for importing the file at `path`.
    fn turn(&self, path: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(path).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        turns.insert(path.to_owned(), Arc::downgrade(&turn));
        turn
    }

    fn lock(&self) -> MutexGuard<'_, Manifest> {
        self.manifest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend {
    /// Looks files up in the log, once this back end has reached the front end's position.
    pub(super) async fn lookup(&self, lookup: FileLookup) -> Result<FoundFiles, BackEndRefusal> {
        let deadline = Duration::from_millis(lookup.deadline);
        if !self.has_reached(lookup.log, lookup.applied, deadline).await {
            let message = "the back end has not reached the front end's position yet".to_owned();
            return Err(BackEndRefusal { message });
        }
        Ok(self.docroot.find(&lookup.paths))
    }
}

impl Keeper for Backend {
    fn folder(&self) -> &Path {
        &self.docroot.folder
    }

    fn take<'a>(&'a self, path: &'a str) -> Keeping<'a, Taken> {
        Box::pin(self.docroot.take(path))
    }

    fn held<'a>(&'a self, path: &'a str, position: Position) -> Keeping<'a, ()> {
        Box::pin(async move {
            let wait = self.sync_deadline;
            let held = self.members.held(position, wait).await;
            held.map_err(|unheld| unheld.into_error(path, position, wait))
        })
    }
}
