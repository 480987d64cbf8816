//! The site's data: in memory, changed only by updates that are in the log.
//!
//! - [`State`]: a struct of fields, derived: [`Table`], [`Value`] and [`Plain`]. [`Updates`] is how it changes, with
//!   [`At`], where and when an update happens.
//! - `field`: what is common to the three kinds of field; `key`, `lookup`, `row`: how rows are found; `index`: the
//!   rows of a table in an order; `order`: what an update changes between them.
//! - `view`, `selection`, `values`: what controllers read; `recorder`: what they have read.
//! - `Store`: the present value of one state, for readers, and the way of an update to the log; `origin`: what that value
//!   can be made of again, `identity`: whether it has to be.
//! - [`States`]: all of a site's states by name; applies the log's records to them.
//! - `repeats`: updates that come a second time, because their request was sent twice; `kind`: whether they do the
//!   same.
//! - `SavedState`: a state's value, as a checkpoint keeps it; `hash`: by how little two values are compared;
//!   `shape`: whether they can be.
//! - `Trial`: tries the first data of a new site before they are written; `rehearsal`: tries updates, in builds
//!   with debug assertions.
//! - `Journal`: where a store writes its drafts, with [`WriteError`].
//!
//! An update goes `Store::update` → draft (the update, encoded) → journal → log → `States::apply` →
//! [`Updates::apply`] on the working value → the groups of what it has changed, for the feed → the output back to the
//! writer of the update. At the end of the transaction the working value is published. At start the log's records take
//! the last half of the same way.
//!
//! # A page depends on what it read
//!
//! **No stale page.** Let a page be made at `as_of` *p*, and let *q* be a later record after which one of the page's
//! reads would give something else. Then *q* invalidates a group of the page.
//!
//! 1. *Every read is recorded.* A controller of a cached route, its steps and its extractors reach the data through views
//!    only, which [`Data`](crate::extract::Data) makes with the recorder of the request: the request's
//!    [`SiteAccess`](crate::request::SiteAccess) has it. A view has it inside, so a read in a
//!    task, in a closure or in a helper is recorded too, without any lookup that could fail. What an update returns is no
//!    read: of a reply that was made after one, only fragments are kept whose values all have marks. [`Table`] and [`Value`]
//!    show their contents to `&mut self` alone, which only [`apply`](Updates::apply) has. [`Plain`] is the exception,
//!    for groups by hand.
//! 2. *A read's groups cover what it depends on.* What each read returns is a function of the rows it took, and of
//!    which rows have a value, or are in an index, in which order. The first are `table/key`, the others
//!    `table@index=value`, `table@index`, `table@`; see [`TableView`]. A [`Selection`] records one of the last three whenever
//!    it is read, not when it is made. Two of its reads depend on less: whether it has more than *k* rows
//!    ([`existing_page`](Selection::existing_page) past the end, [`is_empty`](Selection::is_empty)). They record the
//!    same name with `>k` behind it, and with `>`; in a range, the selection as a whole. Where there is such a page,
//!    it is read as any other: if it is there no more, an entry has gone. And up to 32 rows from one end, or behind a
//!    cursor, depend on what comes between them in the order, whatever is elsewhere: `table@index<key` is the
//!    place right before a row, `table@index<` and `table@index=value<` that at the end (`order`).
//! 3. *An update emits the groups of its difference.* For each row that it touched, the first old row is kept, and at
//!    the end compared with what is there then (`table`). A row that differs emits `table/key`, and where an
//!    entry of an index came, went or moved, the groups of that value and of that index. So if a read of 2
//!    would give something else, one of its groups was emitted. Where a value, an index or a table had *a* entries
//!    before the update and has *b* after it, "more than *k*" differs for each *k* from the lesser of the two up to,
//!    but not including, the greater, and for no other. Each of these `>k` is emitted, or, where they are more than
//!    64, `>` in their place, which each reader of a `>k` has too: so an update adds at most 64 such names for each
//!    value, index and table, and no more than entries that came or went. *b* is what the table has, *a* is *b* less
//!    those that came and more those that went of the touched rows: each entry of a row is in an index once. A row that
//!    comes into an order, or goes, emits a place (`order`). Two rows
//!    are the same if they are encoded alike and have the same entries. So all that is shown of a row has to be in its
//!    encoding: `#[derive(Row)]` refuses fields that serde skips. The types of fields, and of values, are left to the
//!    site: what their `Serialize` leaves out is not compared, and is lost at the next start.
//! 4. *Wider is safe.* Whatever emits a group emits the wider ones that stand in for it in `recorder`. A `>k` is emitted
//!    only if an entry came or went, so the row differs, and its `table@index=value*` and `table*` are emitted with it. The
//!    same holds of a place where a row of the value comes or goes; where a row of another value does, the wider one is not
//!    emitted, and nothing has changed between the rows of the value.
//!    On a route that is not cached, reads are recorded as soon as fragments of the page may be, and otherwise not.
//! 5. *Reads end with the reply.* The recorder closes when the reply is made; a read afterwards panics where the page may
//!    be stored, and is not recorded where only its fragments may. A reply that is still being written while a view
//!    is alive is not stored, and its view goes on reading.
//!
//! A page reads a snapshot that may be newer than its `as_of`. Then a record between the two has its groups invalidated
//! though the page has seen it, which costs a fill.
//!
//! **Where groups are derived.** They follow from the update and the state before it, so every node that applies
//! the log finds the same ones, in whatever way the order of records was decided. They are in no record: a refusal,
//! known only on applying, then has none, and new code may derive others. So the feed can give only those of the
//! log's end that a back end has applied itself and keeps in memory; a front end that is behind it drops its cache, and so does
//! one that has followed another derivation (`States::derivation`), or a back end with another program.
//!
//! **What is undone.** A refusal or a panic leaves all fields as they were: a table puts the first old rows back,
//! the other kinds their old value. Nothing is invalidated then. An update that assigns to a field, or to the whole
//! state, takes away what the field kept; it counts as a panic, and the value is made again of an earlier one (`origin`).
//!
//! This module must not know HTTP, front ends or the cache.

mod ascending;
mod at;
mod contract;
mod encoder;
mod encoding;
mod field;
mod hash;
mod identity;
mod index;
mod journal;
mod kept;
mod key;
mod kind;
mod lookup;
mod order;
mod origin;
mod plain;
mod recorder;
mod rehearsal;
mod repeats;
mod row;
mod rows;
mod saved;
mod selection;
mod shape;
mod slugs;
mod sorted_bytes;
mod states;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod trial;
mod updatable;
mod value;
mod values;
mod view;
mod violation;

pub use at::At;
pub use contract::{OldUpdate, State, Updates};
pub use encoder::Encoder;
pub use field::{AnyField, FieldKind, FieldSchema, Groups, Reading, StateField};
pub(crate) use hash::item_hash;
pub use journal::WriteError;
pub(crate) use journal::{Journal, Writing, Written};
pub use key::{Key, OwnedKey};
pub use lookup::Lookup;
pub use plain::{Plain, PlainView};
pub(crate) use recorder::{AfterReply, Reads, Recorder, Widened};
pub use row::{Each, Index, IndexDefinition, Row, decode_row, unknown_version};
pub(crate) use rows::page_numbers;
pub use rows::{NumberedPage, Rows};
pub(crate) use saved::{SavedField, SavedState};
pub use selection::Selection;
pub use states::{DuplicateState, States};
pub(crate) use store::Store;
pub use table::Table;
pub(crate) use trial::Trial;
pub use value::{Value, ValueView};
pub use values::Values;
pub use view::{Ref, TableView};
pub use violation::Violation;

pub use headwater_macros::{Key, Row, State};
