//! The cache of a front end, and the law that decides what may be served from it.
//!
//! > An entry may be served if, and only if, no record after the entry's `as_of` invalidates it.
//!
//! # Contents
//!
//! - [`Cache`]: lookups and fills by the front end, and the records and leases of the feed.
//! - [`Key`]: identifies an entry. [`Entry`]: a cached [`Page`] or
//!   [`Fragment`](crate::pieces::Fragment).
//! - [`HeaderTemplate`]: the headers that the responses with many pages have in common;
//!   [`Representation`]: the form in which a page is sent.
//! - `lookup` and `fill`: how an entry is found and stored; `store`: how records are applied; `lease`: until when
//!   entries may be served.
//! - `ledger`: the state of one log here: the applied position, and the groups and patterns that
//!   were invalidated.
//! - `patterns`: the regular expressions that were invalidated, and how an entry is tested against
//!   many at once.
//! - `validity`: the law itself, a dozen lines, and its result, the `Verdict`.
//! - `softening`: since when groups have been stale.
//! - `flight`: single-flight, one fill at a time for a key; `hit_for_miss`: marks on keys whose
//!   requests need not wait.
//! - `audit`: queries of the auditor.
//! - `sweeper`: removes dead entries from memory and keeps the bookkeeping small.
//!
//! This module must not depend on HTTP servers, the link or templates.
//!
//! # Why the law holds
//!
//! *A fill cannot win a race against an invalidation.* An entry's `as_of` is a position from before
//! its content was made. Any invalidation in the meantime has a later position, so an entry that it
//! concerns is already dead when it is stored. Fills and invalidations share no lock.
//!
//! *An invalidation of a group touches one cell.* A group's cell holds the position of the group's
//! last invalidation, and entries hold pointers to the cells of their groups, so the cost of an
//! invalidation does not depend on the number of entries. The cell is looked up by the hash of the
//! group's name when an entry is made.
//!
//! A cell that is dropped from the directory and created again has lost its number. The *floor*
//! makes up for that: a fill whose `as_of` is below the floor is not stored, and a cell is dropped
//! only if the floor is at its number or above and nothing else holds the cell, which is checked
//! under the lock of its shard. A fill reads the floor after it has obtained its cells, so a fill
//! that obtained a new cell sees a floor no lower than the number of the old cell.
//!
//! *An entry is tested against a pattern at most once.* Patterns are kept in the order of their
//! positions. An entry stores the position up to which it was tested (its *mark*), and a reader tests
//! the patterns after that position. A retired pattern leaves the *pattern floor* behind: an entry whose mark
//! is below the floor can no longer be shown valid, so it is dead. Retiring therefore needs no
//! agreement with fills that are under way.
//!
//! *Testing many patterns at once gives the verdict of testing each of them.* The verdict on an id
//! is the worst of all patterns after the mark that match it. So their order does not matter, and a
//! pattern may be tested as well although a younger one *covers* it, that is, matches every id that
//! it matches. Readers hold the patterns in runs that never change (`patterns/mod.rs`):
//!
//! - A writer publishes a list of runs with all patterns of a record before it advances *latest*,
//!   and a reader loads *latest* before it loads the list. So a reader that sets a mark to *latest*
//!   has tested every pattern up to that position. A list is published as a whole, and a list that
//!   lacks a covered pattern contains the younger pattern that covers it.
//! - A writer that retires patterns raises the floor before it publishes a list without them, and a
//!   reader loads the floor after it has tested the patterns of its list: if a retired pattern was
//!   missing from the list, the reader sees the raised floor.
//! - A pattern matches only ids that contain one of its *heads*. The heads are derived from the
//!   parsed expression (`patterns/head.rs`); where they do not decide, the compiled expression
//!   does. A pattern that cannot be parsed could match any id, so it raises the floor to its own
//!   position. A pattern that can be parsed but is too large to be compiled invalidates at least
//!   every entry with an id that contains one of its heads; it cannot match the others.
//!
//! *Positions of different logs are never compared.* Everything that holds positions belongs to one
//! ledger, and entries carry the ledger's generation. A log that was wiped, or that no longer has
//! the records after the position applied here, gets a new ledger, and every entry of the old
//! ledger is dead. The floor of the new ledger is the position where it starts: earlier records
//! were never seen here.
//!
//! *An entry is invalid as soon as one of its fragments is.* An entry stores the ids of the
//! fragments within it, and a pattern that matches one of them counts as a match of the entry's own
//! id. The groups of the fragments are groups of the entry.
//!
//! *A reload of the site's files invalidates all content.* After a reload, [`Cache::forget`] begins a new
//! ledger of the same log at the applied position, and the lease stays valid: the new ledger starts
//! with the same records applied as the old one. A fill carries the [`Generation`] from before its
//! content was begun. Otherwise content of the old files could be stored under the new ledger,
//! valid according to the log and still wrong. `apply`, `follow` and `forget` exclude each other,
//! so that no record is lost between the old ledger and the new one. Lookups never wait for them.
//!
//! # Soft invalidation
//!
//! A record may also invalidate *softly*: the entries concerned are not dead but stale, as if their
//! lifetime were over. An entry stores for how long it may be served after its end, while it is
//! made anew or when that fails ([`Freshness`]). These windows are counted from its end, which is
//! the end of its lifetime or its first soft invalidation, whichever is earlier. Stale content
//! obeys the law for hard invalidations, and a [`Lookup::Hit`] obeys it for both kinds.
//!
//! *A window is never longer than it should be.* It is counted from the earliest soft invalidation
//! after `as_of`, however many follow, and whether or not the entry was looked up in between.
//!
//! - A group's cell keeps the positions and moments of its last few soft invalidations. When there
//!   are more, the two oldest are merged into one with the position of the later and the moment of
//!   the earlier: an entry that is stale by either of them counts as stale from the earlier moment
//!   on. A hard invalidation drops the soft ones before it, because they are never read again.
//! - A pattern carries its moment. An entry is not tested against it again, so the entry stores the
//!   earliest moment of the soft patterns that matched. Equal soft patterns within a second count
//!   as one with the moment of the first. Otherwise the younger of two equal patterns replaces the
//!   older only if the younger is hard.
//! - The moment is the time when the front end received the record. If it held no lease then, the
//!   moment is the end of its last lease, because a record from before that would have arrived by then.
//!
//! *The order of stores.* A cell has three fields: the *last* position of either kind, the last
//! *hard* one, and the soft ones. A reader loads *last* (one load, as long as nothing was
//! invalidated), and reads the others only if *last* is after `as_of`. A writer stores *hard* or
//! the soft one first and *last* at the end (release, and acquire by the reader), so a reader that
//! sees *last* sees its cause. If the reader finds neither, a hard invalidation is dropping soft
//! ones at that moment, and the entry is dead.
//!
//! For patterns, an entry's earliest moment is stored before the mark up to which it was tested,
//! and read after it: a reader that need not test a pattern again sees the pattern's result.
//!
//! # The lease
//!
//! *The lease is checked after the request was read*, with a clock that counts suspended time. A
//! process that is stopped in the middle of a request began it under the lease, and may finish it;
//! the next request finds the lease expired.

mod audit;
mod content;
mod entries;
mod entry;
mod fill;
mod flight;
mod fragments;
mod group;
mod header_template;
mod hit_for_miss;
mod key;
mod lease;
mod ledger;
mod lookup;
mod page;
mod patterns;
mod representation;
mod softening;
mod store;
mod sweeper;
mod validity;

#[cfg(test)]
mod law_tests;

pub use content::EntryContent;
pub(crate) use entry::Entry;
pub use entry::Freshness;
pub use fill::{Fill, Filled};
pub(crate) use flight::{Flights, Join, Lead};
pub(crate) use header_template::not_modified;
pub(crate) use header_template::{DateSource, TagSource};
pub use header_template::{HeaderSpec, HeaderTemplate};
pub use key::Key;
pub(crate) use key::KeyBuilder;
pub(crate) use ledger::Generation;
pub use lookup::{Lookup, Miss};
pub use page::Page;
pub(crate) use page::{Derived, Encoded, LastModified};
#[cfg(feature = "internals")]
pub use patterns::invalidated;
pub(crate) use representation::{Present, Representation};
pub(crate) use representation::{tag_in, tag_of_digest};
pub use store::{Cache, CacheLimits};
pub use validity::LogOrigin;
