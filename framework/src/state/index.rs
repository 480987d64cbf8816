use std::ops::Bound;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use super::Violation;
use super::ascending::Ascending;
use super::encoder::Encoder;
use super::key::{Key, OwnedKey, encoded, shown};
use super::row::{IndexDefinition, Row};
use super::sorted_bytes::SortedBytes;

/// The bytes of a row's key, or of a value in the first column of an index.
pub(super) type KeyBytes = SortedBytes<22>;

/// The entry of one row in an index, as bytes that sort like the columns: all columns, the row's key, and the
/// length of the key. The length takes one byte; from 255 on it takes four bytes, followed by the byte 255.
pub(super) type EntryBytes = SortedBytes<38>;

/// An entry of an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    bytes: EntryBytes,
    /// The length of the first column.
    first: u32,
    /// The length of all columns.
    columns: u32,
}

/// An entry, with the spelling of the first column in groups.
pub(super) type SpelledEntry = (Entry, String);

impl Entry {
    /// Makes the entry of a row with this key.
    fn new(columns: &[&dyn Key], key: &[u8]) -> Entry {
        let mut bytes = Encoder::new();
        let mut first = 0;
        for (number, column) in columns.iter().enumerate() {
            column.encode(&mut bytes);
            if number == 0 {
                first = bytes.as_slice().len();
            }
        }
        let columns = bytes.as_slice().len();
        bytes.extend(key);
        match u8::try_from(key.len()) {
            Ok(length) if length < 255 => bytes.extend(&[length]),
            _ => {
                bytes.extend(&(key.len() as u32).to_be_bytes());
                bytes.extend(&[255]);
            }
        }
        Entry { bytes: bytes.as_slice().into(), first: first as u32, columns: columns as u32 }
    }

    pub(super) fn bytes(&self) -> &EntryBytes {
        &self.bytes
    }

    /// Returns whether another entry has the same value in the first column.
    pub(super) fn has_value_of(&self, other: &EntryBytes) -> bool {
        other.as_slice().starts_with(self.first())
    }

    fn first(&self) -> &[u8] {
        &self.bytes.as_slice()[..self.first as usize]
    }

    fn columns(&self) -> &[u8] {
        &self.bytes.as_slice()[..self.columns as usize]
    }
}

/// Returns the key of the entry's row.
pub(super) fn key_in(entry: &EntryBytes) -> &[u8] {
    let bytes = entry.as_slice();
    let (end, length) = match bytes {
        [.., a, b, c, d, 255] => (bytes.len() - 5, u32::from_be_bytes([*a, *b, *c, *d]) as usize),
        [.., length] => (bytes.len() - 1, usize::from(*length)),
        [] => (0, 0),
    };
    &bytes[end - length..end]
}

/// Returns the entries of a row in each of its indexes, sorted and without duplicates.
pub(super) fn entries<R: Row>(row: &R, key: &[u8]) -> Vec<Vec<SpelledEntry>> {
    let of = |index: &IndexDefinition<R>| {
        let mut entries = Vec::new();
        (index.entries)(row, &mut |columns| {
            let mut value = String::new();
            if let Some(first) = columns.first() {
                first.spell(&mut value);
            }
            entries.push((Entry::new(columns, key), value));
        });
        entries.sort_unstable();
        entries.dedup();
        entries
    };
    R::INDEXES.iter().map(of).collect()
}

/// Returns the values of a row in the columns of an index, for messages.
pub(super) fn shown_columns<R: Row>(index: &IndexDefinition<R>, row: &R) -> String {
    let mut entries = Vec::new();
    (index.entries)(row, &mut |columns| {
        entries.push(columns.iter().map(|column| shown(*column)).collect::<Vec<_>>().join(", "));
    });
    entries.join("; ")
}

/// The rows of a table by the columns of an index.
#[derive(Debug, Clone, Default)]
pub(super) struct IndexRows {
    entries: OrdSet<EntryBytes>,
    /// The number of entries for each value of the first column that has more than one.
    several: OrdMap<KeyBytes, usize>,
}

impl IndexRows {
    /// Builds the index of these rows.
    ///
    /// # Errors
    /// When the index is unique and two rows have the same values in all columns.
    pub(super) fn of<R: Row>(
        index: &IndexDefinition<R>,
        rows: &OrdMap<KeyBytes, Arc<R>>,
    ) -> Result<IndexRows, Violation> {
        let mut entries = Vec::with_capacity(rows.len());
        for (key, row) in rows {
            (index.entries)(row, &mut |columns| entries.push(Entry::new(columns, key.as_slice())));
        }
        entries.sort_unstable();
        entries.dedup();
        let is_same = |pair: &&[Entry]| pair[0].columns() == pair[1].columns();
        if index.unique
            && let Some([_, entry]) = entries.windows(2).find(is_same)
        {
            let row = rows.get(key_in(&entry.bytes));
            let value = row.map(|row| shown_columns(index, &**row)).unwrap_or_default();
            return Err(Violation::NotUnique { row: R::NAME, index: index.name, value });
        }
        let mut built = IndexRows::default();
        for entries in entries.chunk_by(|one, other| one.first() == other.first()) {
            if entries.len() > 1 {
                built.several.insert(entries[0].first().into(), entries.len());
            }
        }
        let mut ascending = Ascending::default();
        let mut insert = |bytes| drop(built.entries.insert(bytes));
        entries.into_iter().for_each(|entry| ascending.push(entry.bytes, &mut insert));
        ascending.end(insert);
        Ok(built)
    }

    pub(super) fn insert(&mut self, entry: &Entry) {
        let first = entry.first();
        let others = match self.several.get(first) {
            Some(count) => *count,
            None => self.starting_with(first).count(),
        };
        if others > 0 {
            self.several.insert(first.into(), others + 1);
        }
        self.entries.insert(entry.bytes.clone());
    }

    pub(super) fn remove(&mut self, entry: &Entry) {
        self.entries.remove(entry.bytes.as_slice());
        let first = entry.first();
        match self.several.get(first) {
            Some(2) => {
                self.several.remove(first);
            }
            Some(count) => {
                let count = count - 1;
                self.several.insert(first.into(), count);
            }
            None => {}
        }
    }

    /// Returns whether a row other than the one with this `key` has the same values in all columns.
    pub(super) fn holds_other(&self, entry: &Entry, key: &[u8]) -> bool {
        self.starting_with(entry.columns()).any(|other| key_in(other) != key)
    }

    fn starting_with(&self, bytes: &[u8]) -> impl Iterator<Item = &EntryBytes> {
        let entries = self.entries.range::<_, [u8]>((Bound::Included(bytes), Bound::Unbounded));
        entries.take_while(move |entry| entry.as_slice().starts_with(bytes))
    }

    /// Returns the keys of the rows in a span of the index, in its order.
    pub(super) fn keys(&self, span: &Span) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.entries.range::<_, [u8]>(span.bounds()).map(key_in)
    }

    /// Returns the entries of a span in their order, each with the key of its row.
    pub(super) fn places(&self, span: &Span) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> {
        let entries = self.entries.range::<_, [u8]>(span.bounds());
        entries.map(|entry| (entry.as_slice(), key_in(entry)))
    }

    /// Returns the first entry behind a span.
    pub(super) fn behind(&self, span: &Span) -> Option<&EntryBytes> {
        self.entries.range::<_, [u8]>(span.rest()?).next()
    }

    /// Returns the entry that follows this one.
    pub(super) fn next(&self, entry: &EntryBytes) -> Option<&EntryBytes> {
        let rest = (Bound::Excluded(entry.as_slice()), Bound::Unbounded);
        self.entries.range::<_, [u8]>(rest).next()
    }

    /// Returns the number of entries in a span.
    pub(super) fn count(&self, span: &Span) -> usize {
        match span {
            Span { is_value: true, from: Bound::Included(value), .. } => {
                let several = self.several.get(value.as_slice()).copied();
                several.unwrap_or_else(|| self.keys(span).count())
            }
            Span { from: Bound::Unbounded, to: Bound::Unbounded, .. } => self.entries.len(),
            _ => self.entries.range::<_, [u8]>(span.bounds()).count(),
        }
    }

    /// Returns the number of entries in the index.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the number of entries with the same value in the first column.
    pub(super) fn count_like(&self, entry: &Entry) -> usize {
        let first = entry.first();
        self.several.get(first).copied().unwrap_or_else(|| self.starting_with(first).count())
    }

    /// Returns the values of the first column, sorted, each with the number of its entries.
    pub(super) fn values<V: OwnedKey>(&self) -> Vec<(V, usize)> {
        let mut values = Vec::new();
        let mut entries = self.entries.range::<_, [u8]>(..);
        while let Some(entry) = entries.next() {
            let mut rest = entry.as_slice();
            let Some(value) = V::decode(&mut rest) else { continue };
            let first = &entry.as_slice()[..entry.as_slice().len() - rest.len()];
            let Some(count) = self.several.get(first) else {
                values.push((value, 1));
                continue;
            };
            values.push((value, *count));
            match past(first.to_vec()) {
                Bound::Included(next) => {
                    let rest = (Bound::Included(next.as_slice()), Bound::Unbounded);
                    entries = self.entries.range::<_, [u8]>(rest);
                }
                _ => break,
            }
        }
        values
    }
}

/// The beginning and the end of a part of an order.
type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// A part of an index, or of a table in the order of its keys.
#[derive(Debug, Clone)]
pub(super) struct Span {
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
    /// Whether it contains exactly the entries with one value in the first column.
    is_value: bool,
}

impl Span {
    /// The whole order.
    pub(super) fn whole() -> Span {
        Span { from: Bound::Unbounded, to: Bound::Unbounded, is_value: false }
    }

    /// An empty span: no entry sorts before the empty byte string.
    fn empty() -> Span {
        Span { from: Bound::Unbounded, to: Bound::Excluded(Vec::new()), is_value: false }
    }

    /// The entries with this value in the first column.
    pub(super) fn of(value: &(impl Key + ?Sized)) -> Span {
        Span { is_value: true, ..Span::beginning_with(bytes_of(value)) }
    }

    /// The entries whose values in the first column are within these bounds.
    pub(super) fn within<K: Key>(from: Bound<&K>, to: Bound<&K>) -> Span {
        let from = match from {
            Bound::Included(value) => Bound::Included(bytes_of(value)),
            Bound::Excluded(value) => match past(bytes_of(value)) {
                // No value is greater than the greatest one.
                Bound::Unbounded => return Span::empty(),
                next => next,
            },
            Bound::Unbounded => Bound::Unbounded,
        };
        let to = match to {
            Bound::Included(value) => match past(bytes_of(value)) {
                Bound::Included(end) => Bound::Excluded(end),
                other => other,
            },
            Bound::Excluded(value) => Bound::Excluded(bytes_of(value)),
            Bound::Unbounded => Bound::Unbounded,
        };
        // A range that ends before it begins is empty.
        Span { from, to, is_value: false }
    }

    /// Returns the part behind a point, or before it where the order is reversed. The point may be any bytes.
    pub(super) fn behind(&self, place: &[u8], is_reversed: bool) -> Span {
        let is_within = match (&self.from, &self.to) {
            (Bound::Included(from), _) if place < from.as_slice() => false,
            (_, Bound::Excluded(to)) if place >= to.as_slice() => false,
            _ => true,
        };
        let is_before = matches!(&self.from, Bound::Included(from) if place < from.as_slice());
        match (is_within, is_before == is_reversed) {
            (true, _) if is_reversed => {
                Span { to: Bound::Excluded(place.to_vec()), is_value: false, ..self.clone() }
            }
            (true, _) => {
                Span { from: Bound::Excluded(place.to_vec()), is_value: false, ..self.clone() }
            }
            (false, true) => Span::empty(),
            (false, false) => Span { is_value: false, ..self.clone() },
        }
    }

    /// Returns the bounds of everything behind the span, unless it reaches the end.
    pub(super) fn rest(&self) -> Option<Bounds<'_>> {
        match &self.to {
            // It is empty and stays empty, whatever rows there are.
            Bound::Excluded(end) if end.is_empty() => None,
            Bound::Excluded(end) => Some((Bound::Included(end.as_slice()), Bound::Unbounded)),
            _ => None,
        }
    }

    /// Returns whether the span has one value and the entry has another one.
    pub(super) fn ends_before(&self, entry: &EntryBytes) -> bool {
        matches!(&self.from, Bound::Included(value) if self.is_value && !entry.as_slice().starts_with(value))
    }

    /// Returns whether updates emit the numbers of rows that they pass in this span: they do for one value, and
    /// for the whole order.
    pub(super) fn is_counted(&self) -> bool {
        let is_whole = matches!((&self.from, &self.to), (Bound::Unbounded, Bound::Unbounded));
        self.is_value || is_whole
    }

    fn beginning_with(bytes: Vec<u8>) -> Span {
        let to = match past(bytes.clone()) {
            Bound::Included(end) => Bound::Excluded(end),
            other => other,
        };
        Span { from: Bound::Included(bytes), to, is_value: false }
    }

    pub(super) fn bounds(&self) -> Bounds<'_> {
        (self.from.as_ref().map(Vec::as_slice), self.to.as_ref().map(Vec::as_slice))
    }
}

fn bytes_of(value: &(impl Key + ?Sized)) -> Vec<u8> {
    encoded(value).as_slice().to_vec()
}

/// Returns the first bytes that sort after everything that begins with these, as the beginning of a span.
fn past(mut bytes: Vec<u8>) -> Bound<Vec<u8>> {
    while let Some(last) = bytes.pop() {
        if last < 0xff {
            bytes.push(last + 1);
            return Bound::Included(bytes);
        }
    }
    Bound::Unbounded
}
