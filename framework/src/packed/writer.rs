use std::fmt;

use serde::Serialize;

use super::mark::Packing;
use super::shapes::Shapes;
use super::{DEPTH, Kind, MARKED, MOST_VALUES, OBJECT};

/// The reason why a value cannot be passed to a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackError(String);

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PackError {}

impl serde::ser::Error for PackError {
    fn custom<T: fmt::Display>(message: T) -> PackError {
        PackError(message.to_string())
    }
}

/// Writes values one after the other.
#[derive(Clone)]
pub(super) struct Writer {
    /// The place for the position of the shapes, and the members so far.
    bytes: Vec<u8>,
    shapes: Shapes,
    /// The positions of the values of all maps that are being written, the innermost map last.
    starts: Vec<usize>,
    depth: usize,
    values: usize,
    /// The reason why the present member cannot be written. A serializer may ignore an error of an inner value,
    /// but half of that value has been written.
    failed: Option<PackError>,
}

impl Default for Writer {
    fn default() -> Writer {
        let (shapes, starts) = (Shapes::default(), Vec::new());
        let mut bytes = Vec::with_capacity(ROOM);
        bytes.extend([0; FIXED]);
        Writer { bytes, shapes, starts, depth: 0, values: 0, failed: None }
    }
}

/// An object that is being written.
pub(super) struct Open {
    kind: Kind,
    /// The place of its shape.
    at: usize,
    /// The start of its shape.
    first: usize,
    /// The number of values that the surrounding maps had begun.
    starts: usize,
}

/// Room for the values of an average page, in bytes.
const ROOM: usize = 4096;

/// The length of a number that is filled in after the elements it counts.
const FIXED: usize = size_of::<u32>();

pub(super) fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

pub(super) fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_number(bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

impl Writer {
    /// Writes a name and its value, or nothing if that fails.
    pub(super) fn member<T: Serialize + ?Sized>(
        &mut self,
        name: &str,
        value: &T,
    ) -> Result<(), PackError> {
        let (length, values) = (self.bytes.len(), self.values);
        put_text(&mut self.bytes, name);
        let packing = Packing::begin();
        let written = value.serialize(&mut *self).and_then(|()| self.check_length());
        drop(packing);
        let written = self.failed.take().map_or(written, Err);
        if written.is_err() {
            self.bytes.truncate(length);
            self.values = values;
            self.depth = 0;
            self.starts.clear();
            self.shapes.abandon();
        }
        written
    }

    /// Writes a value within another one.
    pub(super) fn nested<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), PackError> {
        let written = value.serialize(&mut *self);
        if let Err(error) = &written {
            self.failed.get_or_insert_with(|| error.clone());
        }
        written
    }

    fn check_length(&self) -> Result<(), PackError> {
        match u32::try_from(self.bytes.len()) {
            Ok(_) => Ok(()),
            Err(_) => Err(PackError("more than 4 GiB are too much".to_owned())),
        }
    }

    /// Returns all members and the shapes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        // The length was checked for each member.
        let length = (self.bytes.len() - FIXED) as u32;
        self.bytes[..FIXED].copy_from_slice(&length.to_le_bytes());
        self.shapes.write(&mut self.bytes);
        self.bytes
    }

    pub(super) fn tag(&mut self, tag: u8) -> Result<(), PackError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err(PackError(format!("more than {MOST_VALUES} values are too many")));
        }
        self.bytes.push(tag);
        Ok(())
    }

    pub(super) fn number(&mut self, tag: u8, number: u64) -> Result<(), PackError> {
        self.tag(tag)?;
        put_number(&mut self.bytes, number);
        Ok(())
    }

    /// Writes the mark of the next value.
    pub(super) fn mark(&mut self, mark: &[u8]) -> Result<(), PackError> {
        self.tag(MARKED)?;
        self.raw(mark);
        Ok(())
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn deeper(&mut self, tag: u8) -> Result<usize, PackError> {
        self.tag(tag)?;
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(PackError(format!(
                "it is nested more than {DEPTH} lists and objects deep"
            )));
        }
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; FIXED]);
        Ok(at)
    }

    pub(super) fn up(&mut self, at: usize, number: u32) {
        self.depth = self.depth.saturating_sub(1);
        self.bytes[at..at + FIXED].copy_from_slice(&number.to_le_bytes());
    }

    pub(super) fn begin(&mut self, kind: Kind) -> Result<Open, PackError> {
        let at = self.deeper(OBJECT)?;
        let starts = self.starts.len();
        Ok(Open { kind, at, first: self.shapes.begin(kind), starts })
    }

    pub(super) fn field(&mut self, object: &Open, field: &'static str) {
        self.shapes.field(object.first, self.depth, field);
    }

    pub(super) fn key(&mut self, object: &Open, key: &str) {
        self.shapes.key(object.first, self.depth, key);
        if object.kind == Kind::Map {
            self.starts.push(self.bytes.len());
        }
    }

    pub(super) fn end(&mut self, object: Open) {
        if self.failed.is_some() {
            return;
        }
        if object.kind == Kind::Map {
            self.sort(&object);
            self.starts.truncate(object.starts);
        }
        let shape = self.shapes.end(object.first, self.depth);
        self.up(object.at, shape);
    }

    /// Sorts the entries of a map by their keys.
    fn sort(&mut self, map: &Open) {
        let Some(order) = self.shapes.sort(map.first) else { return };
        let starts = &self.starts[map.starts..];
        let begin = map.at + FIXED;
        let mut sorted = Vec::with_capacity(self.bytes.len() - begin);
        for place in order {
            let end = starts.get(place + 1).copied().unwrap_or(self.bytes.len());
            sorted.extend_from_slice(&self.bytes[starts[place]..end]);
        }
        self.bytes[begin..].copy_from_slice(&sorted);
    }

    /// Begins an object with one member, whose value follows: the form of variants in JSON.
    pub(super) fn variant(&mut self, variant: &str) -> Result<Open, PackError> {
        let object = self.begin(Kind::Struct)?;
        self.key(&object, variant);
        Ok(object)
    }
}
