//! Checkpoints: what the log's records up to a position have come to, in a file, so that a start need not
//! replay them.
//!
//! - [`Checkpoints`]: the folder with the last two; restores the newest whole one, writes the next.
//! - [`Content`]: what a checkpoint holds; [`Head`]: what it says of itself.
//! - `piece`: the file's format; `writer` and `reader`; `folder`: what of a file system they need.
//! - [`StateHashes`]: whether the same records have come to the same states.
//! - `tools`: what `data list`, `verify`, `restore`, `export` and `import` do with them; `lines`, `json`: records and
//!   items as lines of JSON.
//!
//! This module knows the log's records, the states and the manifest of files. When a checkpoint is made is
//! decided in `backend/checkpointer.rs`.
//!
//! # What must be inside
//!
//! A start learns from old records: the states, and beside them, as one of them, which updates may come a second time (`state/repeats.rs`); which deferred invalidations were never settled, because it
//! settles them (`backend/deferrals.rs`), but for those of refused updates, which defer nothing; which files the log has put into the docroot
//! (`docroot/manifest.rs`); which front ends have joined and not left, because they may hold leases
//! (`log/joined.rs`); and the time of the last record, before which no later one may be. All of these are in a
//! checkpoint. The openings of the log are not: they stand in the log's own file, beside the records. Nor is
//! the end of the log that feeds are served from (`backend/tail.rs`): it begins empty at the checkpoint's
//! position, so a front end that is further back than that drops its cache.
//!
//! # The argument
//!
//! To be shown: a start from a checkpoint and the records behind it comes to what a replay from the first
//! record comes to.
//!
//! **A checkpoint is of one position.** Its content is taken on the log's own thread between two
//! transactions ([`Log::look`](crate::log::Log::look)): all records up to `position` are applied, published
//! and durable, and no other. What is taken are clones of persistent structures, which updates do not change;
//! they are encoded and written by another thread while the log goes on.
//!
//! **It is of these records.** The head names the log, the opening in which it was made, and the position.
//! It is used only if the log at hand includes that opening up to that position (`log/epoch.rs`): then it
//! has the same records up to there, or had them before they were dropped. So the checkpoint of a log whose
//! file was put back to an earlier state, or of another log, is not used. Each record behind `position` is
//! applied to what applying those before it came to, as in a replay of all.
//!
//! **It is whole.** Each piece has a checksum, and the last one counts the items. What is read before damage is
//! found is dropped, and the states begin anew.
//!
//! **It fits the site, or the start fails.** Items are MessagePack with names and the version of their field, so a
//! later version of the site reads them as it reads old updates. An item that it cannot read, or has no field for,
//! stops the start: the next checkpoint would lack it. What another `apply` would have made of the old records
//! it does not make: those are applied no more. So the argument is for one version of the site.
//!
//! # What a crash leaves
//!
//! 1. *While the file is written*: a file with an unfinished name (`….new`), which the next start removes.
//! 2. *After it was synced, before it has its name*: the same.
//! 3. *After the rename, before the folder is synced*: the file under one name or the other, whole.
//! 4. *After that*: the new checkpoint. Older ones than the last two are removed afterwards only, so there are
//!    two at any moment once there have been two.
//! 5. *While records are dropped*: the log's file as it was, or the new one (`log/embedded/rewrite.rs`).
//!    Records are dropped only up to the older of the last two checkpoints, after both were read back from
//!    their files as a whole. So damage of the newest one costs a longer replay and no data.
//!
//! A damaged newest checkpoint is reported, and the one before it is used. If that is damaged too, the log is
//! replayed from its first record. If that was dropped, the log does not open.
//!
//! # State hashes
//!
//! Records are applied wherever the log is read: at each start, and by each node. That all come to the same data
//! rests on `apply`, which is the site's. [`StateHashes`] looks whether it is so.
//!
//! After each position that is a multiple of an interval, the hash of each field of each state is noted, which
//! follows the updates at the cost of what they change (`state/hash.rs`). The back end that writes puts the newest
//! one into a record of its own, with its position, and any node that applies this record compares it with what it
//! had noted then. The record may stand anywhere behind that position, so it does not matter which node has written
//! it, nor what others have appended meanwhile. A checkpoint has the hash of its position: the file is not
//! written unless its items have that hash, and a start compares it with what it has made of the items.
//!
//! *What this finds*: an `apply` that comes to other data each time; another `apply` under the same `VERSION`; a
//! row or value that was changed in memory by anything but an update: by the next checkpoint, which encodes all of
//! them. *What it does not find*: what is wrong in the same way everywhere, [`Plain`](crate::state::Plain) values, what is
//! kept of updates that may come twice, and a difference between the last hash and the end of the log. An index is made
//! of rows, and is not hashed.
//!
//! Nodes whose types differ encode the same rows otherwise, so hashes are compared only where the
//! [fingerprints](crate::state::States::fingerprint) are equal. A field whose items are encoded otherwise each time
//! that they were read, as with a `HashMap`, is not compared either; this is looked for once a hash differs.

mod checkpoints;
mod content;
mod error;
mod folder;
mod hashes;
mod head;
mod json;
mod lines;
mod piece;
mod reader;
mod replaced;
#[cfg(test)]
mod tests;
pub(crate) mod tools;
mod writer;

pub(crate) use checkpoints::Checkpoints;
pub(crate) use content::{Content, Restored, Written};
pub(crate) use error::CheckpointError;
pub(crate) use hashes::{OnDifference, StateHashes};
pub(crate) use head::Head;
pub(crate) use lines::record_line;
pub(crate) use replaced::ReplacedRecords;
pub(crate) use tools::{LogError, archive_of};
