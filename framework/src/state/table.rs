use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use imbl::OrdMap;

use super::Violation;
use super::encoding::{encode_kept, looks_same};
use super::field::{AnyField, Field, Groups, Reader, Reading};
use super::index::{Entry, IndexRows, Span, entries};
use super::key::{encoded, spelled};
use super::lookup::Lookup;
use super::recorder::row_group;
use super::row::{Index, Row};
use super::view::{Ref, TableView};

/// Rows of a state, found by their key and by indexes.
///
/// [`apply`](super::Updates::apply) changes them; controllers read the [`TableView`] of the same name. See
/// [`Row`] for how rows are declared.
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
    /// What the rows were that the update under way has touched.
    before: BTreeMap<Arc<[u8]>, Option<Arc<R>>>,
}

/// The rows with their indexes. A clone shares them all.
pub(super) struct Stored<R> {
    pub(super) by_key: OrdMap<Arc<[u8]>, Arc<R>>,
    pub(super) indexes: Vec<IndexRows>,
}

impl<R> Clone for Stored<R> {
    fn clone(&self) -> Stored<R> {
        Stored { by_key: self.by_key.clone(), indexes: self.indexes.clone() }
    }
}

impl<R: Row> Default for Table<R> {
    fn default() -> Table<R> {
        let indexes = vec![IndexRows::default(); R::INDEXES.len()];
        Table { rows: Arc::new(Stored { by_key: OrdMap::new(), indexes }), before: BTreeMap::new() }
    }
}

impl<R: Row> Table<R> {
    /// Adds a row.
    ///
    /// # Errors
    /// When there is a row with its key, or with its values in a unique index.
    pub fn insert(&mut self, row: R) -> Result<(), Violation> {
        let key = key_of(&row);
        if self.rows.by_key.contains_key(&*key) {
            return Err(Violation::Exists { row: R::NAME, key: spelled_key(&row) });
        }
        self.put(key, row)
    }

    /// Adds a row, in the place of the one that has its key.
    ///
    /// # Errors
    /// When another row has its values in a unique index.
    pub fn upsert(&mut self, row: R) -> Result<(), Violation> {
        self.put(key_of(&row), row)
    }

    /// Changes the row with this key.
    ///
    /// # Errors
    /// When there is none, when the change gives it another key, and when another row has its new values in a
    /// unique index.
    pub fn update(
        &mut self,
        key: impl Lookup<R::Key>,
        change: impl FnOnce(&mut R),
    ) -> Result<(), Violation> {
        let (bytes, row) = self.find(&key)?;
        let mut row = R::clone(&row);
        change(&mut row);
        if key_of(&row) != bytes {
            return Err(Violation::KeyChanged { row: R::NAME, key: spelled(&key) });
        }
        self.put(bytes, row)
    }

    /// Removes the row with this key.
    ///
    /// # Errors
    /// When there is none.
    pub fn remove(&mut self, key: impl Lookup<R::Key>) -> Result<R, Violation> {
        let (bytes, row) = self.find(&key)?;
        self.set(&bytes, None);
        Ok(Arc::unwrap_or_clone(row))
    }

    /// Removes all rows that have this value in the index, and tells how many there were.
    pub fn remove_all<V, O>(&mut self, index: Index<R, V, O>, value: impl Lookup<V>) -> usize {
        let span = Span::of(&value);
        let keys: BTreeSet<Arc<[u8]>> =
            self.rows.indexes[index.position].keys(&span).cloned().collect();
        keys.iter().for_each(|key| self.set(key, None));
        keys.len()
    }

    /// The row with this key, where there must be one.
    ///
    /// # Errors
    /// When there is none.
    pub fn require(&mut self, key: impl Lookup<R::Key>) -> Result<Ref<R>, Violation> {
        let (_, row) = self.find(&key)?;
        Ok(Ref { row, group: None, is_made: false })
    }

    /// The row with this key, as the update under way has left it.
    pub fn get(&mut self, key: impl Lookup<R::Key>) -> Option<Ref<R>> {
        self.read().get(key)
    }

    /// The rows as the update under way has left them. What `apply` reads is no page's read. Drop the view before
    /// you change the table: what a view sees is copied when it changes.
    pub fn read(&mut self) -> TableView<R> {
        TableView::new(Arc::clone(&self.rows), Reader { recorder: None, field: "" })
    }

    fn find(&self, key: &impl Lookup<R::Key>) -> Result<(Arc<[u8]>, Arc<R>), Violation> {
        match self.rows.by_key.get_key_value(encoded(key).as_slice()) {
            Some((bytes, row)) => Ok((Arc::clone(bytes), Arc::clone(row))),
            None => Err(Violation::Missing { row: R::NAME, key: spelled(key) }),
        }
    }

    fn put(&mut self, key: Arc<[u8]>, row: R) -> Result<(), Violation> {
        for (index, rows) in R::INDEXES.iter().zip(&self.rows.indexes) {
            if !index.unique {
                continue;
            }
            let taken = |entry: &&Entry| rows.holds_other(entry, &key);
            if let Some(entry) = entries(index, Some(&row), &key).iter().find(taken) {
                let (row, index, value) = (R::NAME, index.name, entry.value.clone());
                return Err(Violation::NotUnique { row, index, value });
            }
        }
        self.set(&key, Some(Arc::new(row)));
        Ok(())
    }

    /// Sets what there is of a key, and keeps what there was before the update under way.
    fn set(&mut self, key: &Arc<[u8]>, row: Option<Arc<R>>) {
        let old = self.replace(key, row);
        self.before.entry(Arc::clone(key)).or_insert(old);
    }

    fn replace(&mut self, key: &Arc<[u8]>, row: Option<Arc<R>>) -> Option<Arc<R>> {
        let rows = Arc::make_mut(&mut self.rows);
        let old = match &row {
            Some(row) => rows.by_key.insert(Arc::clone(key), Arc::clone(row)),
            None => rows.by_key.remove(&**key),
        };
        for (index, rows) in R::INDEXES.iter().zip(&mut rows.indexes) {
            let before = entries(index, old.as_deref(), key);
            let after = entries(index, row.as_deref(), key);
            for entry in before.iter().filter(|entry| after.binary_search(entry).is_err()) {
                rows.remove(entry);
            }
            for entry in after.iter().filter(|entry| before.binary_search(entry).is_err()) {
                rows.insert(entry, key);
            }
        }
        old
    }
}

impl<R: Row> AnyField for Table<R> {
    fn changes(&self, table: &str, groups: &mut Groups) {
        let groups = &mut groups.0;
        for (key, old) in &self.before {
            let new = self.rows.by_key.get(&**key);
            let shown = match (old, new) {
                (None, None) => continue,
                (Some(old), Some(new)) if Arc::ptr_eq(old, new) || looks_same(&**old, &**new) => {
                    continue;
                }
                (Some(row), _) | (None, Some(row)) => row,
            };
            shown.with_key(&mut |key| {
                groups.insert(row_group(table, key));
            });
            groups.insert(format!("{table}*"));
            if old.is_some() != new.is_some() {
                groups.insert(format!("{table}@"));
            }
            for index in R::INDEXES {
                let name = index.name;
                let before = entries(index, old.as_deref(), key);
                let after = entries(index, new.map(|new| &**new), key);
                for (one, other) in [(&before, &after), (&after, &before)] {
                    for entry in one {
                        let value = &entry.value;
                        groups.insert(format!("{table}@{name}={value}*"));
                        if other.binary_search(entry).is_err() {
                            groups.insert(format!("{table}@{name}={value}"));
                            groups.insert(format!("{table}@{name}"));
                        }
                    }
                }
            }
        }
    }

    fn keep(&mut self) {
        self.before.clear();
    }

    fn undo(&mut self) {
        for (key, row) in std::mem::take(&mut self.before) {
            self.replace(&key, row);
        }
    }

    fn version(&self) -> u32 {
        R::VERSION
    }

    fn save(&self) -> Box<dyn Iterator<Item = Vec<u8>> + Send> {
        Box::new(self.rows.by_key.clone().into_iter().map(|(_, row)| encode_kept(&*row)))
    }

    fn load(&mut self, version: u32, piece: &[u8]) -> Result<(), String> {
        let row = R::decode(version, piece)?;
        self.insert(row).map_err(|violation| violation.to_string())?;
        self.keep();
        Ok(())
    }
}

impl<R: Row> Field for Table<R> {
    type View = TableView<R>;

    fn schema() -> String {
        let indexes = R::INDEXES.iter().map(|index| format!(" {}({})", index.name, index.columns));
        format!("table {} {} {}{}", R::NAME, R::VERSION, R::KEY, indexes.collect::<String>())
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

fn key_of<R: Row>(row: &R) -> Arc<[u8]> {
    let mut bytes = Vec::with_capacity(32);
    row.with_key(&mut |key| key.encode(&mut bytes));
    bytes.into()
}

fn spelled_key<R: Row>(row: &R) -> String {
    let mut text = String::new();
    row.with_key(&mut |key| key.spell(&mut text));
    text
}
