use std::time::{Duration, Instant};

use super::*;
use crate::log::AppendError;

#[tokio::test]
async fn on_a_full_disk_updates_fail_until_there_is_space_and_nothing_is_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(1);
    let (log, _, follower) = open_on(&disk, folder.path()).unwrap();
    log.append(draft("before")).await.unwrap();
    disk.set(|faults| faults.full = true);
    let large = "x".repeat(5 << 20);
    for _ in 0..3 {
        let error = log.append(draft(&large)).await.unwrap_err();
        assert!(matches!(error, AppendError::Storage { .. }), "{error}");
    }
    assert_eq!(log.committed(), Position(1));
    assert_eq!(log.read(Position::START, 10, 1 << 30).unwrap().len(), 1);
    disk.set(|faults| faults.full = false);
    assert_eq!(log.append(draft("after")).await.unwrap().position, Position(2));
    assert_eq!(follower.texts(), ["before", "after"]);
    disk.cut_power(folder.path());
    drop(log);
    let (_, _, follower) = open_on(&Disk::new(2), folder.path()).unwrap();
    assert_eq!(follower.texts(), ["before", "after"]);
}

#[tokio::test]
async fn the_answer_after_a_failed_sync_matches_the_log_after_a_power_cut() {
    let mut outcomes = [0, 0];
    for seed in 0..50 {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(seed);
        let (log, _, follower) = open_on(&disk, folder.path()).unwrap();
        log.append(draft("before")).await.unwrap();
        disk.set(|faults| faults.syncs = 1);
        let expected = match log.append(draft("doubtful")).await {
            Ok(_) => vec!["before", "doubtful", "after"],
            Err(AppendError::Storage { .. }) => vec!["before", "after"],
            Err(error) => panic!("{error}"),
        };
        outcomes[expected.len() - 2] += 1;
        log.append(draft("after")).await.unwrap();
        assert_eq!(follower.texts(), expected);
        disk.cut_power(folder.path());
        drop(log);
        let (_, _, follower) = open_on(&Disk::new(seed), folder.path()).unwrap();
        assert_eq!(follower.texts(), expected, "seed {seed}");
    }
    // Written data can still be read, so a failed sync alone loses nothing.
    assert_eq!(outcomes, [0, 50]);
}

#[tokio::test]
async fn a_partial_write_leaves_no_record() {
    for write_after in 0..12 {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(u64::from(write_after));
        let (log, _, follower) = open_on(&disk, folder.path()).unwrap();
        log.append(draft("before")).await.unwrap();
        disk.set(|faults| faults.write_after = Some(write_after));
        let mut expected = vec!["before"];
        match log.append(draft("doubtful")).await {
            Ok(_) => expected.push("doubtful"),
            Err(AppendError::Storage { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        disk.set(|faults| faults.write_after = None);
        log.append(draft("after")).await.unwrap();
        expected.push("after");
        assert_eq!(follower.texts(), expected);
    }
}

#[tokio::test]
async fn when_the_file_cannot_be_opened_again_the_outcome_is_in_doubt_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(3);
    let (log, _, follower) = open_on(&disk, folder.path()).unwrap();
    log.append(draft("before")).await.unwrap();
    disk.set(|faults| (faults.syncs, faults.opens) = (1, 2));
    let error = log.append(draft("doubtful")).await.unwrap_err();
    assert!(matches!(error, AppendError::InDoubt { .. }), "{error}");
    assert_eq!(follower.texts(), ["before"]);
    assert!(log.read(Position::START, 10, 1 << 20).is_err());
    let error = log.append(draft("refused")).await.unwrap_err();
    assert!(matches!(error, AppendError::Storage { .. }), "{error}");
    let appended = log.append(draft("after")).await.unwrap();
    assert_eq!(appended.position, Position(3));
    assert_eq!(follower.texts(), ["before", "doubtful", "after"]);
    assert_eq!(log.read(Position::START, 10, 1 << 20).unwrap(), follower.records());
}

#[tokio::test]
async fn records_in_doubt_before_an_unreadable_one_are_a_batch() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(3);
    let (log, _, follower) = open_on(&disk, folder.path()).unwrap();
    log.append(draft("before")).await.unwrap();
    disk.set(|faults| (faults.syncs, faults.opens) = (1, 1));
    let drafts = vec![draft("doubtful"), draft("unknown")];
    let error = log.append_together(drafts).await.unwrap_err();
    assert!(matches!(error, AppendError::InDoubt { .. }), "{error}");
    let refused = log.append(draft("after")).await.unwrap_err();
    assert!(matches!(refused, AppendError::Storage { .. }), "{refused}");
    assert_eq!(follower.texts(), ["before", "doubtful", "unknown"]);
    assert_eq!(follower.batches().last(), Some(&Position(2)));
}

#[tokio::test]
async fn a_disk_fault_is_reported_until_as_many_bytes_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(1);
    let (log, _, follower) = open_on(&disk, folder.path()).unwrap();
    assert_eq!(log.trouble(), None);
    disk.set(|faults| faults.full = true);
    log.append(draft(&"x".repeat(5 << 20))).await.unwrap_err();
    assert!(log.trouble().is_some());
    disk.set(|faults| faults.full = false);
    log.probe();
    let deadline = Instant::now() + Duration::from_secs(60);
    while log.trouble().is_some() {
        assert!(Instant::now() < deadline, "{:?}", log.trouble());
        std::thread::yield_now();
    }
    assert_eq!(log.append(draft("after")).await.unwrap().position, Position(1));
    assert_eq!(follower.texts(), ["after"]);
}

#[tokio::test]
async fn an_opening_that_cannot_be_stored_is_stored_with_the_first_record() {
    let mut opened_in_trouble = 0;
    for write_after in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(1);
        let (log, before, _) = open_on(&disk, folder.path()).unwrap();
        log.append(draft("before")).await.unwrap();
        log.shutdown();
        disk.kill(folder.path());
        let disk = Disk::new(2);
        disk.set(|faults| faults.write_after = Some(write_after));
        let Ok((log, opened, follower)) = open_on(&disk, folder.path()) else { continue };
        opened_in_trouble += usize::from(log.trouble().is_some());
        disk.set(|faults| faults.write_after = None);
        assert_eq!(log.append(draft("after")).await.unwrap().position, Position(2));
        assert_eq!(follower.texts(), ["before", "after"]);
        log.shutdown();
        disk.kill(folder.path());
        let (log, ..) = open_on(&Disk::new(3), folder.path()).unwrap();
        assert!(log.includes(before.log, Position(1)) && !log.includes(before.log, Position(2)));
        assert!(log.includes(opened.log, Position(2)));
    }
    assert!(opened_in_trouble > 0);
}

#[tokio::test]
async fn drafts_that_are_appended_together_are_stored_together_or_not_at_all() {
    for write_after in 0..40 {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(u64::from(write_after));
        let (log, ..) = open_on(&disk, folder.path()).unwrap();
        disk.set(|faults| faults.write_after = Some(write_after));
        let drafts = (0..20).map(|number| draft(&format!("{number} {}", "x".repeat(9000))));
        let appended = log.append_together(drafts.collect()).await;
        disk.cut_power(folder.path());
        drop(log);
        let (_, opened, _) = open_on(&Disk::new(0), folder.path()).unwrap();
        match appended {
            Ok(appended) => assert_eq!((appended.len(), opened.last), (20, Position(20))),
            Err(_) => assert!([0, 20].contains(&opened.last.0), "{} of 20", opened.last),
        }
    }
}

#[tokio::test]
async fn an_update_costs_one_sync() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(4);
    let (log, ..) = open_on(&disk, folder.path()).unwrap();
    log.append(draft("first")).await.unwrap();
    let before = disk.syncs();
    for _ in 0..10 {
        log.append(draft("next")).await.unwrap();
    }
    assert_eq!(disk.syncs() - before, 10);
}

#[tokio::test]
async fn a_checkpoint_is_refused_until_its_opening_is_in_the_log() {
    let (mut refused, mut noted_late) = (0, 0);
    // The seed decides which blocks a failed sync has written.
    for (write_after, seed) in (0..20).flat_map(|after| (2..10).map(move |seed| (after, seed))) {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(1);
        let (log, ..) = open_on(&disk, folder.path()).unwrap();
        log.append(draft("before")).await.unwrap();
        log.shutdown();
        disk.kill(folder.path());
        let disk = Disk::new(seed);
        disk.set(|faults| faults.write_after = Some(write_after));
        let Ok((log, ..)) = open_on(&disk, folder.path()) else { continue };
        noted_late += usize::from(log.trouble().is_some());
        // The next write fails.
        disk.set(|faults| faults.write_after = Some(0));
        let look = || log.look(|standing| (standing.log, standing.position));
        let seen = match look().await {
            Ok(seen) => seen,
            Err(_) => {
                refused += 1;
                look().await.unwrap()
            }
        };
        disk.set(|faults| faults.write_after = None);
        assert_eq!(log.trouble(), None);
        log.shutdown();
        disk.kill(folder.path());
        let (log, ..) = open_on(&Disk::new(3), folder.path()).unwrap();
        assert!(log.includes(seen.0, seen.1), "{write_after}, {seed}");
    }
    assert!(noted_late > 0 && refused > 0, "{noted_late}, {refused}");
}
