//! The values of a template, packed for their way from a controller to the front end.
//!
//! - [`Packed`]: names and values, written by serde straight into bytes.
//! - `writer`: writes one value, by its `serializer`; `shapes` knows which keys follow one another, `key` turns the keys of
//!   maps into text.
//! - `reader`: hands serde what was written; `names` keeps the names of fields.
//! - `json`: pieces of JSON among what is to be packed.
//! - `mark`: says what a value depends on, beside the value; `marked`: finds out what was said.
//!
//! # What a value becomes
//!
//! What `serde_json::to_value` would make of it: nothing, a truth, a number of 64 bits, a text, a list
//! or an object. So a template cannot tell how the values have come. The fields of a struct keep their
//! order; the entries of a map are in that of their keys, because a `HashMap` has another order each
//! time, and the same page would be other bytes.
//!
//! # Form
//!
//! Numbers that are not said to be fixed are in LEB128; a text is its length and its bytes in UTF-8.
//!
//! ```text
//! packed  = where the shapes begin (u32, little endian), member …, number of shapes, shape …
//! member  = name (text), value
//! shape   = 0 (a map) | 1 (a struct), number of keys, key (text) …
//! value   = 0 nothing | 1 false | 2 true
//!         | 3 number                         unsigned
//!         | 4 number                         negative: -1 - number
//!         | 5 eight bytes, little endian     floating point
//!         | 6 text
//!         | 7 length (u32, little endian), value …
//!         | 8 shape (u32, little endian), one value for each of its keys
//!         | 9 mark, value                  what the mark says is said of the value
//! mark    = 0 (a row) | 1 (a read) | 2 (made of a row), number of groups, group (text) …
//! ```
//!
//! Pages show lists of things that are alike, so keys are written once for all objects that have the
//! same ones. Shapes are known only when all has been written, hence their place.

mod json;
mod key;
mod mark;
mod marked;
mod names;
mod reader;
mod serializer;
mod shapes;
mod writer;

#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;

pub(crate) use mark::MarkKind;
pub(crate) use mark::{made as marked_made, read as marked_read, row as marked_row};
pub(crate) use marked::{MarkedNode, MarkedValue, walk};
pub(crate) use reader::Malformed;
pub use reader::read;
pub(crate) use reader::read_noting_marks;
pub(crate) use writer::PackError;
use writer::Writer;

/// How deep lists and objects may lie in one another, as in serde_json.
const DEPTH: usize = 126;

/// How many values may be in one message: what they take in memory is more than they take on the way.
const MOST_VALUES: usize = 4 << 20;

const NONE: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const UNSIGNED: u8 = 3;
const NEGATIVE: u8 = 4;
const FLOAT: u8 = 5;
const TEXT: u8 = 6;
const LIST: u8 = 7;
const OBJECT: u8 = 8;
const MARKED: u8 = 9;

/// Where an object comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    /// A map: its keys may be anything.
    Map = 0,
    /// A struct: its keys are in the site's code.
    Struct = 1,
}

/// Names and values for a template.
#[derive(Clone, Default)]
pub struct Packed(Box<Writer>);

impl Packed {
    /// No values.
    pub fn new() -> Packed {
        Packed::default()
    }

    /// Adds a value under this name. It takes the place of one that is there.
    ///
    /// # Errors
    /// When the value has no form in JSON (keys that are no text, numbers of more than 64 bits), when
    /// it lies more than 126 deep, or when all values are more than 4,194,304 or longer than 4 GiB. Then
    /// nothing is added.
    pub fn insert<T: Serialize + ?Sized>(
        &mut self,
        name: &str,
        value: &T,
    ) -> Result<(), PackError> {
        self.0.member(name, value)
    }

    /// The bytes that go over the link.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0.finish()
    }

    /// The values as JSON, for tests that look at them.
    pub fn to_json(&self) -> serde_json::Map<String, serde_json::Value> {
        let mut members = serde_json::Map::new();
        let read = read(&self.clone().into_bytes(), |name, value| {
            members.insert(name.to_owned(), serde_json::to_value(value)?);
            Ok::<_, serde_json::Error>(())
        });
        debug_assert!(matches!(read, Ok(Ok(()))), "what was written cannot be read: {read:?}");
        members
    }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_json().fmt(f)
    }
}
