//! The keys of maps, as text.
//!
//! A key that is text is used unchanged. serde_json decides how others are converted (numbers, booleans,
//! variants), and which cannot be keys: they are rare.

use std::fmt;

use serde::Serialize;
use serde::ser::{Error as _, Impossible, SerializeMap, Serializer};

use super::PackError;

/// Calls `then` with the text of a key.
pub(super) fn with_text<T: Serialize + ?Sized>(
    key: &T,
    then: impl FnOnce(&str),
) -> Result<(), PackError> {
    let mut then = Some(then);
    let mut given = |text: &str| {
        if let Some(then) = then.take() {
            then(text);
        }
    };
    if key.serialize(Text(&mut given)).is_ok() {
        return Ok(());
    }
    let object = serde_json::to_value(OneKey(key)).map_err(PackError::custom)?;
    let text = object.as_object().and_then(|object| object.keys().next());
    given(text.ok_or_else(|| PackError::custom("key must be a string"))?);
    Ok(())
}

/// A map with this key.
struct OneKey<'a, T: ?Sized>(&'a T);

impl<T: Serialize + ?Sized> Serialize for OneKey<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0, &())?;
        map.end()
    }
}

/// A serializer that accepts only text.
struct Text<'a, F>(&'a mut F);

/// The error for anything else.
#[derive(Debug)]
struct NoText;

impl fmt::Display for NoText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no text")
    }
}

impl std::error::Error for NoText {}

impl serde::ser::Error for NoText {
    fn custom<T: fmt::Display>(_message: T) -> NoText {
        NoText
    }
}

macro_rules! no_text {
    ($($method:ident($($argument:ty),*) -> $ok:ty;)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$ok, NoText> {
            Err(NoText)
        })*
    };
}

impl<F: FnMut(&str)> Serializer for Text<'_, F> {
    type Ok = ();
    type Error = NoText;
    type SerializeSeq = Impossible<(), NoText>;
    type SerializeTuple = Impossible<(), NoText>;
    type SerializeTupleStruct = Impossible<(), NoText>;
    type SerializeTupleVariant = Impossible<(), NoText>;
    type SerializeMap = Impossible<(), NoText>;
    type SerializeStruct = Impossible<(), NoText>;
    type SerializeStructVariant = Impossible<(), NoText>;

    fn serialize_str(self, text: &str) -> Result<(), NoText> {
        (self.0)(text);
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), NoText> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), NoText> {
        value.serialize(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _value: &T) -> Result<(), NoText> {
        Err(NoText)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<(), NoText> {
        Err(NoText)
    }

    no_text! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_i128(i128) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_u128(u128) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }
}
