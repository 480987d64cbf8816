//! Checkpoints on a disk that fails and in files that are damaged.

mod crash;
mod damage;
mod disk;

use std::iter;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::*;
use crate::docroot::Manifest;
use crate::log::{
    ContentId, FileChange, Invalidation, Joined, LogEpoch, Membership, Past, Position, Record,
    Revocation, Revoked, StateHash,
};
use crate::session::Revocations;
use crate::state::{At, Row, State, States, Store, Table, Updates, Value, Violation};
use disk::Disk;

const LOG: LogEpoch = LogEpoch::first_of(7);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
struct Line {
    #[row(key)]
    number: u64,
    #[row(index)]
    text: String,
}

/// Numbered lines, and their number of bytes.
#[derive(Clone, Default, State)]
struct Lines {
    lines: Table<Line>,
    bytes: Value<u64>,
}

impl Updates for Lines {
    const NAME: &'static str = "lines";
    type Update = String;
    type Output = ();
    type Refusal = Violation;

    fn apply(&mut self, text: String, at: &mut At) -> Result<(), Violation> {
        self.bytes.update(|bytes| *bytes += text.len() as u64);
        self.lines.insert(Line { number: at.position.0, text })
    }
}

/// Returns the states after the records up to a position.
fn states_at(position: u64) -> (States, Arc<Store<Lines>>) {
    let (states, store) = states();
    // Position 0 has an item that is longer than a piece.
    let texts =
        (1..=position).map(|number| format!("{number} {}", "x".repeat((number % 50) as usize)));
    for (number, text) in (0..).zip(iter::once("long".repeat(100_000)).chain(texts)) {
        let content = store.draft(&text).unwrap();
        states.apply(&Record { position: Position(number), time: number, content }).unwrap();
    }
    states.publish();
    (states, store)
}

/// Returns everything that readers see.
fn shown(store: &Store<Lines>) -> (Vec<Line>, u64) {
    let view = store.view(None);
    let lines = view.lines.all().into_iter().map(|line| line.into_row());
    (lines.collect(), *view.bytes)
}

fn states() -> (States, Arc<Store<Lines>>) {
    let mut states = States::new();
    let store = states.register::<Lines>().unwrap();
    (states, store)
}

fn revoked(position: u64) -> Revocation {
    Revocation { sessions: Revoked::User(format!("user {position}")), until: u64::MAX }
}

fn content_at(position: u64) -> Content {
    let mut joined = Joined::default();
    let membership = Membership::Joined {
        incarnation: position,
        name: format!("f{position}"),
        lease: std::time::Duration::from_secs(2),
    };
    let content = crate::log::Draft { membership: Some(membership), ..Default::default() };
    joined.observe(&Record { position: Position(1), time: 1, content });
    let mut files = Manifest::default();
    let content = Some(ContentId { hash: [position as u8; 32], length: position });
    let change = FileChange { path: "a.png".to_owned(), content };
    files.apply(Position(position), &change).unwrap();
    let deferred = vec![(Position(position - 1), Invalidation::new().group("g"))];
    let states = states_at(position).0;
    let hash = hash_of(&states, position);
    let head = Head {
        log: LOG.id,
        epoch: LOG.epoch,
        position: Position(position),
        time: position,
        fingerprint: 0,
        seed: rand::random(),
    };
    let mut revocations = Revocations::default();
    revocations.apply(Position(position), &[revoked(position)], 0);
    Content { head, joined, deferred, files, revocations, hash, states: states.save() }
}

fn hash_of(states: &States, position: u64) -> StateHash {
    let fingerprint = states.fingerprint();
    StateHash { after: Position(position), fingerprint, fields: states.hashes() }
}

fn on(disk: &Disk) -> Checkpoints {
    Checkpoints::in_folder(Box::new(disk.clone()), PathBuf::from("disk"))
}

fn write(checkpoints: &Checkpoints, position: u64) -> Result<Written, CheckpointError> {
    checkpoints.write(content_at(position), &AtomicBool::new(false))
}

/// Restores from the disk, like a start with a log of 100 records, and checks the restored data. Returns the
/// position.
fn restore(disk: &Disk, base: u64) -> Result<u64, String> {
    let (states, store) = states();
    let past = Past::of(LOG, Position(base), Position(100));
    let restored = on(disk).restore(&past, &states)?;
    states.publish();
    let Some(Restored { beginning, deferred, files, revocations, hash }) = restored else {
        assert_eq!(shown(&store), (vec![], 0), "nothing of a damaged one is left");
        return Ok(0);
    };
    let position = beginning.position.0;
    assert!(
        shown(&store) == shown(&states_at(position).1),
        "the states are not those at {position}"
    );
    let expected = content_at(position);
    assert_eq!((beginning.time, &beginning.joined), (position, &expected.joined));
    assert_eq!(deferred, expected.deferred);
    states.rehash();
    assert_eq!(hash, Some(hash_of(&states, position)));
    assert!(files.iter().eq(expected.files.iter()));
    assert_eq!(revocations.to_pieces(), expected.revocations.to_pieces());
    Ok(position)
}
