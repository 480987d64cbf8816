use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdMap;

use super::key::{Key, encoded};
use super::row::{IndexDefinition, Row};

/// What an index says of one row: bytes that sort as its columns do.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// All columns and, after them, the row's key.
    bytes: Vec<u8>,
    /// How many of them are the first column.
    first: usize,
    /// How many of them are columns.
    columns: usize,
    /// The first column as groups spell it.
    pub(super) value: String,
}

impl Entry {
    /// The columns' bytes, all of them.
    pub(super) fn columns(&self) -> &[u8] {
        &self.bytes[..self.columns]
    }
}

/// The entries of a row, sorted, each once; none where there is no row.
pub(super) fn entries<R: Row>(
    index: &IndexDefinition<R>,
    row: Option<&R>,
    key: &[u8],
) -> Vec<Entry> {
    let mut entries = Vec::new();
    let Some(row) = row else { return entries };
    (index.entries)(row, &mut |columns| {
        let mut bytes = Vec::with_capacity(32);
        let mut value = String::new();
        let mut first = 0;
        for (number, column) in columns.iter().enumerate() {
            column.encode(&mut bytes);
            if number == 0 {
                column.spell(&mut value);
                first = bytes.len();
            }
        }
        let columns = bytes.len();
        bytes.extend(key);
        entries.push(Entry { bytes, first, columns, value });
    });
    entries.sort_unstable();
    entries.dedup();
    entries
}

/// The rows of a table by the columns of an index.
#[derive(Debug, Clone, Default)]
pub(super) struct IndexRows {
    /// Keys of rows, by the [bytes of entries](Entry).
    entries: OrdMap<Arc<[u8]>, Arc<[u8]>>,
    /// How many entries each value of the first column has.
    values: OrdMap<Arc<[u8]>, usize>,
}

impl IndexRows {
    pub(super) fn insert(&mut self, entry: &Entry, key: &Arc<[u8]>) {
        self.entries.insert(entry.bytes.as_slice().into(), Arc::clone(key));
        let first = &entry.bytes[..entry.first];
        match self.values.get_mut(first) {
            Some(count) => *count += 1,
            None => {
                self.values.insert(first.into(), 1);
            }
        }
    }

    pub(super) fn remove(&mut self, entry: &Entry) {
        self.entries.remove(entry.bytes.as_slice());
        let first = &entry.bytes[..entry.first];
        match self.values.get_mut(first) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                self.values.remove(first);
            }
        }
    }

    /// The key of another row than `key` that has the same values in all columns.
    pub(super) fn holds_other(&self, entry: &Entry, key: &[u8]) -> bool {
        let range = Span::beginning_with(entry.columns().to_vec());
        self.keys(&range).any(|other| **other != *key)
    }

    /// The keys of rows in a span of the index, in its order.
    pub(super) fn keys(&self, span: &Span) -> impl DoubleEndedIterator<Item = &Arc<[u8]>> {
        self.entries.range::<_, [u8]>(span.bounds()).map(|(_, key)| key)
    }

    /// How many entries a span has.
    pub(super) fn count(&self, span: &Span) -> usize {
        match span {
            Span { is_value: true, from: Bound::Included(value), .. } => {
                self.values.get(value.as_slice()).copied().unwrap_or(0)
            }
            Span { from: Bound::Unbounded, to: Bound::Unbounded, .. } => self.entries.len(),
            _ => self.entries.range::<_, [u8]>(span.bounds()).count(),
        }
    }

    /// The bytes of the values in the first column, each with how many entries it has.
    pub(super) fn values(&self) -> impl Iterator<Item = (&[u8], usize)> {
        self.values.iter().map(|(value, count)| (&**value, *count))
    }
}

/// A part of an index, or of a table in the order of its keys.
#[derive(Debug, Clone)]
pub(super) struct Span {
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
    /// Whether it is what has one value in the first column.
    is_value: bool,
}

impl Span {
    /// All of it.
    pub(super) fn whole() -> Span {
        Span { from: Bound::Unbounded, to: Bound::Unbounded, is_value: false }
    }

    /// What has this value in the first column.
    pub(super) fn of(value: &(impl Key + ?Sized)) -> Span {
        Span { is_value: true, ..Span::beginning_with(encoded(value)) }
    }

    /// What has values in the first column that are within these bounds.
    pub(super) fn within<K: Key>(from: Bound<&K>, to: Bound<&K>) -> Span {
        let from = match from {
            Bound::Included(value) => Bound::Included(encoded(value)),
            Bound::Excluded(value) => past(encoded(value)),
            Bound::Unbounded => Bound::Unbounded,
        };
        let to = match to {
            Bound::Included(value) => match past(encoded(value)) {
                Bound::Included(end) => Bound::Excluded(end),
                other => other,
            },
            Bound::Excluded(value) => Bound::Excluded(encoded(value)),
            Bound::Unbounded => Bound::Unbounded,
        };
        // A range whose end is before its beginning has nothing in it; the map would panic.
        if let (Bound::Included(begin), Bound::Excluded(end)) = (&from, &to)
            && begin > end
        {
            let begin = begin.clone();
            return Span {
                from: Bound::Included(begin.clone()),
                to: Bound::Excluded(begin),
                is_value: false,
            };
        }
        Span { from, to, is_value: false }
    }

    fn beginning_with(bytes: Vec<u8>) -> Span {
        let to = match past(bytes.clone()) {
            Bound::Included(end) => Bound::Excluded(end),
            other => other,
        };
        Span { from: Bound::Included(bytes), to, is_value: false }
    }

    pub(super) fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (self.from.as_ref().map(Vec::as_slice), self.to.as_ref().map(Vec::as_slice))
    }
}

/// The first bytes after all that begin with these, as where a span begins.
fn past(mut bytes: Vec<u8>) -> Bound<Vec<u8>> {
    while let Some(last) = bytes.pop() {
        if last < 0xff {
            bytes.push(last + 1);
            return Bound::Included(bytes);
        }
    }
    Bound::Unbounded
}
