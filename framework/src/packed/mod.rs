//! The values of a template, in the form in which they are sent from a controller to the front end.
//!
//! - [`Packed`]: names and values, written by serde directly to bytes.
//! - `writer`: writes one value, with its `serializer`; `shapes` stores the lists of keys of objects, `key`
//!   converts the keys of maps to text.
//! - `reader`: reads packed values and serializes them; `names` keeps the names of fields.
//! - `json`: raw JSON within packed values.
//! - `mark`: records the dependence of a value, beside the value; `marked`: reads it.
//!
//! # The form of a value
//!
//! A value becomes what `serde_json::to_value` would make of it: nothing, a boolean, a number of 64 bits, a
//! text, a list or an object. So a template cannot detect in which form the values were sent. The fields of a
//! struct keep their order; the entries of a map are sorted by their keys, because the order of a `HashMap`
//! varies, and the same page would have other bytes each time.
//!
//! # Encoding
//!
//! Numbers without a fixed length are in LEB128; a text is its length and its bytes in UTF-8.
//!
//! ```text
//! packed  = position of the shapes (u32, little endian), member …, number of shapes, shape …
//! member  = name (text), value
//! shape   = 0 (a map) | 1 (a struct), number of keys, key (text) …
//! value   = 0 nothing | 1 false | 2 true
//!         | 3 number                         unsigned
//!         | 4 number                         negative: -1 - number
//!         | 5 eight bytes, little endian     floating point
//!         | 6 text
//!         | 7 length (u32, little endian), value …
//!         | 8 shape (u32, little endian), one value for each of its keys
//!         | 9 mark, value                    the mark applies to the value
//! mark    = 0 (a row) | 1 (a read) | 2 (made of a row), number of groups, group (text) …
//! ```
//!
//! Pages show lists of similar elements, so keys are written once for all objects that have the same ones.
//! Shapes are complete only when everything has been written, so they are at the end.

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

/// The maximum depth of nested lists and objects, as in serde_json.
const DEPTH: usize = 126;

/// The maximum number of values in one message: they take more memory than they take bytes on the link.
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

/// The origin of an object.
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
    /// Returns an empty set of values.
    pub fn new() -> Packed {
        Packed::default()
    }

    /// Adds a value under this name, or replaces the one that has it.
    ///
    /// # Errors
    /// When the value has no form in JSON (keys that are not text, numbers of more than 64 bits), when it is
    /// nested more than 126 levels deep, or when there are more than 4,194,304 values, or more than 4 GiB, in
    /// total. Then nothing is added.
    pub fn insert<T: Serialize + ?Sized>(
        &mut self,
        name: &str,
        value: &T,
    ) -> Result<(), PackError> {
        self.0.member(name, value)
    }

    /// Returns the bytes to send over the link.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0.finish()
    }

    /// Returns the values as JSON, for tests that inspect them.
    pub fn to_json(&self) -> serde_json::Map<String, serde_json::Value> {
        let mut members = serde_json::Map::new();
        let read = read(&self.clone().into_bytes(), |name, value| {
            members.insert(name.to_owned(), serde_json::to_value(value)?);
            Ok::<_, serde_json::Error>(())
        });
        debug_assert!(matches!(read, Ok(Ok(()))), "the written values cannot be read: {read:?}");
        members
    }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_json().fmt(f)
    }
}
