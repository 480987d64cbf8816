//! The hash of a field: 16 bytes that depend on its items, but not on their order, and that are adjusted by
//! each update.
//!
//! It is the sum, modulo 2^128, of the XXH3-128 of each encoded item: of each row of a table, or of a value. An
//! inserted row adds its own hash, a removed row subtracts it, so an update costs as much as it changes,
//! however large the field is. This is the incremental multiset hash of D. Clarke, S. Devadas et al.,
//! *Incremental Multiset Hash Functions and Their Application to Memory Integrity Checking* (ASIACRYPT 2003),
//! in the additive form of M. Bellare and D. Micciancio, *A New Paradigm for Collision-Free Hashing:
//! Incrementality at Reduced Cost* (EUROCRYPT 1997).
//!
//! Sums of so few bits do not withstand an attacker (D. Wagner, *A Generalized Birthday Problem*, CRYPTO 2002),
//! and XXH3 is not meant to. They need not: the two values that are compared result from the same records, and
//! an attacker who can choose the records gains nothing from two values that differ. For accidental
//! differences, the chance that one stays undetected is 2^-128.
//!
//! A row's key is a part of the row, so it is not hashed separately. The content of a [`Plain`](super::Plain)
//! value is not hashed: it is one item, which each change would hash anew, and it often contains a `HashMap`,
//! whose order differs at each start.

use super::States;
use super::updatable::Updatable;

/// Returns the contribution of an item to the hash of its field.
pub(crate) fn item_hash(item: &[u8]) -> u128 {
    xxhash_rust::xxh3::xxh3_128(item)
}

/// Returns the difference that replacing one item by another makes to the hash.
pub(super) fn difference(before: Option<&[u8]>, after: Option<&[u8]>) -> u128 {
    let hash = |item: Option<&[u8]>| item.map_or(0, item_hash);
    hash(after).wrapping_sub(hash(before))
}

impl States {
    /// Returns the hashes of all fields, in the order of the states' names, with `None` for a field without a
    /// hash. The order is the same on every node with the same [fingerprint](States::fingerprint).
    pub(crate) fn hashes(&self) -> Vec<Option<u128>> {
        self.sorted().into_iter().flat_map(|(_, state)| state.hashes()).collect()
    }

    /// Computes the hashes of all states from their contents.
    pub(crate) fn rehash(&self) {
        self.sorted().into_iter().for_each(|(_, state)| state.rehash());
    }

    /// Returns the fields whose hash in `ours` differs from that in `theirs`, and removes their hashes. A field
    /// whose encoding changes at each start is not returned, but logged.
    pub(crate) fn differing(&self, ours: &[Option<u128>], theirs: &[Option<u128>]) -> Vec<String> {
        let fields = self.sorted().into_iter().flat_map(|(name, state)| {
            let fields = state.fields().into_iter().enumerate();
            fields.map(move |(place, field)| (name, state, place, field))
        });
        let mut differing = Vec::new();
        for ((name, state, place, field), (ours, theirs)) in fields.zip(ours.iter().zip(theirs)) {
            if ours.is_none() || theirs.is_none() || ours == theirs {
                continue;
            }
            if state.is_stable(place) {
                differing.push(format!("`{field}` of the state \"{name}\""));
            } else {
                tracing::warn!(
                    state = name,
                    field,
                    "the field is encoded differently each time it is read, so its hash is not compared: use a \
                     `BTreeMap` or `BTreeSet` instead of a `HashMap` or `HashSet`"
                );
            }
            state.forget_hash(place);
        }
        differing
    }

    /// Removes the hashes of all fields.
    pub(crate) fn forget_hashes(&self) {
        for (_, state) in self.sorted() {
            (0..state.fields().len()).for_each(|place| state.forget_hash(place));
        }
    }

    fn sorted(&self) -> Vec<(&'static str, &dyn Updatable)> {
        let states = self.by_name.iter().map(|(name, state)| (*name, &*state.store));
        let mut states: Vec<_> = states.collect();
        states.sort_unstable_by_key(|(name, _)| *name);
        states
    }
}
