use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::log::Position;

const SHARDS: usize = 64;

/// The position of a group's last invalidation.
#[derive(Debug, Default)]
pub(super) struct GroupCell(AtomicU64);

impl GroupCell {
    /// Whether the group was invalidated by a record after `as_of`.
    pub(super) fn invalidated_after(&self, as_of: Position) -> bool {
        self.0.load(Ordering::Acquire) > as_of.0
    }

    fn invalidate(&self, position: Position) {
        self.0.fetch_max(position.0, Ordering::AcqRel);
    }

    fn last(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

type Shard = HashMap<Box<str>, Arc<GroupCell>>;

/// The directory of groups: every cell that an entry points to, and those of groups that were
/// invalidated and that a fill under way may still ask for.
#[derive(Debug)]
pub(super) struct Groups {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    floor: AtomicU64,
}

impl Groups {
    /// An empty directory that knows nothing of what was invalidated up to `floor`.
    pub(super) fn new(floor: Position) -> Groups {
        Groups {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            floor: AtomicU64::new(floor.0),
        }
    }

    /// The cell of the group, made if need be.
    pub(super) fn cell(&self, group: &str) -> Arc<GroupCell> {
        let mut shard = self.shard(group);
        if let Some(cell) = shard.get(group) {
            return Arc::clone(cell);
        }
        let cell = Arc::new(GroupCell::default());
        shard.insert(group.into(), Arc::clone(&cell));
        cell
    }

    /// Records that the record at `position` invalidated the group.
    pub(super) fn invalidate(&self, group: &str, position: Position) {
        self.cell(group).invalidate(position);
    }

    /// Whether the directory can still tell what was invalidated after `as_of`. To be asked after
    /// the cells were taken.
    pub(super) fn reaches_back_to(&self, as_of: Position) -> bool {
        as_of.0 >= self.floor.load(Ordering::SeqCst)
    }

    /// How many groups are known.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Forgets groups that no entry is in: those that the floor covers anyway, and others when there
    /// are more than `limit`; then the floor rises to the latest position that is forgotten. Returns
    /// how many were.
    pub(super) fn shrink_to(&self, limit: usize) -> usize {
        let mut forgotten = self.forget_covered();
        let mut surplus = self.len().saturating_sub(limit);
        for shard in &self.shards {
            if surplus == 0 {
                break;
            }
            let mut shard = lock(shard);
            // A count of one means that only the directory holds the cell, and nobody can take
            // another while the shard is locked.
            let idle = |cell: &Arc<GroupCell>| Arc::strong_count(cell) == 1;
            let latest = shard.values().filter(|cell| idle(cell)).map(|cell| cell.last()).max();
            let Some(latest) = latest else { continue };
            self.floor.fetch_max(latest, Ordering::SeqCst);
            let before = shard.len();
            shard.retain(|_, cell| !idle(cell));
            shard.shrink_to_fit();
            surplus = surplus.saturating_sub(before - shard.len());
            forgotten += before - shard.len();
        }
        forgotten
    }

    /// Forgets groups that no entry is in and that were not invalidated above the floor: that they
    /// are unknown says the same.
    fn forget_covered(&self) -> usize {
        let floor = self.floor.load(Ordering::SeqCst);
        let mut forgotten = 0;
        for shard in &self.shards {
            let mut shard = lock(shard);
            let before = shard.len();
            shard.retain(|_, cell| Arc::strong_count(cell) > 1 || cell.last() > floor);
            forgotten += before - shard.len();
        }
        forgotten
    }

    fn shard(&self, group: &str) -> MutexGuard<'_, Shard> {
        let hash = self.hasher.hash_one(group) as usize;
        lock(&self.shards[hash % SHARDS])
    }
}

/// A panic while a shard was locked cannot leave it half-changed, so poisoning says nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forgotten_group_raises_the_floor_to_its_last_invalidation() {
        let groups = Groups::new(Position::START);
        groups.invalidate("news", Position(7));
        let held = groups.cell("held");
        assert!(groups.reaches_back_to(Position(3)));
        assert_eq!(groups.shrink_to(0), 1);
        assert!(!groups.reaches_back_to(Position(6)));
        assert!(groups.reaches_back_to(Position(7)));
        groups.invalidate("held", Position(9));
        assert!(held.invalidated_after(Position(8)), "a cell that is held is never forgotten");
    }

    #[test]
    fn a_group_that_no_entry_is_in_and_nobody_invalidated_is_forgotten_at_once() {
        let groups = Groups::new(Position::START);
        drop(groups.cell("tag:anything"));
        let _held = groups.cell("held");
        assert_eq!(groups.shrink_to(100), 1);
        assert!(groups.reaches_back_to(Position::START));
    }

    #[test]
    fn nothing_is_forgotten_below_the_limit() {
        let groups = Groups::new(Position::START);
        groups.invalidate("news", Position(7));
        assert_eq!(groups.shrink_to(1), 0);
        assert!(groups.reaches_back_to(Position::START));
    }
}
