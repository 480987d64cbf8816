use std::fmt;
use std::sync::Arc;

use super::index::{KeyBytes, Span, key_in};
use super::recorder::{before, many_more, more_than};
use super::row::Row;
use super::rows::{NumberedPage, Rows};
use super::table::Stored;
use super::view::{Ref, TableView};

/// Rows of a table in an order: those with a value, those of a range, or all. In an index of `each` value in a
/// field a row occurs once for each of its values. A page that takes rows from a selection, or counts them,
/// depends on which rows are in it and in which order, and on the rows that it takes.
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
    /// The group of the selection.
    group: Option<Arc<str>>,
    /// The group of all rows that it contains.
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

    /// Reverses the order: the newest first, where the index is in the order of time.
    pub fn reversed(mut self) -> Selection<R> {
        self.is_reversed = !self.is_reversed;
        self
    }

    /// Returns the rows one after the other.
    pub fn iter(&self) -> impl Iterator<Item = Ref<R>> {
        self.found(0).map(|row| self.view.found(row, self.via.as_ref()))
    }

    /// Returns the first `count` rows.
    pub fn take(&self, count: usize) -> Rows<R> {
        match count > MOST_NEAR && self.span.is_counted() {
            true => self.rows(0, count),
            false => self.near(&self.span, count, 0).0,
        }
    }

    /// Returns the first row.
    pub fn first(&self) -> Option<Ref<R>> {
        self.take(1).into_iter().next()
    }

    /// Returns all rows.
    pub fn all(&self) -> Rows<R> {
        self.take(usize::MAX)
    }

    /// Returns the last `count` rows of the index's order, the last one first.
    pub fn newest(&self, count: usize) -> Rows<R> {
        Selection { is_reversed: true, ..self.clone() }.take(count)
    }

    /// Returns the first `count` rows of the index's order.
    pub fn oldest(&self, count: usize) -> Rows<R> {
        Selection { is_reversed: false, ..self.clone() }.take(count)
    }

    /// Returns one of the pages with `size` rows each, counted from 1. A page that does not exist has no rows;
    /// see [`existing_page`](Selection::existing_page) for page numbers that visitors request.
    pub fn page(&self, number: usize, size: usize) -> NumberedPage<R> {
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
        NumberedPage { rows, number, pages: total.div_ceil(size), first, last, total }
    }

    /// Returns one of the pages with `size` rows each, counted from 1, if it exists. If it does not, the reply
    /// depends on that alone: added and removed rows do not invalidate it until there are enough for such a
    /// page. In a [`range`](TableView::range) the reply depends on all rows.
    ///
    /// ```
    /// # use headwater::prelude::*;
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, Row)]
    /// # struct Story { #[row(key)] id: u64, #[row(index)] author: String }
    /// # #[derive(Clone, Default, State)]
    /// # struct Library { stories: Table<Story> }
    /// fn by_author(library: &LibraryView, author: &str, number: usize) -> Result<NumberedPage<Story>> {
    ///     let stories = library.stories.of(Story::AUTHOR, author).reversed();
    ///     stories.existing_page(number, 20).or_not_found()
    /// }
    /// ```
    pub fn existing_page(&self, number: usize, size: usize) -> Option<NumberedPage<R>> {
        let skipped = rows_before(number, size.max(1))?;
        if self.counted(&self.view.stored) > skipped {
            return Some(self.page(number, size));
        }
        self.record_more_than(skipped);
        None
    }

    /// Returns the first `count` rows behind a point in the order of the selection, and, if more rows follow,
    /// the point of the last one. The point may be any bytes.
    pub(crate) fn behind(&self, place: Option<&[u8]>, count: usize) -> (Rows<R>, Option<Vec<u8>>) {
        let span = match place {
            Some(place) => self.span.behind(place, self.is_reversed),
            None => self.span.clone(),
        };
        self.near(&span, count, 1)
    }

    /// Returns the first `count` rows of a part of the selection that shares one end with it. `further` more
    /// rows are looked at; if they show that more rows follow, the result contains the point of the last one.
    fn near(&self, span: &Span, count: usize, further: usize) -> (Rows<R>, Option<Vec<u8>>) {
        let wanted = count.saturating_add(further);
        let mut found: Vec<_> = self.places(span).take(wanted).collect();
        let is_short_range = !self.span.is_counted() && found.len() <= MOST_NEAR;
        if count > MOST_NEAR && !is_short_range {
            self.read();
        } else {
            // The place before the last of these rows makes no difference to the list.
            let is_cut = self.is_reversed && further == 0 && found.len() == wanted;
            let before = &found[..found.len() - usize::from(is_cut && wanted > 0)];
            self.record_places(span, before, found.len() < wanted);
        }
        let has_more = found.len() > count;
        found.truncate(count);
        let last = found.last().filter(|_| has_more).map(|(place, _)| place.to_vec());
        let rows = found.iter().map(|(_, row)| self.view.found(*row, self.via.as_ref())).collect();
        (Rows::new(rows, self.group.clone()), last)
    }

    /// Returns the rows of a part of the selection, with their points in the order.
    fn places<'a>(&'a self, span: &'a Span) -> Box<dyn Iterator<Item = Placed<'a, R>> + 'a> {
        let by_key = &self.view.stored.by_key;
        let row = |(place, key): (_, &[u8])| {
            by_key.get_key_value(&KeyBytes::from(key)).map(|row| (place, row))
        };
        let keys = |(key, row): (&'a KeyBytes, _)| (key.as_slice(), (key, row));
        match (self.index, self.is_reversed) {
            (None, false) => Box::new(by_key.range::<_, [u8]>(span.bounds()).map(keys)),
            (None, true) => Box::new(by_key.range::<_, [u8]>(span.bounds()).rev().map(keys)),
            (Some(index), is_reversed) => {
                let places = self.view.stored.indexes[index].places(span);
                match is_reversed {
                    false => Box::new(places.filter_map(row)),
                    true => Box::new(places.rev().filter_map(row)),
                }
            }
        }
    }

    /// Records the places directly before these rows, which are the first ones of the span; and if `is_whole`,
    /// also the place behind them, as no other row of the span follows. See `order`.
    fn record_places(&self, span: &Span, found: &[Placed<'_, R>], is_whole: bool) {
        let Some(group) = &self.group else { return };
        let stored = &self.view.stored;
        let order = match self.index {
            Some(index) => format!("{}@{}<", self.view.reader.field, R::INDEXES[index].name),
            None => format!("{}@<", self.view.reader.field),
        };
        let (order, via) = (Arc::from(order), self.via.as_ref());
        for (_, (key, _)) in found {
            self.view.record_before(&order, key, via);
        }
        if !is_whole && !self.is_reversed {
            return;
        }
        let behind = match self.index {
            Some(index) => {
                let behind = stored.indexes[index].behind(span);
                let behind = behind.filter(|entry| !self.span.ends_before(entry));
                behind.map(|entry| KeyBytes::from(key_in(entry)))
            }
            None => {
                let rest = span.rest();
                let rest = rest.and_then(|rest| stored.by_key.range::<_, [u8]>(rest).next());
                rest.map(|(key, _)| key.clone())
            }
        };
        match behind {
            Some(key) => self.view.record_before(&order, &key, via),
            // The end of the order, or of the value within it.
            None => self.view.record_group(&before(group).into(), via),
        }
    }

    /// Returns the number of rows. In an index of `each` value in a field, a row counts once for each of its
    /// values in the selection.
    pub fn count(&self) -> usize {
        self.counted(self.read())
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.record_more_than(0);
        self.found_in(&self.view.stored, 0).next().is_none()
    }

    /// Records that the selection was read, and returns the table.
    fn read(&self) -> &Stored<R> {
        if let Some(group) = &self.group {
            self.view.record_group(group, self.via.as_ref());
        }
        &self.view.stored
    }

    /// Records only whether there are more than `count` rows.
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

    /// Returns the rows behind the first `skipped`, which are not looked up.
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

/// The maximum number of rows for which a list is in the groups of the places between them. Each such row costs
/// two groups.
const MOST_NEAR: usize = 32;

/// A row with its point in an order.
type Placed<'a, R> = (&'a [u8], (&'a KeyBytes, &'a Arc<R>));

/// Rows one after the other, with their keys.
type Found<'a, R> = Box<dyn Iterator<Item = (&'a KeyBytes, &'a Arc<R>)> + 'a>;

impl<R: Row> fmt::Debug for Selection<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Selection<{}>({})", R::NAME, self.view.reader.field)
    }
}

/// Returns the number of rows before a page, or `None` if no selection could have the page.
fn rows_before(number: usize, size: usize) -> Option<usize> {
    number.checked_sub(1)?.checked_mul(size)
}
