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
//!
//! # The rows of a value
//!
//! An index of several columns, `by_author = (author, created)`, is one order. An entry consists of the encoded
//! columns, followed by the key of the row. `of(BY_AUTHOR, "ada").newest(10)` reads a part of that order: the
//! entries that begin with the bytes of `ada`. The prefix is always exactly the first column, because no lookup
//! takes more columns.
//!
//! - *The entries of a value are contiguous.* No encoded value is a prefix of another one ([`Key`](super::Key)),
//!   so an entry begins with the bytes of a value if, and only if, it has that value. The entries of a value are
//!   ordered by the other columns, and then by the keys.
//! - *A list of a value's rows is a list of the index*, so the argument above applies to it unchanged. The name of
//!   a place contains the key of the row after it, and not the value: `table@index<key`. If an index has several
//!   entries for a row, one name denotes several places; then a page is invalidated too often, never too seldom.
//! - *The end of a value is a place of its own*, `table@index=value<`: a list that has reached the last row of its
//!   value depends on it, and not on the first row of the next value. A row that is inserted after all others of
//!   its value is directly before an entry of another value, or before none, in the order as it was before the
//!   update; in both cases the end of the value is emitted. A row of another value that is inserted there does not
//!   change the list.
//! - *Reads that count or skip rows* depend on `table@index=value`: the number of rows, a page by its number, a
//!   list of more than 32 rows. It is emitted for each added or removed entry. An entry contains all columns, so a
//!   row that moves among the rows of its value gets another entry, although it keeps the value.
//! - *`table@index=value*` replaces all of these* on a page with too many groups: each row that is added, removed
//!   or moved among the rows of a value differs, and has the value before the update or after it.
//!
//! A row that becomes the last one of a value is directly before the first row of the next value, whose place is
//! emitted as well. Pages with that row are then invalidated unnecessarily.
//!
//! Four faults would leave a page stale: an encoding that is a prefix of another one; a comparison of entries by
//! the value alone; an end of a value that is emitted only at the end of the index; and, in the reversed order, a
//! page after a cursor that takes the row of its cursor for the end of the value. The tests in `state/tests` fail
//! with each of them.

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
