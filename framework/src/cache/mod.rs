//! The cache of a front end, and the law that decides what may be served from it.
//!
//! > An entry may be served if, and only if, no record after the entry's `as_of` invalidates it.
//!
//! # What is here
//!
//! - [`Cache`]: what the front end asks and fills, and what the feed tells about records and leases.
//! - [`Key`] and [`Entry`]: what an entry is found by, and what it holds: a [`Page`] or a
//!   [`Fragment`](crate::pieces::Fragment).
//! - [`HeaderTemplate`]: what the responses with many pages have in common; [`Representation`]: as what a page is sent.
//! - `ledger`: what is known of one log: the position applied, the groups and the
//!   patterns that were invalidated.
//! - `patterns`: the regular expressions that were invalidated, and how an entry meets many at once.
//! - `validity`: the law itself, a dozen lines, and the `Verdict` it comes to.
//! - `softening`: since when groups are stale.
//! - `flight`: one fill at a time for a key; `hit_for_miss`: where there is nothing to wait for.
//! - `audit`: what the auditor asks.
//! - `sweeper`: takes what is dead out of memory and keeps the bookkeeping small.
//!
//! This module must not know HTTP servers, the link or templates.
//!
//! # Why the law holds
//!
//! *A fill cannot win a race against an invalidation.* An entry's `as_of` is a position from
//! before its content was made. Whatever is invalidated meanwhile has a later position, so the
//! entry is already dead when it is stored. No lock connects fills with invalidations.
//!
//! *A group is one number.* Its cell holds the position of its last invalidation, and entries hold
//! pointers to the cells of their groups: invalidating is one store, whatever the number of
//! entries. The cell is looked up by the hash of its name when an entry is made. Were a cell dropped from the
//! directory and made anew, its number would be forgotten. Therefore there is a *floor*: a fill whose
//! `as_of` is below it is not stored, and a cell is dropped only when the floor is at its number or
//! above and nothing else holds the cell, which is checked under the lock of its shard. The fill
//! reads the floor after it has taken its cells, so one that got a new cell sees a floor no lower
//! than the old cell's number.
//!
//! *A pattern meets an entry at most once.* Patterns are kept in the order of their positions. An
//! entry remembers up to which position it was tested; a reader tests the rest. A retired pattern
//! leaves the *pattern floor* behind: an entry that was tested only below it can no longer be shown
//! valid, so it is dead. Retiring therefore needs no agreement with fills that are under way.
//!
//! *Many patterns are met at once, and mean what each of them would.* The verdict on an id is the
//! worst of all patterns after the mark that are found in it, so their order does not matter, and
//! one that another stands in for may be met as well. Readers hold the patterns in runs that never change (`patterns/mod.rs`):
//!
//! - A writer publishes a list of runs with all patterns of a record before it advances *latest*,
//!   and a reader loads *latest* before it loads the list: a mark that it sets at *latest* is
//!   behind no pattern that it has not met. Lists are published whole, and one in which a younger
//!   pattern stands in for an older one has the younger.
//! - A writer that retires patterns raises the floor before it publishes a list without them, and a
//!   reader loads the floor after it has met the patterns in its list: if one is missing, it sees
//!   the floor.
//! - A pattern is found in an id only where one of its *heads* stands. That is read from the parsed expression (`patterns/head.rs`),
//!   and what the heads do not say is asked of the compiled one. One that cannot be parsed may mean anything, so
//!   it raises the floor to itself. One that is parsed, but larger than what may be compiled, ends every
//!   entry in which one of its heads stands; it cannot be found in others.
//!
//! *Positions of different logs are never compared.* Everything that holds positions belongs to
//! one ledger; entries carry its generation. A wiped log, or one that no longer has the
//! records after ours, gets a new ledger, and every entry of the old one is dead. Its floor is the
//! position where the new ledger starts: what lies before was never seen here.
//!
//! *What is made of pieces is wrong with any of them.* An entry knows the ids of the fragments within
//! it, and a pattern that is found in one of them counts as if it were found in the entry's own id.
//! The groups of fragments are the entry's own groups.
//!
//! *What the site's files no longer say is forgotten.* After a reload [`Cache::forget`] begins a new
//! ledger of the same log at the position that is applied, and the lease goes on: what the new
//! ledger knows is what the old one knew. A fill names the [`Generation`] from before its content
//! was begun; were content of the old files put into the new ledger, it would be right by all that
//! the log says, and wrong. `apply`, `follow` and `forget` take turns, so that no record falls
//! between the old ledger and the new one. Lookups never wait for them.
//!
//! # Stale on purpose
//!
//! A record may also invalidate *softly*: what it is about is not dead but stale, as if its time had
//! run out. An entry knows for how long it may be served after its end, while it is made anew or
//! when that fails ([`Freshness`]); these windows are counted from its end, which is when its
//! lifetime is over or when it was first softly invalidated, whichever is earlier. The law keeps
//! its word for hard invalidations, and [`Lookup::Hit`] for both.
//!
//! *A window is never longer than it should be.* It is counted from the earliest soft invalidation
//! after `as_of`, however many follow, and whether or not the entry was looked up in between.
//!
//! - A group's cell keeps the positions and moments of its last few soft invalidations. When there
//!   are more, the two oldest become one with the position of the later and the moment of the
//!   earlier: an entry that is stale by either of them counts as stale from the earlier moment on.
//!   A hard invalidation drops those before it, because they are never read again.
//! - A pattern carries its moment. An entry does not meet it again, so it notes the earliest
//!   moment of those that were found in it. Equal soft patterns within a second count as one with
//!   the moment of the first; the younger of two equal patterns replaces the older otherwise only
//!   if it is hard.
//! - The moment is when the front end learned of the record; if it held no lease then, the moment
//!   when the lease ended, because before that it would have received the record.
//!
//! *The order of stores.* A cell has three places: the *last* position of either kind, the last
//! *hard* one, and the soft ones. A reader looks at *last* alone (one load, as long as nothing was
//! invalidated), and at the others only if it is after `as_of`. A writer stores *hard* or the
//! soft one first and *last* at the end (release, and acquire by the reader), so a reader that sees
//! *last* sees why. If the reader finds neither, a hard invalidation is just dropping soft ones,
//! and the entry is dead. For patterns, an entry's note of the earliest moment is stored before the
//! mark of how far it was tested, and read after it: a reader that need not test a pattern again
//! sees what it said.
//!
//! # The lease
//!
//! *The lease is checked after the request was read*, with a clock that counts suspended time. A
//! process that was stopped in the middle of a request began it before, and may finish it; the next
//! request meets a lease that has run out.

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
