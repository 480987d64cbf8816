use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use imbl::OrdMap;

use super::Violation;
use super::ascending::Ascending;
use super::encoder::Encoder;
use super::encoding::{encode_kept, encode_readable, is_stable, read_back};
use super::field::{AnyField, FieldKind, Groups, Reader, Reading, StateField};
use super::hash::item_hash;
use super::identity::Identity;
use super::index::{IndexRows, KeyBytes, Span, SpelledEntry, entries, shown_columns};
use super::key::{encoded, shown};
use super::lookup::Lookup;
use super::row::{Index, Row};
use super::shape::shape_of;
use super::view::{Ref, TableView};

mod difference;

/// Rows of a state, found by their key and by indexes.
///
/// [`apply`](super::Updates::apply) changes them; controllers read the [`TableView`] of the same name. See
/// [`Row`] for how rows are declared.
///
/// A table is changed by its methods. An update that assigns another table to the field, swaps two or moves one
/// out panics, and so has no effect: [`clear`](Table::clear) removes all rows. Reading takes `&mut self` too,
/// so helpers of `apply` that only read take the state as `&mut self`: only an update has that, and pages read
/// through views, which record their reads.
///
/// ```
/// use headwater::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize, Row)]
/// struct Book {
///     #[row(key)]
///     id: u64,
///     #[row(unique)]
///     title: String,
/// }
///
/// let mut books = Table::<Book>::default();
/// books.insert(Book { id: 1, title: "Emma".to_owned() })?;
/// let refused = books.insert(Book { id: 2, title: "Emma".to_owned() }).unwrap_err();
/// assert_eq!(refused.to_string(), "there is another Book with the title Emma");
/// books.update(1, |book| book.title = "Persuasion".to_owned())?;
/// assert_eq!(books.read().of(Book::TITLE, "Persuasion").count(), 1);
/// # Ok::<(), Violation>(())
/// ```
#[derive(Clone)]
pub struct Table<R: Row> {
    rows: Arc<Stored<R>>,
    /// The rows that the current update has touched.
    touched: BTreeMap<KeyBytes, Touched<R>>,
    /// Rows of a checkpoint that are not yet inserted.
    loading: Ascending<(KeyBytes, Arc<R>)>,
    identity: Identity,
}

/// The rows with their indexes. A clone shares all of them.
pub(super) struct Stored<R> {
    pub(super) by_key: OrdMap<KeyBytes, Arc<R>>,
    pub(super) indexes: Vec<IndexRows>,
}

/// The row with a key before an update, and its present state during the update.
#[derive(Clone)]
struct Touched<R> {
    before: Version<R>,
    now: Version<R>,
}

/// A row with a key at some moment, or its absence.
#[derive(Clone)]
struct Version<R> {
    row: Option<Arc<R>>,
    /// The row's entries in each index.
    entries: Vec<Vec<SpelledEntry>>,
}

impl<R: Row> Version<R> {
    fn of(row: Option<Arc<R>>, key: &KeyBytes) -> Version<R> {
        let entries = row.as_ref().map(|row| entries(&**row, key.as_slice()));
        Version { row, entries: entries.unwrap_or_else(|| vec![Vec::new(); R::INDEXES.len()]) }
    }
}

impl<R> Clone for Stored<R> {
    fn clone(&self) -> Stored<R> {
        Stored { by_key: self.by_key.clone(), indexes: self.indexes.clone() }
    }
}

impl<R> Stored<R> {
    /// Replaces one version of a row by another.
    fn replace(&mut self, key: &KeyBytes, before: &Version<R>, now: &Version<R>) {
        match &now.row {
            Some(row) => drop(self.by_key.insert(key.clone(), Arc::clone(row))),
            None => drop(self.by_key.remove(key)),
        }
        let entries = before.entries.iter().zip(&now.entries);
        for (rows, (before, now)) in self.indexes.iter_mut().zip(entries) {
            for (entry, _) in before.iter().filter(|entry| now.binary_search(entry).is_err()) {
                rows.remove(entry);
            }
            for (entry, _) in now.iter().filter(|entry| before.binary_search(entry).is_err()) {
                rows.insert(entry);
            }
        }
    }
}

impl<R: Row> Default for Table<R> {
    fn default() -> Table<R> {
        let indexes = vec![IndexRows::default(); R::INDEXES.len()];
        let rows = Arc::new(Stored { by_key: OrdMap::new(), indexes });
        let (touched, loading) = (BTreeMap::new(), Ascending::default());
        Table { rows, touched, loading, identity: Identity::default() }
    }
}

impl<R: Row> Table<R> {
    /// Adds a row.
    ///
    /// # Errors
    /// When there is a row with the same key, or with the same values in a unique index.
    pub fn insert(&mut self, row: R) -> Result<(), Violation> {
        let key = key_of(&row);
        if self.rows.by_key.contains_key(&key) {
            return Err(Violation::Exists { row: R::NAME, key: shown_key(&row) });
        }
        self.put(&key, row)
    }

    /// Adds a row, or replaces the row that has its key.
    ///
    /// # Errors
    /// When another row has the same values in a unique index.
    pub fn upsert(&mut self, row: R) -> Result<(), Violation> {
        self.put(&key_of(&row), row)
    }

    /// Changes the row with this key, and returns the result of `change`.
    ///
    /// # Errors
    /// When there is no such row, when the change alters its key, and when another row has its new values in a
    /// unique index.
    pub fn update<T>(
        &mut self,
        key: impl Lookup<R::Key>,
        change: impl FnOnce(&mut R) -> T,
    ) -> Result<T, Violation> {
        let (bytes, row) = self.find(&key)?;
        let mut row = R::clone(&row);
        let output = change(&mut row);
        if key_of(&row) != bytes {
            return Err(Violation::KeyChanged { row: R::NAME, key: shown(&key) });
        }
        self.put(&bytes, row)?;
        Ok(output)
    }

    /// Removes the row with this key.
    ///
    /// # Errors
    /// When there is no such row.
    pub fn remove(&mut self, key: impl Lookup<R::Key>) -> Result<R, Violation> {
        let (bytes, row) = self.find(&key)?;
        self.set(&bytes, Version::of(None, &bytes));
        Ok(Arc::unwrap_or_clone(row))
    }

    /// Removes all rows with this value in the index, and returns their number.
    pub fn remove_all<V, O>(&mut self, index: Index<R, V, O>, value: impl Lookup<V>) -> usize {
        let span = Span::of(&value);
        let keys: BTreeSet<KeyBytes> =
            self.rows.indexes[index.position].keys(&span).map(KeyBytes::from).collect();
        keys.iter().for_each(|key| self.set(key, Version::of(None, key)));
        keys.len()
    }

    /// Removes all rows.
    pub fn clear(&mut self) {
        let keys: Vec<_> = self.rows.by_key.keys().cloned().collect();
        keys.iter().for_each(|key| self.set(key, Version::of(None, key)));
    }

    /// Returns the row with this key.
    ///
    /// # Errors
    /// When there is no such row.
    pub fn require(&mut self, key: impl Lookup<R::Key>) -> Result<Ref<R>, Violation> {
        let (_, row) = self.find(&key)?;
        Ok(Ref { row, mark: None })
    }

    /// Returns the row with this key, including changes of the current update.
    pub fn get(&mut self, key: impl Lookup<R::Key>) -> Option<Ref<R>> {
        self.read().get(key)
    }

    /// Returns a view of the rows, including changes of the current update. Reads of `apply` are not reads of a
    /// page and are not recorded. Drop the view before you change the table: otherwise the changed parts are
    /// copied.
    pub fn read(&mut self) -> TableView<R> {
        TableView::new(Arc::clone(&self.rows), Reader { recorder: None, field: "" })
    }

    fn find(&self, key: &impl Lookup<R::Key>) -> Result<(KeyBytes, Arc<R>), Violation> {
        let bytes = KeyBytes::from(encoded(key).as_slice());
        match self.rows.by_key.get(&bytes) {
            Some(row) => Ok((bytes, Arc::clone(row))),
            None => Err(Violation::Missing { row: R::NAME, key: shown(key) }),
        }
    }

    fn put(&mut self, key: &KeyBytes, row: R) -> Result<(), Violation> {
        let row = Arc::new(row);
        let version = Version::of(Some(Arc::clone(&row)), key);
        let indexes = R::INDEXES.iter().zip(&self.rows.indexes).zip(&version.entries);
        for ((index, rows), entries) in indexes.filter(|((index, _), _)| index.unique) {
            let taken = |(entry, _): &SpelledEntry| rows.holds_other(entry, key.as_slice());
            if entries.iter().any(taken) {
                let value = shown_columns(index, &*row);
                return Err(Violation::NotUnique { row: R::NAME, index: index.name, value });
            }
        }
        self.set(key, version);
        Ok(())
    }

    /// Replaces the row with a key, and keeps the row from before the current update.
    fn set(&mut self, key: &KeyBytes, now: Version<R>) {
        let rows = Arc::make_mut(&mut self.rows);
        let touched = self.touched.entry(key.clone()).or_insert_with(|| {
            let before = Version::of(rows.by_key.get(key).cloned(), key);
            Touched { now: before.clone(), before }
        });
        rows.replace(key, &touched.now, &now);
        touched.now = now;
    }
}

impl<R: Row> AnyField for Table<R> {
    fn kind(&self) -> FieldKind {
        FieldKind::Table
    }

    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn changes(&self, table: &str, groups: &mut Groups) {
        self.difference(table, groups);
    }

    fn read_back(&self) -> Result<(), String> {
        for (key, Touched { now, .. }) in &self.touched {
            let Some(row) = &now.row else { continue };
            let named =
                |reason| format!("the {} with the key {}: {reason}", R::NAME, shown_key(&**row));
            let again = read_back(&**row).map_err(named)?;
            if key_of(&again) != *key || entries(&again, key.as_slice()) != now.entries {
                let reason = "it is read back with another key, or with other values in an index: a field of \
                              either must be serialised";
                return Err(named(reason.to_owned()));
            }
        }
        Ok(())
    }

    fn keep(&mut self) {
        self.touched.clear();
    }

    fn undo(&mut self) {
        let touched = std::mem::take(&mut self.touched);
        if touched.is_empty() {
            return;
        }
        let rows = Arc::make_mut(&mut self.rows);
        for (key, Touched { before, now }) in touched {
            rows.replace(&key, &now, &before);
        }
    }

    fn version(&self) -> u32 {
        R::VERSION
    }

    fn save(&self) -> Box<dyn Iterator<Item = Vec<u8>> + Send> {
        Box::new(self.rows.by_key.clone().into_iter().map(|(_, row)| encode_readable(&*row)))
    }

    fn load(&mut self, version: u32, item: &[u8]) -> Result<(), String> {
        let row = Arc::new(R::decode(version, item)?);
        let rows = &mut Arc::make_mut(&mut self.rows).by_key;
        let mut exists = None;
        self.loading.push((key_of(&*row), row), |(key, row)| exists = rows.insert(key, row));
        refuse_second(exists)
    }

    fn loaded(&mut self) -> Result<(), String> {
        let rows = Arc::make_mut(&mut self.rows);
        let mut exists = None;
        self.loading.end(|(key, row)| exists = rows.by_key.insert(key, row).or(exists.take()));
        refuse_second(exists)?;
        let by_key = &rows.by_key;
        let indexes: Result<Vec<_>, Violation> = thread::scope(|scope| {
            let build = |index| scope.spawn(move || IndexRows::of(index, by_key));
            let building: Vec<_> = R::INDEXES.iter().map(build).collect();
            let built = building.into_iter().map(|built| built.join());
            built.map(|built| built.unwrap_or_else(|panic| resume_unwind(panic))).collect()
        });
        rows.indexes = indexes.map_err(|violation| violation.to_string())?;
        Ok(())
    }

    fn hash(&self) -> Option<u128> {
        let hashes = self.rows.by_key.values().map(|row| item_hash(&encode_kept(&**row)));
        Some(hashes.fold(0, u128::wrapping_add))
    }

    fn is_stable(&self) -> bool {
        self.rows.by_key.values().all(|row| is_stable(&**row))
    }
}

impl<R: Row> StateField for Table<R> {
    type View = TableView<R>;

    fn schema() -> String {
        let indexes = R::INDEXES.iter().map(|index| {
            let kind = if index.unique { "unique" } else { "index" };
            format!(" {kind} {}({})", index.name, (index.columns)())
        });
        let (shape, indexes) = (shape_of::<R>(), indexes.collect::<String>());
        format!("table {} {} {shape:x} {}{indexes}", R::NAME, R::VERSION, R::KEY())
    }

    fn view(&self, reading: &Reading<'_>, place: usize) -> TableView<R> {
        TableView::new(Arc::clone(&self.rows), reading.of(place))
    }
}

impl<R: Row> fmt::Debug for Table<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table<{}>({} rows)", R::NAME, self.rows.by_key.len())
    }
}

/// Refuses a second row with a key among the loaded rows.
fn refuse_second<R: Row>(exists: Option<Arc<R>>) -> Result<(), String> {
    let violation = |row: Arc<R>| Violation::Exists { row: R::NAME, key: shown_key(&*row) };
    exists.map_or(Ok(()), |row| Err(violation(row).to_string()))
}

fn key_of<R: Row>(row: &R) -> KeyBytes {
    let mut bytes = Encoder::new();
    row.with_key(&mut |key| key.encode(&mut bytes));
    bytes.as_slice().into()
}

fn shown_key<R: Row>(row: &R) -> String {
    let mut text = String::new();
    row.with_key(&mut |key| key.show(&mut text));
    text
}
