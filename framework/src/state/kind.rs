//! The kind of an update, without its contents: its variant, where its type is an enum.
//!
//! `Serialize` reports the variant of an enum in one of these ways:
//!
//! - By a call of its own, for an enum without an attribute of serde, and for one with `tag` and `content`.
//! - As a text in the first entry of a struct or map, for an enum with `tag`. Every struct that begins with a
//!   text looks the same, so the type is tested: it has to deserialise an entry with a text that is no
//!   variant's name. If its error reports an unknown variant and lists the text among the known ones, the text
//!   is the variant's name.
//! - Not at all, for an enum with `untagged`. Then the value's discriminant counts, in the numbering of this
//!   program.
//!
//! Variants are also searched for in the fields of an update, because an update may be a struct that contains
//! an enum, and in a variant's value, because it may be an enum of enums; in a variant's value a `tag` counts
//! as content. Everything deeper is content, too. So are texts, numbers and absent values: a controller may
//! have drawn them at random, or read them from a clock. The keys of a map count as names: with `flatten`, a
//! variant is one of them. A `tag` within `flatten` is content.

use std::fmt::{self, Display};
use std::hash::Hash;
use std::iter;
use std::mem::discriminant;

use serde::de::value::MapDeserializer;
use serde::de::{self, DeserializeOwned, IntoDeserializer, Visitor};
use serde::ser::{self, Serialize};
use serde::{Deserializer, Serializer, forward_to_deserialize_any};
use xxhash_rust::xxh3::Xxh3;

/// The longest text that may be the name of a variant, in bytes.
const LONGEST_NAME: usize = 256;

/// Returns the kind of an update of this state.
pub(super) fn kind_of<U: Serialize + DeserializeOwned>(state: &str, update: &U) -> u64 {
    let mut found = Found::default();
    // If serialising fails, the names that were found until then are the kind.
    let _ = update.serialize(Part::whole(&mut found));
    let mut hasher = Xxh3::new();
    let mut add = |name: &str| {
        hasher.update(name.as_bytes());
        hasher.update(&[0xff]);
    };
    add(state);
    found.names.iter().for_each(|name| add(name));
    let mut is_named = found.is_named;
    for (path, name) in found.texts {
        if is_variant::<U>(&path, &name) {
            add(&name);
            is_named |= path.len() == 1;
        }
    }
    if !is_named {
        discriminant(update).hash(&mut hasher);
    }
    hasher.digest()
}

/// Returns whether the text at the end of this path is the name of a variant.
fn is_variant<U: DeserializeOwned>(path: &[String], name: &str) -> bool {
    let unknown = U::deserialize(AtPath(path)).err().and_then(|error| error.0);
    unknown.is_some_and(|variants| variants.contains(&name))
}

/// The names that an update reports while it is serialised.
#[derive(Default)]
struct Found {
    /// The names of variants, and keys.
    names: Vec<String>,
    /// Whether the update itself has reported its variant.
    is_named: bool,
    /// Texts that may be names of variants, with the keys that lead to them.
    texts: Vec<(Vec<String>, String)>,
}

/// An update, or a part of it, while it is serialised.
struct Part<'a> {
    found: &'a mut Found,
    /// 0 for the update, 1 for its fields, 2 for anything deeper.
    depth: u8,
    /// The keys that lead to it, or `None` if something other than keys does.
    path: Option<Vec<String>>,
    /// Whether it is the first among its siblings.
    is_first: bool,
}

impl<'a> Part<'a> {
    fn whole(found: &'a mut Found) -> Part<'a> {
        Part { found, depth: 0, path: Some(Vec::new()), is_first: false }
    }

    fn text(self, text: &str) {
        if self.is_first
            && text.len() <= LONGEST_NAME
            && let Some(path) = self.path
        {
            self.found.texts.push((path, text.to_owned()));
        }
    }

    fn variant(&mut self, variant: &str) {
        self.found.names.push(variant.to_owned());
        self.found.is_named |= self.depth == 0;
    }

    /// The value within a variant.
    fn within(self) -> Part<'a> {
        Part { depth: self.depth.max(1), path: None, is_first: false, ..self }
    }

    fn parts(self) -> Result<Parts<'a>, Unknown> {
        Ok(Parts { part: self, given: 0, key: String::new() })
    }
}

macro_rules! is_content {
    ($($serialize:ident($value:ty))*) => {$(
        fn $serialize(self, _: $value) -> Result<(), Unknown> {
            Ok(())
        }
    )*};
}

impl<'a> Serializer for Part<'a> {
    type Ok = ();
    type Error = Unknown;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    is_content! {
        serialize_bool(bool) serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_i128(i128) serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64)
        serialize_u128(u128) serialize_f32(f32) serialize_f64(f64) serialize_char(char) serialize_bytes(&[u8])
        serialize_unit_struct(&'static str)
    }

    fn serialize_str(self, text: &str) -> Result<(), Unknown> {
        self.text(text);
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), Unknown> {
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unknown> {
        Ok(())
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Unknown> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unknown> {
        value.serialize(self)
    }

    fn serialize_unit_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Unknown> {
        self.variant(variant);
        self.text(variant);
        Ok(())
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unknown> {
        self.variant(variant);
        value.serialize(self.within())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a>, Unknown> {
        // The elements are content.
        Part { depth: 2, ..self }.parts()
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'a>, Unknown> {
        self.parts()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, Unknown> {
        self.parts()
    }

    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Unknown> {
        self.variant(variant);
        Part { path: None, ..self }.parts()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'a>, Unknown> {
        self.parts()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, Unknown> {
        self.parts()
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        number: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Parts<'a>, Unknown> {
        self.serialize_tuple_variant(name, number, variant, length)
    }

    fn is_human_readable(&self) -> bool {
        // In this form an IP address is a text, not an enum.
        true
    }
}

/// The elements, fields or entries of a part.
struct Parts<'a> {
    part: Part<'a>,
    given: usize,
    /// The key of the next entry of a map.
    key: String,
}

impl Parts<'_> {
    fn add<T: ?Sized + Serialize>(&mut self, key: Option<&str>, value: &T) -> Result<(), Unknown> {
        let Part { found, depth, path, .. } = &mut self.part;
        let is_first = self.given == 0;
        self.given += 1;
        // Within a field, only the first entry may be a name.
        if *depth > 1 || *depth == 1 && !is_first {
            return Ok(());
        }
        let path = path.iter().zip(key).next();
        let path = path.map(|(path, key)| [&path[..], &[key.to_owned()]].concat());
        value.serialize(Part { found, depth: *depth + 1, path, is_first })
    }
}

macro_rules! adds {
    ($($kind:ident: $serialize:ident($($key:ident)?);)*) => {$(
        impl ser::$kind for Parts<'_> {
            type Ok = ();
            type Error = Unknown;

            fn $serialize<T: ?Sized + Serialize>(
                &mut self,
                $($key: &'static str,)?
                value: &T,
            ) -> Result<(), Unknown> {
                let key: &[&str] = &[$($key)?];
                self.add(key.first().copied(), value)
            }

            fn end(self) -> Result<(), Unknown> {
                Ok(())
            }
        }
    )*};
}

adds! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeStruct: serialize_field(key);
    SerializeStructVariant: serialize_field(key);
}

impl ser::SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Unknown;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Unknown> {
        let mut found = Found::default();
        key.serialize(Part { is_first: true, ..Part::whole(&mut found) })?;
        self.key = found.texts.pop().map(|(_, key)| key).unwrap_or_default();
        if self.part.depth == 0 {
            self.part.found.names.push(self.key.clone());
        }
        Ok(())
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Unknown> {
        let key = std::mem::take(&mut self.key);
        self.add(Some(&key), value)
    }

    fn end(self) -> Result<(), Unknown> {
        Ok(())
    }
}

/// Nested maps with one entry each; the end of this path is a text that is no variant's name.
struct AtPath<'a>(&'a [String]);

impl<'de> Deserializer<'de> for AtPath<'_> {
    type Error = Unknown;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unknown> {
        match self.0 {
            [] => visitor.visit_str("\0"),
            [key, rest @ ..] => {
                visitor.visit_map(MapDeserializer::new(iter::once((key.as_str(), AtPath(rest)))))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unknown> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unknown> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unknown> {
        let text: de::value::StrDeserializer<'_, Unknown> = "\0".into_deserializer();
        match self.0 {
            [] => text.deserialize_enum(name, variants, visitor),
            [..] => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Unknown> for AtPath<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The error of reading or writing. If the cause is an unknown variant, it contains the known ones.
#[derive(Debug)]
struct Unknown(Option<&'static [&'static str]>);

impl Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is not of this type")
    }
}

impl std::error::Error for Unknown {}

impl ser::Error for Unknown {
    fn custom<T: Display>(_: T) -> Unknown {
        Unknown(None)
    }
}

impl de::Error for Unknown {
    fn custom<T: Display>(_: T) -> Unknown {
        Unknown(None)
    }

    fn unknown_variant(_: &str, variants: &'static [&'static str]) -> Unknown {
        Unknown(Some(variants))
    }
}

#[cfg(test)]
mod tests;
