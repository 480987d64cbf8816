use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Moment;

/// Until when the cache may be served from.
#[derive(Debug, Default)]
pub(super) struct Lease(AtomicU64);

impl Lease {
    /// Extends the lease. It never gets shorter by this: an answer that comes late says nothing new.
    pub(super) fn extend(&self, until: Moment) {
        self.0.fetch_max(until.as_nanos(), Ordering::AcqRel);
    }

    /// Ends the lease at once.
    pub(super) fn end(&self) {
        self.0.store(0, Ordering::Release);
    }

    /// Whether the cache may be served from at `now`.
    pub(super) fn holds(&self, now: Moment) -> bool {
        now.as_nanos() < self.0.load(Ordering::Acquire)
    }
}
