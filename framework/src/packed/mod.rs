//! The values of a template, packed for their way from a controller to the front end.
//!
//! - [`Packed`]: names and values, written by serde straight into bytes.
//! - `writer`: writes one value; `shapes` knows which keys follow one another, `key` turns the keys of
//!   maps into text.
//! - `reader`: reads them, into whatever a [`Build`] makes of them.
//! - `json`: the same as JSON, to look at.
//!
//! # What a value becomes
//!
//! What `serde_json::to_value` would make of it: nothing, a truth, a number of 64 bits, a text, a list
//! or an object, whose members are in the order of their keys. So a template cannot tell how the
//! values have come, whatever features of serde_json a site has switched on.
//!
//! # Form
//!
//! Numbers that are not said to be fixed are in LEB128; a text is its length and its bytes in UTF-8.
//!
//! ```text
//! packed  = number of shapes, shape …, number of members, member …
//! shape   = number of keys, key (text) …
//! member  = name (text), value
//! value   = 0 nothing | 1 false | 2 true
//!         | 3 number                         unsigned
//!         | 4 number                         negative: -1 - number
//!         | 5 eight bytes, little endian     floating point
//!         | 6 text
//!         | 7 length (u32, little endian), value …
//!         | 8 shape (u32, little endian), one value for each of its keys
//! ```
//!
//! Pages show lists of things that are alike, so keys are written once for all objects that have the
//! same ones. A reader makes an empty object of each shape once, and copies it.

mod json;
mod key;
mod reader;
mod shapes;
mod writer;

#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;

pub(crate) use reader::Build;
pub use reader::Malformed;
pub use writer::PackError;
use writer::Writer;

/// How deep lists and objects may lie in one another, as in serde_json.
const DEPTH: usize = 126;

/// How many values, keys and shapes may be in one message: what they take in memory is more than they
/// take on the way.
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

/// Names and values for a template.
#[derive(Clone, Default)]
pub struct Packed {
    writer: Writer,
    members: u64,
}

impl Packed {
    /// No values.
    pub fn new() -> Packed {
        Packed::default()
    }

    /// Adds a value under this name. It takes the place of one that is there.
    ///
    /// # Errors
    /// When the value has no form in JSON: keys that are no text, numbers of more than 64 bits, and what
    /// lies more than 126 deep. Then nothing is added.
    pub fn insert<T: Serialize + ?Sized>(
        &mut self,
        name: &str,
        value: &T,
    ) -> Result<(), PackError> {
        self.writer.member(name, value)?;
        self.members += 1;
        Ok(())
    }

    /// The bytes that go over the link.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.writer.finish(self.members)
    }

    /// The values as JSON, for tests that look at them.
    pub fn to_json(&self) -> serde_json::Map<String, serde_json::Value> {
        json::read(&self.clone().into_bytes()).unwrap_or_default()
    }

    /// Reads what [`into_bytes`](Packed::into_bytes) has made. Each name and its value go to `member`,
    /// a later one in the place of an earlier one with the same name.
    pub(crate) fn read<B: Build>(
        bytes: &[u8],
        build: &mut B,
        member: impl FnMut(&str, B::Value),
    ) -> Result<(), Malformed> {
        reader::read(bytes, build, member)
    }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_json().fmt(f)
    }
}
