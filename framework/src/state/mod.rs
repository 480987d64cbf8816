//! The site's data: in memory, changed only by updates that are in the log.
//!
//! - [`State`]: what a site's data type promises, with [`At`], where and when an update happens.
//! - `Store`: the present value of one state, for readers, and the way of an update to the log.
//! - [`States`]: all of a site's states by name; applies the log's records to them.
//! - `Trial`: tries the first data of a new site before they are written.
//! - `Journal`: where a store writes its drafts, with [`WriteError`].
//!
//! An update goes `Store::update` → draft (the update, encoded, and what it invalidates) → journal
//! → log → `States::apply` → `State::apply` on a working value, which takes the place of the
//! published one at the end of the transaction (`working`) → the output back to the writer of the
//! update. At start the log's records take the last half of the same way.
//!
//! This room must not know HTTP, front ends or the cache.

mod at;
mod contract;
mod journal;
mod states;
mod store;
mod trial;
mod working;

pub use at::At;
pub use contract::State;
pub use journal::WriteError;
pub(crate) use journal::{Journal, Written};
pub use states::{DuplicateState, States};
pub(crate) use store::Store;
pub(crate) use trial::Trial;
