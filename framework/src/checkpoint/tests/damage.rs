use std::sync::atomic::Ordering;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::state::Plain;

/// Returns a disk with the checkpoints at 10 and 20, and the newer one's name.
fn with_two() -> (Disk, String) {
    let disk = Disk::new();
    let checkpoints = on(&disk);
    write(&checkpoints, 10).unwrap();
    write(&checkpoints, 20).unwrap();
    let name = checkpoints.names().unwrap().pop().unwrap();
    (disk, name)
}

#[test]
fn a_flipped_byte_anywhere_makes_a_start_use_the_checkpoint_before() {
    let (disk, name) = with_two();
    let mut length = 0;
    disk.change(&name, |bytes| length = bytes.len());
    let mut random = StdRng::seed_from_u64(1);
    let head_and_tail = (0..300).chain(length - 100..length);
    let places: Vec<usize> = (0..50).map(|_| random.random_range(0..length)).collect();
    for place in head_and_tail.chain(places) {
        let copy = disk.copy();
        copy.change(&name, |bytes| bytes[place] ^= 1 << random.random_range(0..8));
        assert_eq!(restore(&copy, 10), Ok(10), "byte {place} of {length}");
        assert!(on(&copy).verify(&name).is_err());
    }
}

#[test]
fn a_torn_end_makes_a_start_use_the_checkpoint_before() {
    let (disk, name) = with_two();
    let mut length = 0;
    disk.change(&name, |bytes| length = bytes.len());
    for left in (0..length).step_by(4999).chain([length - 1]) {
        let copy = disk.copy();
        copy.change(&name, |bytes| bytes.truncate(left));
        assert_eq!(restore(&copy, 10), Ok(10), "{left} of {length} bytes");
        let copy = disk.copy();
        copy.change(&name, |bytes| bytes[left..].fill(0));
        assert_eq!(restore(&copy, 10), Ok(10), "zeros from {left} on");
    }
}

#[test]
fn a_piece_of_another_checkpoint_with_the_same_content_is_detected() {
    let disk = Disk::new();
    let checkpoints = on(&disk);
    write(&checkpoints, 20).unwrap();
    write(&checkpoints, 20).unwrap();
    let names = checkpoints.names().unwrap();
    let mut other = Vec::new();
    disk.change(&names[0], |bytes| other = bytes.clone());
    disk.change(&names[1], |bytes| {
        // The heads may differ in length.
        let (half, length) = (other.len() / 2, bytes.len());
        bytes[length - half..].copy_from_slice(&other[other.len() - half..]);
    });
    assert!(matches!(checkpoints.verify(&names[1]), Err(CheckpointError::Damaged(_))));
}

#[test]
fn without_a_complete_checkpoint_the_log_is_replayed_or_does_not_open() {
    let (disk, _) = with_two();
    for name in on(&disk).names().unwrap() {
        disk.change(&name, |bytes| bytes[100_000] ^= 1);
    }
    assert_eq!(restore(&disk, 0), Ok(0));
    let error = restore(&disk, 10).unwrap_err();
    assert!(error.contains("checksum is wrong") && error.contains("from a backup"), "{error}");
}

#[test]
fn records_are_not_dropped_while_one_of_the_two_is_damaged() {
    let (disk, name) = with_two();
    let checkpoints = on(&disk);
    let (states, _) = states();
    let past = Past::of(LOG, Position(0), Position(100));
    checkpoints.restore(&past, &states).unwrap();
    assert_eq!(checkpoints.base().unwrap().unwrap().position, Position(10));
    disk.change(&name, |bytes| bytes[100_000] ^= 1);
    assert!(matches!(checkpoints.base(), Err(CheckpointError::Damaged(_))));
}

#[test]
fn a_checkpoint_of_a_missing_state_or_field_stops_the_start() {
    let (disk, _) = with_two();
    let refused = |base, states: &States| {
        let past = Past::of(LOG, Position(base), Position(100));
        on(&disk).restore(&past, states).unwrap_err()
    };
    let error = refused(0, &States::new());
    assert!(error.contains("disk/00000002-at-20.checkpoint does not fit the site"), "{error}");
    assert!(error.contains("no state \"lines\", whose field `lines` would be lost"), "{error}");
    assert!(error.contains("move the folder disk away"), "{error}");
    let mut states = States::new();
    let store = states.register::<Fewer>().unwrap();
    let error = refused(10, &states);
    assert!(error.contains("the state \"lines\", `bytes`: there is no such field"), "{error}");
    assert!(!error.contains("move the folder"), "records were dropped: {error}");
    states.publish();
    assert_eq!(store.view(None).lines.count(), 0);
}

/// The lines without their number of bytes.
#[derive(Clone, Default, State)]
struct Fewer {
    lines: Table<Line>,
}

impl Updates for Fewer {
    const NAME: &'static str = Lines::NAME;
    type Update = String;
    type Output = ();
    type Refusal = Violation;

    fn apply(&mut self, _: String, _: &mut At) -> Result<(), Violation> {
        Ok(())
    }
}

#[test]
fn a_value_that_cannot_be_encoded_fails_the_checkpoint() {
    static PANICS: AtomicBool = AtomicBool::new(false);

    #[derive(Clone, Default, Deserialize)]
    struct Silent;

    impl Serialize for Silent {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            assert!(!PANICS.load(Ordering::Relaxed), "it panics");
            Err(serde::ser::Error::custom("it is silent"))
        }
    }

    #[derive(Clone, Default, State)]
    struct Mute {
        word: Plain<Silent>,
    }

    impl Updates for Mute {
        const NAME: &'static str = "mute";
        type Update = ();
        type Output = ();
        type Refusal = Violation;

        fn apply(&mut self, (): (), _: &mut At) -> Result<(), Violation> {
            Ok(())
        }
    }

    let (disk, _) = with_two();
    let mut states = States::new();
    states.add::<Mute>().unwrap();
    for (panics, reason) in [(false, "its `Serialize` fails"), (true, "it panics")] {
        PANICS.store(panics, Ordering::Relaxed);
        let content = Content { states: states.save(), ..content_at(30) };
        let error = on(&disk).write(content, &AtomicBool::new(false)).unwrap_err().to_string();
        let said = format!("`word` of the state \"mute\" cannot be encoded: {reason}");
        assert!(error.contains(&said), "{error}");
    }
    assert_eq!(restore(&disk, 10), Ok(20));
}
