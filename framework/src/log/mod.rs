//! The totally ordered log of everything that back ends do to the site.
//!
//! This module contains records, their positions, and the engines that store them. It must not know what an
//! update means (`state`) or what an invalidation does (`cache`).
//!
//! - [`Draft`], [`Record`], [`Position`], [`LogId`], [`Receipt`]: the terms that other modules share;
//!   [`UpdateId`]: the id by which a repeated update is recognised.
//! - [`Epoch`], [`LogEpoch`]: the openings of a log, by which forks of it are recognised.
//! - [`Log`]: opens, appends, reads, stops. A thread of its own commits.
//! - [`Applier`]: the consumer of the log, called on that thread, at replay and live alike.
//! - [`Joined`]: the front ends that may hold leases, according to the records.
//! - [`Past`], [`Beginning`], [`Base`]: the positions at which a replay begins, and at which the log begins if
//!   older records were dropped; [`Standing`]: the present position of the log, for a checkpoint.
//! - [`ClosedLog`], [`Restoration`]: a log that no back end has open, for an operator's commands.
//! - `embedded`: the engine that stores the log in a file of this machine. An engine that shares a log between
//!   machines belongs beside it.
//!
//! # The argument
//!
//! **What is durable when.** [`Log::append`] puts a draft into a queue of bounded size. The log's thread takes
//! everything that is queued (up to a bound in records and bytes), assigns positions and times, and writes all
//! of it in one transaction that ends with a sync of the file. Only then are the records applied, in order;
//! only then are their writers answered, and only then may the records be read. So everything that a writer, a
//! controller or a front end has seen is on disk; and many concurrent writers share one sync. A transaction is
//! on disk as a whole or not at all. The same therefore holds for a record's update and its invalidations, and
//! for drafts that are appended together, such as a new site's first data: either all of their records exist,
//! or none.
//!
//! **When storing fails** (because the disk is full, for example) all drafts of that transaction fail, and
//! their positions are assigned to the next ones. The difficult case is a failed sync, because then the
//! transaction may or may not be on disk. The engine closes the file, writes again everything that it had
//! written since the last good sync, syncs, opens the file again and looks for the records. If they are there,
//! they are durable and their writers succeed; if not, their writers fail. Only if the file cannot be opened
//! again either do the writers receive an error that leaves the outcome open ([`AppendError::InDoubt`]); the
//! next append begins by opening the file and looking, and applies the records that it finds. No record ever
//! appears after its writer was answered that it was not written.
//!
//! **A record that the site cannot read**, or whose hash of the data differs from the data here, stops the log:
//! the record is durable, neither it nor any record behind it is applied, and nothing more is written
//! ([`Log::halted`]). At a start the log does not open.
//!
//! **What a torn tail is.** The file system or the disk may break the promise of a sync, so each record has a
//! checksum over its position and content. An unfinished write leaves damaged records at the very end, at most
//! as many as one transaction can contain, with no good record behind them. They are cut off, and the cut is
//! reported ([`Opened::cut`]). Damage further in, or a missing position, cannot result from an unfinished
//! write; the meaning of the records behind it is not certain, so the log does not open.
//!
//! **Positions are never used twice in one epoch.** A position is used when a record with it could have been
//! seen, and that is after its transaction was durable; the next position is one higher. Positions of failed
//! transactions were never seen. A log can lose records that were seen only between two openings: when a torn
//! tail is cut off, when an older copy of the file is put back, or when a disk loses data that it reported as
//! written. Each opening draws a random [`Epoch`], by which a front end that has applied such records is
//! recognised (`epoch`); it drops its cache.

mod applier;
mod closed;
mod committer;
mod embedded;
mod epoch;
mod error;
mod file;
mod handle;
mod invalidation;
mod joined;
mod notice;
mod past;
mod pattern;
mod position;
mod progress;
mod receipt;
mod record;
mod replay;
mod revocation;
#[cfg(test)]
mod tests;
mod time;
mod update_id;

pub(crate) use applier::ApplyError;
pub(crate) use applier::panic_message;
pub(crate) use applier::{Applied, Applier, UpdateOutcome, is_made};
pub(crate) use closed::{ClosedLog, Restoration};
pub(crate) use embedded::Archive;
pub use epoch::{Epoch, LogEpoch};
pub(crate) use error::AppendError;
pub(crate) use error::{OpenError, ReadError};
pub(crate) use file::{ContentId, FileChange};
pub(crate) use handle::{Appended, CutTail, Log, LogOptions};
pub use invalidation::Invalidation;
pub(crate) use joined::Joined;
pub(crate) use notice::RecordNotice;
pub(crate) use past::{Base, Beginning, Past, Standing};
pub(crate) use pattern::compile_pattern;
pub(crate) use pattern::escape_address;
pub use position::{LogId, Position};
pub(crate) use progress::Progress;
pub use receipt::{Acknowledgement, Outcome, Receipt};
pub(crate) use record::{Draft, Membership, Record, StateHash, StateUpdate};
pub use revocation::SessionId;
pub(crate) use revocation::{Revocation, Revoked};
pub(crate) use time::{RecordClock, milliseconds_since_1970};
pub(crate) use update_id::{IdSource, RequestDigest, Unrepeatable, UpdateId};
