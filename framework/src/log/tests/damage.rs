use std::fs;

use proptest::prelude::*;
use redb::{Database, ReadableTable, TableDefinition};
use tempfile::TempDir;

use super::*;

const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// Returns a closed log with the records `1`, `2`, … up to `records`.
fn closed_log(records: u64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (log, ..) = open(folder.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let texts: Vec<String> = (1..=records).map(|number| number.to_string()).collect();
    let appends = texts.iter().map(|text| log.append(draft(text)));
    for appended in runtime.block_on(futures_util::future::join_all(appends)) {
        appended.unwrap();
    }
    folder
}

fn change(folder: &TempDir, work: impl FnOnce(&redb::WriteTransaction)) {
    let database = Database::open(folder.path().join("log.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    work(&transaction);
    transaction.commit().unwrap();
}

fn spoil(folder: &TempDir, positions: impl IntoIterator<Item = u64>) {
    change(folder, |transaction| {
        let mut records = transaction.open_table(RECORDS).unwrap();
        for position in positions {
            let mut bytes = records.get(position).unwrap().unwrap().value().to_vec();
            *bytes.last_mut().unwrap() ^= 1;
            records.insert(position, &*bytes).unwrap();
        }
    });
}

#[tokio::test]
async fn a_torn_tail_is_cut_off_reported_and_included_in_no_epoch() {
    let folder = tokio::task::spawn_blocking(|| closed_log(5)).await.unwrap();
    let (log, before, _) = open(folder.path()).unwrap();
    drop(log);
    spoil(&folder, [4, 5]);
    let (log, opened, follower) = open(folder.path()).unwrap();
    assert!(!opened.untouched, "front ends may have joined in the tail");
    let cut = opened.cut.unwrap();
    assert_eq!((cut.position, cut.records), (Position(4), 2));
    assert_eq!(cut.reason, "the record's checksum is wrong");
    assert!(log.includes(before.log, Position(3)) && !log.includes(before.log, Position(4)));
    assert_eq!((opened.last, log.epoch()), (Position(3), opened.log));
    assert_eq!(follower.texts(), ["1", "2", "3"]);
    assert_eq!(log.append(draft("new")).await.unwrap().position, Position(4));
    drop(log);

    let (log, again, follower) = open(folder.path()).unwrap();
    assert_eq!((again.log.id, again.cut), (before.log.id, None));
    assert!(log.includes(before.log, Position(3)) && !log.includes(before.log, Position(4)));
    assert!(log.includes(opened.log, Position(4)));
    assert_eq!(follower.texts(), ["1", "2", "3", "new"]);
    drop(log);
}

#[test]
fn damage_further_in_stops_the_start_and_changes_nothing() {
    let folder = closed_log(5);
    spoil(&folder, [3]);
    for _ in 0..2 {
        let error = open(folder.path()).err().unwrap();
        assert!(matches!(error, OpenError::Damaged { position: Position(3), .. }), "{error}");
        let error = error.to_string();
        assert!(error.contains("log.redb: the log is damaged at position 3"), "{error}");
        assert!(error.contains("restore the file from a backup"), "{error}");
    }
}

#[test]
fn more_damaged_records_than_one_transaction_holds_are_no_torn_tail() {
    let folder = closed_log(5000);
    spoil(&folder, 2..=5000);
    let error = open(folder.path()).err().unwrap();
    assert!(matches!(error, OpenError::Damaged { position: Position(2), .. }), "{error}");
}

#[test]
fn a_missing_record_stops_the_start() {
    let folder = closed_log(5);
    change(&folder, |transaction| {
        transaction.open_table(RECORDS).unwrap().remove(2).unwrap();
    });
    let error = open(folder.path()).err().unwrap();
    assert!(matches!(error, OpenError::Damaged { position: Position(2), .. }), "{error}");
}

#[test]
fn a_record_damaged_while_the_log_is_open_is_not_read() {
    let folder = closed_log(3);
    spoil(&folder, [2]);
    let disk = Disk::new(0);
    let engine = disk.engine(folder.path()).unwrap();
    let read: Vec<String> =
        engine.read(Position::START, 10, 1 << 20).unwrap().iter().map(text).collect();
    assert_eq!(read, ["1"]);
    let error = engine.read(Position(1), 10, 1 << 20).unwrap_err().to_string();
    assert_eq!(error, "the log is damaged at position 2: the record's checksum is wrong");
}

#[test]
fn a_damaged_record_is_not_copied_to_a_new_file() {
    let folder = closed_log(3);
    spoil(&folder, [2]);
    let engine = Disk::new(0).engine(folder.path()).unwrap();
    let base = Base::default();
    let rewrite = engine.begin_rewrite(base, Position(3), |_| Ok(()));
    let error = rewrite.unwrap_err();
    assert_eq!(error, "the log is damaged at position 2: the record's checksum is wrong");
    assert!(!folder.path().join("log.redb.new").exists());
}

#[test]
fn a_log_can_be_used_while_it_is_rewritten_and_a_rewrite_can_be_cancelled() {
    let folder = closed_log(3);
    let engine = Disk::new(0).engine(folder.path()).unwrap();
    let mut pieces = 0;
    let rewrite = engine.begin_rewrite(Base::default(), Position(3), |copied| {
        pieces += 1;
        assert_eq!(copied, Position::START);
        // This waits until no other thread uses the file.
        engine.reopen(Position(3)).map(|_| ())
    });
    assert!(rewrite.is_ok() && pieces == 1);
    drop(rewrite);
    let given_up = engine.begin_rewrite(Base::default(), Position(3), |_| Err("stop".to_owned()));
    assert_eq!(given_up.unwrap_err(), "stop");
    assert!(!folder.path().join("log.redb.new").exists());
}

#[test]
fn an_unknown_format_is_refused() {
    let folder = closed_log(1);
    change(&folder, |transaction| {
        let mut meta = transaction.open_table(META).unwrap();
        meta.insert("format", 9u32.to_le_bytes().as_slice()).unwrap();
    });
    let error = open(folder.path()).err().unwrap();
    assert!(matches!(error, OpenError::Format { found: 9, known: 5, .. }), "{error}");
}

#[test]
fn a_file_that_is_no_log_is_refused_and_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.redb");
    fs::write(&path, "my shopping list").unwrap();
    let error = open(folder.path()).err().unwrap();
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
    assert_eq!(fs::read_to_string(path).unwrap(), "my shopping list");
}

/// Checks that a file of these bytes is a log with at least `records` of its records, even after writes, or
/// that it does not open and the error explains what to do.
fn check(bytes: &[u8], records: u64, what: &str) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("log.redb"), bytes).unwrap();
    let (log, opened, follower) = match open(folder.path()) {
        Ok(opened) => opened,
        Err(error) => {
            let error = error.to_string();
            assert!(error.contains("restore"), "{what}: {error}");
            return;
        }
    };
    assert_eq!(follower.texts().len() as u64, opened.last.0, "{what}");
    assert!(opened.last >= Position(records), "{what}: there are only {} records", opened.last);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for size in [1, 5000, 100_000] {
        let appended = runtime.block_on(log.append(draft(&"x".repeat(size))));
        assert!(appended.is_ok(), "{what}: {}", appended.unwrap_err());
    }
}

#[test]
fn a_truncated_file_is_refused_and_the_error_names_the_remedy() {
    let folder = closed_log(200);
    let bytes = fs::read(folder.path().join("log.redb")).unwrap();
    let lengths = (0..40).map(|part| bytes.len() * part / 40).chain([1, 9, 100, 320, 511, 4097]);
    for length in lengths.filter(|length| *length > 0) {
        check(&bytes[..length], 200, &format!("{length} of {} bytes", bytes.len()));
    }
}

/// Returns the file of a log with one transaction for each record, as it is when the log is closed, or when its
/// process is killed.
fn grown_log(records: u64, killed: bool) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.redb");
    let (log, ..) = open(folder.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for number in 1..=records {
        let text = format!("{number} {}", "x".repeat(700));
        runtime.block_on(log.append(draft(&text))).unwrap();
    }
    if killed {
        return fs::read(path).unwrap();
    }
    drop(log);
    fs::read(path).unwrap()
}

#[test]
fn a_page_of_zeros_is_found_at_the_start() {
    for killed in [false, true] {
        let bytes = grown_log(60, killed);
        for start in (0..bytes.len()).step_by(4096) {
            let mut bytes = bytes.clone();
            let page = &mut bytes[start..start + 4096];
            if page.iter().all(|byte| *byte == 0) {
                continue;
            }
            page.fill(0);
            // The last transaction of a killed process may be unfinished.
            let least = if killed { 59 } else { 60 };
            check(&bytes, least, &format!("killed: {killed}, page at {start} of {}", bytes.len()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_bytes_never_yield_a_wrong_record(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let folder = closed_log(100);
        let path = folder.path().join("log.redb");
        let mut bytes = fs::read(&path).unwrap();
        for (index, value) in damage {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        fs::write(&path, bytes).unwrap();
        if let Ok((_, opened, follower)) = open(folder.path()) {
            let expected: Vec<String> =
                (1..=opened.last.0).map(|number| number.to_string()).collect();
            prop_assert_eq!(follower.texts(), expected);
        }
    }
}
