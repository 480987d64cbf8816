use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::encoding::decode;
use super::key::{Key, OwnedKey};

/// A row of a [`Table`](super::Table). The trait is derived; the attribute `row` declares how rows are found.
///
/// - `#[row(key)]` on a field: the field is the key, unique for each row. On several fields: together they are
///   the key, a tuple.
/// - `#[row(index)]` on a field: rows can be found by it, and read in its order. `#[row(unique)]`: no two rows
///   may have the same value in it. The index is a constant of the row, named like the field in capitals:
///   `Recipe::AUTHOR`.
/// - `#[row(index(by_author = (author, created)))]` on the struct: an index of several columns. Rows are found
///   by the first column; those that have the same value in it are in the order of the others. With `each tags`
///   instead of a column, a row is found by each of the values in `tags`, a `Vec`, `BTreeSet` or `Option`; a
///   selection contains such a row once for each of its values. `unique(name = (…))` likewise: no two rows may
///   have the same values in all columns. Two rows whose `Option` is `None` have the same value. If only rows
///   with a value must differ: `unique(by_email = (each email))`.
/// - `#[row(version = 2, from = StoryV1)]` on the struct: rows that were stored as `StoryV1`, a row of version
///   1, are converted by `From`. Changes that `#[serde(default)]` and `#[serde(alias)]` can express need no
///   version.
///
/// ```
/// use headwater::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize, Row)]
/// #[row(index(by_author = (author, created)), index(by_tag = (each tags, created)))]
/// struct Recipe {
///     #[row(key)]
///     slug: String,
///     #[row(unique)]
///     title: String,
///     author: String,
///     tags: Vec<String>,
///     #[row(index)]
///     created: u64,
/// }
///
/// #[derive(Clone, Default, State)]
/// struct Kitchen {
///     recipes: Table<Recipe>,
/// }
///
/// impl KitchenView {
///     /// The ten newest of a tag.
///     fn tagged(&self, tag: &str) -> Rows<Recipe> {
///         self.recipes.of(Recipe::BY_TAG, tag).newest(10)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a row of a table",
    label = "not a row",
    note = "a row is a struct with `#[derive(Clone, Serialize, Deserialize, Row)]` and a field with `#[row(key)]`"
)]
pub trait Row: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The key: one value, or a tuple.
    type Key: OwnedKey;

    /// The name of the type, for messages.
    #[doc(hidden)]
    const NAME: &'static str;

    /// The key's fields, with the [schemas](Key::schema) of their types.
    #[doc(hidden)]
    const KEY: fn() -> String;

    /// The indexes, in their order.
    #[doc(hidden)]
    const INDEXES: &'static [IndexDefinition<Self>];

    /// The version of the row's type: 1, or the one that `#[row(version = …)]` declares.
    #[doc(hidden)]
    const VERSION: u32 = 1;

    /// Decodes a row of this version or of an earlier one.
    #[doc(hidden)]
    fn decode(version: u32, bytes: &[u8]) -> Result<Self, String> {
        match version == Self::VERSION {
            true => decode(bytes),
            false => Err(unknown_version::<Self>(version)),
        }
    }

    /// Passes the key to `show`.
    #[doc(hidden)]
    fn with_key(&self, show: &mut dyn FnMut(&dyn Key));
}

/// Appends the spelling of a row's key in groups.
pub(super) fn spell_key<R: Row>(row: &R, text: &mut String) {
    row.with_key(&mut |key| key.spell(text));
}

/// Appends the spelling of an [encoded](Key::encode) key.
pub(super) fn spell_encoded_key<R: Row>(mut key: &[u8], text: &mut String) {
    R::Key::spell_encoded(&mut key, text).expect("a key is decoded from what it was encoded to");
}

/// Decodes a row of its present version.
#[doc(hidden)]
pub fn decode_row<R: Row>(bytes: &[u8]) -> Result<R, String> {
    decode(bytes)
}

/// Returns the message for a row whose version its type cannot read.
#[doc(hidden)]
pub fn unknown_version<R: Row>(version: u32) -> String {
    let (name, known) = (R::NAME, R::VERSION);
    match version > known {
        true => format!(
            "a {name} is of version {version}, and this program reads it up to version {known}"
        ),
        false => format!(
            "a {name} is of version {version}: keep the type that it had then and write \
             `#[row(version = {known}, from = …)]`, with a `From` between the two"
        ),
    }
}

/// The definition of an index.
#[doc(hidden)]
pub struct IndexDefinition<R: 'static> {
    /// Its name.
    pub name: &'static str,
    /// Its columns, with the [schemas](Key::schema) of their types.
    pub columns: fn() -> String,
    /// Whether no two rows have the same values in all columns.
    pub unique: bool,
    /// Passes the columns' values to a function: once, or for each of several values of the first column.
    #[allow(clippy::type_complexity, reason = "it is said once")]
    pub entries: fn(&R, &mut dyn FnMut(&[&dyn Key])),
}

/// An index of rows `R`, a constant that `#[derive(Row)]` makes: rows are found by a value of type `V`, and
/// those with the same value are in the order of `O`.
pub struct Index<R, V, O = ()> {
    pub(super) position: usize,
    #[allow(clippy::type_complexity, reason = "it is said once")]
    types: PhantomData<fn() -> (R, V, O)>,
}

impl<R, V, O> Index<R, V, O> {
    /// The index at this position among [`Row::INDEXES`].
    #[doc(hidden)]
    pub const fn new(position: usize) -> Index<R, V, O> {
        Index { position, types: PhantomData }
    }
}

impl<R, V, O> Clone for Index<R, V, O> {
    fn clone(&self) -> Index<R, V, O> {
        *self
    }
}

impl<R, V, O> Copy for Index<R, V, O> {}

impl<R: Row, V, O> fmt::Debug for Index<R, V, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", R::NAME, R::INDEXES[self.position].name)
    }
}

/// A field with several values, each of which is a column: `each tags`.
#[doc(hidden)]
pub trait Each {
    /// One value.
    type Value: Key;

    /// The values.
    fn each(&self) -> impl Iterator<Item = &Self::Value>;
}

impl<T: Key> Each for Vec<T> {
    type Value = T;

    fn each(&self) -> impl Iterator<Item = &T> {
        self.iter()
    }
}

impl<T: Key> Each for std::collections::BTreeSet<T> {
    type Value = T;

    fn each(&self) -> impl Iterator<Item = &T> {
        self.iter()
    }
}

impl<T: Key> Each for Option<T> {
    type Value = T;

    fn each(&self) -> impl Iterator<Item = &T> {
        self.iter()
    }
}
