//! The one totally ordered log of everything the back ends do to the site.
//!
//! This module knows records, their positions and the engines that keep them. It must not know what
//! an update means (`state`) or what an invalidation does (`cache`).
//!
//! - [`Draft`], [`Record`], [`Position`], [`LogId`], [`Receipt`]: the words that other modules
//!   share; [`UpdateId`]: what an update is recognised by when it comes a second time.
//! - [`Epoch`], [`LogEpoch`]: the openings of a log, by which forks of it are recognised.
//! - [`Log`]: opens, appends, reads, stops. Behind it one thread commits.
//! - [`Applier`]: what follows the log; it is called on that thread, at replay and live alike.
//! - [`Joined`]: which front ends may hold leases, as the records say.
//! - [`Past`], [`Beginning`], [`Base`]: where a replay begins, and where the log does, when older records
//!   were dropped; [`Standing`]: where the log stands, for a checkpoint.
//! - [`ClosedLog`], [`Restoration`]: a log that no back end has open, for an operator's commands.
//! - `embedded`: the engine that keeps the log in a file of this machine. An engine that shares a
//!   log between machines has its place beside it.
//!
//! # The argument
//!
//! **What is durable when.** [`Log::append`] puts a draft into a queue of bounded size. The log's
//! thread takes everything that is queued (up to a bound in bytes), gives positions and times, and
//! writes all of it in one transaction that ends with a sync of the file. Only then are the records
//! applied, in order, and only then are their writers answered and may the records be read. So
//! whatever a writer, a controller or a front end has seen is on disk; and many writers at once
//! share one sync. A transaction is on disk as a whole or not at all, so a record's update and its
//! invalidations are too, and so are drafts that are appended together, as a new site's first data
//! are: there is no record of them, or there are all.
//!
//! **When storing fails** (the disk is full, say) all drafts of that transaction fail, and their
//! positions go to the next ones. The difficult case is a sync that fails, for then the transaction
//! may be on disk or not. The engine closes the file, writes once more whatever it had written
//! since the last good sync, syncs, opens the file again and looks: if the records are there, they
//! are durable and their writers succeed; if not, their writers fail. Only when the file cannot be
//! opened again either do the writers get an error that leaves the outcome open
//! ([`AppendError::InDoubt`]); the next append begins with opening and looking, and applies what is
//! there. No record ever turns up after its writer got the answer that it was not written.
//!
//! **A record that the site does not understand**, or that says that the data were others than they are, stops the
//! log: it is durable, neither it nor what comes behind it is applied, and nothing more is written ([`Log::halted`]).
//! At a start the log does not open.
//!
//! **What a torn tail is.** The file system or the disk may break the promise of a sync, so each
//! record has a checksum over its position and content. Damaged records at the very end, at most as
//! many as one transaction can hold, with no good one behind them, are what a write that did not
//! finish looks like. They are cut off, and the cut is reported ([`Opened::cut`]). Damage further
//! in, or a missing position, cannot come from an unfinished write; no one can say what the records
//! behind it meant, so the log does not open.
//!
//! **Positions are never used twice in one epoch.** A position is used when a record with it could have
//! been seen, and that is after its transaction was durable; the next one is one higher. Positions of
//! failed transactions were never seen. A log may lose records that were seen only between two
//! openings: when a torn tail is cut off, an older copy of the file is put back, or a disk loses what
//! it said was written. Each opening draws a random [`Epoch`], by which a front end that has applied
//! such records is recognised (`epoch`); it drops what it has cached.

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
