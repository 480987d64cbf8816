//! The front end's half of the docroot that the log fills: what is known of it, fetching contents,
//! and serving them. The argument is in [`crate::docroot`].
//!
//! - [`Docroot`]: what the log says, and what of it is here.
//! - `known`: the bookkeeping, without disk and network.
//! - `fetch`: brings contents here, in the background.
//! - `serve`: the way of a request for a file.

mod fetch;
mod known;
mod serve;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use tokio::sync::watch;

use crate::clock;
use crate::docroot::{Manifest, Store};
use crate::link::Holdings;
use crate::log::{ContentId, FileChange, Position};

pub use known::Figures;
use known::Known;

/// The files that the log has put into the docroot, as this front end knows them.
#[derive(Debug)]
pub struct Docroot {
    store: Arc<Store>,
    known: RwLock<Known>,
    holdings: watch::Sender<Holdings>,
    /// Told whenever a file changes, a content comes, or somebody begins to wait for one.
    changed: watch::Sender<()>,
    trust: RwLock<Trust>,
    /// Whether at some time everything was here that could be had.
    was_whole: AtomicBool,
    fetched_bytes: AtomicU64,
    /// Until when no back end is asked what it knows, because none has answered lately; in
    /// nanoseconds of the clock.
    silent_until: AtomicU64,
}

/// How far the manifest can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// Nothing was heard of the log yet.
    Unknown,
    /// It is what the log says up to the position that was applied.
    Whole,
    /// A record could not be read: it may lack something.
    Torn,
}

/// Somebody waits for a content until this is dropped.
#[derive(Debug)]
struct Wanted<'a> {
    docroot: &'a Docroot,
    content: ContentId,
}

impl Docroot {
    /// A docroot of which nothing is known yet; contents are in `store`.
    pub fn new(store: Arc<Store>) -> Docroot {
        Docroot {
            store,
            known: RwLock::default(),
            holdings: watch::Sender::default(),
            changed: watch::Sender::default(),
            trust: RwLock::new(Trust::Unknown),
            was_whole: AtomicBool::new(false),
            fetched_bytes: AtomicU64::new(0),
            silent_until: AtomicU64::new(0),
        }
    }

    /// Begins with the manifest as of `start` that a back end has sent.
    pub(super) fn begin(&self, snapshot: &[Bytes], start: Position) {
        let manifest = Manifest::from_pieces(snapshot);
        if manifest.is_none() {
            tracing::error!("cannot read which files the log has put into the docroot");
        }
        self.set_trust(if manifest.is_some() { Trust::Whole } else { Trust::Torn });
        let manifest = manifest.unwrap_or_default();
        self.change(|known, store| {
            known.begin(manifest, start, |content| store.contains(content));
        });
    }

    /// Takes in records and what they say of files; `through` is the position that is reached.
    pub(super) fn apply<'a>(
        &self,
        records: impl IntoIterator<Item = (Position, &'a [FileChange])>,
        through: Position,
    ) {
        if self.trust() == Trust::Torn {
            return;
        }
        let mut changes = records.into_iter().filter(|(_, files)| !files.is_empty()).peekable();
        if changes.peek().is_none() {
            // By far the most records: nobody waits for anything here.
            self.write(|known| known.advance(through));
            self.report();
            return;
        }
        self.change(|known, store| {
            for (position, files) in changes {
                for file in files {
                    known.apply(position, file, |content| store.contains(content));
                }
            }
            known.advance(through);
        });
    }

    /// A record could not be read. From now on what is known is not relied on, and nothing more is
    /// reported to be held, until a back end sends the whole manifest.
    pub(super) fn distrust(&self) {
        self.set_trust(Trust::Torn);
    }

    /// Which contents are here, whenever it changes.
    pub(super) fn holdings(&self) -> watch::Receiver<Holdings> {
        self.holdings.subscribe()
    }

    /// Figures for operators.
    pub fn figures(&self) -> Figures {
        self.read(Known::figures)
    }

    /// How many bytes of contents have been fetched since the start.
    pub fn fetched_bytes(&self) -> u64 {
        self.fetched_bytes.load(Ordering::Relaxed)
    }

    /// Whether everything that can be had was here at some time since the start: a front end that
    /// joins need not be visited before.
    pub(super) fn was_whole(&self) -> bool {
        self.was_whole.load(Ordering::Relaxed)
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
        *self.trust.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_trust(&self, trust: Trust) {
        *self.trust.write().unwrap_or_else(PoisonError::into_inner) = trust;
    }

    fn read<T>(&self, read: impl FnOnce(&Known) -> T) -> T {
        read(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, write: impl FnOnce(&mut Known) -> T) -> T {
        write(&mut self.known.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes what is known, and tells everybody.
    fn change<T>(&self, change: impl FnOnce(&mut Known, &Store) -> T) -> T {
        let changed = self.write(|known| change(known, &self.store));
        self.report();
        self.changed.send_replace(());
        changed
    }

    /// Tells the back end what is here, if that has changed.
    fn report(&self) {
        let (holdings, is_whole) =
            self.read(|known| (known.holdings(), self.was_whole() || known.is_whole()));
        if is_whole && self.trust() == Trust::Whole {
            self.was_whole.store(true, Ordering::Relaxed);
        }
        self.holdings.send_if_modified(|reported| {
            let differs = *reported != holdings;
            *reported = holdings;
            differs
        });
    }
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        self.docroot.write(|known| known.unwant(self.content));
    }
}
