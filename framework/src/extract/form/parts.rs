//! Deserializer of the fields of a multipart/form-data form.

use std::borrow::Cow;

use serde::de::value::SeqDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::file::{FILE, FormFile};
use crate::extract::fields::{self, Pair};
use crate::extract::spelling::{Reads, ReadsCell};
use crate::extract::{DecodeError, Multipart, MultipartError};

/// The received fields, by kind. Text fields are decoded as those of any other form.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) texts: Vec<Pair<'static>>,
    pub(super) files: Vec<File>,
    /// The names of fields whose files exceeded their limit.
    pub(super) too_large: Vec<String>,
}

/// A file of the field with this name.
type File = (String, FormFile);

impl Parts {
    /// Reads all fields. `most` returns the maximum size of a file for a name. Together they may have at most the
    /// request's `body_limit`.
    pub(super) async fn read(
        mut form: Multipart,
        most: impl Fn(&str) -> u64,
    ) -> Result<Parts, MultipartError> {
        let mut parts = Parts::default();
        while let Some(field) = form.next_field().await? {
            field.weigh_head()?;
            let name = field.name().to_owned();
            let Some(file_name) = field.file_name().map(str::to_owned) else {
                parts.texts.push((Cow::Owned(name), Cow::Owned(field.text().await?)));
                continue;
            };
            let content_type = field.content_type().map(str::to_owned);
            let most = most(&name);
            let Some(content) = field.bytes_up_to(most).await? else {
                parts.too_large.push(name);
                continue;
            };
            // Browsers send this if no file was chosen.
            if content.is_empty() && file_name.is_empty() {
                continue;
            }
            parts.files.push((name, FormFile { name: Some(file_name), content_type, content }));
        }
        parts.files.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(parts)
    }

    pub(super) fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        if self.files.is_empty() {
            return fields::decode_pairs(&self.texts);
        }
        let files = &*self.files;
        let decode =
            |texts: &[Pair<'static>], reads: &_| T::deserialize(Sent { texts, files, reads });
        fields::without_empty(&mut Cow::Borrowed(&*self.texts), decode)
    }
}

/// Deserializer of all fields.
#[derive(Clone, Copy)]
struct Sent<'a> {
    texts: &'a [Pair<'static>],
    files: &'a [File],
    reads: &'a ReadsCell,
}

impl<'de> Deserializer<'de> for Sent<'_> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let mut texts: Vec<&Pair<'_>> = self.texts.iter().collect();
        texts.sort_by(|a, b| a.0.cmp(&b.0));
        visitor.visit_map(ByName { texts: &texts, files: self.files, is_file: false })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.reads.set(Reads::Names(fields));
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf seq
        tuple tuple_struct map enum unit unit_struct identifier ignored_any
    }
}

/// The fields, grouped by name: text fields, then files.
struct ByName<'a> {
    texts: &'a [&'a Pair<'static>],
    files: &'a [File],
    /// Whether the next value is a list of files.
    is_file: bool,
}

impl<'de> MapAccess<'de> for ByName<'_> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        self.is_file = self.texts.is_empty();
        let name: &str = match (self.texts, self.files) {
            ([text, ..], _) => &text.0,
            ([], [(name, _), ..]) => name,
            ([], []) => return Ok(None),
        };
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, DecodeError> {
        if self.is_file {
            let same = self.files.partition_point(|(name, _)| *name == self.files[0].0);
            let (files, rest) = self.files.split_at(same);
            self.files = rest;
            return seed.deserialize(Files(files));
        }
        let same = self.texts.partition_point(|text| text.0 == self.texts[0].0);
        let (values, rest) = self.texts.split_at(same);
        self.texts = rest;
        seed.deserialize(fields::Field { name: &values[0].0, values })
    }
}

/// All files of one name, in order. Never empty.
#[derive(Clone, Copy)]
struct Files<'a>(&'a [File]);

impl<'a> Files<'a> {
    fn error(self, reason: &str) -> DecodeError {
        DecodeError::custom(reason).at(&self.0[0].0)
    }
}

impl<'de> IntoDeserializer<'de, DecodeError> for Files<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Files<'_> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, DecodeError> {
        Err(self.error("it must be text, not a file"))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if name != FILE {
            return visitor.visit_newtype_struct(self);
        }
        match self.0 {
            [(_, file)] => file.clone().hand_to(visitor),
            _ => Err(self.error("there are several files, but one is expected")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let each = self.0.iter().map(|file| Files(std::slice::from_ref(file)));
        visitor.visit_seq(SeqDeserializer::new(each))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        tuple tuple_struct map struct enum unit unit_struct identifier
    }
}
