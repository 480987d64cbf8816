//! The shape of a type: the names and kinds that its `Deserialize` requests, including those of nested types.
//!
//! Two programs whose types have the same shape encode equal values alike, unless a `Serialize` was written by
//! hand. So the shape is a part of [`States::fingerprint`](super::States::fingerprint): a field that is added
//! to a row, or to a struct within a row, changes it, though it needs no new version.
//!
//! The type is deserialised from a source that answers each request with the emptiest value of the requested
//! kind, and notes the request. Each reading takes another path through enums, and begins with another field of
//! structs. If a type refuses such a value, its later requests in this reading are missing, which can only make
//! two different shapes equal.

use std::cell::RefCell;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::de::value::Error;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

/// The depth of nested values from which on lists and maps are empty and options absent.
const DEEPEST: u8 = 8;
/// The maximum number of readings of a type.
const MOST_READINGS: usize = 64;
/// The maximum length of the notes, in bytes.
const LONGEST: usize = 64 << 10;

/// Returns the shape of `T`.
pub(super) fn shape_of<T: DeserializeOwned>() -> u64 {
    let questions = RefCell::new(Questions { reading: 0, ways: 1, text: String::new() });
    for reading in 0..MOST_READINGS {
        {
            let mut questions = questions.borrow_mut();
            if reading >= questions.ways {
                break;
            }
            questions.reading = reading;
        }
        let source = Source { questions: &questions, depth: 0 };
        // This runs the site's code. Its result does not matter.
        let _ = catch_unwind(AssertUnwindSafe(|| T::deserialize(source).map(drop)));
    }
    xxhash_rust::xxh3::xxh3_64(questions.into_inner().text.as_bytes())
}

struct Questions {
    /// The number of this reading.
    reading: usize,
    /// The number of readings to make: the largest number of variants or fields of an enum or struct.
    ways: usize,
    text: String,
}

#[derive(Clone, Copy)]
struct Source<'a> {
    questions: &'a RefCell<Questions>,
    depth: u8,
}

impl Source<'_> {
    fn note(&self, kind: &str, names: &[&str]) -> Result<(), Error> {
        let mut questions = self.questions.borrow_mut();
        if questions.text.len() > LONGEST {
            return Err(de::Error::custom("the type is too large"));
        }
        questions.ways = questions.ways.max(names.len());
        let _ = writeln!(questions.text, "{kind} {}", names.join(" "));
        Ok(())
    }

    /// Returns the number of the name, out of this many, that this reading uses.
    fn turn(&self, names: usize) -> usize {
        self.questions.borrow().reading % names.max(1)
    }

    fn deeper(self) -> Self {
        Source { depth: self.depth + 1, ..self }
    }

    fn is_deepest(self) -> bool {
        self.depth >= DEEPEST
    }
}

macro_rules! answer {
    ($($ask:ident: $visit:ident($value:expr);)*) => {$(
        fn $ask<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.note(stringify!($ask), &[])?;
            visitor.$visit($value)
        }
    )*};
}

impl<'de> Deserializer<'de> for Source<'_> {
    type Error = Error;

    answer! {
        deserialize_bool: visit_bool(false);
        deserialize_i8: visit_i8(0);
        deserialize_i16: visit_i16(0);
        deserialize_i32: visit_i32(0);
        deserialize_i64: visit_i64(0);
        deserialize_i128: visit_i128(0);
        deserialize_u8: visit_u8(0);
        deserialize_u16: visit_u16(0);
        deserialize_u32: visit_u32(0);
        deserialize_u64: visit_u64(0);
        deserialize_u128: visit_u128(0);
        deserialize_f32: visit_f32(0.0);
        deserialize_f64: visit_f64(0.0);
        deserialize_char: visit_char(' ');
        deserialize_str: visit_str("");
        deserialize_string: visit_str("");
        deserialize_bytes: visit_bytes(&[]);
        deserialize_byte_buf: visit_bytes(&[]);
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note("any", &[])?;
        visitor.visit_unit()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note("unit", &[])?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note("option", &[])?;
        match self.is_deepest() {
            true => visitor.visit_none(),
            false => visitor.visit_some(self.deeper()),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self.deeper())
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note("seq", &[])?;
        visitor.visit_seq(Elements { source: self, left: usize::from(!self.is_deepest()) })
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.note("tuple", &[])?;
        visitor.visit_seq(Elements { source: self, left: length })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note("map", &[])?;
        visitor.visit_map(Elements { source: self, left: usize::from(!self.is_deepest()) })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.note("struct", fields)?;
        visitor.visit_map(NamedFields { source: self, fields, given: 0 })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.note("enum", variants)?;
        let turn = self.turn(variants.len());
        let variant = variants.get(turn).ok_or_else(|| de::Error::custom("it has no variant"))?;
        visitor.visit_enum(Variant { source: self, variant })
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! { identifier ignored_any }
}

/// The elements of a list or a tuple, or the entries of a map.
struct Elements<'a> {
    source: Source<'a>,
    left: usize,
}

impl<'de> de::SeqAccess<'de> for Elements<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(self.source.deeper()).map(Some)
    }
}

impl<'de> de::MapAccess<'de> for Elements<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        de::SeqAccess::next_element_seed(self, seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(self.source.deeper())
    }
}

/// The fields of a struct, beginning with the one that this reading uses first.
struct NamedFields<'a> {
    source: Source<'a>,
    fields: &'static [&'static str],
    given: usize,
}

impl<'de> de::MapAccess<'de> for NamedFields<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        if self.given == self.fields.len() {
            return Ok(None);
        }
        let turn = (self.source.turn(self.fields.len()) + self.given) % self.fields.len();
        self.given += 1;
        seed.deserialize(self.fields[turn].into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(self.source.deeper())
    }
}

struct Variant<'a> {
    source: Source<'a>,
    variant: &'static str,
}

impl<'de, 'a> de::EnumAccess<'de> for Variant<'a> {
    type Error = Error;
    type Variant = Source<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Source<'a>), Error> {
        let variant = seed.deserialize(self.variant.into_deserializer())?;
        Ok((variant, self.source.deeper()))
    }
}

impl<'de> de::VariantAccess<'de> for Source<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_struct("", fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    /// The shape of a type that is declared here.
    macro_rules! shape {
        ($root:ident: $($declared:item)*) => {{
            #[allow(dead_code, reason = "only its shape counts")]
            fn shape() -> u64 {
                $(#[derive(Deserialize)] $declared)*
                shape_of::<$root>()
            }
            shape()
        }};
    }

    #[test]
    fn different_encodings_have_different_shapes() {
        let shapes = [
            shape!(Row: struct Row { id: u64, tags: Vec<Tag> } struct Tag { name: String }),
            shape!(Row: struct Row { id: u32, tags: Vec<Tag> } struct Tag { name: String }),
            shape!(Row: struct Row { id: u64, tags: Vec<Tag>, more: u8 } struct Tag { name: String }),
            shape!(Row: struct Row { id: u64, tags: Vec<Tag> } struct Tag { name: String, more: u8 }),
            shape!(Row: struct Row { id: u64, tags: Vec<Tag> } struct Tag { title: String }),
            shape!(Row: struct Row { id: u64, tags: Vec<Tag> } enum Tag { A, B { name: String } }),
            shape!(Row: struct Row { id: u64, tags: Vec<Tag> } enum Tag { A, B { name: u8 } }),
            shape!(Row: struct Row { id: u64, tags: Vec<Tag> } enum Tag { A, B(String) }),
            shape!(Row: struct Row { id: u64, tags: Vec<Tag> } enum Tag { A, B(u8) }),
            shape!(Row: struct Row { id: u64, tags: BTreeMap<u8, Tag> } struct Tag { name: String }),
            shape!(Row: struct Row { id: u64, tags: BTreeMap<u8, Tag> } struct Tag { name: u8 }),
            shape!(Row: struct Row { id: u64, tags: BTreeMap<u16, Tag> } struct Tag { name: u8 }),
            shape!(Row: struct Row { id: u64, tags: Option<Tag> } struct Tag { name: String }),
            shape!(Row: struct Row { id: u64, tags: Option<Tag> } struct Tag { name: u8 }),
            shape!(Row: struct Row { id: u64, tags: (u8, Tag) } struct Tag { name: String }),
            shape!(Row: struct Row { id: u64, tags: (u8, Tag) } struct Tag { name: u8 }),
        ];
        let mut distinct = shapes.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), shapes.len(), "{shapes:?}");
    }

    #[test]
    fn fields_after_a_value_that_cannot_be_empty_count_too() {
        let shape = |shapes: [u64; 2]| assert_ne!(shapes[0], shapes[1]);
        shape([
            shape!(Row: struct Row { n: std::num::NonZeroU8, tag: Tag } struct Tag { name: String }),
            shape!(Row: struct Row { n: std::num::NonZeroU8, tag: Tag } struct Tag { name: u8 }),
        ]);
        // A struct whose field has two names receives both.
        shape([
            shape!(Row: struct Row { #[serde(alias = "m")] n: u8, tag: Tag } struct Tag { name: String }),
            shape!(Row: struct Row { #[serde(alias = "m")] n: u8, tag: Tag } struct Tag { name: u8 }),
        ]);
    }

    #[test]
    fn a_recursive_type_has_one_shape() {
        #[derive(Deserialize)]
        #[allow(dead_code, reason = "only its shape counts")]
        struct Tree {
            left: Option<Box<Tree>>,
            right: Option<Box<Tree>>,
            more: BTreeMap<String, Vec<Tree>>,
        }
        assert_eq!(shape_of::<Tree>(), shape_of::<Tree>());
        assert_ne!(shape_of::<Tree>(), shape_of::<Option<Tree>>());
    }

    #[test]
    fn a_type_that_panics_has_a_shape() {
        struct Strict;

        impl<'de> Deserialize<'de> for Strict {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Strict, D::Error> {
                let text = String::deserialize(deserializer)?;
                assert!(!text.is_empty(), "there is a text");
                Ok(Strict)
            }
        }

        assert_eq!(shape_of::<Strict>(), shape_of::<String>());
    }

    #[test]
    fn a_type_with_very_many_paths_is_read_up_to_a_limit() {
        #[derive(Deserialize)]
        #[allow(dead_code, reason = "only its shape counts")]
        struct Branches {
            first: [Option<Box<Branches>>; 16],
            second: [Option<Box<Branches>>; 16],
        }
        let began = std::time::Instant::now();
        assert_eq!(shape_of::<Branches>(), shape_of::<Branches>());
        assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    }
}
