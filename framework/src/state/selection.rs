use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::index::{KeyBytes, Span};
use super::recorder::{many_more, more_than};
use super::row::Row;
use super::table::Stored;
use super::view::{Ref, TableView};
use crate::packed::marked_read;

/// Rows of a table in an order: those that have a value, those of a range, or all. In an index of `each` value in a field
/// a row is found once for each of its values. A page that takes rows from a selection, or counts them, depends
/// on which rows are in it and on their order, and on those rows that it takes.
///
/// ```
/// use headwater::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize, Row)]
/// #[row(index(by_author = (author, id)))]
/// struct Story {
///     #[row(key)]
///     id: u64,
///     author: String,
/// }
///
/// let mut stories = Table::<Story>::default();
/// for id in 1..=25 {
///     stories.insert(Story { id, author: "ada".to_owned() })?;
/// }
/// let stories = stories.read();
/// let by_ada = stories.of(Story::BY_AUTHOR, "ada");
/// assert_eq!(by_ada.newest(2).iter().map(|story| story.id).collect::<Vec<_>>(), [25, 24]);
/// let page = by_ada.reversed().page(3, 10);
/// assert_eq!((page.number, page.pages, page.total), (3, 3, 25));
/// assert_eq!((page.first, page.last, page.len()), (21, 25, 5));
/// # Ok::<(), Violation>(())
/// ```
#[derive(Clone)]
#[must_use = "rows are taken from a selection"]
pub struct Selection<R: Row> {
    view: TableView<R>,
    /// The index, or none for the order of the keys.
    index: Option<usize>,
    span: Span,
    is_reversed: bool,
    /// The group of the selection itself.
    group: Option<Arc<str>>,
    /// The group of all rows in it.
    via: Option<Arc<str>>,
}

impl<R: Row> Selection<R> {
    pub(super) fn new(
        view: TableView<R>,
        index: Option<usize>,
        span: Span,
        group: Option<Arc<str>>,
        via: Option<Arc<str>>,
    ) -> Selection<R> {
        Selection { view, index, span, is_reversed: false, group, via }
    }

    /// The same rows in the opposite order: the newest first, where the index is in the order of time.
    pub fn reversed(mut self) -> Selection<R> {
        self.is_reversed = !self.is_reversed;
        self
    }

    /// The rows, one after the other.
    pub fn iter(&self) -> impl Iterator<Item = Ref<R>> {
        self.found(0).map(|row| self.view.found(row, self.via.as_ref()))
    }

    /// The first `count` rows.
    pub fn take(&self, count: usize) -> Rows<R> {
        self.rows(0, count)
    }

    /// The first row.
    pub fn first(&self) -> Option<Ref<R>> {
        self.iter().next()
    }

    /// All rows.
    pub fn all(&self) -> Rows<R> {
        self.rows(0, usize::MAX)
    }

    /// The last `count` rows of the index's order, the last one first.
    pub fn newest(&self, count: usize) -> Rows<R> {
        Selection { is_reversed: true, ..self.clone() }.take(count)
    }

    /// The first `count` rows of the index's order.
    pub fn oldest(&self, count: usize) -> Rows<R> {
        Selection { is_reversed: false, ..self.clone() }.take(count)
    }

    /// One of the pages with `size` rows each, counted from 1. A page that is not there has no rows; see
    /// [`existing_page`](Selection::existing_page) for those that visitors ask for.
    pub fn page(&self, number: usize, size: usize) -> Page<R> {
        let total = self.count();
        let size = size.max(1);
        let (skipped, taken) = match rows_before(number, size) {
            Some(skipped) if skipped < total => (skipped, size),
            _ => (0, 0),
        };
        let rows = self.rows(skipped, taken);
        let (first, last) = match rows.len() {
            0 => (0, 0),
            count => (skipped + 1, skipped + count),
        };
        Page { rows, number, pages: total.div_ceil(size), first, last, total }
    }

    /// One of the pages with `size` rows each, counted from 1, if it is there. If it is not, the reply depends on
    /// that alone: rows that come or go change nothing for it until they are enough for such a page. In a
    /// [`range`](TableView::range) it depends on all of them.
    ///
    /// ```
    /// # use headwater::prelude::*;
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, Row)]
    /// # struct Story { #[row(key)] id: u64, #[row(index)] author: String }
    /// # #[derive(Clone, Default, State)]
    /// # struct Library { stories: Table<Story> }
    /// fn by_author(library: &LibraryView, author: &str, number: usize) -> Result<Page<Story>> {
    ///     let stories = library.stories.of(Story::AUTHOR, author).reversed();
    ///     stories.existing_page(number, 20).or_not_found()
    /// }
    /// ```
    pub fn existing_page(&self, number: usize, size: usize) -> Option<Page<R>> {
        let skipped = rows_before(number, size.max(1))?;
        if self.counted(&self.view.stored) > skipped {
            return Some(self.page(number, size));
        }
        self.record_more_than(skipped);
        None
    }

    /// The first `count` rows behind a place in the order of the selection, and the place of the last one, if more
    /// follow. The place may be any bytes.
    pub(crate) fn behind(&self, place: Option<&[u8]>, count: usize) -> (Rows<R>, Option<Vec<u8>>) {
        let stored = self.read();
        let span = match place {
            Some(place) => self.span.behind(place, self.is_reversed),
            None => self.span.clone(),
        };
        let by_key = &stored.by_key;
        let row = |(place, key): (&[u8], &[u8])| {
            by_key.get_key_value(&KeyBytes::from(key)).map(|row| (place.to_vec(), row))
        };
        let places: Box<dyn DoubleEndedIterator<Item = (&[u8], &[u8])>> = match self.index {
            Some(index) => Box::new(stored.indexes[index].places(&span)),
            None => {
                let keys = by_key.range::<_, [u8]>(span.bounds());
                Box::new(keys.map(|(key, _)| (key.as_slice(), key.as_slice())))
            }
        };
        let places: Box<dyn Iterator<Item = (&[u8], &[u8])>> = match self.is_reversed {
            false => Box::new(places),
            true => Box::new(places.rev()),
        };
        let mut found: Vec<_> = places.filter_map(row).take(count.saturating_add(1)).collect();
        let has_more = found.len() > count;
        found.truncate(count);
        let last = found.last().filter(|_| has_more).map(|(place, _)| place.clone());
        let rows = found.iter().map(|(_, row)| self.view.found(*row, self.via.as_ref())).collect();
        (Rows::new(rows, self.group.clone()), last)
    }

    /// How many rows there are. In an index of `each` value in a field, a row counts once for each of its values that is
    /// in the selection.
    pub fn count(&self) -> usize {
        self.counted(self.read())
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.record_more_than(0);
        self.found_in(&self.view.stored, 0).next().is_none()
    }

    /// The table, with the record that the selection was read.
    fn read(&self) -> &Stored<R> {
        if let Some(group) = &self.group {
            self.view.record_group(group, self.via.as_ref());
        }
        &self.view.stored
    }

    /// Records whether there are more than `count` rows, and nothing else.
    fn record_more_than(&self, count: usize) {
        let Some(group) = &self.group else { return };
        if !self.span.is_counted() {
            return self.view.record_group(group, self.via.as_ref());
        }
        for group in [more_than(group, count), many_more(group)] {
            self.view.record_group(&group.into(), self.via.as_ref());
        }
    }

    fn counted(&self, stored: &Stored<R>) -> usize {
        match self.index {
            Some(index) => stored.indexes[index].count(&self.span),
            None => stored.by_key.len(),
        }
    }

    fn rows(&self, skipped: usize, count: usize) -> Rows<R> {
        let rows = self.found(skipped).take(count);
        let rows = rows.map(|row| self.view.found(row, self.via.as_ref())).collect();
        Rows::new(rows, self.group.clone())
    }

    /// The rows behind the first `skipped`, which are not looked up.
    fn found(&self, skipped: usize) -> Found<'_, R> {
        self.found_in(self.read(), skipped)
    }

    fn found_in<'a>(&'a self, stored: &'a Stored<R>, skipped: usize) -> Found<'a, R> {
        let by_key = &stored.by_key;
        let Some(index) = self.index else {
            return match self.is_reversed {
                false => Box::new(by_key.iter().skip(skipped)),
                true => Box::new(by_key.iter().rev().skip(skipped)),
            };
        };
        let keys = stored.indexes[index].keys(&self.span);
        let row = move |key: &[u8]| by_key.get_key_value(&KeyBytes::from(key));
        match self.is_reversed {
            false => Box::new(keys.skip(skipped).filter_map(row)),
            true => Box::new(keys.rev().skip(skipped).filter_map(row)),
        }
    }
}

/// Rows one after the other, with their keys.
type Found<'a, R> = Box<dyn Iterator<Item = (&'a KeyBytes, &'a Arc<R>)> + 'a>;

impl<R: Row> fmt::Debug for Selection<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Selection<{}>({})", R::NAME, self.view.reader.field)
    }
}

/// How many rows are before a page; none where no selection could have it.
fn rows_before(number: usize, size: usize) -> Option<usize> {
    number.checked_sub(1)?.checked_mul(size)
}

/// The numbers of pages that a page links to: the first, the last and its neighbours; 0 where some are left out.
pub(crate) fn page_numbers(number: usize, pages: usize) -> Vec<usize> {
    let mut near = vec![1, number.saturating_sub(1), number, number.saturating_add(1), pages];
    near.retain(|near| (1..=pages).contains(near));
    near.sort_unstable();
    near.dedup();
    let mut numbers: Vec<usize> = Vec::new();
    for near in near {
        match numbers.last() {
            // One that is left out takes the same room.
            Some(before) if near == before + 2 => numbers.push(before + 1),
            Some(before) if near > before + 2 => numbers.push(0),
            _ => {}
        }
        numbers.push(near);
    }
    numbers
}

/// Rows that were read together. They are a slice, and are serialised as a sequence.
#[derive(Debug, Clone)]
pub struct Rows<R> {
    rows: Vec<Ref<R>>,
    /// The group of the read that found them.
    group: Option<Arc<str>>,
}

impl<R> Rows<R> {
    pub(super) fn new(rows: Vec<Ref<R>>, group: Option<Arc<str>>) -> Rows<R> {
        Rows { rows, group }
    }

    /// What a function makes of each row; see [`Ref::map`].
    pub fn map<T>(self, make: fn(&R) -> T) -> Rows<T> {
        let rows = self.rows.into_iter().map(|row| row.map(make)).collect();
        Rows { rows, group: self.group }
    }

    /// What a function makes of each row and of what else it reads, in the same order. The list depends on which rows were
    /// found, as before. What is made has no mark of its own: a fragment that names more of it than the rows
    /// in its fields depends on all that was read for the page.
    ///
    /// ```
    /// # use headwater::prelude::*;
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, Row)]
    /// # struct Recipe { #[row(key)] slug: String, author: String, #[row(index)] created: u64 }
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, Row)]
    /// # struct Cook { #[row(key)] name: String }
    /// # #[derive(Clone, Default, State)]
    /// # struct Kitchen { recipes: Table<Recipe>, cooks: Table<Cook> }
    /// #[derive(serde::Serialize)]
    /// struct Listed {
    ///     recipe: Ref<Recipe>,
    ///     cook: Option<Ref<Cook>>,
    /// }
    ///
    /// fn listed(kitchen: &KitchenView) -> Rows<Listed> {
    ///     let newest = kitchen.recipes.ordered(Recipe::CREATED).newest(20);
    ///     newest.map_with(|recipe| Listed { cook: kitchen.cooks.get(&recipe.author), recipe })
    /// }
    /// ```
    pub fn map_with<T>(self, mut make: impl FnMut(Ref<R>) -> T) -> Rows<T> {
        let made = |row| Ref { row: Arc::new(make(row)), mark: None };
        Rows { rows: self.rows.into_iter().map(made).collect(), group: self.group }
    }
}

impl<R> Deref for Rows<R> {
    type Target = [Ref<R>];

    fn deref(&self) -> &[Ref<R>] {
        &self.rows
    }
}

impl<R> IntoIterator for Rows<R> {
    type Item = Ref<R>;
    type IntoIter = std::vec::IntoIter<Ref<R>>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_iter()
    }
}

impl<'a, R> IntoIterator for &'a Rows<R> {
    type Item = &'a Ref<R>;
    type IntoIter = std::slice::Iter<'a, Ref<R>>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.iter()
    }
}

impl<R: Serialize> Serialize for Rows<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.group {
            Some(group) => marked_read(&[group], &self.rows, serializer),
            None => self.rows.serialize(serializer),
        }
    }
}

/// One page of a selection. It dereferences to its rows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Page<R> {
    /// The rows of this page.
    pub rows: Rows<R>,
    /// Which page it is, counted from 1.
    pub number: usize,
    /// How many pages there are.
    pub pages: usize,
    /// Which one of all rows is the first of this page, counted from 1; 0 on a page without rows.
    pub first: usize,
    /// Which one is the last.
    pub last: usize,
    /// How many rows all pages have together.
    pub total: usize,
}

impl<R> Page<R> {
    /// What a function makes of each row; see [`Ref::map`].
    pub fn map<T>(self, make: fn(&R) -> T) -> Page<T> {
        let Page { rows, number, pages, first, last, total } = self;
        Page { rows: rows.map(make), number, pages, first, last, total }
    }

    /// What a function makes of each row and of what else it reads; see [`Rows::map_with`].
    pub fn map_with<T>(self, make: impl FnMut(Ref<R>) -> T) -> Page<T> {
        let Page { rows, number, pages, first, last, total } = self;
        Page { rows: rows.map_with(make), number, pages, first, last, total }
    }
}

impl<R: Serialize> Serialize for Page<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(bound = "R: Serialize", rename = "Page")]
        struct Fields<'a, R> {
            rows: &'a Rows<R>,
            number: usize,
            pages: usize,
            first: usize,
            last: usize,
            total: usize,
            numbers: Vec<usize>,
        }

        let Page { rows, number, pages, first, last, total } = self;
        let (number, pages, first, last, total) = (*number, *pages, *first, *last, *total);
        let numbers = page_numbers(number, pages);
        let fields = Fields { rows, number, pages, first, last, total, numbers };
        match &rows.group {
            Some(group) => marked_read(&[group], &fields, serializer),
            None => fields.serialize(serializer),
        }
    }
}

impl<R> Deref for Page<R> {
    type Target = [Ref<R>];

    fn deref(&self) -> &[Ref<R>] {
        &self.rows
    }
}
