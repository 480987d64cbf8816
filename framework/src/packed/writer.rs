use std::fmt;

use serde::Serialize;
use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::key;
use super::shapes::Shapes;
use super::{
    DEPTH, FALSE, FLOAT, Kind, LIST, MOST_VALUES, NEGATIVE, NONE, OBJECT, TEXT, TRUE, UNSIGNED,
    json,
};

/// Why a value cannot be given to a template.
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
    /// The place for where the shapes begin, and the members so far.
    bytes: Vec<u8>,
    shapes: Shapes,
    /// Where the values of all maps begin that are being written, the innermost last.
    starts: Vec<usize>,
    depth: usize,
    values: usize,
}

impl Default for Writer {
    fn default() -> Writer {
        let (shapes, starts) = (Shapes::default(), Vec::new());
        Writer { bytes: vec![0; FIXED], shapes, starts, depth: 0, values: 0 }
    }
}

/// An object that is being written.
struct Open {
    kind: Kind,
    /// Where its shape is to be written.
    at: usize,
    /// What its shape begins with.
    first: usize,
    /// How many maps around it had begun values.
    starts: usize,
}

/// The length of a number that is written when what it counts has been.
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
        let written = value.serialize(&mut *self).and_then(|()| self.check_length());
        if written.is_err() {
            self.bytes.truncate(length);
            self.values = values;
            self.depth = 0;
            self.starts.clear();
            self.shapes.abandon();
        }
        written
    }

    fn check_length(&self) -> Result<(), PackError> {
        match u32::try_from(self.bytes.len()) {
            Ok(_) => Ok(()),
            Err(_) => Err(PackError("more than 4 GiB are too much".to_owned())),
        }
    }

    /// All of it, and the shapes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        // No member is longer than that.
        let length = (self.bytes.len() - FIXED) as u32;
        self.bytes[..FIXED].copy_from_slice(&length.to_le_bytes());
        self.shapes.write(&mut self.bytes);
        self.bytes
    }

    fn tag(&mut self, tag: u8) -> Result<(), PackError> {
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err(PackError(format!("more than {MOST_VALUES} values are too many")));
        }
        self.bytes.push(tag);
        Ok(())
    }

    fn number(&mut self, tag: u8, number: u64) -> Result<(), PackError> {
        self.tag(tag)?;
        put_number(&mut self.bytes, number);
        Ok(())
    }

    fn deeper(&mut self, tag: u8) -> Result<usize, PackError> {
        self.tag(tag)?;
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(PackError(format!("it lies more than {DEPTH} lists and objects deep")));
        }
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; FIXED]);
        Ok(at)
    }

    fn up(&mut self, at: usize, number: u32) {
        self.depth -= 1;
        self.bytes[at..at + FIXED].copy_from_slice(&number.to_le_bytes());
    }

    fn begin(&mut self, kind: Kind) -> Result<Open, PackError> {
        let at = self.deeper(OBJECT)?;
        let starts = self.starts.len();
        Ok(Open { kind, at, first: self.shapes.begin(kind), starts })
    }

    fn key(&mut self, object: &Open, key: &str) {
        self.shapes.key(object.first, self.depth, key);
        if object.kind == Kind::Map {
            self.starts.push(self.bytes.len());
        }
    }

    fn end(&mut self, object: Open) {
        if object.kind == Kind::Map {
            self.sort(&object);
            self.starts.truncate(object.starts);
        }
        let shape = self.shapes.end(object.first, self.depth);
        self.up(object.at, shape);
    }

    /// Brings the entries of a map into the order of their keys.
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

    /// An object with one member, whose value comes next: how variants look in JSON.
    fn variant(&mut self, variant: &str) -> Result<Open, PackError> {
        let object = self.begin(Kind::Struct)?;
        self.key(&object, variant);
        Ok(object)
    }

    fn list(&mut self, variant: Option<Open>) -> Result<List<'_>, PackError> {
        let at = self.deeper(LIST)?;
        Ok(List { writer: self, at, length: 0, variant })
    }

    fn object(&mut self, kind: Kind, variant: Option<Open>) -> Result<Object<'_>, PackError> {
        let object = self.begin(kind)?;
        Ok(Object { writer: self, object, variant })
    }
}

impl<'a> Serializer for &'a mut Writer {
    type Ok = ();
    type Error = PackError;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = List<'a>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Record<'a>;
    type SerializeStructVariant = Object<'a>;

    fn serialize_bool(self, value: bool) -> Result<(), PackError> {
        self.tag(if value { TRUE } else { FALSE })
    }

    fn serialize_i8(self, value: i8) -> Result<(), PackError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), PackError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), PackError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), PackError> {
        match u64::try_from(value) {
            Ok(value) => self.number(UNSIGNED, value),
            Err(_) => self.number(NEGATIVE, !value as u64),
        }
    }

    fn serialize_i128(self, value: i128) -> Result<(), PackError> {
        match (u64::try_from(value), i64::try_from(value)) {
            (Ok(value), _) => self.serialize_u64(value),
            (_, Ok(value)) => self.serialize_i64(value),
            _ => Err(PackError::custom("number out of range")),
        }
    }

    fn serialize_u8(self, value: u8) -> Result<(), PackError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), PackError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), PackError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), PackError> {
        self.number(UNSIGNED, value)
    }

    fn serialize_u128(self, value: u128) -> Result<(), PackError> {
        let value = u64::try_from(value).map_err(|_| PackError::custom("number out of range"))?;
        self.serialize_u64(value)
    }

    fn serialize_f32(self, value: f32) -> Result<(), PackError> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), PackError> {
        if !value.is_finite() {
            return self.tag(NONE);
        }
        self.tag(FLOAT)?;
        self.bytes.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), PackError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), PackError> {
        self.tag(TEXT)?;
        put_text(&mut self.bytes, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), PackError> {
        let mut list = self.list(None)?;
        value.iter().try_for_each(|byte| SerializeSeq::serialize_element(&mut list, byte))?;
        SerializeSeq::end(list)
    }

    fn serialize_none(self) -> Result<(), PackError> {
        self.tag(NONE)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), PackError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), PackError> {
        self.tag(NONE)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), PackError> {
        self.tag(NONE)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), PackError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), PackError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), PackError> {
        let object = self.variant(variant)?;
        value.serialize(&mut *self)?;
        self.end(object);
        Ok(())
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<List<'a>, PackError> {
        self.list(None)
    }

    fn serialize_tuple(self, _length: usize) -> Result<List<'a>, PackError> {
        self.list(None)
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> Result<List<'a>, PackError> {
        self.list(None)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<List<'a>, PackError> {
        let object = self.variant(variant)?;
        self.list(Some(object))
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Object<'a>, PackError> {
        self.object(Kind::Map, None)
    }

    fn serialize_struct(self, name: &'static str, _length: usize) -> Result<Record<'a>, PackError> {
        Ok(match json::is_text(name) {
            true => Record::Json(self),
            false => Record::Plain(self.object(Kind::Struct, None)?),
        })
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Object<'a>, PackError> {
        let object = self.variant(variant)?;
        self.object(Kind::Struct, Some(object))
    }
}

/// A list that is being written.
pub(super) struct List<'a> {
    writer: &'a mut Writer,
    /// Where its length is to be written.
    at: usize,
    length: u32,
    /// The object around it, if it is a variant.
    variant: Option<Open>,
}

impl List<'_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), PackError> {
        // There are no more than `MOST_VALUES`.
        self.length += 1;
        value.serialize(&mut *self.writer)
    }

    fn finish(self) {
        self.writer.up(self.at, self.length);
        if let Some(object) = self.variant {
            self.writer.end(object);
        }
    }
}

/// An object that is being written.
pub(super) struct Object<'a> {
    writer: &'a mut Writer,
    object: Open,
    /// The object around it, if it is a variant.
    variant: Option<Open>,
}

impl Object<'_> {
    fn member<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), PackError> {
        self.writer.key(&self.object, key);
        value.serialize(&mut *self.writer)
    }

    fn finish(self) {
        self.writer.end(self.object);
        if let Some(object) = self.variant {
            self.writer.end(object);
        }
    }
}

/// A struct that is being written.
pub(super) enum Record<'a> {
    Plain(Object<'a>),
    /// One of serde_json's that stand for what its text says.
    Json(&'a mut Writer),
}

impl SerializeSeq for List<'_> {
    type Ok = ();
    type Error = PackError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), PackError> {
        self.element(value)
    }

    fn end(self) -> Result<(), PackError> {
        self.finish();
        Ok(())
    }
}

impl SerializeTuple for List<'_> {
    type Ok = ();
    type Error = PackError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), PackError> {
        self.element(value)
    }

    fn end(self) -> Result<(), PackError> {
        self.finish();
        Ok(())
    }
}

impl SerializeTupleStruct for List<'_> {
    type Ok = ();
    type Error = PackError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), PackError> {
        self.element(value)
    }

    fn end(self) -> Result<(), PackError> {
        self.finish();
        Ok(())
    }
}

impl SerializeTupleVariant for List<'_> {
    type Ok = ();
    type Error = PackError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), PackError> {
        self.element(value)
    }

    fn end(self) -> Result<(), PackError> {
        self.finish();
        Ok(())
    }
}

impl SerializeMap for Object<'_> {
    type Ok = ();
    type Error = PackError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), PackError> {
        key::with_text(key, |key| self.writer.key(&self.object, key))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), PackError> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), PackError> {
        self.finish();
        Ok(())
    }
}

impl SerializeStruct for Record<'_> {
    type Ok = ();
    type Error = PackError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), PackError> {
        match self {
            Record::Plain(object) => object.member(key, value),
            Record::Json(writer) => json::value_of(value)?.serialize(&mut **writer),
        }
    }

    fn end(self) -> Result<(), PackError> {
        if let Record::Plain(object) = self {
            object.finish();
        }
        Ok(())
    }
}

impl SerializeStructVariant for Object<'_> {
    type Ok = ();
    type Error = PackError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), PackError> {
        self.member(key, value)
    }

    fn end(self) -> Result<(), PackError> {
        self.finish();
        Ok(())
    }
}
