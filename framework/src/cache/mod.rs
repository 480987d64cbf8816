//! The cache of a front end, and the law that decides what may be served from it.
//!
//! > An entry may be served if, and only if, no record after the entry's `as_of` invalidates it.
//!
//! # What is here
//!
//! - [`Cache`]: what the front end asks and fills, and what the feed tells about records and leases.
//! - [`Key`] and [`Entry`]: what an entry is found by, and what it holds: a [`Page`] or a
//!   [`Fragment`].
//! - `ledger`: what is known of one log: the position applied, the groups and the
//!   patterns that were invalidated.
//! - `validity`: the law itself, a dozen lines.
//! - `flight`: one fill at a time for a key.
//! - `sweeper`: takes what is dead out of memory and keeps the bookkeeping small.
//!
//! This room must not know HTTP servers, the link or templates.
//!
//! # Why the law holds
//!
//! *A fill cannot win a race against an invalidation.* An entry's `as_of` is a position from
//! before its content was made. Whatever is invalidated meanwhile has a later position, so the
//! entry is already dead when it is stored. No lock connects fills with invalidations.
//!
//! *A group is one number.* Its cell holds the position of its last invalidation, and entries hold
//! pointers to the cells of their groups: invalidating is one store, whatever the number of
//! entries. The cell is looked up by name when an entry is made. Were a cell dropped from the
//! directory and made anew, its number would be forgotten. Therefore there is a *floor*: a fill whose
//! `as_of` is below it is not stored, and a cell is dropped only when the floor is at its number or
//! above and nobody else holds the cell, which is seen under the lock of its shard. The fill reads
//! the floor after it has taken its cells, so one that got a new cell sees a floor no lower than the
//! old cell's number.
//!
//! *A pattern meets an entry at most once.* Patterns are kept in the order of their positions. An
//! entry remembers up to which position it was tested; a reader tests the rest. A retired pattern
//! leaves the *pattern floor* behind: an entry that was tested only below it can no longer be shown
//! valid, so it is dead. Retiring therefore needs no agreement with fills that are under way.
//!
//! *Positions of different logs are never compared.* Everything that holds positions belongs to
//! one ledger; entries carry its generation. A wiped log, or one that no longer has the
//! records after ours, gets a new ledger, and every entry of the old one is dead. Its floor is the
//! position where the new ledger starts: what lies before was never seen here.
//!
//! *The lease is looked at after the request was read*, with a clock that counts suspended time.
//! Who was stopped in the middle of a request began it before, and may finish it; the next request
//! meets a lease that has run out.

mod content;
mod entry;
mod flight;
mod group;
mod key;
mod lease;
mod ledger;
mod page;
mod pattern;
mod store;
mod sweeper;
mod validity;

#[cfg(test)]
mod law_tests;

pub use content::{Content, Fragment};
pub use entry::{Entry, Freshness};
pub use flight::{Arrival, Flights, Join, Knowledge, Lead, Wait};
pub use key::{Key, KeyBuilder};
pub use page::{Encoded, Encodings, Known, LastModified, Page};
pub use store::{Cache, Fill, Filled, Limits, Lookup, Miss, Usage};
pub use validity::Origin;
