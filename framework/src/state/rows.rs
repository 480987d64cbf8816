use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::view::Ref;
use crate::packed::marked_read;

/// Returns the numbers of pages that a page links to: the first, the last, and its neighbours, with 0 for each
/// gap.
pub(crate) fn page_numbers(number: usize, pages: usize) -> Vec<usize> {
    let mut near = vec![1, number.saturating_sub(1), number, number.saturating_add(1), pages];
    near.retain(|near| (1..=pages).contains(near));
    near.sort_unstable();
    near.dedup();
    let mut numbers: Vec<usize> = Vec::new();
    for near in near {
        match numbers.last() {
            // A gap takes the same room as a single number.
            Some(before) if near == before + 2 => numbers.push(before + 1),
            Some(before) if near > before + 2 => numbers.push(0),
            _ => {}
        }
        numbers.push(near);
    }
    numbers
}

/// Rows that were read together. They dereference to a slice, and are serialised as a sequence.
#[derive(Debug, Clone)]
pub struct Rows<R> {
    rows: Vec<Ref<R>>,
    /// The group of the selection that they were taken from. For a page that reads few rows it is wider than
    /// the page's groups. A fragment that names the list is in this one group, rather than in one for each
    /// place in the list.
    group: Option<Arc<str>>,
}

impl<R> Rows<R> {
    pub(super) fn new(rows: Vec<Ref<R>>, group: Option<Arc<str>>) -> Rows<R> {
        Rows { rows, group }
    }

    /// Converts each row with a function; see [`Ref::map`].
    pub fn map<T>(self, make: fn(&R) -> T) -> Rows<T> {
        let rows = self.rows.into_iter().map(|row| row.map(make)).collect();
        Rows { rows, group: self.group }
    }

    /// Converts each row with a closure that may read other data, in the same order. The list still depends on
    /// which rows were found. The resulting values have no marks of their own: a fragment that uses more of
    /// them than the rows in their fields depends on everything that was read for the page.
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

impl<R> Rows<R> {
    /// Serialises a value that follows from the rows that were found, and their order: it depends on the same
    /// group.
    pub(crate) fn serialize_found<T: Serialize, S: Serializer>(
        &self,
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match &self.group {
            Some(group) => marked_read(&[group], value, serializer),
            None => value.serialize(serializer),
        }
    }
}

impl<R: Serialize> Serialize for Rows<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize_found(&self.rows, serializer)
    }
}

/// One page of a selection. It dereferences to its rows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NumberedPage<R> {
    /// The rows of this page.
    pub rows: Rows<R>,
    /// The number of this page, counted from 1.
    pub number: usize,
    /// The number of pages.
    pub pages: usize,
    /// The number of this page's first row among all rows, counted from 1; 0 on a page without rows.
    pub first: usize,
    /// The number of its last row.
    pub last: usize,
    /// The number of rows on all pages together.
    pub total: usize,
}

impl<R> NumberedPage<R> {
    /// Converts each row with a function; see [`Ref::map`].
    pub fn map<T>(self, make: fn(&R) -> T) -> NumberedPage<T> {
        let NumberedPage { rows, number, pages, first, last, total } = self;
        NumberedPage { rows: rows.map(make), number, pages, first, last, total }
    }

    /// Converts each row with a closure that may read other data; see [`Rows::map_with`].
    pub fn map_with<T>(self, make: impl FnMut(Ref<R>) -> T) -> NumberedPage<T> {
        let NumberedPage { rows, number, pages, first, last, total } = self;
        NumberedPage { rows: rows.map_with(make), number, pages, first, last, total }
    }
}

impl<R: Serialize> Serialize for NumberedPage<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(bound = "R: Serialize", rename = "NumberedPage")]
        struct Fields<'a, R> {
            rows: &'a Rows<R>,
            number: usize,
            pages: usize,
            first: usize,
            last: usize,
            total: usize,
            numbers: Vec<usize>,
        }

        let NumberedPage { rows, number, pages, first, last, total } = self;
        let (number, pages, first, last, total) = (*number, *pages, *first, *last, *total);
        let numbers = page_numbers(number, pages);
        let fields = Fields { rows, number, pages, first, last, total, numbers };
        rows.serialize_found(&fields, serializer)
    }
}

impl<R> Deref for NumberedPage<R> {
    type Target = [Ref<R>];

    fn deref(&self) -> &[Ref<R>] {
        &self.rows
    }
}
