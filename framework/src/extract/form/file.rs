use std::cell::Cell;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use crate::extract::DecodeError;

/// How a [`FormFile`] asks for its content: serde knows no files.
pub(super) const FILE: &str = "$headwater::FormFile";

/// A file that was sent with a form, for a field of the type that [`Form`](super::Form) takes. It is in
/// memory as a whole.
///
/// `Option<FormFile>` is `None` and `Vec<FormFile>` is empty where no file was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormFile {
    pub(super) name: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) content: Bytes,
}

impl FormFile {
    /// A file: to try a controller in a test.
    pub fn new(content: impl Into<Bytes>) -> FormFile {
        FormFile { name: None, content_type: None, content: content.into() }
    }

    /// The name that the file has on the visitor's machine. It is whatever was sent: do not use it as
    /// a path.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The media type that the visitor's machine thinks the file has.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// The content.
    pub fn content(&self) -> &Bytes {
        &self.content
    }

    /// The content alone.
    pub fn into_content(self) -> Bytes {
        self.content
    }

    /// Hands the file to a visitor that has asked for a [`FILE`].
    pub(super) fn hand_to<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        HANDED.set(Some(self));
        visitor.visit_unit()
    }
}

thread_local! {
    /// The file on its way to the visitor that is called next: none of serde's types holds it without
    /// a copy of its content.
    static HANDED: Cell<Option<FormFile>> = const { Cell::new(None) };
}

impl<'de> Deserialize<'de> for FormFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FormFile, D::Error> {
        deserializer.deserialize_newtype_struct(FILE, Asking)
    }
}

/// What asks for a file.
struct Asking;

impl<'de> Visitor<'de> for Asking {
    type Value = FormFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_unit<E: Error>(self) -> Result<FormFile, E> {
        HANDED.take().ok_or_else(|| E::custom(EXPECTED))
    }

    /// There is something else.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, _: D) -> Result<FormFile, D::Error> {
        Err(D::Error::custom(EXPECTED))
    }
}

const EXPECTED: &str = "it must be a file, sent as multipart/form-data";
