use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::decode_error::{DecodeError, DecodeErrorKind};
use super::spelling::{Reads, ReadsCell};
use super::text_value::{TextValue, of_the_single_value};

/// Deserializer of a route's captures: a struct or map by name, a tuple by order, and a single
/// capture as a value.
#[derive(Clone, Copy)]
pub(super) struct Captures<'a>(pub(super) &'a [(String, String)], pub(super) &'a ReadsCell);

impl<'a> Captures<'a> {
    fn values(self) -> impl Iterator<Item = TextValue<'a>> {
        self.0.iter().map(|(name, text)| TextValue { name, text })
    }

    fn single(self) -> Result<TextValue<'a>, DecodeError> {
        match self.0 {
            [(name, text)] => Ok(TextValue { name, text }),
            _ => Err(self.wrong_number("a single value")),
        }
    }

    fn wrong_number(self, wanted: &str) -> DecodeError {
        let names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        DecodeError::shape(format_args!(
            "the controller takes {wanted} from the path, but its route captures {} {names:?}",
            names.len()
        ))
    }

    fn sequence<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_seq(SeqDeserializer::new(self.values()))
    }

    fn by_name<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let pairs = self.values().map(|value| (value.name, value));
        visitor.visit_map(MapDeserializer::new(pairs)).map_err(|error: DecodeError| {
            match (&error.kind, &error.field) {
                (DecodeErrorKind::Missing, Some(field)) => self.wrong_number(&format!("`{field}`")),
                _ => error,
            }
        })
    }
}

impl<'de> IntoDeserializer<'de, DecodeError> for TextValue<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Captures<'_> {
    type Error = DecodeError;

    of_the_single_value!();

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            [_] => self.single()?.deserialize_any(visitor),
            _ => self.deserialize_map(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.0.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.sequence(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if length != self.0.len() {
            return Err(self.wrong_number(&format!("{length} values")));
        }
        self.sequence(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.1.set(Reads::Written);
        self.by_name(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.1.set(Reads::Names(fields));
        self.by_name(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.single()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { ignored_any }
}
