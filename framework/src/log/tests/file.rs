use std::fs;
use std::future::Future;
use std::pin::pin;
use std::sync::{OnceLock, Weak};
use std::task::{Context, Waker};

use super::*;
use crate::log::{AppendError, Membership};

#[tokio::test]
async fn records_are_applied_read_and_replayed_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (log, opened, follower) = open(folder.path()).unwrap();
    assert_eq!((opened.last, opened.cut), (Position::START, None));
    for (text, position) in [("a", 1), ("b", 2), ("c", 3)] {
        let appended = log.append(draft(text)).await.unwrap();
        assert_eq!(appended.position, Position(position));
        let Ok(Some(UpdateOutcome::Made(output))) = appended.applied else { panic!() };
        let output = output.downcast::<Position>().unwrap();
        assert_eq!(*output, Position(position));
        assert_eq!(log.committed(), Position(position));
    }
    let id = log.id();
    let records = follower.records();
    assert_eq!(log.read(Position::START, 10, 1 << 20).unwrap(), records);
    assert!(records.is_sorted_by_key(|record| record.time));
    drop(log);

    let (log, opened, follower) = open(folder.path()).unwrap();
    assert_eq!((opened.log.id, opened.last, log.id()), (id, Position(3), id));
    assert_eq!(follower.records(), records);
    assert_eq!(follower.batches(), [Position(3)]);
}

#[tokio::test]
async fn reading_is_bounded_by_records_and_bytes_but_returns_at_least_one() {
    let folder = tempfile::tempdir().unwrap();
    let (log, ..) = open(folder.path()).unwrap();
    for text in ["a", "b", "c"] {
        log.append(draft(text)).await.unwrap();
    }
    let read = |after, records, bytes| -> Vec<String> {
        log.read(Position(after), records, bytes).unwrap().iter().map(text).collect()
    };
    assert_eq!(read(1, 10, 1 << 20), ["b", "c"]);
    assert_eq!(read(0, 2, 1 << 20), ["a", "b"]);
    assert_eq!(read(1, 10, 1), ["b"]);
    assert!(read(3, 10, 1 << 20).is_empty());
    assert!(read(99, 10, 1 << 20).is_empty());
}

#[tokio::test]
async fn many_appends_at_once_share_few_transactions() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _, follower) = open(folder.path()).unwrap();
    let appends = (0..500).map(|number| log.append(draft(&number.to_string())));
    for appended in futures_util::future::join_all(appends).await {
        appended.unwrap();
    }
    assert_eq!(follower.records().len(), 500);
    let batches = follower.batches();
    assert!(batches.len() < 20, "{} transactions", batches.len());
    assert!(batches.is_sorted());
}

#[tokio::test]
async fn appending_waits_while_the_queue_is_full_and_a_large_draft_still_gets_through() {
    let folder = tempfile::tempdir().unwrap();
    let options = LogOptions { queue_bytes: 2048, batch_bytes: 1024, ..LogOptions::default() };
    let follower = Follower::default();
    let (log, _) = Log::open(folder.path(), options, follower.clone()).unwrap();
    let large = "x".repeat(100_000);
    let texts: Vec<String> = (0..50).map(|number| format!("{number}")).chain([large]).collect();
    let appends = texts.iter().map(|text| log.append(draft(text)));
    for appended in futures_util::future::join_all(appends).await {
        appended.unwrap();
    }
    let (mut seen, mut texts) = (follower.texts(), texts);
    seen.sort();
    texts.sort();
    assert_eq!(seen, texts);
}

#[tokio::test]
async fn dropping_the_future_of_a_queued_draft_does_not_undo_it() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _, follower) = open(folder.path()).unwrap();
    {
        let append = pin!(log.append(draft("dropped")));
        let _ = append.poll(&mut Context::from_waker(Waker::noop()));
    }
    log.append(draft("next")).await.unwrap();
    assert_eq!(follower.texts(), ["dropped", "next"]);
}

#[tokio::test]
async fn a_killed_process_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (log, ..) = open(folder.path()).unwrap();
    for number in 0..10 {
        log.append(draft(&number.to_string())).await.unwrap();
    }
    let killed = tempfile::tempdir().unwrap();
    fs::copy(folder.path().join("log.redb"), killed.path().join("log.redb")).unwrap();
    let (copy, opened, follower) = open(killed.path()).unwrap();
    assert_eq!((opened.log.id, opened.last, opened.cut), (log.id(), Position(10), None));
    assert_eq!(follower.records().len(), 10);
    assert_eq!(copy.append(draft("more")).await.unwrap().position, Position(11));
}

/// Appends this many records.
async fn grow(log: &Log, records: usize) {
    for _ in 0..records {
        log.append(draft("more")).await.unwrap();
    }
}

#[tokio::test]
async fn a_restored_log_does_not_include_lost_records() {
    let folder = tempfile::tempdir().unwrap();
    let backup = tempfile::tempdir().unwrap();
    let (file, copy) = (folder.path().join("log.redb"), backup.path().join("log.redb"));
    let (log, opened, _) = open(folder.path()).unwrap();
    assert!(!opened.untouched, "it is new");
    grow(&log, 5).await;
    fs::copy(&file, &copy).unwrap();
    grow(&log, 5).await;
    assert!(log.includes(opened.log, Position(10)));
    drop(log);
    let (log, second, _) = open(folder.path()).unwrap();
    assert!(second.untouched);
    assert!(log.includes(opened.log, Position(10)) && !log.includes(opened.log, Position(11)));
    drop(log);

    // In place, as `cp` does it: the inode stays.
    fs::write(&file, fs::read(&copy).unwrap()).unwrap();
    let (log, restored, _) = open(folder.path()).unwrap();
    assert!(!restored.untouched);
    assert_eq!(restored.log.id, opened.log.id);
    grow(&log, 10).await;
    assert!(log.includes(opened.log, Position(5)));
    assert!(!log.includes(opened.log, Position(6)), "other records have these positions");
    assert!(!log.includes(second.log, Position(1)), "this opening is not in the restored log");
}

#[tokio::test]
async fn a_log_restored_to_an_earlier_state_of_its_last_opening_is_not_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.redb");
    let (log, ..) = open(folder.path()).unwrap();
    grow(&log, 5).await;
    let snapshot = fs::read(&file).unwrap();
    grow(&log, 5).await;
    drop(log);
    // In place: neither the inode nor the last opening differs.
    fs::write(&file, snapshot).unwrap();
    let (_, restored, _) = open(folder.path()).unwrap();
    assert_eq!(restored.last, Position(5));
    assert!(!restored.untouched, "front ends may have joined in the lost records");
}

#[tokio::test]
async fn two_openings_of_one_copied_folder_are_forks_of_one_another() {
    let (original, copied) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (log, ..) = open(original.path()).unwrap();
    grow(&log, 5).await;
    drop(log);
    for name in ["log.redb", "log.lock"] {
        fs::copy(original.path().join(name), copied.path().join(name)).unwrap();
    }
    let (log, opened, _) = open(original.path()).unwrap();
    let (copy, other, _) = open(copied.path()).unwrap();
    assert!(opened.untouched && !other.untouched);
    grow(&log, 3).await;
    grow(&copy, 3).await;
    assert!(!log.includes(other.log, Position(5)) && !copy.includes(opened.log, Position(5)));
}

#[tokio::test]
async fn a_process_killed_while_it_created_the_log_does_not_hinder_the_next() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("log.redb.new"), "half a log").unwrap();
    let (log, opened, _) = open(folder.path()).unwrap();
    assert_eq!(opened.last, Position::START);
    log.append(draft("a")).await.unwrap();
}

#[tokio::test]
async fn stopping_finishes_appended_drafts_and_refuses_later_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _, follower) = open(folder.path()).unwrap();
    let mut append = pin!(log.append(draft("before")));
    assert!(append.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    log.shutdown();
    append.await.unwrap();
    assert_eq!(log.append(draft("after")).await.unwrap_err(), AppendError::Stopping);
    assert_eq!(follower.texts(), ["before"]);
    drop(open(folder.path()).unwrap());
}

#[tokio::test]
async fn a_draft_that_is_too_large_is_refused_and_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _, follower) = open(folder.path()).unwrap();
    let error = log.append(draft(&"x".repeat(17 << 20))).await.unwrap_err();
    assert!(matches!(error, AppendError::TooLarge { .. }), "{error}");
    assert_eq!(log.append(draft("a")).await.unwrap().position, Position(1));
    assert_eq!(follower.texts(), ["a"]);
}

#[tokio::test]
async fn a_panicking_update_is_reported_and_skipped_at_replay() {
    let folder = tempfile::tempdir().unwrap();
    let (log, ..) = open(folder.path()).unwrap();
    let applied = log.append(draft("panic")).await.unwrap().applied;
    let message = "refused".to_owned();
    assert_eq!(applied.unwrap_err(), ApplyError::Panicked { message });
    log.append(draft("a")).await.unwrap();
    drop(log);
    let (_, opened, follower) = open(folder.path()).unwrap();
    assert_eq!(opened.last, Position(2));
    assert_eq!(follower.texts(), ["panic", "a"]);
}

#[tokio::test]
async fn an_unreadable_update_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (log, ..) = open(folder.path()).unwrap();
    log.append(draft("unknown")).await.unwrap().applied.unwrap_err();
    drop(log);
    let error = open(folder.path()).err().unwrap();
    assert!(matches!(error, OpenError::Inapplicable { position: Position(1), .. }), "{error}");
    assert!(error.to_string().ends_with("log.redb: what is this?"), "{error}");
}

#[tokio::test]
async fn nothing_is_applied_or_written_behind_an_unreadable_record() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _, follower) = open(folder.path()).unwrap();
    log.append(draft("a")).await.unwrap();
    assert_eq!(log.halted(), None);
    let drafts = vec![draft("b"), draft("unknown"), draft("c")];
    let appended = log.append_together(drafts).await.unwrap_err();
    assert!(matches!(appended, AppendError::InDoubt { .. }), "{appended}");
    let reason = log.halted().unwrap();
    assert!(reason.contains("no record is applied any more: what is this?"), "{reason}");
    let refused = log.append(draft("d")).await.unwrap_err();
    assert!(matches!(refused, AppendError::Storage { .. }), "{refused}");
    assert_eq!(follower.texts(), ["a", "b", "unknown"]);
    assert_eq!(follower.batches().last(), Some(&Position(2)), "it does not count as applied");
    let position = log.look(|standing| standing.position).await.unwrap();
    assert_eq!((position, log.committed()), (Position(2), Position(2)));
    drop(log);
    let error = open(folder.path()).err().unwrap();
    assert!(matches!(error, OpenError::Inapplicable { position: Position(3), .. }), "{error}");
}

#[tokio::test]
async fn a_log_halted_during_a_transaction_applies_the_whole_transaction() {
    /// Halts the log from outside while it applies a record of `halt`.
    struct Halting(Follower, Arc<OnceLock<Weak<Log>>>);

    impl Applier for Halting {
        fn apply(&mut self, record: &Record) -> Applied {
            if text(record) == "halt" {
                self.1.get().unwrap().upgrade().unwrap().halt("the checkpoint differs".to_owned());
            }
            self.0.apply(record)
        }

        fn batch_end(&mut self, last: Position) {
            self.0.batch_end(last);
        }
    }

    for (drafts, last) in
        [(["a", "halt", "b"], Position(3)), (["halt", "unknown", "b"], Position(1))]
    {
        let folder = tempfile::tempdir().unwrap();
        let (follower, cell) = (Follower::default(), Arc::default());
        let applier = Halting(follower.clone(), Arc::clone(&cell));
        let (log, _) = Log::open(folder.path(), LogOptions::default(), applier).unwrap();
        let log = Arc::new(log);
        cell.set(Arc::downgrade(&log)).unwrap();
        let appended = log.append_together(drafts.map(draft).to_vec()).await;
        assert_eq!(appended.is_ok(), last == Position(3), "{appended:?}");
        let position = log.look(|standing| standing.position).await.unwrap();
        assert_eq!((position, log.committed()), (last, last));
        assert_eq!(follower.batches().last(), Some(&last), "the last batch that readers see");
        let refused = log.append(draft("c")).await.unwrap_err();
        assert!(refused.to_string().contains("the checkpoint differs"), "{refused}");
    }
}

#[tokio::test]
async fn opening_lists_the_members_that_have_joined_and_not_left() {
    let folder = tempfile::tempdir().unwrap();
    let (log, ..) = open(folder.path()).unwrap();
    let joined = |incarnation| Membership::Joined {
        incarnation,
        name: format!("f{incarnation}"),
        lease: std::time::Duration::from_secs(2),
    };
    let memberships = [joined(7), joined(8), Membership::Left { incarnation: 7 }];
    for membership in memberships {
        let membership = Some(membership);
        log.append(Draft { membership, ..draft("member") }).await.unwrap();
    }
    drop(log);
    let (_, opened, _) = open(folder.path()).unwrap();
    let members: Vec<u64> = opened.joined.members().map(|member| member.incarnation).collect();
    assert_eq!(members, [8]);
}

#[test]
fn a_log_can_be_open_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let (_log, ..) = open(folder.path()).unwrap();
    let error = open(folder.path()).err().unwrap();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("another process has this log open"), "{error}");
}

#[test]
fn the_error_for_a_folder_that_cannot_be_created_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = open(&file.join("data")).err().unwrap().to_string();
    assert!(error.contains("file/data: cannot create the folder"), "{error}");
}
