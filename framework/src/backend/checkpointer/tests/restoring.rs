//! Restores with complete, missing and damaged files.

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

/// All files below a folder, with their contents.
fn content(folder: &Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        match entry.is_dir() {
            true => files.append(&mut content(&entry)),
            false => drop(files.insert(entry.clone(), fs::read(entry).unwrap())),
        }
    }
    files
}

#[tokio::test]
async fn a_backup_is_verified_and_read_without_a_change() {
    let (folder, states) = with_archive().await;
    let node = Node::open(folder.path());
    node.append("while it runs").await;
    let backup = tempfile::tempdir().unwrap();
    // As in a snapshot of the file system.
    for (path, bytes) in content(folder.path()) {
        let copy = backup.path().join(path.strip_prefix(folder.path()).unwrap());
        if copy.file_name().unwrap() == "log.lock" {
            continue;
        }
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::write(copy, bytes).unwrap();
    }
    drop(node);
    let before = content(backup.path());
    let (lines, is_whole) = tools::verify(backup.path());
    assert!(is_whole, "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("log.redb: whole, records")), "{lines:?}");
    tools::log(backup.path(), None, &mut Vec::new()).unwrap();
    let target = tempfile::tempdir().unwrap();
    tools::restore(backup.path(), target.path(), Position(29)).unwrap();
    assert_eq!(Node::open(target.path()).lines(), states[29]);
    assert!(content(backup.path()) == before, "a backup was changed");
}

#[tokio::test]
async fn a_log_that_a_restore_put_aside_can_be_restored_after_its_checkpoints_were_removed() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(folder.path());
    for number in 1..=10 {
        node.append(&format!("line {number}")).await;
        if number == 5 {
            node.checkpointer.checkpoint(&node.log, ReplacedRecords::Drop).await.unwrap();
        }
    }
    let lines = node.lines();
    drop(node);
    let restored = tools::restore(folder.path(), folder.path(), Position(6)).unwrap();
    let before = restored.before.unwrap();
    let node = Node::open(folder.path());
    node.append("a wrong turn").await;
    for _ in 0..2 {
        node.checkpointer.checkpoint(&node.log, ReplacedRecords::Drop).await.unwrap();
    }
    drop(node);
    tools::restore(&before, folder.path(), Position(10)).unwrap();
    assert_eq!(Node::open(folder.path()).lines(), lines);
}

#[tokio::test]
async fn the_error_for_a_position_that_cannot_be_restored_lists_those_that_can() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(folder.path());
    for number in 1..=6 {
        node.append(&format!("line {number}")).await;
        if number == 4 {
            node.checkpointer.checkpoint(&node.log, ReplacedRecords::Drop).await.unwrap();
        }
    }
    drop(node);
    let error = tools::restore(folder.path(), folder.path(), Position(3)).unwrap_err();
    assert!(error.contains("records 5 to 6") && error.contains("checkpoints at 4"), "{error}");
}

#[tokio::test]
async fn the_folder_may_be_given_in_another_spelling() {
    let (folder, states) = with_archive().await;
    let spelled = folder.path().join("checkpoints/..");
    tools::restore(&spelled, folder.path(), Position(20)).unwrap();
    assert_eq!(Node::open(folder.path()).lines(), states[20]);
}

#[tokio::test]
async fn the_newest_position_is_restored_from_the_remaining_files() {
    let (folder, states) = with_archive().await;
    let target = tempfile::tempdir().unwrap();
    let restored = tools::restore(folder.path(), target.path(), None::<Position>).unwrap();
    assert_eq!(restored.position, Position(30));
    fs::remove_file(folder.path().join("log.redb")).unwrap();
    let restored = tools::restore(folder.path(), folder.path(), None::<Position>).unwrap();
    assert_eq!(restored.position, Position(24));
    assert_eq!(Node::open(folder.path()).lines(), states[24]);
    let undone =
        tools::restore(&restored.before.unwrap(), target.path(), None::<Position>).unwrap();
    assert_eq!(undone.position, Position(24));
}

#[tokio::test]
async fn an_import_that_fails_or_was_killed_does_not_hinder_the_next() {
    let (folder, states) = with_archive().await;
    let (mut lines, target) = (Vec::new(), tempfile::tempdir().unwrap());
    tools::export(folder.path(), None, &mut lines).unwrap();
    let torn = [&lines[..], b"{\"item\":"].concat();
    tools::import(std::io::Cursor::new(torn), 0, target.path()).unwrap_err();
    let left: Vec<_> = content(target.path()).into_keys().collect();
    assert!(left.iter().all(|path| path.ends_with("log.lock")), "{left:?}");

    // Killed when the checkpoint had its name and the log had not.
    tools::import(std::io::Cursor::new(lines.clone()), 0, target.path()).unwrap();
    let log = target.path().join("log.redb");
    fs::rename(&log, log.with_extension("redb.new")).unwrap();
    tools::import(std::io::Cursor::new(lines), 0, target.path()).unwrap();
    assert_eq!(Node::open(target.path()).lines(), states[24]);
}

#[tokio::test]
async fn an_import_reports_the_error_in_a_line() {
    let (folder, _) = with_archive().await;
    let mut lines = Vec::new();
    tools::export(folder.path(), None, &mut lines).unwrap();
    let lines = String::from_utf8(lines).unwrap();
    let refused = |from: &str, to: &str| {
        let changed = std::io::Cursor::new(lines.replacen(from, to, 1));
        tools::import(changed, 0, tempfile::tempdir().unwrap().path()).unwrap_err()
    };
    let error = refused("\"version\":1", "\"versoin\":1");
    assert!(error.contains("line 2: unknown field `versoin`"), "{error}");
    let error = refused("\"field\":\"lines\"", "\"field\":7");
    assert!(error.contains("line 2: invalid type: integer `7`, expected a string"), "{error}");
    let error = refused("\"position\":24", "\"position\":18446744073709551615");
    assert!(error.contains("line 1: ") && error.contains("position"), "{error}");
}

#[tokio::test]
async fn a_list_contains_the_files_with_their_positions() {
    let (folder, _) = with_archive().await;
    let lines = tools::list(folder.path()).unwrap();
    let says = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert_eq!(says(".checkpoint: position 24, "), 2, "{lines:?}");
    assert_eq!(says("log.redb: records 25 to 30"), 1, "{lines:?}");
    assert_eq!(says(".records: records 9 to 16"), 1, "{lines:?}");
    let node = Node::open(folder.path());
    let lines = tools::list(folder.path()).unwrap();
    assert!(lines.iter().any(|line| line.ends_with("a node has the log open")), "{lines:?}");
    drop(node);
}
