use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::entries::Hashed;
use super::softening::Softenings;
use super::validity::Verdict;
use crate::clock::Moment;
use crate::log::Position;

const SHARDS: usize = 64;

/// The invalidations of a group. The module documentation of the cache gives the order in which the
/// fields are stored and read.
#[derive(Debug, Default)]
pub(super) struct GroupCell {
    /// The position of the last invalidation of either kind. A reader needs nothing else as long as
    /// there was none.
    last: AtomicU64,
    /// The position of the last hard invalidation.
    hard: AtomicU64,
    soft: OnceLock<Box<Softenings>>,
}

impl GroupCell {
    /// Returns the verdict of the group's invalidations on content from `as_of`.
    pub(super) fn verdict(&self, as_of: Position) -> Verdict {
        if self.last() <= as_of.0 {
            return Verdict::Valid;
        }
        if self.hard.load(Ordering::Acquire) > as_of.0 {
            return Verdict::Dead;
        }
        match self.soft.get().and_then(|soft| soft.first_after(as_of)) {
            Some(since) => Verdict::Stale { since },
            None => Verdict::Dead,
        }
    }

    fn invalidate(&self, position: Position) {
        self.hard.fetch_max(position.0, Ordering::AcqRel);
        if let Some(soft) = self.soft.get() {
            soft.forget(position);
        }
        self.last.fetch_max(position.0, Ordering::AcqRel);
    }

    fn soften(&self, position: Position, at: Moment) {
        self.soft.get_or_init(Box::default).push(position, at);
        self.last.fetch_max(position.0, Ordering::AcqRel);
    }

    fn last(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }
}

type Shard = HashMap<u64, Arc<GroupCell>, Hashed>;

/// The directory of groups: every cell that an entry points to, and the cells of invalidated groups
/// that a fill under way may still need.
///
/// It stores the hashes of names, not the names: a name may contain input of a visitor, and would
/// outlive the entry whose weight accounts for it. The hash has 64 bits and cannot be predicted
/// from outside. Two groups with the same hash share a cell, so each is invalidated with the other:
/// valid content is made anew, and no invalid content is served.
#[derive(Debug)]
pub(super) struct Groups {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    floor: AtomicU64,
    /// The number of groups left by the last shrinking.
    left: AtomicUsize,
}

impl Groups {
    /// Creates an empty directory, which has no information on invalidations up to `floor`.
    pub(super) fn new(floor: Position) -> Groups {
        Groups {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            floor: AtomicU64::new(floor.0),
            left: AtomicUsize::new(0),
        }
    }

    /// Returns the cell of the group, and creates it if necessary.
    pub(super) fn cell(&self, group: &str) -> Arc<GroupCell> {
        let (hash, mut shard) = self.shard_of(group);
        Arc::clone(shard.entry(hash).or_default())
    }

    /// Returns the cell of the group, if there is one.
    pub(super) fn known(&self, group: &str) -> Option<Arc<GroupCell>> {
        let (hash, shard) = self.shard_of(group);
        shard.get(&hash).map(Arc::clone)
    }

    /// Returns the hash of the group's name, and the group's shard, locked.
    fn shard_of(&self, group: &str) -> (u64, MutexGuard<'_, Shard>) {
        let hash = self.hasher.hash_one(group);
        // The map itself uses the lowest bits and the highest.
        (hash, lock(&self.shards[(hash >> 32) as usize % SHARDS]))
    }

    /// Records that the record at `position` invalidated the group.
    pub(super) fn invalidate(&self, group: &str, position: Position) {
        self.cell(group).invalidate(position);
    }

    /// Records that the record at `position` made the group stale at `at`.
    pub(super) fn soften(&self, group: &str, position: Position, at: Moment) {
        self.cell(group).soften(position, at);
    }

    /// Returns whether the directory still has every invalidation after `as_of`. Must be called
    /// after the cells were obtained.
    pub(super) fn reaches_back_to(&self, as_of: Position) -> bool {
        as_of.0 >= self.floor.load(Ordering::SeqCst)
    }

    /// Returns the number of groups in the directory.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Returns whether there are more than `limit` groups, and so many more than after the last
    /// shrinking that another one is worthwhile.
    pub(super) fn outgrow(&self, limit: usize) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        self.len() > limit.max(left + left / 8)
    }

    /// Forgets groups without entries: those that the floor covers anyway and, if there are more
    /// than `limit`, others too; then the floor rises to the latest position that is forgotten.
    /// Returns the number of forgotten groups.
    pub(super) fn shrink_to(&self, limit: usize) -> usize {
        let mut forgotten = self.forget_covered();
        let mut surplus = self.len().saturating_sub(limit);
        for shard in &self.shards {
            if surplus == 0 {
                break;
            }
            let mut shard = lock(shard);
            let (before, mut latest) = (shard.len(), 0);
            // Each cell is examined once: one that an entry releases meanwhile is either kept or
            // counted. No cell can be obtained while the shard is locked.
            shard.retain(|_, cell| match only_here(cell) {
                Some(cell) => {
                    latest = latest.max(cell.last());
                    false
                }
                None => true,
            });
            self.floor.fetch_max(latest, Ordering::SeqCst);
            shard.shrink_to_fit();
            surplus = surplus.saturating_sub(before - shard.len());
            forgotten += before - shard.len();
        }
        self.left.store(self.len(), Ordering::Relaxed);
        forgotten
    }

    /// Forgets groups without entries that were not invalidated above the floor: the floor implies
    /// the same for unknown groups.
    fn forget_covered(&self) -> usize {
        let floor = self.floor.load(Ordering::SeqCst);
        let mut forgotten = 0;
        for shard in &self.shards {
            let mut shard = lock(shard);
            let before = shard.len();
            shard.retain(|_, cell| only_here(cell).is_none_or(|cell| cell.last() > floor));
            forgotten += before - shard.len();
        }
        forgotten
    }
}

/// Returns the cell, if only the directory holds it. All stores of former holders are visible.
fn only_here(cell: &mut Arc<GroupCell>) -> Option<&GroupCell> {
    Arc::get_mut(cell).map(|cell| &*cell)
}

/// A panic while a shard was locked cannot leave it half-changed, so poisoning is ignored.
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
        assert_eq!(
            held.verdict(Position(8)),
            Verdict::Dead,
            "a cell that is held is never forgotten"
        );
    }

    #[test]
    fn hard_and_soft_invalidations_of_a_group_do_not_hide_each_other() {
        let groups = Groups::new(Position::START);
        let cell = groups.cell("news");
        let stale = |since| Verdict::Stale { since: Moment::from_nanos(since) };
        groups.soften("news", Position(3), Moment::from_nanos(30));
        groups.soften("news", Position(5), Moment::from_nanos(50));
        assert_eq!(cell.verdict(Position(2)), stale(30));
        assert_eq!(cell.verdict(Position(3)), stale(50));
        assert_eq!(cell.verdict(Position(5)), Verdict::Valid);
        groups.invalidate("news", Position(6));
        assert_eq!(cell.verdict(Position(5)), Verdict::Dead);
        groups.soften("news", Position(7), Moment::from_nanos(70));
        assert_eq!(cell.verdict(Position(5)), Verdict::Dead);
        assert_eq!(cell.verdict(Position(6)), stale(70));
    }

    #[test]
    fn a_concurrent_reader_never_takes_a_hard_invalidation_for_a_soft_one() {
        for _ in 0..200 {
            let groups = Groups::new(Position::START);
            let cell = groups.cell("news");
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    groups.soften("news", Position(1), Moment::from_nanos(10));
                    groups.invalidate("news", Position(2));
                });
                while cell.verdict(Position(1)) == Verdict::Valid {}
                assert_eq!(cell.verdict(Position(1)), Verdict::Dead);
                assert_eq!(cell.verdict(Position(0)), Verdict::Dead);
            });
        }
    }

    #[test]
    fn a_group_that_is_released_while_others_are_forgotten_is_covered_by_the_floor() {
        for _ in 0..100 {
            let groups = Groups::new(Position::START);
            let held: Vec<_> = (1..=4000)
                .map(|number| {
                    groups.invalidate(&number.to_string(), Position(number));
                    groups.cell(&number.to_string())
                })
                .collect();
            // Groups that can be forgotten in each shard, whatever is released meanwhile.
            (0..1000).for_each(|number| drop(groups.cell(&format!("idle {number}"))));
            std::thread::scope(|scope| {
                scope.spawn(|| drop(held));
                groups.shrink_to(0);
            });
            for number in 1..=4000 {
                let before = Position(number - 1);
                let is_known = groups.cell(&number.to_string()).verdict(before) == Verdict::Dead;
                assert!(is_known || !groups.reaches_back_to(before), "{number} is forgotten");
            }
        }
    }

    #[test]
    fn a_group_without_entries_and_invalidations_is_forgotten_at_once() {
        let groups = Groups::new(Position::START);
        drop(groups.cell("tag:anything"));
        let _held = groups.cell("held");
        assert_eq!(groups.shrink_to(100), 1);
        assert!(groups.reaches_back_to(Position::START));
    }

    #[test]
    fn the_directory_outgrows_its_limit_once_for_each_eighth_that_cannot_be_forgotten() {
        let groups = Groups::new(Position::START);
        let mut held: Vec<_> = (0..10).map(|number| groups.cell(&number.to_string())).collect();
        assert!(!groups.outgrow(10) && groups.outgrow(9));
        groups.shrink_to(9);
        assert!(!groups.outgrow(9), "it was shrunk as far as that goes");
        held.extend((10..12).map(|number| groups.cell(&number.to_string())));
        assert!(groups.outgrow(9));
    }

    #[test]
    fn nothing_is_forgotten_below_the_limit() {
        let groups = Groups::new(Position::START);
        groups.invalidate("news", Position(7));
        assert_eq!(groups.shrink_to(1), 0);
        assert!(groups.reaches_back_to(Position::START));
    }
}
