//! Pages of lists.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

/// How many recipes one page shows.
pub const PER_PAGE: usize = 6;

/// Which page of a list is asked for; pages are counted from 1.
#[derive(Deserialize, Serialize)]
pub struct PageNumber {
    page: Option<NonZeroUsize>,
}

/// What a page of a list says about its place in the list: "7–12 of 14".
#[derive(Serialize)]
pub struct Listed {
    number: usize,
    pages: usize,
    first: usize,
    last: usize,
    total: usize,
}

impl PageNumber {
    /// The number.
    pub fn number(&self) -> usize {
        self.page.map_or(1, NonZeroUsize::get)
    }
}

impl Listed {
    /// The place of the page in a list of `total` recipes.
    pub fn new(page: &PageNumber, total: usize) -> Listed {
        let number = page.number();
        let start = (number - 1).saturating_mul(PER_PAGE).min(total);
        let last = start.saturating_add(PER_PAGE).min(total);
        Listed { number, pages: total.div_ceil(PER_PAGE).max(1), first: start + 1, last, total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_ends_with_the_list() {
        let place = |page, total| {
            let listed = Listed::new(&PageNumber { page: NonZeroUsize::new(page) }, total);
            (listed.first, listed.last, listed.pages)
        };
        assert_eq!([place(1, 14), place(3, 14)], [(1, 6, 3), (13, 14, 3)]);
        assert_eq!(place(1, 0), (1, 0, 1));
    }
}
