//! The serde serializer of a [`Writer`].

use serde::Serialize;
use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::writer::{Open, PackError, Writer};
use super::{FALSE, FLOAT, Kind, LIST, NEGATIVE, NONE, TEXT, TRUE, UNSIGNED, json, key, mark};

impl Writer {
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
        self.raw(&value.to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), PackError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), PackError> {
        self.number(TEXT, value.len() as u64)?;
        self.raw(value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), PackError> {
        let mut list = self.list(None)?;
        value.iter().try_for_each(|byte| list.element(byte))?;
        list.finish();
        Ok(())
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
        name: &'static str,
        value: &T,
    ) -> Result<(), PackError> {
        if name == mark::NAME {
            mark::take(|mark| self.mark(mark)).transpose()?;
        }
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
    /// The place of its length.
    at: usize,
    length: u32,
    /// The surrounding object, if it is a variant.
    variant: Option<Open>,
}

impl List<'_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), PackError> {
        // There are no more than `MOST_VALUES`.
        self.length += 1;
        self.writer.nested(value)
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
    /// The surrounding object, if it is a variant.
    variant: Option<Open>,
}

impl Object<'_> {
    fn member<T: Serialize + ?Sized>(
        &mut self,
        field: &'static str,
        value: &T,
    ) -> Result<(), PackError> {
        self.writer.field(&self.object, field);
        self.writer.nested(value)
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
    /// A struct of serde_json that represents JSON text.
    Json(&'a mut Writer),
}

/// The kinds of list that serde distinguishes and JSON does not.
macro_rules! lists {
    ($($kind:ident::$method:ident,)*) => {
        $(impl $kind for List<'_> {
            type Ok = ();
            type Error = PackError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), PackError> {
                self.element(value)
            }

            fn end(self) -> Result<(), PackError> {
                self.finish();
                Ok(())
            }
        })*
    };
}

lists! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

impl SerializeMap for Object<'_> {
    type Ok = ();
    type Error = PackError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), PackError> {
        key::with_text(key, |key| self.writer.key(&self.object, key))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), PackError> {
        self.writer.nested(value)
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
            Record::Json(writer) => writer.nested(&json::value_of(value)?),
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
