//! The hash of a field: what its items are, whatever their order, in 16 bytes that follow each update.
//!
//! It is the sum, modulo 2^128, of the XXH3-128 of each item as it is encoded: of each row of a table, or of a value.
//! A row that comes adds its own, one that goes takes it away, so an update costs as much as it changes,
//! however large the field is. This is the incremental multiset hash of D. Clarke, S. Devadas et al., *Incremental
//! Multiset Hash Functions and Their Application to Memory Integrity Checking* (ASIACRYPT 2003), in the
//! additive form of M. Bellare and D. Micciancio, *A New Paradigm for Collision-Free Hashing: Incrementality at
//! Reduced Cost* (EUROCRYPT 1997).
//!
//! Sums of so few bits do not withstand an attacker (D. Wagner, *A Generalized Birthday Problem*, CRYPTO 2002),
//! and XXH3 is not meant to. They need not: what is compared are two outcomes of the same records, and who may
//! choose the records has no use for two that differ. Against what goes wrong by itself, the chance that a
//! difference stays unseen is 2^-128.
//!
//! A row's key is a part of the row, so it is not hashed by itself. What a [`Plain`](super::Plain) value holds is
//! not hashed: it is one item, which each change would hash anew, and often a `HashMap`, whose order is another one at
//! each start.

use super::States;
use super::updatable::Updatable;

/// What an item adds to the hash of its field.
pub(crate) fn item_hash(item: &[u8]) -> u128 {
    xxhash_rust::xxh3::xxh3_128(item)
}

/// What it adds that one item stands where another one did.
pub(super) fn difference(before: Option<&[u8]>, after: Option<&[u8]>) -> u128 {
    let hash = |item: Option<&[u8]>| item.map_or(0, item_hash);
    hash(after).wrapping_sub(hash(before))
}

impl States {
    /// The hashes of all fields, in the order of the states' names: none where a field has none. Whether it is
    /// the same order elsewhere, the [fingerprint](States::fingerprint) tells.
    pub(crate) fn hashes(&self) -> Vec<Option<u128>> {
        self.sorted().into_iter().flat_map(|(_, state)| state.hashes()).collect()
    }

    /// Hashes all that is in the states.
    pub(crate) fn rehash(&self) {
        self.sorted().into_iter().for_each(|(_, state)| state.rehash());
    }

    /// Which fields have another hash in `ours` than in `theirs`. They have none from here on. A field that would be
    /// encoded otherwise at each start is not named, but reported.
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
                    "what is in the field is encoded otherwise each time it is read, so its hash is not compared: \
                     use a `BTreeMap` or `BTreeSet` in the place of a `HashMap` or `HashSet`"
                );
            }
            state.forget_hash(place);
        }
        differing
    }

    /// From here on no field has a hash.
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
