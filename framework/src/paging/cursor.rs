use std::ops::Deref;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, Serializer};

use super::parameter::parameter;
use crate::controller::{Error, Result, not_found};
use crate::extract::{FromRequestParts, Need};
use crate::request::RequestParts;
use crate::state::{Ref, Row, Rows, Selection};

/// The point at which a list continues: the query parameter `after`, with the value from an earlier page;
/// without it, the beginning of the list.
///
/// It is a point in the order of an index, not a number: rows that are added or removed meanwhile do not shift
/// it, and it stays valid if its own row is removed. It consists of the row's entry in the index, including its
/// key, in base64. A cached route names `after` in its `query`, or has the whole query in its key.
///
/// ```
/// use headwater::prelude::*;
/// # #[derive(Clone, serde::Serialize, serde::Deserialize, Row)]
/// # struct Story { #[row(key)] id: u64 }
/// # #[derive(Clone, Default, State)]
/// # struct Library { stories: Table<Story> }
/// # impl Updates for Library {
/// #     type Update = ();
/// #     type Output = ();
/// #     type Refusal = Violation;
/// #     fn apply(&mut self, _: (), _: &mut At) -> Result<(), Violation> { Ok(()) }
/// # }
///
/// #[controller("stories.older")]
/// async fn older(cursor: Cursor, library: Data<Library>) -> Result<Reply> {
///     let stories = cursor.page(&library.stories.by_key().reversed(), 20)?;
///     // {% if stories.next %}<a rel="next" href="?after={{ stories.next }}">Older</a>{% endif %}
///     Ok(template!("older.html").with("stories", stories))
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cursor(Option<Vec<u8>>);

/// Consecutive rows of a selection. It dereferences to them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CursorPage<R> {
    /// The rows.
    pub rows: Rows<R>,
    /// The value of `after` for the following rows, if there are any.
    pub next: Option<String>,
}

impl Cursor {
    /// Returns a cursor behind this point.
    #[cfg(test)]
    pub(crate) fn behind(place: Vec<u8>) -> Cursor {
        Cursor(Some(place))
    }

    /// Returns the first `size` rows, at least one, behind the cursor.
    ///
    /// # Errors
    /// 404 if no row is behind it.
    pub fn page<R: Row>(&self, rows: &Selection<R>, size: usize) -> Result<CursorPage<R>> {
        let (rows, next) = rows.behind(self.0.as_deref(), size.max(1));
        if rows.is_empty() && self.0.is_some() {
            return Err(not_found());
        }
        Ok(CursorPage { rows, next: next.map(|place| URL_SAFE_NO_PAD.encode(place)) })
    }
}

impl FromRequestParts for Cursor {
    type Rejection = Error;
    const NEEDS: &'static [Need] = &[Need::Parameter("after")];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Cursor> {
        let Some(text) = parameter(parts, "after")? else { return Ok(Cursor::default()) };
        let place = URL_SAFE_NO_PAD.decode(text).map_err(|_| not_found())?;
        Ok(Cursor(Some(place)))
    }
}

impl<R: Serialize> Serialize for CursorPage<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(bound = "R: Serialize", rename = "CursorPage")]
        struct Fields<'a, R> {
            rows: &'a Rows<R>,
            next: &'a Option<String>,
        }

        let CursorPage { rows, next } = self;
        rows.serialize_found(&Fields { rows, next }, serializer)
    }
}

impl<R> Deref for CursorPage<R> {
    type Target = [Ref<R>];

    fn deref(&self) -> &[Ref<R>] {
        &self.rows
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::request::Request;
    use crate::state::{Table, TableView};

    #[derive(Debug, Clone, serde::Serialize, serde::Deserialize, crate::prelude::Row)]
    #[row(index(by_author = (author, weight), by_weight = (weight)))]
    struct Story {
        #[row(key)]
        id: String,
        author: String,
        weight: i8,
    }

    fn table<'a>(stories: impl IntoIterator<Item = &'a (u8, i8)>) -> TableView<Story> {
        let mut table = Table::<Story>::default();
        for (id, weight) in stories {
            let author = if weight % 2 == 0 { "even" } else { "odd" }.to_owned();
            let id = "x".repeat(usize::from(*id) * 9);
            table.insert(Story { id, author, weight: *weight }).unwrap();
        }
        table.read()
    }

    async fn cursor(after: &str) -> Result<Cursor> {
        let mut request = Request::builder().uri(format!("/?after={after}")).build().unwrap();
        Cursor::from_request_parts(&mut request.parts).await
    }

    /// Returns the ids on all pages, one after the other.
    async fn walk(rows: &Selection<Story>, size: usize) -> Vec<String> {
        let (mut ids, mut next) = (Vec::new(), String::new());
        loop {
            let page = cursor(&next).await.unwrap().page(rows, size).unwrap();
            ids.extend(page.iter().map(|story| story.id.clone()));
            match page.next {
                Some(after) => next = after,
                None => return ids,
            }
        }
    }

    #[tokio::test]
    async fn an_invalid_cursor_is_not_found() {
        for wrong in ["%", "a", "====", "YQ&after=YQ", "YR"] {
            assert_eq!(cursor(wrong).await.unwrap_err().status(), 404, "{wrong}");
        }
        let rows = table(&[(1, 1)]).by_key();
        let last = cursor("____").await.unwrap();
        assert_eq!(last.page(&rows, 5).unwrap_err().status(), 404);
        assert_eq!(Cursor::default().page(&rows, 0).unwrap().len(), 1);
        let nothing = table(&[]).by_key();
        assert!(Cursor::default().page(&nothing, 5).unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_cursor_stays_valid_after_its_row_is_removed() {
        let stories = [(1, 4), (2, 3), (3, 2), (4, 1)];
        let all = table(&stories);
        let first = Cursor::default().page(&all.ordered(Story::BY_WEIGHT), 2).unwrap();
        let next = first.next.unwrap();
        // The last row that was seen is removed, and one is added before it.
        let rest = table(&[(1, 4), (2, 3), (4, 1), (9, 0)]);
        let second = cursor(&next).await.unwrap();
        let second = second.page(&rest.ordered(Story::BY_WEIGHT), 2).unwrap();
        assert_eq!(second.iter().map(|story| story.weight).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(second.next, None);
    }

    proptest! {
        #[test]
        fn every_row_is_on_one_page(
            stories in proptest::collection::btree_map(0..60u8, any::<i8>(), 0..40),
            size in 1..7usize,
            place in proptest::collection::vec(any::<u8>(), 0..12),
        ) {
            let stories: BTreeSet<(u8, i8)> = stories.into_iter().collect();
            let view = table(&stories);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            for rows in [
                view.by_key(),
                view.ordered(Story::BY_WEIGHT),
                view.of(Story::BY_AUTHOR, "even"),
                view.range(Story::BY_WEIGHT, -5..60),
            ] {
                for rows in [rows.clone(), rows.reversed()] {
                    let all: Vec<String> = rows.iter().map(|story| story.id.clone()).collect();
                    prop_assert_eq!(runtime.block_on(walk(&rows, size)), all.clone());
                    // Any bytes are a point, and the rows behind it are the end of the list.
                    if let Ok(page) = Cursor(Some(place.clone())).page(&rows, 100) {
                        let ids: Vec<String> = page.iter().map(|story| story.id.clone()).collect();
                        prop_assert!(all.ends_with(&ids));
                    }
                }
            }
        }
    }
}
