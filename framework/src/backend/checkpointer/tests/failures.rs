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
