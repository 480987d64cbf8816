use std::fmt;
use std::ops::{Deref, RangeBounds};
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::field::Reader;
use super::index::{KeyBytes, Span};
use super::key::{Key, OwnedKey, encoded};
use super::lookup::Lookup;
use super::recorder::{row_group, value_group};
use super::row::{Index, Row, spell_encoded_key, spell_key};
use super::rows::Rows;
use super::selection::Selection;
use super::table::Stored;
use super::values::Values;
use crate::packed::{marked_made, marked_row};

/// A [`Table`](super::Table) as controllers read it: a snapshot, which does not change.
///
/// On a cached route, each read adds the page to the groups of what it read, so the page becomes invalid as
/// soon as one of its reads would return a different result:
///
/// | read | the page depends on |
/// |---|---|
/// | [`get`](TableView::get), [`contains`](TableView::contains) | the row, or that there is none |
/// | up to 32 rows of a selection: [`newest`](Selection::newest), [`oldest`](Selection::oldest), [`take`](Selection::take), [`first`](Selection::first), a page of a [`Cursor`](crate::paging::Cursor); and [all](Selection::all) of a [`range`](TableView::range), if these are no more than 32 | that no other rows are between them in the order, nor, if the selection has too few, before the first or behind the last; and each row that is taken |
/// | more rows of [`of`](TableView::of) an index, or a page with a number | which rows have the value, their order, and each row that is taken |
/// | more rows of [`ordered`](TableView::ordered) or [`range`](TableView::range) | which rows are in the index, their order, and each row that is taken |
/// | more rows of [`by_key`](TableView::by_key) | which keys there are, and each row that is taken |
/// | [`existing_page`](Selection::existing_page) of a selection, past its end | whether the selection has more rows than precede that page |
/// | [`is_empty`](Selection::is_empty) of a selection | whether there are any |
/// | [`count`](TableView::count) | which keys there are |
/// | [`values`](TableView::values) | which rows are in the index, and their order |
/// | [`all`](TableView::all) | everything in the table |
///
/// So a list of the ten newest stories becomes invalid when a story is added, and when one of the ten changes,
/// but not when an older one is edited, added or removed.
pub struct TableView<R: Row> {
    pub(super) stored: Arc<Stored<R>>,
    pub(super) reader: Reader,
}

impl<R: Row> TableView<R> {
    pub(super) fn new(stored: Arc<Stored<R>>, reader: Reader) -> TableView<R> {
        TableView { stored, reader }
    }

    /// Returns the row with this key.
    pub fn get(&self, key: impl Lookup<R::Key>) -> Option<Ref<R>> {
        let bytes = KeyBytes::from(encoded(&key).as_slice());
        match self.stored.by_key.get(&bytes) {
            Some(row) => Some(self.found((&bytes, row), None)),
            None => {
                let read = self.reader.recorder.as_ref();
                self.record(read.map(|_| row_group(self.reader.field, &key)));
                None
            }
        }
    }

    /// Returns whether there is a row with this key.
    pub fn contains(&self, key: impl Lookup<R::Key>) -> bool {
        self.get(key).is_some()
    }

    /// Selects the rows that have this value in the index.
    pub fn of<V, O>(&self, index: Index<R, V, O>, value: impl Lookup<V>) -> Selection<R> {
        let name = R::INDEXES[index.position].name;
        let read = self.reader.recorder.as_ref();
        let group = read.map(|_| value_group(self.reader.field, name, &value));
        let via = group.as_ref().map(|group| format!("{group}*").into());
        self.selection(Some(index.position), Span::of(&value), group, via)
    }

    /// Selects all rows in the order of the index; in an index of `each` value in a field, a row once for each
    /// of its values.
    pub fn ordered<V, O>(&self, index: Index<R, V, O>) -> Selection<R> {
        self.selection(Some(index.position), Span::whole(), self.index_group(index), None)
    }

    /// Selects the rows whose values in the index are within this range, in the order of the index.
    pub fn range<V: Key, O>(
        &self,
        index: Index<R, V, O>,
        range: impl RangeBounds<V>,
    ) -> Selection<R> {
        let span = Span::within(range.start_bound(), range.end_bound());
        self.selection(Some(index.position), span, self.index_group(index), None)
    }

    /// Selects all rows in the order of their keys.
    pub fn by_key(&self) -> Selection<R> {
        let group = self.reader.recorder.is_some().then(|| format!("{}@", self.reader.field));
        self.selection(None, Span::whole(), group, None)
    }

    /// Returns all rows in the order of their keys, as one dependence: every change in the table invalidates
    /// the page.
    pub fn all(&self) -> Rows<R> {
        let group = self.reader.recorder.is_some().then(|| format!("{}*", self.reader.field));
        let group = self.record(group);
        let row = |row: &Arc<R>| Ref { row: Arc::clone(row), mark: group.clone().map(Mark::Made) };
        let rows = self.stored.by_key.values().map(row).collect();
        Rows::new(rows, group)
    }

    /// Returns the number of rows.
    pub fn count(&self) -> usize {
        self.record(self.reader.recorder.is_some().then(|| format!("{}@", self.reader.field)));
        self.stored.by_key.len()
    }

    /// Returns the distinct values in the index, sorted, each with the number of its rows: all tags, for
    /// example.
    pub fn values<V: OwnedKey, O>(&self, index: Index<R, V, O>) -> Values<V> {
        let group = self.record(self.index_group(index));
        Values::new(self.stored.indexes[index.position].values(), group)
    }

    fn index_group<V, O>(&self, index: Index<R, V, O>) -> Option<String> {
        let name = R::INDEXES[index.position].name;
        self.reader.recorder.is_some().then(|| format!("{}@{name}", self.reader.field))
    }

    fn selection(
        &self,
        index: Option<usize>,
        span: Span,
        group: Option<String>,
        via: Option<Arc<str>>,
    ) -> Selection<R> {
        Selection::new(self.clone(), index, span, group.map(Arc::from), via)
    }

    /// Records a group of this table, if reads are recorded.
    fn record(&self, group: Option<String>) -> Option<Arc<str>> {
        let group: Arc<str> = group?.into();
        self.record_group(&group, None);
        Some(group)
    }

    /// Records a group of this table, with the group of all rows that a selection could have found.
    pub(super) fn record_group(&self, group: &Arc<str>, via: Option<&Arc<str>>) {
        if let Some(recorder) = &self.reader.recorder {
            recorder.group(group, self.reader.field, via);
        }
    }

    /// Records the place directly before the row with this key. The order's groups begin with `order`.
    pub(super) fn record_before(&self, order: &Arc<str>, key: &KeyBytes, via: Option<&Arc<str>>) {
        if let Some(recorder) = &self.reader.recorder {
            recorder.before(order, (key, spell_encoded_key::<R>), self.reader.field, via);
        }
    }

    /// Records and returns a row. `via` is the group of all rows that the selection could have found.
    pub(super) fn found(&self, (key, row): (&KeyBytes, &Arc<R>), via: Option<&Arc<str>>) -> Ref<R> {
        let field = self.reader.field;
        let mark = self.reader.recorder.as_ref().map(|recorder| {
            recorder.row(field, (key, spell_encoded_key::<R>), via);
            Mark::Row(field, spell_key)
        });
        Ref { row: Arc::clone(row), mark }
    }
}

impl<R: Row> Clone for TableView<R> {
    fn clone(&self) -> TableView<R> {
        TableView { stored: Arc::clone(&self.stored), reader: self.reader.clone() }
    }
}

impl<R: Row> fmt::Debug for TableView<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TableView<{}>({})", R::NAME, self.reader.field)
    }
}

/// A row that was read. It dereferences to the row and is serialised as the row is.
pub struct Ref<R> {
    pub(super) row: Arc<R>,
    /// The row's dependence, where reads are recorded.
    pub(super) mark: Option<Mark<R>>,
}

/// The dependence of a row that is written into a reply.
pub(super) enum Mark<R> {
    /// A row of this table; the function spells its key.
    Row(&'static str, fn(&R, &mut String)),
    /// A value that was [made](Ref::map) from something with this group.
    Made(Arc<str>),
}

impl<R> Clone for Mark<R> {
    fn clone(&self) -> Mark<R> {
        match self {
            Mark::Row(table, spell) => Mark::Row(table, *spell),
            Mark::Made(group) => Mark::Made(Arc::clone(group)),
        }
    }
}

impl<R> Ref<R> {
    /// Returns the row's group.
    fn group(&self, table: &str, spell: fn(&R, &mut String)) -> String {
        let mut group = format!("{table}/");
        spell(&self.row, &mut group);
        group
    }
}

impl<R: Clone> Ref<R> {
    /// Returns the row itself.
    pub fn into_row(self) -> R {
        Arc::unwrap_or_clone(self.row)
    }
}

impl<R> Ref<R> {
    /// Converts the row with a function. The result depends on the row, as the row itself does, and on nothing
    /// else, because a function pointer captures nothing.
    ///
    /// ```
    /// # use headwater::prelude::*;
    /// # #[derive(Clone)]
    /// # struct Story { slug: String, title: String, body: String }
    /// #[derive(serde::Serialize)]
    /// struct Card {
    ///     slug: String,
    ///     title: String,
    ///     lead: String,
    /// }
    ///
    /// fn card(story: &Story) -> Card {
    ///     let lead = story.body.lines().next().unwrap_or_default().to_owned();
    ///     Card { slug: story.slug.clone(), title: story.title.clone(), lead }
    /// }
    ///
    /// fn shown(story: Ref<Story>) -> Ref<Card> {
    ///     story.map(card)
    /// }
    /// ```
    pub fn map<T>(self, make: fn(&R) -> T) -> Ref<T> {
        let made = Arc::new(make(&self.row));
        let group = match self.mark {
            Some(Mark::Row(table, spell)) => Some(self.group(table, spell).into()),
            Some(Mark::Made(group)) => Some(group),
            None => None,
        };
        Ref { row: made, mark: group.map(Mark::Made) }
    }
}

impl<R: Serialize> Ref<R> {
    /// Adds a value beside the row's fields, under a name that none of them has: a story with its comments as
    /// `story.comments`, for example. Templates see both, and JSON has both in one object.
    ///
    /// ```
    /// use headwater::prelude::*;
    ///
    /// # #[derive(Clone, Serialize, Deserialize, Row)]
    /// # struct Story { #[row(key)] slug: String }
    /// # #[derive(Clone, Serialize, Deserialize, Row)]
    /// # struct Comment { #[row(key)] number: u64, #[row(index)] story: String }
    /// # #[derive(Clone, Default, State)]
    /// # struct Paper { stories: Table<Story>, comments: Table<Comment> }
    /// fn whole(paper: &PaperView, story: Ref<Story>) -> impl Serialize {
    ///     let comments = paper.comments.of(Comment::STORY, &story.slug).all();
    ///     story.with("comments", comments)
    /// }
    /// ```
    pub fn with<T: Serialize>(self, name: &'static str, value: T) -> impl Serialize {
        With { row: self, more: Named(name, value) }
    }
}

/// A row and a value with a name.
#[derive(Serialize)]
struct With<R: Serialize, T: Serialize> {
    #[serde(flatten)]
    row: Ref<R>,
    #[serde(flatten)]
    more: Named<T>,
}

struct Named<T>(&'static str, T);

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.0, &self.1)])
    }
}

impl<R> Deref for Ref<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.row
    }
}

impl<R> Clone for Ref<R> {
    fn clone(&self) -> Ref<R> {
        Ref { row: Arc::clone(&self.row), mark: self.mark.clone() }
    }
}

impl<R: Serialize> Serialize for Ref<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.mark {
            Some(Mark::Made(group)) => marked_made(group, &*self.row, serializer),
            Some(Mark::Row(table, spell)) => {
                marked_row(&self.group(table, *spell), &*self.row, serializer)
            }
            None => self.row.serialize(serializer),
        }
    }
}

impl<R: fmt::Debug> fmt::Debug for Ref<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.row.fmt(f)
    }
}

impl<R: PartialEq> PartialEq for Ref<R> {
    fn eq(&self, other: &Ref<R>) -> bool {
        *self.row == *other.row
    }
}

impl<R: Eq> Eq for Ref<R> {}
