use std::cell::Cell;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use crate::extract::DecodeError;

/// The name of the newtype that [`FormFile`] requests from a deserializer, because serde has no type for files.
pub(super) const FILE: &str = "$headwater::FormFile";

/// File types that browsers display: media type, extension, and signature at the beginning of the content.
const SIGNED: [(&str, &str, &[u8]); 5] = [
    ("image/png", "png", b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", "jpg", b"\xff\xd8\xff"),
    ("image/gif", "gif", b"GIF8"),
    ("image/webp", "webp", b"RIFF"),
    ("application/pdf", "pdf", b"%PDF-"),
];

/// A file that was sent with a form, for a field of the type that [`Form`](super::Form) takes. Its whole content is in
/// memory.
///
/// `Option<FormFile>` is `None` and `Vec<FormFile>` is empty if no file was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormFile {
    pub(super) name: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) content: Bytes,
}

impl FormFile {
    /// Creates a file, for tests of controllers.
    pub fn new(content: impl Into<Bytes>) -> FormFile {
        FormFile { name: None, content_type: None, content: content.into() }
    }

    /// Returns the name of the file on the visitor's machine. It is untrusted input: do not use it as a path.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns the media type that the client declares for the file.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// Returns the content.
    pub fn content(&self) -> &Bytes {
        &self.content
    }

    /// Returns the content and drops the rest.
    pub fn into_content(self) -> Bytes {
        self.content
    }

    /// Returns whether the content begins with the signature of this media type, or the type has no known signature.
    pub(crate) fn may_be(&self, media_type: &str) -> bool {
        let known = SIGNED.iter().find(|(known, _, _)| *known == media_type);
        known.is_none_or(|(_, _, signature)| self.content.starts_with(signature))
    }

    /// Returns the extension for a file with this content: `bin` if it has no known signature.
    pub(crate) fn extension(&self) -> &'static str {
        let mut signed = SIGNED.iter();
        let known = signed.find(|(_, _, signature)| self.content.starts_with(signature));
        known.map_or("bin", |(_, extension, _)| extension)
    }

    /// Passes the file to a visitor that has requested a [`FILE`].
    pub(super) fn hand_to<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        HANDED.set(Some(self));
        visitor.visit_unit()
    }
}

thread_local! {
    /// The file for the visitor that is called next. None of serde's types can pass it without a copy of its content.
    static HANDED: Cell<Option<FormFile>> = const { Cell::new(None) };
}

impl<'de> Deserialize<'de> for FormFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FormFile, D::Error> {
        deserializer.deserialize_newtype_struct(FILE, Asking)
    }
}

/// The visitor that requests a file.
struct Asking;

impl<'de> Visitor<'de> for Asking {
    type Value = FormFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_unit<E: Error>(self) -> Result<FormFile, E> {
        HANDED.take().ok_or_else(|| E::custom(EXPECTED))
    }

    /// Fails, because the deserializer has no file.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, _: D) -> Result<FormFile, D::Error> {
        Err(D::Error::custom(EXPECTED))
    }
}

const EXPECTED: &str = "it must be a file, sent as multipart/form-data";
