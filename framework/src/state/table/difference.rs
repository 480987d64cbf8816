use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use super::{Table, Touched};
use crate::state::encoding::{encode_kept, looks_same};
use crate::state::field::Groups;
use crate::state::hash::difference;
use crate::state::index::{EntryBytes, KeyBytes, SpelledEntry, key_in};
use crate::state::order::Moved;
use crate::state::recorder::{before, many_more, more_than, row_group};
use crate::state::row::{Row, spell_encoded_key};

impl<R: Row> Table<R> {
    /// Adds the groups of everything that an update has changed, and the difference that this makes to the hash
    /// of the table.
    pub(super) fn difference(&self, table: &str, groups: &mut Groups) {
        let mut counts = Counts::default();
        let indexes = || R::INDEXES.iter().zip(&self.rows.indexes);
        let mut by_key = Moved::default();
        let mut by_index: Vec<_> = R::INDEXES.iter().map(|_| Moved::default()).collect();
        for (key, Touched { before, now }) in &self.touched {
            let shown = match (&before.row, &now.row) {
                (None, None) => continue,
                (Some(old), Some(new)) if Arc::ptr_eq(old, new) => continue,
                (Some(row), _) | (None, Some(row)) => row,
            };
            let encode = |row: &Arc<R>| encode_kept(&**row);
            let (old, new) = (before.row.as_ref().map(encode), now.row.as_ref().map(encode));
            if let (Some(old), Some(new)) = (&old, &new)
                && before.entries == now.entries
                && looks_same(old, new)
            {
                continue;
            }
            let difference = difference(old.as_deref(), new.as_deref());
            groups.hash_difference = groups.hash_difference.wrapping_add(difference);
            if groups.are_too_many() {
                continue;
            }
            let groups = &mut groups.names;
            shown.with_key(&mut |key| {
                groups.insert(row_group(table, key));
            });
            groups.insert(format!("{table}*"));
            if before.row.is_some() != now.row.is_some() {
                let step = if now.row.is_some() { 1 } else { -1 };
                match now.row {
                    Some(_) => by_key.insert(key, ()),
                    None => by_key.remove(key),
                }
                counts.add(format!("{table}@"), step, || self.rows.by_key.len(), groups);
            }
            let entries = before.entries.iter().zip(&now.entries);
            let indexes = indexes().zip(&mut by_index);
            for (((index, rows), moved), (before, now)) in indexes.zip(entries) {
                let name = index.name;
                for (one, other, step) in [(before, now, -1), (now, before, 1)] {
                    for spelled in one {
                        let (entry, value) = spelled;
                        groups.insert(format!("{table}@{name}={value}*"));
                        if other.binary_search(spelled).is_err() {
                            match step {
                                1 => moved.insert(entry.bytes(), spelled),
                                _ => moved.remove(entry.bytes()),
                            }
                            let of_value = format!("{table}@{name}={value}");
                            counts.add(of_value, step, || rows.count_like(entry), groups);
                            counts.add(format!("{table}@{name}"), step, || rows.len(), groups);
                        }
                    }
                }
            }
        }
        counts.changes(groups);
        self.places(table, by_key, by_index, groups);
    }

    /// Adds the groups of the places in the table's orders at which rows were inserted or removed.
    fn places(
        &self,
        table: &str,
        by_key: Moved<'_, KeyBytes, ()>,
        by_index: Vec<Moved<'_, EntryBytes, &SpelledEntry>>,
        groups: &mut Groups,
    ) {
        if groups.are_too_many() {
            return;
        }
        let mut add = |order: &str, key: Option<&[u8]>| {
            let mut group = before(order);
            if let Some(key) = key {
                spell_encoded_key::<R>(key, &mut group);
            }
            groups.names.insert(group);
        };
        let order = format!("{table}@");
        for key in by_key.removed() {
            add(&order, Some(key.as_slice()));
        }
        let rows = &self.rows.by_key;
        let next = |key| rows.range::<_, KeyBytes>((Bound::Excluded(key), Bound::Unbounded)).next();
        for (_, (), behind) in by_key.with_successors(|key| next(key).map(|(key, _)| key)) {
            add(&order, behind.map(KeyBytes::as_slice));
        }
        for ((index, rows), moved) in R::INDEXES.iter().zip(&self.rows.indexes).zip(by_index) {
            let order = format!("{table}@{}", index.name);
            for entry in moved.removed() {
                add(&order, Some(key_in(entry)));
            }
            for (_, (entry, value), behind) in moved.with_successors(|entry| rows.next(entry)) {
                add(&order, behind.map(key_in));
                if !behind.is_some_and(|behind| entry.has_value_of(behind)) {
                    add(&format!("{order}={value}"), None);
                }
            }
        }
    }
}

/// The number of entries after an update, and the difference from before, by the group of a value, an index or
/// a table.
#[derive(Default)]
struct Counts(BTreeMap<String, (usize, isize)>);

impl Counts {
    /// The maximum count of passed numbers that are emitted one by one.
    const MOST_PASSED: usize = 64;

    /// Counts an added or removed entry. `now` returns the number of entries after the update.
    fn add(
        &mut self,
        group: String,
        step: isize,
        now: impl FnOnce() -> usize,
        groups: &mut BTreeSet<String>,
    ) {
        groups.insert(group.clone());
        self.0.entry(group).or_insert_with(|| (now(), 0)).1 += step;
    }

    /// Adds the groups of the numbers that the update has passed.
    fn changes(self, groups: &mut Groups) {
        for (group, (now, step)) in self.0 {
            if groups.are_too_many() {
                break;
            }
            let before = now.saturating_add_signed(-step);
            let passed = now.min(before)..now.max(before);
            match passed.len() > Counts::MOST_PASSED {
                true => drop(groups.names.insert(many_more(&group))),
                false => groups.names.extend(passed.map(|count| more_than(&group, count))),
            }
        }
    }
}
