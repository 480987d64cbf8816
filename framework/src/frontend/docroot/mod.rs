//! The front end's half of the docroot that the log fills: what is known of it, fetching contents,
//! and serving them. The argument is in [`crate::docroot`].
//!
//! - [`Docroot`]: what the log says, and what of it is here.
//! - `known`: the bookkeeping, without disk and network.
//! - `fetch`: brings contents here, in the background.
//! - [`DocrootFiles`]: what requests for files are answered with; `serve`: their way.

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

/// The files that the log has put into the docroot, as this front end knows them.
#[derive(Debug)]
pub(crate) struct Docroot {
    store: Arc<Store>,
    known: RwLock<KnownFiles>,
    holdings: watch::Sender<Holdings>,
    /// Notified whenever a file changes, a content comes, or a request begins to wait for one.
    changed: watch::Sender<()>,
    /// Whether at some time everything was here that could be had.
    was_whole: AtomicBool,
    fetched_bytes: AtomicU64,
    /// Until when no back end is asked what it knows, because none has answered lately; in
    /// nanoseconds of the clock.
    silent_until: AtomicU64,
}

/// The files of a front end: those that the log has put into the docroot, and the docroot's own.
pub(super) struct DocrootFiles {
    pub(super) docroot: Arc<Docroot>,
    /// The docroot's own files.
    pub(super) files: Files,
    /// Says whether there is a lease, and up to where the log is known.
    pub(super) cache: Arc<Cache>,
    pub(super) link: Arc<Link>,
    /// How long a request waits for a content that is on its way.
    pub(super) deadline: Duration,
}

/// A request waits for a content until this is dropped.
#[derive(Debug)]
struct Wanted<'a> {
    docroot: &'a Docroot,
    content: ContentId,
}

impl Docroot {
    /// A docroot of which nothing is known yet; contents are in `store`.
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

    /// Begins with the manifest that a back end has sent.
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

    /// Applies what a record says of files.
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

    /// A record could not be read. From now on what is known is not relied on, and nothing is
    /// reported to be held, until a back end sends the whole manifest.
    pub(super) fn distrust(&self) {
        self.change(|known, _| known.distrust());
    }

    /// Which contents are here, whenever it changes.
    pub(super) fn holdings(&self) -> watch::Receiver<Holdings> {
        self.holdings.subscribe()
    }

    /// Figures for operators.
    pub(crate) fn figures(&self) -> Figures {
        self.read(KnownFiles::figures)
    }

    /// How many bytes of contents have been fetched since the start.
    pub(crate) fn fetched_bytes(&self) -> u64 {
        self.fetched_bytes.load(Ordering::Relaxed)
    }

    /// Whether everything that can be had was here at some time since the start: a front end that
    /// joins need not be visited before.
    pub(super) fn was_whole(&self) -> bool {
        self.was_whole.load(Ordering::Relaxed)
    }

    /// Why this front end cannot store a content that the log's files have, while that is so.
    pub(super) fn unstorable(&self) -> Option<String> {
        self.read(|known| known.unstorable().map(str::to_owned))
    }

    /// Removes contents that nothing refers to any more. Not before it is known what does.
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

    /// Has the content fetched before others.
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

    /// Changes what is known, and notifies all waiting tasks.
    fn change<T>(&self, change: impl FnOnce(&mut KnownFiles, &Store) -> T) -> T {
        let changed = self.write(|known| change(known, &self.store));
        self.report();
        self.changed.send_replace(());
        changed
    }

    /// Tells the back end what is here, if that has changed. Nothing changes meanwhile, so no report
    /// can overtake a later one.
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
