use std::ops::Range;

use serde::Serialize;

use super::PageNumber;
use crate::controller::{OrNotFound, Result, not_found};
use crate::state::{NumberedPage, Row, Selection, page_numbers};

/// The pages of a list. [`Pages::of`] returns a page of a table's rows, [`Pages::new`] the place of a page in
/// any other list. The component `<pagination>` accepts both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Pages {
    /// The number of the page, counted from 1.
    pub number: usize,
    /// The number of pages.
    pub pages: usize,
    /// The number of the page's first element among all elements, counted from 1; 0 on a page without any.
    pub first: usize,
    /// The number of its last element.
    pub last: usize,
    /// The number of elements on all pages together.
    pub total: usize,
    numbers: Vec<usize>,
}

impl Pages {
    /// Returns one of the pages with `size` rows each. The first page always exists, even without rows.
    ///
    /// # Errors
    /// 404 for a page past the end. The error depends on whether there are enough rows for such a page, as with
    /// [`existing_page`](Selection::existing_page).
    pub fn of<R: Row>(
        rows: &Selection<R>,
        page: PageNumber,
        size: usize,
    ) -> Result<NumberedPage<R>> {
        match page {
            PageNumber::FIRST => Ok(rows.page(1, size)),
            page => rows.existing_page(page.get(), size).or_not_found(),
        }
    }

    /// Returns the place of a page with up to `size` elements in a list of `total`.
    ///
    /// # Errors
    /// 404 for a page past the end.
    pub fn new(page: PageNumber, size: usize, total: usize) -> Result<Pages> {
        let (number, size) = (page.get(), size.max(1));
        let skipped = (number - 1).checked_mul(size);
        let skipped = skipped.filter(|skipped| number == 1 || *skipped < total).or_not_found()?;
        let (last, pages) = (skipped.saturating_add(size).min(total), total.div_ceil(size));
        let first = if total == 0 { 0 } else { skipped + 1 };
        Ok(Pages { number, pages, first, last, total, numbers: page_numbers(number, pages) })
    }

    /// Returns the range of the list's elements that are on the page.
    pub fn range(&self) -> Range<usize> {
        self.first.saturating_sub(1)..self.last
    }
}

/// A list that exists only if it has rows, such as that of a tag, or of an author.
impl<R: Row> OrNotFound<Selection<R>> for Selection<R> {
    #[track_caller]
    fn or_not_found(self) -> Result<Selection<R>> {
        if self.is_empty() { Err(not_found()) } else { Ok(self) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_ends_with_the_list_and_none_follows() {
        let place = |number, total| {
            Pages::new(PageNumber::new(number), 6, total).map(|it| (it.first, it.last, it.pages))
        };
        assert_eq!(place(1, 14).unwrap(), (1, 6, 3));
        assert_eq!(place(3, 14).unwrap(), (13, 14, 3));
        assert_eq!(place(1, 0).unwrap(), (0, 0, 0));
        assert_eq!(Pages::new(PageNumber::FIRST, 6, 0).unwrap().range(), 0..0);
        assert_eq!(Pages::new(PageNumber::new(3), 6, 14).unwrap().range(), 12..14);
        for (number, total) in [(4, 14), (2, 0), (3, 12), (usize::MAX, 14)] {
            assert_eq!(place(number, total).unwrap_err().status(), 404, "{number} of {total}");
        }
    }
}
