use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use moka::ops::compute::Op;

use super::entry::Entry;

/// Entries, found by their keys.
///
/// A key is stored once, in its entry: the map itself has only the key's hash. The hash has 64 bits
/// and cannot be predicted from outside, so two keys hardly ever share one. If they do, the younger
/// entry replaces the older one: a miss, and never the wrong content.
#[derive(Debug)]
pub(super) struct Entries {
    map: moka::sync::Cache<u64, Arc<Entry>, Hashed>,
    hasher: RandomState,
}

impl Entries {
    /// Creates an empty map, which evicts entries to stay within so many bytes.
    pub(super) fn new(bytes: u64) -> Entries {
        let map = moka::sync::Cache::builder()
            .max_capacity(bytes)
            .weigher(|_, entry: &Arc<Entry>| u32::try_from(entry.size()).unwrap_or(u32::MAX))
            .build_with_hasher(Hashed::default());
        Entries { map, hasher: RandomState::new() }
    }

    /// Returns the entry of this key.
    pub(super) fn get(&self, key: &str) -> Option<Arc<Entry>> {
        self.map.get(&self.hasher.hash_one(key)).filter(|entry| *entry.key == *key)
    }

    /// Inserts an entry, in place of any other with its key.
    pub(super) fn insert(&self, entry: Arc<Entry>) {
        self.map.insert(self.hasher.hash_one(&*entry.key), entry);
    }

    /// Removes the entry of this key.
    pub(super) fn remove(&self, key: &str) {
        self.map.invalidate(&self.hasher.hash_one(key));
    }

    /// Removes this very entry, if it is still in the map, and returns whether it was. An entry
    /// that replaces it meanwhile may be lost: a miss, no more.
    pub(super) fn remove_entry(&self, entry: &Arc<Entry>) -> bool {
        let is_current = self.get(&entry.key).is_some_and(|current| Arc::ptr_eq(&current, entry));
        if is_current {
            self.remove(&entry.key);
        }
        is_current
    }

    /// Updates the weight of an entry that has changed, if it is still in the map. A fill between
    /// the check and the update is lost: a miss, no more.
    pub(super) fn weigh_again(&self, entry: &Arc<Entry>) {
        let current = self.map.entry(self.hasher.hash_one(&*entry.key));
        current.and_compute_with(|current| match current {
            // The map weighs entries on insertion.
            Some(current) if Arc::ptr_eq(current.value(), entry) => Op::Put(Arc::clone(entry)),
            _ => Op::Nop,
        });
    }

    /// Removes all entries.
    pub(super) fn clear(&self) {
        self.map.invalidate_all();
    }

    /// Iterates over all entries. Those that are inserted meanwhile may be missed.
    pub(super) fn iter(&self) -> impl Iterator<Item = Arc<Entry>> {
        self.map.iter().map(|(_, entry)| entry)
    }

    /// Runs the maintenance that the map has deferred.
    pub(super) fn settle(&self) {
        self.map.run_pending_tasks();
    }

    /// Returns the number of entries.
    pub(super) fn len(&self) -> u64 {
        self.map.entry_count()
    }

    /// Returns how many bytes of memory the entries take.
    pub(super) fn bytes(&self) -> u64 {
        self.map.weighted_size()
    }
}

/// A hasher for keys that are hashes already.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Hashed(u64);

impl BuildHasher for Hashed {
    type Hasher = Hashed;

    fn build_hasher(&self) -> Hashed {
        Hashed(0)
    }
}

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        // The map also hashes keys together with other values.
        self.0 = self.0.rotate_left(32) ^ hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::law_tests::{at, cache, fill, is_hit};
    use super::*;

    #[test]
    fn keys_that_share_a_hash_are_not_taken_for_one_another() {
        let cache = cache();
        fill(&cache, "/a", 1, &[]);
        assert!(is_hit(&cache, "/a", at(1)));
        let entries = &cache.ordinary;
        let of_a = entries.get("/a").unwrap();
        let hash = entries.hasher.hash_one("/b");
        entries.map.insert(hash, of_a);
        assert!(entries.get("/b").is_none());
        fill(&cache, "/b", 1, &[]);
        assert!(is_hit(&cache, "/b", at(1)) && is_hit(&cache, "/a", at(1)));
    }
}
