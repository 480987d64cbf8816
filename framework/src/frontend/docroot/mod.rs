//! The front end's half of the docroot that the log fills: its state, fetching contents, and serving files. The
//! correctness argument is in [`crate::docroot`].
//!
//! - [`Docroot`]: the files in the log, and their contents that are stored here.
//! - `known`: the bookkeeping, without disk and network.
//! - `fetch`: fetches contents in the background.
//! - [`DocrootFiles`]: the files of a front end; `serve`: answers requests for them.

mod fetch;
mod known;
mod serve;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use crate::cache::Cache;
use crate::clock;
use crate::docroot::{Manifest, Store};
use crate::files::Files;
use crate::link::{Holdings, Link};
use crate::log::{ContentId, FileChange, Position};

pub(crate) use known::Figures;
use known::{KnownFiles, Trust};

/// The files that the log has put into the docroot, as known to this front end.
#[derive(Debug)]
pub(crate) struct Docroot {
    store: Arc<Store>,
    known: RwLock<KnownFiles>,
    holdings: watch::Sender<Holdings>,
    /// Notified whenever a file changes, a content arrives, or a request begins to wait for one.
    changed: watch::Sender<()>,
    /// Whether all contents that can be obtained were stored here at some time.
    was_whole: AtomicBool,
    fetched_bytes: AtomicU64,
    /// The end of the time in which no back end is asked about files, because none has answered recently; in
    /// nanoseconds of the clock.
    silent_until: AtomicU64,
}

/// The files of a front end: those that the log has put into the docroot, and the docroot's own.
pub(super) struct DocrootFiles {
    pub(super) docroot: Arc<Docroot>,
    /// The docroot's own files.
    pub(super) files: Files,
    /// Determines whether there is a lease, and the applied position of the log.
    pub(super) cache: Arc<Cache>,
    pub(super) link: Arc<Link>,
    /// The time that a request waits for a content that is being fetched.
    pub(super) deadline: Duration,
}

/// A request waits for a content until this is dropped.
#[derive(Debug)]
struct Wanted<'a> {
    docroot: &'a Docroot,
    content: ContentId,
}

impl Docroot {
    /// Creates a docroot without any known files; contents are in `store`.
    pub(crate) fn new(store: Arc<Store>) -> Docroot {
        Docroot {
            store,
            known: RwLock::default(),
            holdings: watch::Sender::default(),
            changed: watch::Sender::default(),
            was_whole: AtomicBool::new(false),
            fetched_bytes: AtomicU64::new(0),
            silent_until: AtomicU64::new(0),
        }
    }

    /// Starts with the manifest that a back end has sent.
    pub(super) fn begin<'a>(&self, snapshot: impl Iterator<Item = &'a Bytes>) {
        let manifest = Manifest::from_pieces(snapshot);
        if manifest.is_none() {
            tracing::error!("cannot read which files the log has put into the docroot");
        }
        self.change(|known, store| match manifest {
            Some(manifest) => known.begin(manifest, |content| store.contains(content)),
            None => known.distrust(),
        });
    }

    /// Applies the file changes of a record.
    pub(super) fn apply(&self, position: Position, files: &[FileChange]) {
        if files.is_empty() {
            return;
        }
        self.change(|known, store| {
            for file in files {
                known.apply(position, file, |content| store.contains(content));
            }
        });
    }

    /// Marks the state as unreliable, because a record could not be decoded: nothing is reported as held until a back
    /// end sends the whole manifest.
    pub(super) fn distrust(&self) {
        self.change(|known, _| known.distrust());
    }

    /// Returns a receiver that is notified of changes to the contents stored here.
    pub(super) fn holdings(&self) -> watch::Receiver<Holdings> {
        self.holdings.subscribe()
    }

    /// Returns the numbers of files and contents, for operators.
    pub(crate) fn figures(&self) -> Figures {
        self.read(KnownFiles::figures)
    }

    /// Returns the number of bytes of contents that have been fetched since the start.
    pub(crate) fn fetched_bytes(&self) -> u64 {
        self.fetched_bytes.load(Ordering::Relaxed)
    }

    /// Returns whether all obtainable contents were stored here at some time since the start: until then a new front
    /// end should receive no visitors.
    pub(super) fn was_whole(&self) -> bool {
        self.was_whole.load(Ordering::Relaxed)
    }

    /// Returns the reason why this front end cannot store a content of the log's files, as long as it cannot.
    pub(super) fn unstorable(&self) -> Option<String> {
        self.read(|known| known.unstorable().map(str::to_owned))
    }

    /// Removes contents without references, once the manifest is complete.
    pub(super) async fn sweep(self: &Arc<Self>) {
        if self.trust() != Trust::Whole {
            return;
        }
        let docroot = Arc::clone(self);
        let sweeping = tokio::task::spawn_blocking(move || {
            let referred = docroot.read(|known| known.manifest().contents());
            docroot.store.sweep(&referred, clock::now())
        });
        if let Err(error) = sweeping.await {
            tracing::error!(%error, "former files could not be removed");
        }
    }

    /// Gives the content priority over others until the result is dropped.
    fn want(&self, content: ContentId) -> Wanted<'_> {
        let is_here = self.store.contains(content);
        self.change(|known, _| known.want(content, is_here, clock::now()));
        Wanted { docroot: self, content }
    }

    fn trust(&self) -> Trust {
        self.read(KnownFiles::trust)
    }

    fn read<T>(&self, read: impl FnOnce(&KnownFiles) -> T) -> T {
        read(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, write: impl FnOnce(&mut KnownFiles) -> T) -> T {
        write(&mut self.known.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state, and notifies all waiting tasks.
    fn change<T>(&self, change: impl FnOnce(&mut KnownFiles, &Store) -> T) -> T {
        let changed = self.write(|known| change(known, &self.store));
        self.report();
        self.changed.send_replace(());
        changed
    }

    /// Reports to the back end which contents are stored here, if that has changed. The lock is held meanwhile, so no
    /// report can overtake a later one.
    fn report(&self) {
        self.read(|known| {
            if !self.was_whole() && known.is_whole() {
                self.was_whole.store(true, Ordering::Relaxed);
            }
            let holdings = known.holdings();
            self.holdings.send_if_modified(|reported| {
                let differs = *reported != holdings;
                *reported = holdings;
                differs
            });
        });
    }
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        self.docroot.write(|known| known.unwant(self.content));
    }
}
