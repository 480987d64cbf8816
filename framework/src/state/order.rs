//! The changes that an update makes between the rows of an order: the order of a table's keys, or of an index.
//!
//! A list that shows some rows in their order depends on the rows that may be inserted between them. So the
//! order is divided into *places*: each row represents the place directly before it, which reaches back to the
//! preceding row, and the end represents the place behind the last row. The list depends on the places before
//! its rows, and, if it reached the end, on the place at the end.
//!
//! Let a list be read from one point of an order to another, and let it be in the groups of all places between
//! the two. As long as none of these groups is emitted, the same rows are in this part of the order, followed
//! by the same row or by the end:
//!
//! - A row that is inserted between two others is directly before the second of them in the order as it was
//!   before the update, and the update emits the place of that second row.
//! - For a row that is removed, the update emits the row's own place.
//!
//! So the first update that changes anything between the two points emits one of these groups.
//!
//! Two rules for an update follow: *a removed row emits the place before it; an inserted row emits the place
//! before the row, or the end, that followed this point until then.* A row that moves does both.

use std::collections::BTreeSet;
use std::ops::Bound;

/// The entries that an update has inserted into an order, and those that it has removed.
pub(super) struct Moved<'a, E, T> {
    inserted: Vec<(&'a E, T)>,
    removed: BTreeSet<&'a E>,
}

impl<E: Ord, T> Default for Moved<'_, E, T> {
    fn default() -> Self {
        Moved { inserted: Vec::new(), removed: BTreeSet::new() }
    }
}

impl<'a, E: Ord, T> Moved<'a, E, T> {
    pub(super) fn insert(&mut self, entry: &'a E, with: T) {
        self.inserted.push((entry, with));
    }

    pub(super) fn remove(&mut self, entry: &'a E) {
        self.removed.insert(entry);
    }

    /// Returns the removed entries.
    pub(super) fn removed(&self) -> impl Iterator<Item = &'a E> {
        self.removed.iter().copied()
    }

    /// Returns the inserted entries, each with the entry that followed its point before the update. `next`
    /// returns the entry that follows one now.
    pub(super) fn with_successors(
        mut self,
        next: impl Fn(&'a E) -> Option<&'a E>,
    ) -> Vec<(&'a E, T, Option<&'a E>)> {
        self.inserted.sort_unstable_by_key(|(entry, _)| *entry);
        let mut successors: Vec<(&E, T, Option<&E>)> = Vec::with_capacity(self.inserted.len());
        for (entry, with) in self.inserted.into_iter().rev() {
            let now = next(entry);
            let stayed = match successors.last() {
                // That entry is itself inserted.
                Some((inserted, _, behind)) if now == Some(*inserted) => *behind,
                _ => now,
            };
            let removed = self
                .removed
                .range::<E, _>((Bound::Excluded(entry), Bound::Unbounded))
                .next()
                .copied();
            successors.push((entry, with, stayed.into_iter().chain(removed).min()));
        }
        successors
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn inserted_entries_are_returned_with_their_former_successors(
            before in proptest::collection::btree_set(0..30_u8, 0..12),
            after in proptest::collection::btree_set(0..30_u8, 0..12),
        ) {
            let mut moved = Moved::default();
            after.difference(&before).for_each(|entry| moved.insert(entry, ()));
            before.difference(&after).for_each(|entry| moved.remove(entry));
            prop_assert!(moved.removed().eq(before.difference(&after)));
            let successors = moved.with_successors(|entry| after.range(entry + 1..).next());
            prop_assert_eq!(successors.len(), after.difference(&before).count());
            for (entry, (), behind) in successors {
                prop_assert_eq!(behind, before.range(entry + 1..).next());
            }
        }
    }
}
