//! Reads packed values for their marks.

use super::mark::MarkKind;
use super::reader::{Malformed, Reader};
use super::{FALSE, FLOAT, LIST, NEGATIVE, NONE, OBJECT, TEXT, TRUE, UNSIGNED};

/// Reads packed values to their end, like [`read`](super::read). `member` must read each value with everything
/// in it, in order.
pub(crate) fn walk(
    bytes: &[u8],
    mut member: impl FnMut(&str, &MarkedNode<'_>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let reader = Reader::new(bytes)?;
    while let Some(name) = reader.member()? {
        member(name, &MarkedNode(&reader))?;
    }
    Ok(())
}

/// The position of the next value.
pub(crate) struct MarkedNode<'a>(&'a Reader<'a>);

/// A value, without its elements or members.
pub(crate) enum MarkedValue<'a> {
    /// Neither a list nor an object.
    Scalar,
    /// A list with this many values, which follow.
    List(usize),
    /// An object with these keys; their values follow.
    Object(&'a [&'a str]),
}

impl<'a> MarkedNode<'a> {
    /// Reads the next value. For each of its marks, calls `mark` with the kind, and then with each group of the
    /// mark.
    pub(crate) fn next(
        &self,
        mark: impl FnMut(MarkKind, Option<&'a str>),
    ) -> Result<MarkedValue<'a>, Malformed> {
        let tag = self.0.tag(mark)?;
        Ok(match tag {
            NONE | FALSE | TRUE => MarkedValue::Scalar,
            UNSIGNED | NEGATIVE => {
                self.0.number()?;
                MarkedValue::Scalar
            }
            FLOAT => {
                self.0.chunk::<8>()?;
                MarkedValue::Scalar
            }
            TEXT => {
                self.0.text()?;
                MarkedValue::Scalar
            }
            LIST => MarkedValue::List(self.0.fixed()? as usize),
            OBJECT => MarkedValue::Object(self.0.keys()?),
            tag => return Err(Malformed::UnknownTag(tag)),
        })
    }
}
