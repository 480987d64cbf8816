use super::super::folder::Folder;
use super::disk::Fault;
use super::*;

/// Returns a disk with the checkpoints at 10 and 20.
fn with_two() -> Disk {
    let disk = Disk::new();
    let checkpoints = on(&disk);
    write(&checkpoints, 10).unwrap();
    write(&checkpoints, 20).unwrap();
    disk
}

/// Returns the disk before the third checkpoint is written, and the folder as a running node has it.
fn running() -> (Disk, Checkpoints) {
    let disk = with_two();
    let checkpoints = on(&disk);
    let (states, _) = states();
    let past = Past::of(LOG, Position(0), Position(100));
    checkpoints.restore(&past, &states).unwrap().unwrap();
    (disk, checkpoints)
}

#[test]
fn a_crash_at_any_step_of_writing_leaves_the_checkpoint_before_or_the_new_one() {
    let mut steps = 0;
    loop {
        let (disk, checkpoints) = running();
        disk.set(Fault::Crash(steps));
        let written = write(&checkpoints, 30).is_ok();
        let has_ended = written && disk.names().is_ok();
        for seed in 0..8 {
            let copy = disk.copy();
            copy.set(Fault::Nothing);
            if seed > 0 {
                copy.cut_power(seed + 1000 * u64::from(steps));
            }
            let found = restore(&copy, 10).unwrap();
            assert!(found == 30 || (found == 20 && !written), "step {steps}: found {found}");
            // The next one can be written, and the one before it stays.
            let next = on(&copy);
            let (states, _) = states();
            let past = Past::of(LOG, Position(10), Position(100));
            next.restore(&past, &states).unwrap();
            write(&next, 40).unwrap();
            assert_eq!(restore(&copy, 10), Ok(40));
            let names = next.names().unwrap();
            copy.remove(names.last().unwrap()).unwrap();
            assert_eq!(restore(&copy, 10), Ok(found), "step {steps}");
        }
        if has_ended {
            break;
        }
        steps += 1;
    }
    assert!(steps > 10, "only {steps} steps");
}

#[test]
fn a_failed_step_leaves_the_checkpoints_unchanged_and_the_next_one_is_written() {
    for steps in 0..40 {
        let (disk, checkpoints) = running();
        disk.set(Fault::Once(steps));
        let written = write(&checkpoints, 30).is_ok();
        disk.set(Fault::Nothing);
        let found = restore(&disk, 0).unwrap();
        assert!(found == 30 || (found == 20 && !written), "step {steps}: found {found}");
        write(&checkpoints, 40).unwrap();
        assert_eq!(restore(&disk, 0), Ok(40));
    }
}

#[test]
fn a_cancelled_checkpoint_leaves_nothing() {
    let disk = with_two();
    let before = disk.names().unwrap();
    let stopped = on(&disk).write(content_at(30), &AtomicBool::new(true));
    assert!(matches!(stopped, Err(CheckpointError::Stopping)));
    assert_eq!(disk.names().unwrap(), before);
}

#[test]
fn the_last_two_are_kept() {
    let disk = Disk::new();
    let checkpoints = on(&disk);
    for position in [10, 20, 30, 30, 40] {
        write(&checkpoints, position).unwrap();
    }
    let names = disk.names().unwrap();
    assert_eq!(names, ["00000004-at-30.checkpoint", "00000005-at-40.checkpoint"]);
    assert_eq!(checkpoints.base().unwrap().unwrap().position, Position(30));
}

#[test]
fn a_checkpoint_of_another_log_or_of_records_that_were_lost_is_not_used() {
    let disk = with_two();
    let (states, _) = states();
    let restore =
        |past: &Past| on(&disk).restore(past, &states).map(|it| it.map(|it| it.beginning.position));
    let last = Position(100);
    assert_eq!(restore(&Past::of(LogEpoch::first_of(8), Position(0), last)), Ok(None));
    assert_eq!(restore(&Past::of(LOG, Position(0), Position(19))), Ok(Some(Position(10))));
    assert_eq!(restore(&Past::of(LOG, Position(0), Position(9))), Ok(None));
    let error = restore(&Past::of(LOG, Position(21), last)).unwrap_err();
    assert!(error.contains("up to position 21 are in checkpoints only"), "{error}");
}

#[test]
fn two_checkpoints_with_one_number_do_not_hide_one_another() {
    for other in ["00000002-at-9.checkpoint", "00000002-at-99.checkpoint", "2-at-20.checkpoint"] {
        let disk = with_two();
        disk.create(other).unwrap();
        assert_eq!(on(&disk).names().unwrap().len(), 3, "{other}");
        assert_eq!(restore(&disk, 20), Ok(20), "{other}");
    }
}

#[test]
fn records_are_dropped_up_to_the_lesser_position_of_two_checkpoints() {
    let disk = Disk::new();
    let checkpoints = on(&disk);
    for position in [20, 10] {
        write(&checkpoints, position).unwrap();
    }
    assert_eq!(checkpoints.base().unwrap().unwrap().position, Position(10));
}
