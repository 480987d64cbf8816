use super::at::At;
use super::row::Row;
use super::table::Table;
use crate::slug::slug;

impl<R: Row<Key = String>> Table<R> {
    /// Returns a key for a new row with this title: its [`slug`]. If another row has that key, `-2` is
    /// appended, and if that is taken too, the position of the update; so the cost does not grow with the
    /// number of rows that share the title.
    ///
    /// ```
    /// use headwater::prelude::*;
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Clone, Serialize, Deserialize, Row)]
    /// struct Story {
    ///     #[row(key)]
    ///     slug: String,
    ///     title: String,
    /// }
    ///
    /// # let at = At::new(Position(7), std::time::UNIX_EPOCH);
    /// let mut stories = Table::<Story>::default();
    /// for expected in ["high-water", "high-water-2", "high-water-7"] {
    ///     let title = "High water!".to_owned();
    ///     let slug = stories.free_slug(&title, &at);
    ///     assert_eq!(slug, expected);
    ///     stories.insert(Story { slug, title })?;
    /// }
    /// assert_eq!(stories.free_slug("…", &at), "7");
    /// # Ok::<(), Violation>(())
    /// ```
    pub fn free_slug(&mut self, title: &str, at: &At) -> String {
        let (slug, number) = (slug(title), at.position.0);
        if slug.is_empty() {
            return number.to_string();
        }
        let second = format!("{slug}-2");
        if self.get(&slug).is_none() {
            slug
        } else if self.get(&second).is_none() {
            second
        } else {
            format!("{slug}-{number}")
        }
    }
}
