//! Lists in pages.
//!
//! - [`PageNumber`]: the requested page, and [`Pages`]: the pages of a list, for lists with numbered pages.
//! - [`Cursor`]: the point at which a list continues, for lists that grow while they are read, and for feeds.
//! - `parameter`: the query parameter of both.
//!
//! ```
//! use headwater::prelude::*;
//! # #[derive(Clone, serde::Serialize, serde::Deserialize, Row)]
//! # struct Story { #[row(key)] id: u64 }
//! # #[derive(Clone, Default, State)]
//! # struct Library { stories: Table<Story> }
//! # impl Updates for Library {
//! #     type Update = ();
//! #     type Output = ();
//! #     type Refusal = Violation;
//! #     fn apply(&mut self, _: (), _: &mut At) -> Result<(), Violation> { Ok(()) }
//! # }
//!
//! #[controller("stories.list")]
//! async fn list(page: PageNumber, library: Data<Library>) -> Result<Reply> {
//!     let newest = library.stories.by_key().reversed();
//!     let stories = Pages::of(&newest, page, 20)?;
//!     Ok(template!("stories.html").with("stories", stories))
//! }
//! ```

mod cursor;
mod number;
mod pages;
mod parameter;

pub use cursor::{Cursor, CursorPage};
pub use number::PageNumber;
pub use pages::Pages;
