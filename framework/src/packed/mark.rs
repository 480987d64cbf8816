//! Marks: the dependence of a value, recorded beside the value.
//!
//! A type records it while it is serialized, with [`row`], [`made`] or [`read`]. In the packed form the mark
//! precedes the value; every other serializer receives the value alone.
//!
//! # How a mark is passed through serde
//!
//! serde has no means for it. So the mark is put into a thread-local slot while `serialize_newtype_struct` is
//! called with a name that no other type has, and the packing serializer takes it from there. The slot is
//! filled directly before that call and emptied directly after it, and only while values are packed. A
//! serializer that passes newtypes through (serde's own for `flatten` and for tagged enums, or serde_json
//! within a site's `Serialize`) loses the mark, and no other value can receive it. A value that has lost its
//! mark is an unmarked one, and the reader of marks assumes that it may depend on anything.

use std::cell::{Cell, RefCell};

use serde::{Serialize, Serializer};

use super::writer::{put_number, put_text};

/// The name of the newtype that carries a mark.
pub(super) const NAME: &str = "$headwater::packed::Mark";

/// The meaning of a mark for its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum MarkKind {
    /// The group identifies the value, and covers everything in it. A row of a table is one.
    Row = 0,
    /// The groups cover the result of a read: the value itself, and everything in it that is not a list or an
    /// object. A list or an object in it has a mark of its own, or may depend on anything.
    Read = 1,
    /// The group covers everything in the value, as with a row, but does not identify it: the value was
    /// computed from the row that the group names.
    Made = 2,
}

impl MarkKind {
    pub(super) fn of(byte: u8) -> Option<MarkKind> {
        [MarkKind::Row, MarkKind::Read, MarkKind::Made].into_iter().find(|kind| *kind as u8 == byte)
    }
}

thread_local! {
    static PACKING: Cell<bool> = const { Cell::new(false) };
    static WAITING: RefCell<Waiting> = const { RefCell::new(Waiting { mark: Vec::new(), is_filled: false }) };
}

struct Waiting {
    mark: Vec<u8>,
    is_filled: bool,
}

/// Serializes `value`, which `group` identifies: at one position of the log no other value has this group, and
/// a record that changes the value, or anything in it, invalidates the group.
pub(crate) fn row<T, S>(group: &str, value: &T, to: S) -> Result<S::Ok, S::Error>
where
    T: Serialize + ?Sized,
    S: Serializer,
{
    marked(MarkKind::Row, &[group], value, to)
}

/// Serializes `value`, the result of a read: a list, a count, the absence of something. A record that changes
/// the result of the same read invalidates one of the groups. Rows in it have marks of their own.
pub(crate) fn read<G, T, S>(groups: &[G], value: &T, to: S) -> Result<S::Ok, S::Error>
where
    G: AsRef<str>,
    T: Serialize + ?Sized,
    S: Serializer,
{
    marked(MarkKind::Read, groups, value, to)
}

/// Serializes `value`, which was computed from the row that `group` names and from nothing else.
pub(crate) fn made<T, S>(group: &str, value: &T, to: S) -> Result<S::Ok, S::Error>
where
    T: Serialize + ?Sized,
    S: Serializer,
{
    marked(MarkKind::Made, &[group], value, to)
}

fn marked<G, T, S>(kind: MarkKind, groups: &[G], value: &T, to: S) -> Result<S::Ok, S::Error>
where
    G: AsRef<str>,
    T: Serialize + ?Sized,
    S: Serializer,
{
    if !PACKING.get() {
        return value.serialize(to);
    }
    WAITING.with_borrow_mut(|waiting| {
        waiting.mark.clear();
        waiting.mark.push(kind as u8);
        put_number(&mut waiting.mark, groups.len() as u64);
        groups.iter().for_each(|group| put_text(&mut waiting.mark, group.as_ref()));
        waiting.is_filled = true;
    });
    let serialized = to.serialize_newtype_struct(NAME, value);
    WAITING.with_borrow_mut(|waiting| waiting.is_filled = false);
    serialized
}

/// Passes the waiting mark to `then`, if there is one.
pub(super) fn take<T>(then: impl FnOnce(&[u8]) -> T) -> Option<T> {
    WAITING.with_borrow_mut(|waiting| {
        let is_filled = std::mem::take(&mut waiting.is_filled);
        is_filled.then(|| then(&waiting.mark))
    })
}

/// Marks this thread as packing values until it is dropped.
pub(super) struct Packing {
    before: bool,
}

impl Packing {
    pub(super) fn begin() -> Packing {
        Packing { before: PACKING.replace(true) }
    }
}

impl Drop for Packing {
    fn drop(&mut self) {
        PACKING.set(self.before);
    }
}
