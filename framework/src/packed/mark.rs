//! Marks: what a value depends on, said beside the value.
//!
//! A type says it while it is serialized, by [`row`], [`made`] or [`read`]. The packed form has the mark before the
//! value; to every other serializer the value is all that there is.
//!
//! # How a mark comes through serde
//!
//! serde has no room for it. So it waits in a place of this thread while `serialize_newtype_struct` is
//! called with a name that no other type has, and the packing serializer takes it from there. The place is
//! filled right before that call and emptied right after it, and only while something is packed: a
//! serializer that passes newtypes through (serde's own for `flatten` and for tagged enums, or serde_json
//! within a site's `Serialize`) loses the mark, and no other value can get it. A value that has lost its
//! mark is an unmarked one, which the reader of marks takes for a value that may depend on anything.

use std::cell::{Cell, RefCell};

use serde::{Serialize, Serializer};

use super::writer::{put_number, put_text};

/// The name of the newtype that a mark is handed over in.
pub(super) const NAME: &str = "$headwater::packed::Mark";

/// What a mark says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum MarkKind {
    /// The group says which value this is, and covers all that is in it. A row of a table is one.
    Row = 0,
    /// The groups cover what a read has found: the value itself and what is not a list or an object in
    /// it. A list or an object in it has a mark of its own, or may depend on anything.
    Read = 1,
    /// The group covers all that is in it, as with a row. Which value this is only the value says: it was
    /// made of the row that the group names, in one way or another.
    Made = 2,
}

impl MarkKind {
    pub(super) fn of(byte: u8) -> Option<MarkKind> {
        [MarkKind::Row, MarkKind::Read, MarkKind::Made].into_iter().find(|kind| *kind as u8 == byte)
    }
}

thread_local! {
    static PACKING: Cell<bool> = const { Cell::new(false) };
    static WAITING: RefCell<Waiting> = const { RefCell::new(Waiting { mark: Vec::new(), is_there: false }) };
}

struct Waiting {
    mark: Vec<u8>,
    is_there: bool,
}

/// Serializes `value`, which is the one that `group` names: at one position of the log no other value has
/// this group, and a record that changes the value, or anything in it, invalidates the group.
pub(crate) fn row<T, S>(group: &str, value: &T, to: S) -> Result<S::Ok, S::Error>
where
    T: Serialize + ?Sized,
    S: Serializer,
{
    marked(MarkKind::Row, &[group], value, to)
}

/// Serializes `value`, which a read has found: a list, a count, that something is not there. A record that
/// makes the same read find something else invalidates one of the groups. Rows in it have marks of their
/// own.
pub(crate) fn read<G, T, S>(groups: &[G], value: &T, to: S) -> Result<S::Ok, S::Error>
where
    G: AsRef<str>,
    T: Serialize + ?Sized,
    S: Serializer,
{
    marked(MarkKind::Read, groups, value, to)
}

/// Serializes `value`, which was made of the row that `group` names and of nothing else.
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
        waiting.is_there = true;
    });
    let serialized = to.serialize_newtype_struct(NAME, value);
    WAITING.with_borrow_mut(|waiting| waiting.is_there = false);
    serialized
}

/// Hands the mark that waits to `then`, if one does.
pub(super) fn take<T>(then: impl FnOnce(&[u8]) -> T) -> Option<T> {
    WAITING.with_borrow_mut(|waiting| {
        let is_there = std::mem::take(&mut waiting.is_there);
        is_there.then(|| then(&waiting.mark))
    })
}

/// Something is packed on this thread until this is dropped.
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
