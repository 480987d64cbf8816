use std::cell::Cell;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use crate::extract::DecodeError;

/// How a [`FormFile`] asks for its content: serde knows no files.
pub(super) const FILE: &str = "$headwater::FormFile";

/// What files begin with that browsers show by themselves, with their media type and what their names end in.
const SIGNED: [(&str, &str, &[u8]); 5] = [
    ("image/png", "png", b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", "jpg", b"\xff\xd8\xff"),
    ("image/gif", "gif", b"GIF8"),
    ("image/webp", "webp", b"RIFF"),
    ("application/pdf", "pdf", b"%PDF-"),
];

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

    /// Whether files of this media type begin as this one does, as far as they have a signature.
    pub(crate) fn may_be(&self, media_type: &str) -> bool {
        let known = SIGNED.iter().find(|(known, _, _)| *known == media_type);
        known.is_none_or(|(_, _, signature)| self.content.starts_with(signature))
    }

    /// What the name of a file with this content ends in: `bin` where it has no signature.
    pub(crate) fn extension(&self) -> &'static str {
        let mut signed = SIGNED.iter();
        let known = signed.find(|(_, _, signature)| self.content.starts_with(signature));
        known.map_or("bin", |(_, extension, _)| extension)
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
