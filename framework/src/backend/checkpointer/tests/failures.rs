//! Checkpoints that are aborted, fail, or are requested twice.

use std::fs;

use super::*;

/// The names of the files in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_request_is_dropped_continues_and_the_next_one_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(folder.path());
    for round in 0..30 {
        node.append(&format!("line {round} {}", "x".repeat(20_000))).await;
        let dropped = node.checkpointer.checkpoint(&node.log, ReplacedRecords::Drop);
        let _ = tokio::time::timeout(Duration::from_micros(500 * round), dropped).await;
        let made = node.checkpointer.checkpoint(&node.log, ReplacedRecords::Drop).await.unwrap();
        assert_eq!(made.base, node.log.committed(), "round {round}");
    }
    // Each request that was polled has made two.
    let last = names(&folder.path().join("checkpoints")).pop().unwrap();
    assert!(last.starts_with("00000120-at-30"), "{last}");
    drop(node);
    let node = Node::open(folder.path());
    assert_eq!((node.lines().len(), node.log.committed()), (30, Position(30)));
}

#[tokio::test]
async fn a_log_that_cannot_be_rewritten_leaves_no_unfinished_file() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(folder.path());
    node.append("line").await;
    let mut unknown = update("line");
    unknown.update.as_mut().unwrap().state = "unknown".to_owned();
    assert!(node.log.append(unknown).await.unwrap().applied.is_err());
    let before = names(folder.path());
    let made = node.checkpointer.checkpoint(&node.log, ReplacedRecords::Drop).await;
    assert!(made.unwrap_err().contains("no record is applied any more"));
    let after = names(folder.path());
    assert!(after.iter().all(|name| name == "checkpoints" || before.contains(name)), "{after:?}");
}

#[tokio::test]
async fn a_start_removes_the_unfinished_files_of_a_killed_process() {
    let folder = tempfile::tempdir().unwrap();
    drop(Node::open(folder.path()));
    fs::write(folder.path().join("log.redb.new"), "half a log").unwrap();
    drop(Node::open(folder.path()));
    let left = names(folder.path());
    assert!(!left.contains(&"log.redb.new".to_owned()), "{left:?}");
}

#[tokio::test]
async fn archiving_removes_the_unfinished_files_of_an_earlier_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive_of(folder.path());
    let node = Node::open(folder.path());
    node.append("line").await;
    fs::create_dir_all(&archive).unwrap();
    fs::write(archive.join("records.new"), "").unwrap();
    node.checkpointer.checkpoint(&node.log, ReplacedRecords::Archive).await.unwrap();
    let names = names(&archive);
    assert!(names.len() == 1 && names[0].ends_with(".records"), "{names:?}");
}

#[tokio::test]
async fn a_run_that_has_failed_is_due_again_before_the_interval_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(folder.path());
    node.append("line").await;
    let checkpoints = folder.path().join("checkpoints");
    fs::write(&checkpoints, "no folder").unwrap();
    *node.checkpointer.made() = Moment::from_nanos(0);
    node.checkpointer.checkpoint(&node.log, ReplacedRecords::Keep).await.unwrap_err();
    assert_eq!(*node.checkpointer.made(), Moment::from_nanos(0));
    fs::remove_file(checkpoints).unwrap();
    node.checkpointer.checkpoint(&node.log, ReplacedRecords::Keep).await.unwrap();
    assert_ne!(*node.checkpointer.made(), Moment::from_nanos(0));
}

#[tokio::test]
async fn records_are_dropped_even_if_nothing_is_written_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::open(folder.path());
    let hour = Duration::from_secs(3600);
    let options = CheckpointOptions { interval: hour, ..CheckpointOptions::default() };
    Arc::get_mut(&mut node.checkpointer).unwrap().options = options;
    node.append("4,000 secrets").await;
    let is_due = || {
        let later = Moment::from_nanos(node.checkpointer.made().as_nanos() + 3_600_000_000_000);
        node.checkpointer.is_due(node.log.bytes(), later)
    };
    for dropped in [0, 1] {
        assert!(is_due(), "{dropped}");
        node.checkpointer.take_turn(&node.log, ReplacedRecords::Drop, 1).await.unwrap();
        assert_eq!(node.log.base(), Position(dropped));
    }
    assert!(!is_due());
}

#[tokio::test]
async fn an_old_checkpoint_that_cannot_be_removed_fails_the_command_that_drops_records() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(folder.path());
    node.append("line").await;
    // A folder cannot be removed as a file.
    let old = folder.path().join("checkpoints/00000000-at-0.checkpoint");
    fs::create_dir_all(&old).unwrap();
    let made = node.checkpointer.checkpoint(&node.log, ReplacedRecords::Keep).await;
    assert!(made.is_ok(), "nothing must be erased");
    let made = node.checkpointer.checkpoint(&node.log, ReplacedRecords::Drop).await;
    let error = made.unwrap_err();
    assert!(error.contains("00000000-at-0.checkpoint cannot be removed"), "{error}");
    fs::remove_dir(old).unwrap();
    node.checkpointer.checkpoint(&node.log, ReplacedRecords::Drop).await.unwrap();
}
