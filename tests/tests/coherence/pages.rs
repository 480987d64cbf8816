use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rand::{Rng, RngExt};

/// The number of pages that are written often, so that writes overtake reads.
const BUSY: usize = 4;
/// The number of pages that are written rarely, so that cached entries grow old.
const QUIET: usize = 12;

/// The versions written to each page, as known by the writers.
pub(crate) struct Pages(Vec<Page>);

#[derive(Default)]
struct Page {
    /// The number of writes sent: no version can be higher.
    sent: AtomicU64,
    /// The highest version whose write was answered: no later read may show a lower one.
    answered: AtomicU64,
    /// All versions that were answered: none may occur twice.
    versions: Mutex<BTreeSet<u64>>,
}

impl Pages {
    pub(crate) fn new() -> Pages {
        Pages((0..BUSY + QUIET).map(|_| Page::default()).collect())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Chooses a page for a reader; half of them are quiet ones.
    pub(crate) fn to_read(&self, choices: &mut impl Rng) -> usize {
        self.choose(choices, 0.5)
    }

    /// Chooses a page for a writer.
    pub(crate) fn to_write(&self, choices: &mut impl Rng) -> usize {
        self.choose(choices, 0.8)
    }

    fn choose(&self, choices: &mut impl Rng, busy: f64) -> usize {
        match choices.random_bool(busy) {
            true => choices.random_range(..BUSY),
            false => choices.random_range(BUSY..self.count()),
        }
    }

    /// Returns the lowest version that a read which begins now may show.
    pub(crate) fn floor(&self, page: usize) -> u64 {
        self.0[page].answered.load(Ordering::SeqCst)
    }

    /// Returns the floors of all pages.
    pub(crate) fn floors(&self) -> Vec<u64> {
        (0..self.count()).map(|page| self.floor(page)).collect()
    }

    /// Returns the highest version that a read which has ended may show.
    pub(crate) fn ceiling(&self, page: usize) -> u64 {
        self.0[page].sent.load(Ordering::SeqCst)
    }

    /// Records that a write is about to be sent.
    pub(crate) fn sent(&self, page: usize) {
        self.0[page].sent.fetch_add(1, Ordering::SeqCst);
    }

    /// Records that a write was answered with this version. Returns whether no other was.
    pub(crate) fn answered(&self, page: usize, version: u64) -> bool {
        let page = &self.0[page];
        page.answered.fetch_max(version, Ordering::SeqCst);
        page.versions.lock().unwrap_or_else(PoisonError::into_inner).insert(version)
    }
}
