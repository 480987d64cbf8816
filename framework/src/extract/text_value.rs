use std::fmt;
use std::str::FromStr;

use serde::de::value::StrDeserializer;
use serde::de::{Deserializer, EnumAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::decode_error::DecodeError;

/// Deserializer of one named text: a string, or a value that is parsed from one.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextValue<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

impl TextValue<'_> {
    fn parse<T: FromStr<Err: fmt::Display>>(self) -> Result<T, DecodeError> {
        self.text.parse().map_err(|error| DecodeError::value(self.name, self.text, error))
    }

    /// Parses a finite number. Rust's parser also accepts `NaN`, `inf` and numbers that overflow to
    /// infinity.
    fn finite<T: Copy + FromStr<Err: fmt::Display>>(
        self,
        is_finite: fn(T) -> bool,
    ) -> Result<T, DecodeError> {
        let number = self.parse()?;
        let not_one = || DecodeError::value(self.name, self.text, "it is not a number");
        if is_finite(number) { Ok(number) } else { Err(not_one()) }
    }

    fn unfit(self, error: DecodeError) -> DecodeError {
        if error.field.is_some() || error.is_of_the_site() {
            return error.at(self.name);
        }
        DecodeError::value(self.name, self.text, error)
    }
}

macro_rules! parsed {
    ($($method:ident => $visit:ident),+ $(,)?) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
                visitor.$visit(self.parse()?).map_err(|error: DecodeError| self.unfit(error))
            }
        )+
    };
}

impl<'de> Deserializer<'de> for TextValue<'_> {
    type Error = DecodeError;

    parsed! {
        deserialize_i8 => visit_i8,
        deserialize_i16 => visit_i16,
        deserialize_i32 => visit_i32,
        deserialize_i64 => visit_i64,
        deserialize_i128 => visit_i128,
        deserialize_u8 => visit_u8,
        deserialize_u16 => visit_u16,
        deserialize_u32 => visit_u32,
        deserialize_u64 => visit_u64,
        deserialize_u128 => visit_u128,
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let number = self.finite(f32::is_finite)?;
        visitor.visit_f32(number).map_err(|error: DecodeError| self.unfit(error))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let number = self.finite(f64::is_finite)?;
        visitor.visit_f64(number).map_err(|error: DecodeError| self.unfit(error))
    }

    /// Accepts `true`, `false` and `on`, which browsers send for a checked box.
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let value = match self.text {
            "true" | "on" => true,
            "false" => false,
            text => return Err(DecodeError::value(self.name, text, "it is not true or false")),
        };
        visitor.visit_bool(value).map_err(|error: DecodeError| self.unfit(error))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_str(self.text).map_err(|error: DecodeError| self.unfit(error))
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_bytes(self.text.as_bytes()).map_err(|error: DecodeError| self.unfit(error))
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.text.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_enum(self).map_err(|error: DecodeError| self.unfit(error))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, DecodeError> {
        Err(DecodeError::shape("one text cannot become a sequence").at(self.name))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, DecodeError> {
        Err(DecodeError::shape("one text cannot become a struct or map").at(self.name))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_map(visitor)
    }

    forward_to_deserialize_any! { char str string identifier ignored_any }
}

impl<'de> EnumAccess<'de> for TextValue<'_> {
    type Error = DecodeError;
    type Variant = NameOfVariant;

    fn variant_seed<S: serde::de::DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, NameOfVariant), DecodeError> {
        let variant = seed.deserialize(StrDeserializer::<DecodeError>::new(self.text))?;
        Ok((variant, NameOfVariant))
    }
}

/// The variant of an enum, of which only the name exists.
pub(super) struct NameOfVariant;

impl NameOfVariant {
    fn refuse<T>() -> Result<T, DecodeError> {
        Err(DecodeError::shape("text can only become an enum whose variants have no fields"))
    }
}

impl<'de> VariantAccess<'de> for NameOfVariant {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        Ok(())
    }

    fn newtype_variant_seed<S: serde::de::DeserializeSeed<'de>>(
        self,
        _seed: S,
    ) -> Result<S::Value, DecodeError> {
        NameOfVariant::refuse()
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _length: usize,
        _visitor: V,
    ) -> Result<V::Value, DecodeError> {
        NameOfVariant::refuse()
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, DecodeError> {
        NameOfVariant::refuse()
    }
}

/// Implements the methods of a `Deserializer` that delegate to its `single()` value: those of
/// scalars, and the given ones.
macro_rules! of_the_single_value {
    (@each $($method:ident),+ $(,)?) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
                self.single()?.$method(visitor)
            }
        )+
    };
    ($($further:ident),* $(,)?) => {
        $crate::extract::text_value::of_the_single_value! {
            @each
            deserialize_bool,
            deserialize_i8,
            deserialize_i16,
            deserialize_i32,
            deserialize_i64,
            deserialize_i128,
            deserialize_u8,
            deserialize_u16,
            deserialize_u32,
            deserialize_u64,
            deserialize_u128,
            deserialize_f32,
            deserialize_f64,
            deserialize_char,
            deserialize_str,
            deserialize_string,
            deserialize_bytes,
            deserialize_byte_buf,
            deserialize_identifier,
            $($further,)*
        }
    };
}
pub(super) use of_the_single_value;
