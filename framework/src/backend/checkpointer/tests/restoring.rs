//! Restores of what is and what is not there.

use std::fs;

use super::*;

#[tokio::test]
async fn a_log_with_archives_is_restored_again_and_again() {
    let (folder, states) = with_archive().await;
    for round in 0..3 {
        tools::restore(folder.path(), folder.path(), Position(20)).unwrap();
        let node = Node::open(folder.path());
        assert_eq!(node.lines(), states[20], "round {round}");
        node.append("another line").await;
        archive(&node).await;
        // The archives of all these logs begin and end alike.
        drop(node);
        let (lines, is_whole) = tools::verify(folder.path());
        assert!(is_whole, "{lines:?}");
        let alien = lines
            .iter()
            .filter(|line| line.contains("archive/") && line.contains("not of this log"));
        assert!(alien.count() >= 3, "{lines:?}");
    }
}

#[tokio::test]
async fn an_archive_that_is_not_needed_may_be_damaged() {
    let (folder, states) = with_archive().await;
    let first = fs::read_dir(archive_of(folder.path())).unwrap();
    let first = first.map(|entry| entry.unwrap().path()).min().unwrap();
    fs::write(&first, "rotten").unwrap();
    tools::restore(folder.path(), folder.path(), Position(30)).unwrap();
    assert_eq!(Node::open(folder.path()).lines(), states[30]);
}

async fn archive(node: &Node) {
    node.checkpointer.checkpoint(&node.log, ReplacedRecords::Archive).await.unwrap();
}
