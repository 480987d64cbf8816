//! Reads packed values and serializes them.

use std::cell::Cell;

use serde::ser::{Error as _, SerializeMap, SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};

use super::mark::MarkKind;
use super::{
    DEPTH, FALSE, FLOAT, Kind, LIST, MARKED, MOST_VALUES, NEGATIVE, NONE, OBJECT, TEXT, TRUE,
    UNSIGNED, names,
};

/// The maximum size of a list or object for which memory is reserved before its values are read.
const ROOM: usize = 1024;

/// The reason why bytes are not packed values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("the packed values end too early")]
    Torn,
    #[error("there are bytes after the end of the packed values")]
    TooLong,
    #[error("there are more than {MOST_VALUES} packed values")]
    TooMany,
    #[error("packed values are nested more than {DEPTH} lists and objects deep")]
    TooDeep,
    #[error("a packed value cannot begin with {0}")]
    UnknownTag(u8),
    #[error("there is no shape with the number {0}")]
    UnknownShape(u32),
    #[error("{0} is not a kind of shape")]
    UnknownKind(u8),
    #[error("a packed text is not in UTF-8")]
    NoText,
    #[error("a packed number has more than 64 bits")]
    NoNumber,
    #[error("{0} is not a kind of mark")]
    UnknownMark(u8),
}

/// Reads packed values to their end. Each name and its value are passed to `member`, which must serialize the
/// value once; a later value replaces an earlier one with the same name.
pub fn read<E>(
    bytes: &[u8],
    mut member: impl FnMut(&str, &Node<'_>) -> Result<(), E>,
) -> Result<Result<(), E>, Malformed> {
    read_noting_marks(bytes, |name, value| member(name, value)).map(|read| read.map(|_| ()))
}

/// Like [`read`], and returns whether any value has a mark.
pub(crate) fn read_noting_marks<E>(
    bytes: &[u8],
    mut member: impl FnMut(&str, &Node<'_>) -> Result<(), E>,
) -> Result<Result<bool, E>, Malformed> {
    let reader = Reader::new(bytes)?;
    while let Some(name) = reader.member()? {
        if let Err(error) = member(name, &Node(&reader)) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(reader.has_marks.get()))
}

/// The keys of objects.
struct Shape<'a> {
    keys: Vec<&'a str>,
    /// The same keys, if they are those of a struct.
    fields: Option<Vec<&'static str>>,
}

pub(super) struct Reader<'a> {
    /// The bytes that are not read yet.
    bytes: Cell<&'a [u8]>,
    shapes: Vec<Shape<'a>>,
    /// The number of values that were read so far.
    values: Cell<usize>,
    depth: Cell<usize>,
    has_marks: Cell<bool>,
}

impl<'a> Shape<'a> {
    fn read_all(bytes: &'a [u8]) -> Result<Vec<Shape<'a>>, Malformed> {
        let reader = Reader::of(bytes, Vec::new());
        let mut shapes = Vec::new();
        for _ in 0..reader.length()? {
            let kind = reader.byte()?;
            let mut keys = Vec::new();
            for _ in 0..reader.length()? {
                reader.count()?;
                keys.push(reader.text()?);
            }
            reader.count()?;
            let fields = match kind {
                _ if kind == Kind::Map as u8 => None,
                _ if kind == Kind::Struct as u8 => names::kept(&keys),
                kind => return Err(Malformed::UnknownKind(kind)),
            };
            shapes.push(Shape { keys, fields });
        }
        if reader.bytes.get().is_empty() { Ok(shapes) } else { Err(Malformed::TooLong) }
    }
}

impl<'a> Reader<'a> {
    /// Returns a reader at the first member.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Reader<'a>, Malformed> {
        let (start, bytes) = bytes.split_first_chunk().ok_or(Malformed::Torn)?;
        let start = u32::from_le_bytes(*start) as usize;
        let (members, shapes) = bytes.split_at_checked(start).ok_or(Malformed::Torn)?;
        Ok(Reader::of(members, Shape::read_all(shapes)?))
    }

    fn of(bytes: &'a [u8], shapes: Vec<Shape<'a>>) -> Reader<'a> {
        let (bytes, has_marks) = (Cell::new(bytes), Cell::new(false));
        Reader { bytes, shapes, values: Cell::new(0), depth: Cell::new(0), has_marks }
    }

    /// Returns the name of the next member, whose value must be read next.
    pub(super) fn member(&self) -> Result<Option<&'a str>, Malformed> {
        if self.bytes.get().is_empty() { Ok(None) } else { self.text().map(Some) }
    }

    /// Returns the tag with which the next value begins. For each of its marks, calls `mark` with the kind, and
    /// then with each group of the mark.
    pub(super) fn tag(
        &self,
        mut mark: impl FnMut(MarkKind, Option<&'a str>),
    ) -> Result<u8, Malformed> {
        loop {
            let tag = self.byte()?;
            if tag != MARKED {
                return Ok(tag);
            }
            self.has_marks.set(true);
            let kind = self.byte()?;
            let kind = MarkKind::of(kind).ok_or(Malformed::UnknownMark(kind))?;
            mark(kind, None);
            for _ in 0..self.length()? {
                mark(kind, Some(self.text()?));
            }
        }
    }

    /// Reads the shape of an object, and returns its keys.
    pub(super) fn keys(&self) -> Result<&[&'a str], Malformed> {
        Ok(&self.shape()?.keys)
    }

    fn count(&self) -> Result<(), Malformed> {
        let values = self.values.get() + 1;
        self.values.set(values);
        if values <= MOST_VALUES { Ok(()) } else { Err(Malformed::TooMany) }
    }

    fn down(&self) -> Result<(), Malformed> {
        let depth = self.depth.get() + 1;
        self.depth.set(depth);
        if depth <= DEPTH { Ok(()) } else { Err(Malformed::TooDeep) }
    }

    fn up(&self) {
        self.depth.set(self.depth.get() - 1);
    }

    fn byte(&self) -> Result<u8, Malformed> {
        let (byte, rest) = self.bytes.get().split_first().ok_or(Malformed::Torn)?;
        self.bytes.set(rest);
        Ok(*byte)
    }

    pub(super) fn chunk<const N: usize>(&self) -> Result<[u8; N], Malformed> {
        let (chunk, rest) = self.bytes.get().split_first_chunk().ok_or(Malformed::Torn)?;
        self.bytes.set(rest);
        Ok(*chunk)
    }

    pub(super) fn fixed(&self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.chunk()?))
    }

    pub(super) fn number(&self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(Malformed::NoNumber);
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Malformed::NoNumber)
    }

    /// Reads the number of elements that follow, each of at least one byte.
    fn length(&self) -> Result<usize, Malformed> {
        let length = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        if length <= self.bytes.get().len() { Ok(length) } else { Err(Malformed::Torn) }
    }

    pub(super) fn text(&self) -> Result<&'a str, Malformed> {
        let length = self.length()?;
        let (text, rest) = self.bytes.get().split_at(length);
        self.bytes.set(rest);
        std::str::from_utf8(text).map_err(|_| Malformed::NoText)
    }

    /// Reads the next value at once if it is a text of less than 128 bytes, as most are.
    #[inline]
    fn short_text(&self) -> Option<Result<&'a str, Malformed>> {
        let [TEXT, length @ ..0x80, rest @ ..] = self.bytes.get() else { return None };
        let (text, rest) = rest.split_at_checked(usize::from(*length))?;
        self.bytes.set(rest);
        Some(std::str::from_utf8(text).map_err(|_| Malformed::NoText))
    }

    fn shape(&self) -> Result<&Shape<'a>, Malformed> {
        let number = self.fixed()?;
        self.shapes.get(number as usize).ok_or(Malformed::UnknownShape(number))
    }
}

/// The next value to be read.
pub struct Node<'a>(&'a Reader<'a>);

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let reader = self.0;
        let malformed = S::Error::custom::<Malformed>;
        reader.count().map_err(malformed)?;
        if let Some(text) = reader.short_text() {
            return to.serialize_str(text.map_err(malformed)?);
        }
        match reader.tag(|_, _| {}).map_err(malformed)? {
            NONE => to.serialize_unit(),
            FALSE => to.serialize_bool(false),
            TRUE => to.serialize_bool(true),
            UNSIGNED => to.serialize_u64(reader.number().map_err(malformed)?),
            NEGATIVE => {
                let number = i64::try_from(reader.number().map_err(malformed)?);
                to.serialize_i64(!number.map_err(|_| malformed(Malformed::NoNumber))?)
            }
            FLOAT => to.serialize_f64(f64::from_le_bytes(reader.chunk().map_err(malformed)?)),
            TEXT => to.serialize_str(reader.text().map_err(malformed)?),
            LIST => {
                let length = reader.fixed().map_err(malformed)? as usize;
                reader.down().map_err(malformed)?;
                let mut list = to.serialize_seq(Some(length.min(ROOM)))?;
                for _ in 0..length {
                    list.serialize_element(&Node(reader))?;
                }
                reader.up();
                list.end()
            }
            OBJECT => {
                let Shape { keys, fields } = reader.shape().map_err(malformed)?;
                reader.down().map_err(malformed)?;
                let room = keys.len().min(ROOM);
                if let Some(fields) = fields {
                    let mut object = to.serialize_struct("", room)?;
                    for field in fields {
                        object.serialize_field(field, &Node(reader))?;
                    }
                    reader.up();
                    return object.end();
                }
                let mut object = to.serialize_map(Some(room))?;
                for key in keys {
                    object.serialize_entry(key, &Node(reader))?;
                }
                reader.up();
                object.end()
            }
            tag => Err(malformed(Malformed::UnknownTag(tag))),
        }
    }
}
