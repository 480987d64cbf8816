use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Moment;

/// No clock is that early any more, so this is never later than the present.
const CLOSED: u64 = 1;

/// The end of the permission to serve from the cache.
#[derive(Debug, Default)]
pub(super) struct Lease(AtomicU64);

impl Lease {
    /// Extends the lease. This never shortens it: a late answer carries no news.
    pub(super) fn extend(&self, until: Moment) {
        let later = |now: u64| (now != CLOSED).then(|| now.max(until.as_nanos()));
        // A closed lease stays closed.
        let _ = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, later);
    }

    /// Ends the lease at once, until it is extended.
    pub(super) fn end(&self) {
        let ended = |now: u64| (now != CLOSED).then_some(0);
        let _ = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, ended);
    }

    /// Ends the lease for good: an extension that is under way has no effect.
    pub(super) fn close(&self) {
        self.0.store(CLOSED, Ordering::Release);
    }

    /// Returns whether it has ended for good.
    pub(super) fn is_closed(&self) -> bool {
        self.0.load(Ordering::Acquire) == CLOSED
    }

    /// Returns how long ago the lease ended; very long if there never was one.
    pub(super) fn ended(&self, now: Moment) -> Duration {
        now.since(Moment::from_nanos(self.0.load(Ordering::Acquire)))
    }

    /// Returns the last moment up to `now` at which the lease held.
    pub(super) fn last_held(&self, now: Moment) -> Moment {
        now.min(Moment::from_nanos(self.0.load(Ordering::Acquire)))
    }

    /// Returns whether the cache may be served from at `now`.
    pub(super) fn holds(&self, now: Moment) -> bool {
        now.as_nanos() < self.0.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_lease_cannot_be_extended() {
        let lease = Lease::default();
        lease.extend(Moment::from_nanos(10));
        assert!(lease.holds(Moment::from_nanos(9)));
        assert!(!lease.is_closed());
        lease.close();
        lease.extend(Moment::from_nanos(20));
        lease.end();
        lease.extend(Moment::from_nanos(20));
        assert!(!lease.holds(Moment::from_nanos(9)) && lease.is_closed());
    }
}
