//! The engine that stores the log in one file of this machine, `log.redb`, with redb.
//!
//! - `engine`: the file's tables; creates, opens, writes, reads, and opens again after a failure.
//! - `meta`: the file's metadata; `lock`: reserves the folder for one process.
//! - `rewrite`: rewrites the file without old records; `archive`: files of these records; `restore`: makes a
//!   log of records of another one.
//! - `replay`: reads everything at the start, distinguishes a torn tail from damage and cuts it off.
//! - `frame`: the bytes of a record, with length and checksum.
//! - `file`: the file under redb, which tracks the bytes written since the last good sync; `overlay`: a file
//!   that is never written to.
//! - `fault`: converts redb's errors and panics to sentences.
//!
//! Nothing outside this folder uses redb.

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
