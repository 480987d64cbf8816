//! The site's data: in memory, changed only by updates that are in the log.
//!
//! - [`State`]: a derived struct of fields: [`Table`], [`Value`] and [`Plain`]. [`Updates`] defines how it
//!   changes, with [`At`] as the position and time of an update.
//! - `field`: the interface of the three kinds of field; `key`, `lookup`, `row`: how rows are found; `index`:
//!   the rows of a table in an order; `order`: the changes that an update makes between them.
//! - `view`, `selection`, `values`: the types that controllers read from; `recorder`: the list of their reads.
//! - `Store`: the present value of one state, for readers, and the path of an update to the log; `origin`:
//!   rebuilds that value when an update cannot be undone, `identity`: detects that case.
//! - [`States`]: all of a site's states by name; applies the log's records to them.
//! - `repeats`: recognises an update that is written a second time because its request was sent twice; `kind`:
//!   compares the two updates.
//! - `SavedState`: a state's value in the form that a checkpoint stores; `hash`: a short hash by which two
//!   values are compared; `shape`: whether hashes are comparable.
//! - `Trial`: tries the first data of a new site before they are written; `rehearsal`: tries updates, in builds
//!   with debug assertions.
//! - `Journal`: the destination of a store's drafts, with [`WriteError`].
//!
//! An update takes this path: `Store::update` → draft (the update, encoded) → journal → log → `States::apply` →
//! [`Updates::apply`] on the working value → the groups of its changes, for the feed → the output back to the
//! writer of the update. At the end of the transaction the working value is published. At start the log's
//! records take the second half of the same path, from `States::apply` on.
//!
//! # A page depends on what it read
//!
//! **No stale page.** Let a page be made at `as_of` *p*, and let *q* be a later record after which one of the
//! page's reads would return a different result. Then *q* invalidates a group of the page.
//!
//! 1. *Every read is recorded.* A controller of a cached route, its steps and its extractors reach the data
//!    only through views, which [`Data`](crate::extract::Data) makes with the recorder of the request; the
//!    request's [`SiteAccess`](crate::request::SiteAccess) holds that recorder.
//!    - The recorder is inside the view. So a read in a task, in a closure or in a helper is recorded too,
//!      without any lookup that could fail.
//!    - The output of an update is not a read. If a reply was made after an update, the cache keeps only those
//!      of its fragments whose values all have marks.
//!    - [`Table`] and [`Value`] give access to their contents through `&mut self` alone, and only
//!      [`apply`](Updates::apply) has that. [`Plain`] is the exception, for groups that are named by hand.
//!    - On a route that is not cached, reads are recorded if fragments of the page may be cached, and not
//!      otherwise.
//! 2. *A read's groups cover everything that it depends on.* The result of a read is a function of the rows
//!    that it took, and of which rows have a value, or are in an index, in which order. The groups of the
//!    former are `table/key`, those of the latter `table@index=value`, `table@index`, `table@`; see
//!    [`TableView`]. A [`Selection`] records one of these last three whenever it is read, not when it is made.
//!    Some reads depend on less:
//!    - *Whether a selection has more than k rows* ([`existing_page`](Selection::existing_page) past the end,
//!      [`is_empty`](Selection::is_empty)). Such a read records the same name twice, once followed by `>k` and
//!      once by `>`; in a range it records the selection as a whole. If the page exists, it is read like any
//!      other page: it can only cease to exist by the removal of an entry.
//!    - *Up to 32 rows from one end, or behind a cursor.* They depend on the rows between them in the order,
//!      but not on the rest of the order. `table@index<key` is the place directly before a row, `table@index<`
//!      and `table@index=value<` are the places at the end (`order`).
//! 3. *An update emits the groups of its difference.* For each row that an update touches, the table keeps the
//!    row as it was before the update, and compares it at the end with the row that exists then (`table`).
//!    - A row that differs emits `table/key`. Where one of its index entries was added, removed or moved, the
//!      row emits the groups of that value and of that index. So if a read of 2 would return a different
//!      result, one of its groups is emitted.
//!    - Where a value, an index or a table had *a* entries before the update and has *b* after it, "more than
//!      *k*" differs for each *k* from the lesser of the two up to, but not including, the greater, and for no
//!      other. Each of these `>k` is emitted; if they are more than 64, `>` is emitted instead, which each
//!      reader of a `>k` also has. So an update adds at most 64 such names for each value, index and table, and
//!      no more than the number of entries that it added or removed. *b* is read from the table. *a* is *b*
//!      without the added entries of the touched rows and with the removed ones, because each entry of a row is
//!      in an index once.
//!    - A row that is added to an order, or removed from it, emits a place (`order`).
//!    - Two rows are equal if they have equal encodings and equal entries. So everything that is shown of a row
//!      must be in its encoding: `#[derive(Row)]` refuses fields that serde skips. The types of fields, and of
//!      values, are the site's responsibility: data that their `Serialize` leaves out are not compared, and are
//!      lost at the next start.
//! 4. *Wider is safe.* A change that emits a group also emits the wider groups that replace it in `recorder`. A
//!    `>k` is emitted only if an entry was added or removed; then the row differs, and its `table@index=value*`
//!    and `table*` are emitted as well. The same holds for a place where a row of the value is added or
//!    removed. Where a row of another value is, the wider group is not emitted, but nothing has changed between
//!    the rows of the value.
//! 5. *Reads end with the reply.* The recorder closes when the reply is made. A read after that panics where
//!    the page may be stored, and is not recorded where only its fragments may. A reply that is still being
//!    written while a view is alive is not stored, and its view can still be read.
//!
//! A page may read a snapshot that is newer than its `as_of`. Then a record between the two invalidates the
//! page although the page already reflects it, which costs one fill.
//!
//! **Where groups are derived.** Groups follow from the update and the state before it, so every node that
//! applies the log derives the same ones, in whatever way the order of records was decided. Records do not
//! contain them: a refusal is detected only on applying and has no groups, and new code may derive others. So
//! the feed can deliver the groups only of those records at the log's end that a back end has applied itself
//! and still has in memory. A front end that is further behind drops its cache. So does a front end that has
//! followed another derivation (`States::derivation`), or a back end with another program.
//!
//! **What is undone.** A refusal or a panic leaves all fields as they were: a table restores the rows from
//! before the update, the other kinds of field restore their old value. Nothing is invalidated then. An update
//! that assigns to a field, or to the whole state, also removes the data that the field needs for this. Such an
//! update counts as a panic, and the value is rebuilt from an earlier one (`origin`).
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
