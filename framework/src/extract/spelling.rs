//! The canonical spelling of a value.
//!
//! A route's groups and an `#[invalidate]` are made from the text in the path, but the page is made from the value that
//! was parsed from it. If `/books/05` were the book 5 too, its page would be in the group `book:05` and survive an
//! invalidation of `book:5`. So a value is serialized after it was parsed, and a text that differs from the result is
//! rejected.
//!
//! This needs no list of types: a type `T` is written by its own `Serialize`, in the form that it has in JSON (a UUID
//! in lower case with hyphens, a date as `2026-03-01`). A type whose `Serialize` is not the inverse of its
//! `Deserialize` is rejected as well, each time, so the first test reveals it. Floats are written as by `{}`, and zero
//! has no sign.

use std::cell::Cell;
use std::fmt::{self, Display};

use serde::ser::{self, Impossible};
use serde::{Serialize, Serializer};

use super::decode_error::DecodeError;

/// The texts that a type reads, as far as its `Deserialize` reveals them.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reads {
    /// All texts.
    All,
    /// The texts with these names, for a struct.
    Names(&'static [&'static str]),
    /// The texts that the value writes back, for a map.
    Written,
}

/// Records the texts that a type reads during deserialization.
pub(super) type ReadsCell = Cell<Reads>;

/// One text that a value writes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Text {
    /// The field; `None` for the elements of a tuple and for a single value.
    name: Option<String>,
    /// `None` for the value `None`.
    text: Option<String>,
}

/// The texts that a value writes, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written(Vec<Text>);

impl Written {
    /// Serializes `value`.
    ///
    /// # Errors
    /// Fails if `value` writes something other than text: the type is at fault.
    pub(super) fn of<T: Serialize>(value: &T) -> Result<Written, DecodeError> {
        let mut texts = Vec::new();
        match value.serialize(Writer { texts: &mut texts, name: None }) {
            Ok(()) => Ok(Written(texts)),
            Err(NotText(what)) => Err(DecodeError::shape(format_args!(
                "the controller's type writes itself as {what}: its `Serialize` must write the \
                 text that its `Deserialize` reads"
            ))),
        }
    }

    /// Returns the texts without their names.
    pub(super) fn into_texts(self) -> Vec<String> {
        self.0.into_iter().filter_map(|text| text.text).collect()
    }

    /// Compares with the texts that the value was read from.
    ///
    /// # Errors
    /// Returns an error for the first text that differs from the one that the value writes.
    pub(super) fn check<'t>(
        &self,
        read: impl Iterator<Item = (&'t str, &'t str)> + Clone,
        reads: Reads,
    ) -> Result<(), DecodeError> {
        if self.is_nameless() {
            return self.check_in_order(read);
        }
        // Each name once: a name may have a thousand values.
        let mut checked: Vec<&str> = Vec::new();
        for (name, text) in read.clone() {
            if checked.contains(&name) {
                continue;
            }
            let mut written: Vec<&str> = self.named(name).collect();
            if written.is_empty() {
                let is_read = match reads {
                    Reads::All => true,
                    Reads::Names(names) => names.contains(&name),
                    Reads::Written => false,
                };
                if is_read && !text.is_empty() {
                    return Err(DecodeError::spelling(name, text, None));
                }
                continue;
            }
            let mut here: Vec<&str> =
                read.clone().filter(|(other, _)| *other == name).map(|(_, text)| text).collect();
            here.sort_unstable();
            written.sort_unstable();
            if here != written {
                let one = if let [one] = written[..] { Some(one) } else { None };
                return Err(DecodeError::spelling(name, text, one));
            }
            checked.push(name);
        }
        Ok(())
    }

    fn check_in_order<'t>(
        &self,
        read: impl Iterator<Item = (&'t str, &'t str)> + Clone,
    ) -> Result<(), DecodeError> {
        if read.clone().count() != self.0.len() {
            return Err(DecodeError::shape(
                "the controller's type does not write as many texts as it reads: its `Serialize` \
                 must write the text that its `Deserialize` reads",
            ));
        }
        for ((name, text), written) in read.zip(&self.0) {
            if written.text.as_deref().unwrap_or_default() != text {
                return Err(DecodeError::spelling(name, text, written.text.as_deref()));
            }
        }
        Ok(())
    }

    /// Compares like [`Written::check`], where the value may also be a sequence of pairs.
    pub(super) fn check_pairs<'t>(
        &self,
        read: impl Iterator<Item = (&'t str, &'t str)> + Clone,
        reads: Reads,
    ) -> Result<(), DecodeError> {
        if self.is_nameless() {
            return self.check_in_order(read.flat_map(|(name, text)| [(name, name), (name, text)]));
        }
        self.check(read, reads)
    }

    /// Returns the pairs of a query in canonical spelling. Pairs that the value does not write are copied from `read`.
    pub(super) fn respell<'t>(
        &'t self,
        read: impl Iterator<Item = (&'t str, &'t str)> + Clone,
    ) -> Vec<(&'t str, &'t str)> {
        if self.is_nameless() {
            let texts: Vec<&str> = self.0.iter().filter_map(|text| text.text.as_deref()).collect();
            return texts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        }
        let mut names: Vec<&str> = Vec::new();
        let mut pairs = Vec::new();
        for (name, text) in read {
            if self.named(name).next().is_none() {
                pairs.push((name, text));
            } else if !names.contains(&name) {
                names.push(name);
                pairs.extend(self.named(name).map(|text| (name, text)));
            }
        }
        pairs
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &str> {
        let texts = self.0.iter().filter(move |text| text.name.as_deref() == Some(name));
        texts.filter_map(|text| text.text.as_deref())
    }

    fn is_nameless(&self) -> bool {
        self.0.first().is_some_and(|text| text.name.is_none())
    }
}

/// The reason why a value is not one or several texts: the kind that it is instead.
#[derive(Debug)]
struct NotText(String);

impl Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotText {}

impl ser::Error for NotText {
    fn custom<T: Display>(reason: T) -> NotText {
        NotText(format!("nothing ({reason})"))
    }
}

/// Serializer of the texts under one name.
struct Writer<'w> {
    texts: &'w mut Vec<Text>,
    name: Option<String>,
}

impl Writer<'_> {
    fn write(self, text: impl Display) -> Result<(), NotText> {
        self.texts.push(Text { name: self.name, text: Some(text.to_string()) });
        Ok(())
    }

    fn nested(&self) -> Result<(), NotText> {
        match self.name {
            Some(_) => Err(NotText("a struct or map within another".to_owned())),
            None => Ok(()),
        }
    }
}

macro_rules! written {
    ($($method:ident: $type:ty),+ $(,)?) => {
        $(
            fn $method(self, value: $type) -> Result<(), NotText> {
                self.write(value)
            }
        )+
    };
}

macro_rules! not_text {
    ($($method:ident($($argument:ty),*) -> $result:ty = $what:literal),+ $(,)?) => {
        $(
            fn $method(self, $(_: $argument),*) -> Result<$result, NotText> {
                Err(NotText($what.to_owned()))
            }
        )+
    };
}

impl<'w> Serializer for Writer<'w> {
    type Ok = ();
    type Error = NotText;
    type SerializeSeq = Writer<'w>;
    type SerializeTuple = Writer<'w>;
    type SerializeTupleStruct = Writer<'w>;
    type SerializeTupleVariant = Impossible<(), NotText>;
    type SerializeMap = Writer<'w>;
    type SerializeStruct = Writer<'w>;
    type SerializeStructVariant = Impossible<(), NotText>;

    written! {
        serialize_bool: bool,
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_u128: u128,
        serialize_char: char,
        serialize_str: &str,
    }

    not_text! {
        serialize_bytes(&[u8]) -> () = "bytes",
        serialize_unit() -> () = "a unit",
        serialize_unit_struct(&'static str) -> () = "a unit",
        serialize_tuple_variant(&'static str, u32, &'static str, usize)
            -> Impossible<(), NotText> = "a variant with fields",
        serialize_struct_variant(&'static str, u32, &'static str, usize)
            -> Impossible<(), NotText> = "a variant with fields",
    }

    /// Adding zero removes the sign of a negative zero.
    fn serialize_f32(self, value: f32) -> Result<(), NotText> {
        self.write(value + 0.0)
    }

    fn serialize_f64(self, value: f64) -> Result<(), NotText> {
        self.write(value + 0.0)
    }

    fn serialize_none(self) -> Result<(), NotText> {
        self.texts.push(Text { name: self.name, text: None });
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NotText> {
        value.serialize(self)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), NotText> {
        self.write(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), NotText> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<(), NotText> {
        Err(NotText("a variant with fields".to_owned()))
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Writer<'w>, NotText> {
        Ok(self)
    }

    fn serialize_tuple(self, _length: usize) -> Result<Writer<'w>, NotText> {
        Ok(self)
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> Result<Writer<'w>, NotText> {
        Ok(self)
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Writer<'w>, NotText> {
        self.nested()?;
        Ok(self)
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Writer<'w>, NotText> {
        self.nested()?;
        Ok(self)
    }
}

macro_rules! elements {
    ($($of:ident::$method:ident),+ $(,)?) => {
        $(
            impl ser::$of for Writer<'_> {
                type Ok = ();
                type Error = NotText;

                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotText> {
                    value.serialize(Writer { texts: self.texts, name: self.name.clone() })
                }

                fn end(self) -> Result<(), NotText> {
                    Ok(())
                }
            }
        )+
    };
}

elements! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
}

impl ser::SerializeStruct for Writer<'_> {
    type Ok = ();
    type Error = NotText;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), NotText> {
        value.serialize(Writer { texts: self.texts, name: Some(name.to_owned()) })
    }

    fn end(self) -> Result<(), NotText> {
        Ok(())
    }
}

impl ser::SerializeMap for Writer<'_> {
    type Ok = ();
    type Error = NotText;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotText> {
        let mut texts = Vec::new();
        key.serialize(Writer { texts: &mut texts, name: None })?;
        self.name = texts.pop().and_then(|text| text.text);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotText> {
        value.serialize(Writer { texts: self.texts, name: self.name.take() })
    }

    fn end(self) -> Result<(), NotText> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
