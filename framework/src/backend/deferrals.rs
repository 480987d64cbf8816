use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::log::{Invalidation, Position, Record};

/// The records whose deferred invalidations no later record has settled, and the calls that may
/// still settle some.
///
/// A call settles its deferred invalidations when it ends. If it cannot (the disk is full, or its
/// back end was killed), its records are left over: they are open, and every call in progress began
/// after them.
#[derive(Debug, Default)]
pub(super) struct Deferrals(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    open: BTreeMap<Position, Invalidation>,
    /// The position after which each call in progress may have deferred something.
    calls: BTreeMap<u64, Position>,
    begun: u64,
}

/// A call that may defer something, until it is dropped.
#[derive(Debug)]
pub(super) struct DeferringCall {
    deferrals: Arc<Deferrals>,
    number: u64,
}

impl Deferrals {
    /// Observes the next record.
    pub(super) fn observe(&self, record: &Record) {
        let content = &record.content;
        if content.settles.is_none() && content.deferred.is_empty() {
            return;
        }
        let mut inner = self.lock();
        if let Some(settled) = content.settles {
            inner.open.remove(&settled);
        }
        if !content.deferred.is_empty() {
            inner.open.insert(record.position, content.deferred.clone());
        }
    }

    /// Returns the deferred invalidations that no record has settled.
    pub(super) fn open(&self) -> Vec<(Position, Invalidation)> {
        self.lock().open.clone().into_iter().collect()
    }

    /// Restores the deferred invalidations that were open when a checkpoint was made.
    pub(super) fn restore(&self, open: Vec<(Position, Invalidation)>) {
        self.lock().open = open.into_iter().collect();
    }

    /// Begins a call that will write nothing at or before `position`.
    pub(super) fn begin(self: &Arc<Self>, position: Position) -> DeferringCall {
        let mut inner = self.lock();
        inner.begun += 1;
        let number = inner.begun;
        inner.calls.insert(number, position);
        DeferringCall { deferrals: Arc::clone(self), number }
    }

    /// Returns the deferred invalidations that no call will settle any more.
    pub(super) fn left_over(&self) -> Vec<(Position, Invalidation)> {
        let inner = self.lock();
        let earliest = inner.calls.values().min().copied().unwrap_or(Position(u64::MAX));
        let left_over = inner.open.range(..=earliest);
        left_over.map(|(position, invalidation)| (*position, invalidation.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for DeferringCall {
    fn drop(&mut self) {
        self.deferrals.lock().calls.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Draft;

    fn record(position: u64, deferred: &str, settles: Option<u64>) -> Record {
        let mut content = Draft { settles: settles.map(Position), ..Draft::default() };
        if !deferred.is_empty() {
            content.deferred = Invalidation::new().group(deferred);
        }
        Record { position: Position(position), time: 0, content }
    }

    #[test]
    fn unsettled_invalidations_of_a_call_are_left_over_when_the_call_has_ended() {
        let deferrals = Arc::new(Deferrals::default());
        let call = deferrals.begin(Position(3));
        deferrals.observe(&record(4, "news", None));
        deferrals.observe(&record(5, "front", None));
        deferrals.observe(&record(6, "", Some(4)));
        assert!(deferrals.left_over().is_empty(), "the call may still settle it");
        drop(call);
        let later = deferrals.begin(Position(6));
        assert_eq!(deferrals.left_over(), [(Position(5), Invalidation::new().group("front"))]);
        deferrals.observe(&record(7, "", Some(5)));
        drop(later);
        assert!(deferrals.left_over().is_empty());
    }
}
