use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Moment;

/// The greatest number of marked keys; a power of two.
const SLOTS: usize = 1 << 14;

/// The lifetime of a mark, in seconds.
const SECONDS: u64 = 60;

/// Hit-for-miss marks on keys whose content could not be stored: the next requests for them do not
/// wait for another request's fill, because they could not use its result.
///
/// Each key has one slot in a table of fixed size, chosen by a hash that cannot be predicted from
/// outside. A mark replaces the one in its slot; requests for the replaced key wait for each other
/// again. A slot holds half of the hash, so that a key is hardly ever taken for another; such a key
/// would be without single-flight for a while.
#[derive(Debug)]
pub(super) struct HitForMissMarks {
    slots: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl HitForMissMarks {
    /// Creates a table without marks.
    pub(super) fn new() -> HitForMissMarks {
        let slots = (0..SLOTS).map(|_| AtomicU64::new(0)).collect();
        HitForMissMarks { slots, hasher: RandomState::new() }
    }

    /// Marks the key from now on, for the lifetime of a mark.
    pub(super) fn mark(&self, key: &str, now: Moment) {
        let (slot, tag) = self.place(key);
        slot.store(tag | (seconds(now) + SECONDS), Ordering::Relaxed);
    }

    /// Returns whether the key is marked.
    pub(super) fn is_marked(&self, key: &str, now: Moment) -> bool {
        let (slot, tag) = self.place(key);
        let found = slot.load(Ordering::Relaxed);
        found & TAG == tag && seconds(now) < found & UNTIL
    }

    /// Removes the mark.
    pub(super) fn unmark(&self, key: &str) {
        let (slot, tag) = self.place(key);
        let found = slot.load(Ordering::Relaxed);
        if found != 0 && found & TAG == tag {
            // A mark that was set meanwhile is newer.
            let _ = slot.compare_exchange(found, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Removes all marks.
    pub(super) fn clear(&self) {
        self.slots.iter().for_each(|slot| slot.store(0, Ordering::Relaxed));
    }

    fn place(&self, key: &str) -> (&AtomicU64, u64) {
        let hash = self.hasher.hash_one(key);
        (&self.slots[hash as usize % SLOTS], hash & TAG)
    }
}

const TAG: u64 = 0xffff_ffff_0000_0000;
const UNTIL: u64 = !TAG;

/// Whole seconds. The lower half of a slot suffices for a node that has been up for a century.
fn seconds(moment: Moment) -> u64 {
    (moment.as_nanos() / 1_000_000_000).min(UNTIL - SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_mark_holds_for_a_minute_or_until_it_is_removed() {
        let marks = HitForMissMarks::new();
        marks.mark("/a", at(5));
        assert!(marks.is_marked("/a", at(64)) && !marks.is_marked("/b", at(6)));
        assert!(!marks.is_marked("/a", at(65)));
        marks.unmark("/b");
        assert!(marks.is_marked("/a", at(6)));
        marks.unmark("/a");
        assert!(!marks.is_marked("/a", at(6)));
        marks.mark("/a", at(5));
        marks.clear();
        assert!(!marks.is_marked("/a", at(6)));
    }

    #[test]
    fn hardly_any_key_is_taken_for_another() {
        let marks = HitForMissMarks::new();
        for number in 0..100_000 {
            marks.mark(&format!("/{number}"), at(0));
        }
        let others =
            (0..100_000).filter(|number| marks.is_marked(&format!("/other/{number}"), at(1)));
        assert!(others.count() < 100);
        assert!(marks.is_marked("/99999", at(1)), "the youngest mark is kept");
    }
}
