use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;

use super::entries::Entries;
use super::flight::Knowledge;
use super::hit_for_miss::HitForMissMarks;
use super::lease::Lease;
use super::ledger::Ledger;
use super::validity::LogOrigin;
use crate::clock::Moment;
use crate::log::{Invalidation, LogEpoch, Position};

/// A front end's cache.
#[derive(Debug)]
pub struct Cache {
    /// Entries that expire or may be evicted.
    pub(super) ordinary: Entries,
    /// Persistent entries have memory of their own, so that no other entry can evict them.
    pub(super) persistent: Entries,
    pub(super) ledger: ArcSwapOption<Ledger>,
    pub(super) limits: CacheLimits,
    /// The moment of the last sweep.
    pub(super) swept: AtomicU64,
    pub(super) lease: Lease,
    /// The latest moment up to which a lease has confirmed that everything was applied.
    confirmed: AtomicU64,
    /// Locked by writers of the ledger, and by nothing else.
    following: Mutex<()>,
    pub(super) hit_for_miss: HitForMissMarks,
}

/// The limits of a cache.
#[derive(Debug, Clone, Copy)]
pub struct CacheLimits {
    /// Memory for ordinary entries, in bytes.
    pub bytes: u64,
    /// Memory for persistent entries, in bytes.
    pub persistent_bytes: u64,
    /// Groups without entries that are remembered.
    pub groups: usize,
    /// Patterns that are outstanding.
    pub patterns: usize,
}

/// Figures about a cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Entries, persistent ones included.
    pub entries: u64,
    /// Bytes, persistent entries included.
    pub bytes: u64,
    /// Groups that are remembered.
    pub groups: usize,
    /// Patterns that are outstanding.
    pub patterns: usize,
}

impl Cache {
    /// Creates an empty cache that follows no log and holds no lease.
    pub fn new(limits: CacheLimits) -> Cache {
        Cache {
            ordinary: Entries::new(limits.bytes),
            persistent: Entries::new(limits.persistent_bytes),
            ledger: ArcSwapOption::empty(),
            limits,
            swept: AtomicU64::new(0),
            lease: Lease::default(),
            confirmed: AtomicU64::new(0),
            following: Mutex::default(),
            hit_for_miss: HitForMissMarks::new(),
        }
    }

    /// Returns the log that is followed, and the position up to which it was applied.
    pub fn position(&self) -> Option<LogOrigin> {
        let ledger = self.ledger.load();
        ledger.as_ref().map(|ledger| ledger.position())
    }

    /// Returns the position, and the greatest position that anything in the cache is from.
    pub fn seen(&self) -> Option<(LogOrigin, Position)> {
        let ledger = self.ledger.load();
        ledger.as_ref().map(|ledger| (ledger.position(), ledger.seen()))
    }

    /// Returns the position up to which the log is applied; `None` without a lease, when there may
    /// be further records.
    pub fn knowledge(&self, now: Moment) -> Option<Knowledge> {
        if !self.lease.holds(now) {
            return None;
        }
        let ledger = self.ledger.load();
        let ledger = ledger.as_ref()?;
        Some(Knowledge { generation: ledger.generation, applied: ledger.applied() })
    }

    /// Applies records in their order. When this returns, nothing that they invalidate is served as
    /// valid. `now` is the present.
    pub fn apply<'a>(
        &self,
        records: impl IntoIterator<Item = (Position, &'a Invalidation)>,
        through: Position,
        now: Moment,
    ) {
        let _turn = self.turn();
        let ledger = self.ledger.load();
        let Some(ledger) = ledger.as_ref() else { return };
        // A record from before the end of the lease would have arrived by then.
        let at = self.lease.last_held(now);
        for (position, invalidation) in records {
            ledger.invalidate(position, invalidation, at);
        }
        ledger.patterns.shrink_to(self.limits.patterns);
        ledger.advance(through);
    }

    /// Forgets everything and follows `log` from `start` on. The cache has no lease until it is
    /// renewed.
    pub fn follow(&self, log: LogEpoch, start: Position) {
        let _turn = self.turn();
        self.lease.end();
        self.begin(log, start);
    }

    /// Continues with the feed of another opening of the log, which includes everything up to
    /// `seen`.
    pub fn resume(&self, log: LogEpoch, seen: Position) {
        let turn = self.turn();
        let ledger = self.ledger.load();
        let is_all_included = ledger.as_ref().is_none_or(|ledger| ledger.resume(log.epoch, seen));
        drop(turn);
        if !is_all_included {
            self.forget();
        }
    }

    /// Forgets everything, as when the site's files have changed, and continues with the same log
    /// and the same lease. Fills that were begun before are not stored.
    pub fn forget(&self) {
        let _turn = self.turn();
        if let Some(LogOrigin { log, as_of }) = self.position() {
            self.begin(log, as_of);
        }
    }

    fn begin(&self, log: LogEpoch, start: Position) {
        let generation = self.generation().next();
        self.ledger.store(Some(Arc::new(Ledger::new(generation, log, start))));
        self.ordinary.clear();
        self.persistent.clear();
        self.hit_for_miss.clear();
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.following.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Extends the lease to `lease` after `asked`, the moment when the front end asked for the
    /// renewal.
    pub fn renew(&self, asked: Moment, lease: Duration) {
        self.lease.extend(asked.after(lease));
        self.confirmed.fetch_max(asked.as_nanos(), Ordering::Relaxed);
    }

    /// Returns how long ago a back end has last confirmed that everything served is valid.
    pub fn confirmed(&self, now: Moment) -> Duration {
        now.since(self.confirmed_at())
    }

    /// Returns the latest moment at which a back end has confirmed that everything then in the log
    /// was applied here.
    pub fn confirmed_at(&self) -> Moment {
        Moment::from_nanos(self.confirmed.load(Ordering::Relaxed))
    }

    /// Returns whether the cache may be served from.
    pub fn holds_lease(&self, now: Moment) -> bool {
        self.lease.holds(now)
    }

    /// Gives the lease up for good: nothing is served from the cache any more.
    pub fn close(&self) {
        self.lease.close();
    }

    #[cfg(test)]
    pub(super) fn end_lease(&self) {
        self.lease.end();
    }

    /// Figures for the admin page.
    pub fn usage(&self) -> Usage {
        let ledger = self.ledger.load();
        let ledger = ledger.as_ref();
        Usage {
            entries: self.ordinary.len() + self.persistent.len(),
            bytes: self.ordinary.bytes() + self.persistent.bytes(),
            groups: ledger.map_or(0, |ledger| ledger.groups.len()),
            patterns: ledger.map_or(0, |ledger| ledger.patterns.len()),
        }
    }

    pub(super) fn entries(&self, persistent: bool) -> &Entries {
        if persistent { &self.persistent } else { &self.ordinary }
    }
}
