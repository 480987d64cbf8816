//! Checkpoints that are given up, fail, or are asked for twice.

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
async fn a_run_whose_request_is_dropped_goes_on_and_the_next_one_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(folder.path());
    for round in 0..30 {
        node.append(&format!("line {round} {}", "x".repeat(20_000))).await;
        let dropped = node.checkpointer.checkpoint(&node.log, ReplacedRecords::Drop);
        let _ = tokio::time::timeout(Duration::from_micros(500 * round), dropped).await;
        let made = node.checkpointer.checkpoint(&node.log, ReplacedRecords::Drop).await.unwrap();
        assert_eq!(made.base, node.log.committed(), "round {round}");
    }
    // Of each request that was polled there are two.
    let last = names(&folder.path().join("checkpoints")).pop().unwrap();
    assert!(last.starts_with("00000120-at-30"), "{last}");
    drop(node);
    let node = Node::open(folder.path());
    assert_eq!((node.lines().len(), node.log.committed()), (30, Position(30)));
}

#[tokio::test]
async fn a_log_that_cannot_be_written_anew_leaves_no_unfinished_file() {
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
async fn a_start_removes_what_a_process_that_was_killed_has_not_finished() {
    let folder = tempfile::tempdir().unwrap();
    drop(Node::open(folder.path()));
    fs::write(folder.path().join("log.redb.new"), "half a log").unwrap();
    drop(Node::open(folder.path()));
    let left = names(folder.path());
    assert!(!left.contains(&"log.redb.new".to_owned()), "{left:?}");
}

#[tokio::test]
async fn archiving_removes_what_an_earlier_attempt_has_not_finished() {
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
