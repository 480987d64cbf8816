//! The engine that keeps the log in one file of this machine, `log.redb`, with redb.
//!
//! - `engine`: the file's tables; creates, opens, writes, reads, and opens again after a failure.
//! - `meta`: what the file says beside the records; `lock`: the folder is one process's.
//! - `rewrite`: writes the file anew without old records; `archive`: files of these; `restore`: makes a log
//!   of records of another one.
//! - `replay`: reads everything at the start, distinguishes a torn tail from damage and cuts it off.
//! - `frame`: a record's bytes, with length and checksum.
//! - `file`: the file under redb, which knows what has been written since the last good sync; `overlay`: one
//!   that is never written to.
//! - `fault`: turns redb's errors and panics into sentences.
//!
//! Nothing outside this folder knows redb.

mod archive;
mod engine;
mod fault;
mod file;
mod frame;
mod lock;
mod meta;
mod overlay;
mod replay;
mod restore;
mod rewrite;

pub(crate) use archive::Archive;
pub(super) use engine::{Engine, STOPPING, WriteFailure};
pub(super) use frame::Frame;
pub(super) use lock::unfinished;
pub(super) use replay::Replayed;
pub(super) use restore::restore;
pub(super) use rewrite::Rewrite;
#[cfg(test)]
mod faulty;
#[cfg(test)]
pub(super) use faulty::Disk;
