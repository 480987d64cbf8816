use super::*;
use crate::log::AppendError;

#[tokio::test]
async fn on_a_full_disk_updates_fail_until_there_is_room_and_nothing_is_half_done() {
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
async fn after_a_failed_sync_the_writer_is_told_what_a_power_cut_leaves() {
    let mut told = [0, 0];
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
        told[expected.len() - 2] += 1;
        log.append(draft("after")).await.unwrap();
        assert_eq!(follower.texts(), expected);
        disk.cut_power(folder.path());
        drop(log);
        let (_, _, follower) = open_on(&Disk::new(seed), folder.path()).unwrap();
        assert_eq!(follower.texts(), expected, "seed {seed}");
    }
    // What was written can be read again, so a failed sync alone loses nothing.
    assert_eq!(told, [0, 50]);
}

#[tokio::test]
async fn a_write_that_fails_in_the_middle_leaves_nothing() {
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
async fn when_the_file_cannot_be_opened_again_the_outcome_is_called_unknown_and_settled_later() {
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
