//! The log as a whole: on real files, and on a disk that fails.

mod damage;
mod failure;
mod file;
mod script;

use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::embedded::Disk;
use super::handle::Opened;
use super::{
    Applied, Applier, ApplyError, Base, Draft, Log, LogOptions, OpenError, Position, Record,
    StateUpdate, UpdateOutcome,
};

/// Keeps the records that it receives. An update `panic` panics, one of `unknown` is unreadable, and the output
/// of every other is its position.
#[derive(Clone, Default)]
struct Follower(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    records: Vec<Record>,
    batches: Vec<Position>,
}

impl Follower {
    fn records(&self) -> Vec<Record> {
        self.0.lock().unwrap().records.clone()
    }

    fn texts(&self) -> Vec<String> {
        self.records().iter().map(text).collect()
    }

    fn batches(&self) -> Vec<Position> {
        self.0.lock().unwrap().batches.clone()
    }
}

impl Applier for Follower {
    fn apply(&mut self, record: &Record) -> Applied {
        self.0.lock().unwrap().records.push(record.clone());
        match text(record).as_str() {
            "panic" => panic!("refused"),
            "unknown" => Err(ApplyError::Unreadable { message: "what is this?".to_owned() }),
            _ => Ok(Some(UpdateOutcome::Made(Box::new(record.position)))),
        }
    }

    fn batch_end(&mut self, last: Position) {
        self.0.lock().unwrap().batches.push(last);
    }
}

fn draft(text: &str) -> Draft {
    let update = Bytes::copy_from_slice(text.as_bytes());
    let update =
        Some(StateUpdate { state: "test".to_owned(), version: 1, update, seed: 0, id: None });
    Draft { update, ..Draft::default() }
}

fn text(record: &Record) -> String {
    let update = record.content.update.as_ref().unwrap();
    String::from_utf8(update.update.to_vec()).unwrap()
}

fn open(folder: &Path) -> Result<(Log, Opened, Follower), OpenError> {
    let follower = Follower::default();
    let (log, opened) = Log::open(folder, LogOptions::default(), follower.clone())?;
    Ok((log, opened, follower))
}

fn open_on(disk: &Disk, folder: &Path) -> Result<(Log, Opened, Follower), OpenError> {
    let follower = Follower::default();
    let (disk, folder) = (disk.clone(), folder.to_owned());
    let start = move || disk.engine(&folder);
    let (log, opened) = Log::start(LogOptions::default(), follower.clone(), start)?;
    Ok((log, opened, follower))
}
