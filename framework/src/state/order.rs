//! What an update changes between the rows of an order: of a table's keys, or of an index.
//!
//! A list that shows some rows in their order depends on what comes between them. Each row stands for the place right
//! before it, up to the row that comes there, and the end for the place behind the last row; so the list depends on the
//! places before its rows, and on that behind its last one, if it got so far.
//!
//! Let a list be read of an order from one place to another, and let it be in the groups of all places between the two. As
//! long as none of these is emitted, the same rows are in the order there, with the same row or end behind them:
//! a row that comes in between two others comes right before the second of them, in the order as it was before the update, and
//! that one's place is emitted; for a row that goes its own place is emitted. So whatever changes between the two places
//! is emitted by the first update that changes it.
//!
//! Hence two rules for an update: *a row that goes emits the place before it, a row that comes emits the place before
//! what came behind it until then.* A row that moves does both.

use std::collections::BTreeSet;
use std::ops::Bound;

/// What an update has added to an order, and removed from it.
pub(super) struct Moved<'a, E, T> {
    came: Vec<(&'a E, T)>,
    went: BTreeSet<&'a E>,
}

impl<E: Ord, T> Default for Moved<'_, E, T> {
    fn default() -> Self {
        Moved { came: Vec::new(), went: BTreeSet::new() }
    }
}

impl<'a, E: Ord, T> Moved<'a, E, T> {
    pub(super) fn came(&mut self, entry: &'a E, with: T) {
        self.came.push((entry, with));
    }

    pub(super) fn went(&mut self, entry: &'a E) {
        self.went.insert(entry);
    }

    /// What has gone.
    pub(super) fn gone(&self) -> impl Iterator<Item = &'a E> {
        self.went.iter().copied()
    }

    /// What has come, each with what came behind it before the update. `next` tells what comes behind it now.
    pub(super) fn followed(
        mut self,
        next: impl Fn(&'a E) -> Option<&'a E>,
    ) -> Vec<(&'a E, T, Option<&'a E>)> {
        self.came.sort_unstable_by_key(|(entry, _)| *entry);
        let mut followed: Vec<(&E, T, Option<&E>)> = Vec::with_capacity(self.came.len());
        for (entry, with) in self.came.into_iter().rev() {
            let now = next(entry);
            let stayed = match followed.last() {
                // It has come, too.
                Some((came, _, behind)) if now == Some(*came) => *behind,
                _ => now,
            };
            let gone =
                self.went.range::<E, _>((Bound::Excluded(entry), Bound::Unbounded)).next().copied();
            followed.push((entry, with, stayed.into_iter().chain(gone).min()));
        }
        followed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_came_behind_an_entry_is_found_in_the_order_as_it_was(
            before in proptest::collection::btree_set(0..30_u8, 0..12),
            after in proptest::collection::btree_set(0..30_u8, 0..12),
        ) {
            let mut moved = Moved::default();
            after.difference(&before).for_each(|entry| moved.came(entry, ()));
            before.difference(&after).for_each(|entry| moved.went(entry));
            prop_assert!(moved.gone().eq(before.difference(&after)));
            let followed = moved.followed(|entry| after.range(entry + 1..).next());
            prop_assert_eq!(followed.len(), after.difference(&before).count());
            for (entry, (), behind) in followed {
                prop_assert_eq!(behind, before.range(entry + 1..).next());
            }
        }
    }
}
