//! Checkpoints: the outcome of the log's records up to a position, in a file, so that a start need not replay
//! them.
//!
//! - [`Checkpoints`]: the folder with the last two; restores the newest complete one, writes the next.
//! - [`Content`]: the content of a checkpoint; [`Head`]: its header.
//! - `piece`: the file's format; `writer` and `reader`; `folder`: the operations of a file system that they
//!   need.
//! - [`StateHashes`]: whether the same records have produced the same states.
//! - `tools`: the commands `data list`, `verify`, `restore`, `export` and `import`; `lines`, `json`: records
//!   and items as lines of JSON.
//!
//! This module uses the log's records, the states and the manifest of files. `backend/checkpointer.rs` decides
//! when a checkpoint is made.
//!
//! # What must be inside
//!
//! A start derives the following from old records. All of it is in a checkpoint:
//!
//! - the states, and, as one of them, the updates that may be repeated (`state/repeats.rs`);
//! - the deferred invalidations that were never settled, because a start settles them (`backend/deferrals.rs`),
//!   except those of refused updates, which defer nothing;
//! - the files that the log has put into the docroot (`docroot/manifest.rs`);
//! - the sessions that have ended before they expired (`session/`);
//! - the front ends that have joined and not left, because they may hold leases (`log/joined.rs`);
//! - the time of the last record, before which no later one may be.
//!
//! The openings of the log are not in it: they are in the log's own file, beside the records. Nor is the end of
//! the log from which feeds are served (`backend/tail.rs`): it begins empty at the checkpoint's position, so a
//! front end that is further behind drops its cache.
//!
//! # The argument
//!
//! Claim: a start from a checkpoint and the records behind it has the same outcome as a replay from the first
//! record.
//!
//! **A checkpoint is of one position.** Its content is taken on the log's own thread between two transactions
//! ([`Log::look`](crate::log::Log::look)): all records up to `position` are applied, published and durable, and
//! no other. The content consists of clones of persistent structures, which updates do not change; another
//! thread encodes and writes them while the log can be used.
//!
//! **It is of these records.** The head contains the log's id, the opening in which the checkpoint was made,
//! and the position. The checkpoint is used only if the present log includes that opening up to that position
//! (`log/epoch.rs`): then the log has the same records up to there, or had them before they were dropped. So
//! the checkpoint of a log whose file was put back to an earlier state, or of another log, is not used. Each
//! record behind `position` is applied to the outcome of those before it, as in a replay of all.
//!
//! **It is complete.** Each piece has a checksum, and the last one contains the number of items. Everything
//! that was read before damage is found is discarded, and the states are reset.
//!
//! **It fits the site, or the start fails.** Items are MessagePack with names and the version of their field,
//! so a later version of the site reads them as it reads old updates. An item that it cannot read, or has no
//! field for, stops the start: the next checkpoint would lack it. The old records are not applied again, so the
//! checkpoint does not contain what a changed `apply` would have made of them. The argument therefore holds for
//! one version of the site.
//!
//! # What a crash leaves
//!
//! 1. *While the file is written*: a file with an unfinished name (`….new`), which the next start removes.
//! 2. *After it was synced, before it has its name*: the same.
//! 3. *After the rename, before the folder is synced*: the complete file under one name or the other.
//! 4. *After that*: the new checkpoint. Checkpoints older than the last two are removed only afterwards, so
//!    there are two at any moment once there have been two.
//! 5. *While records are dropped*: the log's file as it was, or the new one (`log/embedded/rewrite.rs`).
//!    Records are dropped only up to the older of the last two checkpoints, after both were read back
//!    completely from their files. So damage of the newest one costs a longer replay and no data.
//!
//! A damaged newest checkpoint is reported, and the one before it is used. If that is damaged too, the log is
//! replayed from its first record. If that record was dropped, the log does not open.
//!
//! # State hashes
//!
//! Records are applied wherever the log is read: at each start, and by each node. All of these produce the same
//! data only if `apply`, which is the site's code, is deterministic. [`StateHashes`] checks this.
//!
//! After each position that is a multiple of an interval, the hash of each field of each state is noted; hashes
//! are adjusted by each update, at the cost of its changes (`state/hash.rs`). The back end that writes puts the
//! newest hash into a record of its own, with its position, and any node that applies this record compares it
//! with the hash that it had noted then. The record may be anywhere behind that position, so it does not matter
//! which node has written it, nor what others have appended meanwhile. A checkpoint contains the hash of its
//! position: the file is not completed unless its items have that hash, and a start compares it with the hash
//! of the items that it has loaded.
//!
//! *What this finds*: an `apply` that produces other data each time; a changed `apply` under the same
//! `VERSION`; and, by the next checkpoint, which encodes all rows and values, one that was changed in memory by
//! anything but an update. *What it does not find*: errors that are the same everywhere,
//! [`Plain`](crate::state::Plain) values, the kept updates that may be repeated, and a difference between the
//! last hash and the end of the log. An index is made of rows, and is not hashed.
//!
//! Nodes whose types differ encode the same rows differently, so hashes are compared only where the
//! [fingerprints](crate::state::States::fingerprint) are equal. A field whose items have another encoding each
//! time that they were read, as with a `HashMap`, is not compared either; this is checked once a hash differs.

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
