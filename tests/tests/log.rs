//! The data of nodes that are stopped, killed, damaged and short of space.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use headwater_tests::Mode;
use headwater_tests::{Client, Node, Site};
use redb::{Database, ReadableTable, TableDefinition};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

const ROUTES: &str = r#"
[[route]]
path = "/notes"
controller = "notes.list"

[[route]]
path = "/notes"
methods = ["POST"]
controller = "notes.add"

[[route]]
path = "/notes/last"
methods = ["POST"]
controller = "notes.add_and_fill_the_disk"
"#;

fn site() -> Site {
    Site::test_site(PROGRAM).route(ROUTES)
}

/// Starts a node and waits until it is ready.
async fn node(site: &Site) -> Node {
    let node = site.node(Mode::SingleNodeWithCache, "n1").start().await;
    node.ready().await;
    node
}

async fn restart(node: &mut Node) -> Client {
    node.restart().await;
    node.ready().await;
    node.visitor()
}

/// Adds a note whose first word is `word`.
async fn add(visitor: &Client, word: &str) -> u16 {
    visitor.ask("POST", "/notes", &[], format!("{word} and the rest of it")).await.status
}

async fn notes(visitor: &Client) -> serde_json::Value {
    visitor.page("/notes").await.json()
}

/// Damages the log's record that contains `word`, in every copy within the file: its first letter
/// changes case.
fn damage(site: &Site, word: &str) {
    let path = site.path("data/log.redb");
    let mut bytes = fs::read(&path).expect("the log can be read");
    let places: Vec<usize> = (0..bytes.len() - word.len())
        .filter(|place| bytes[*place..].starts_with(word.as_bytes()))
        .collect();
    assert!(!places.is_empty(), "{word} is in the log");
    for place in places {
        bytes[place] ^= 0x20;
    }
    fs::write(path, bytes).expect("the log can be written");
}

/// Damages the last record as an incomplete write would.
fn tear(site: &Site) {
    tear_last_record(&site.path("data/log.redb")).expect("the log is a redb file");
}

fn tear_last_record(path: &Path) -> Result<(), redb::Error> {
    const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");
    let transaction = Database::open(path)?.begin_write()?;
    {
        let mut records = transaction.open_table(RECORDS)?;
        let last =
            records.last()?.map(|(position, bytes)| (position.value(), bytes.value().to_vec()));
        let (position, mut bytes) = last.expect("the log has records");
        let middle = bytes.len() / 2;
        bytes[middle..].fill(0);
        records.insert(position, &*bytes)?;
    }
    Ok(transaction.commit()?)
}

#[tokio::test]
async fn data_survives_a_stop_and_a_kill() {
    let site = site();
    let mut node = node(&site).await;
    let visitor = node.visitor();
    assert_eq!(add(&visitor, "one").await, 200);
    assert_eq!(visitor.form("/page/7", "").await.text(), "1");
    assert!(node.stop().await.success());
    let visitor = restart(&mut node).await;
    assert_eq!(notes(&visitor).await, json!(["one"]));
    assert_eq!(add(&visitor, "two").await, 200);
    let visitor = restart(&mut node).await;
    assert_eq!(notes(&visitor).await, json!(["one", "two"]));
    assert_eq!(visitor.page("/page/7").await.text(), "1");
    assert_eq!(visitor.form("/page/7", "").await.text(), "2");
}

#[tokio::test]
async fn an_update_that_panics_changes_nothing_now_or_when_the_log_is_replayed() {
    let site = site();
    let mut node = node(&site).await;
    let visitor = node.visitor();
    assert_eq!(add(&visitor, "one").await, 200);
    assert_eq!(notes(&visitor).await, json!(["one"]));
    assert_eq!(add(&visitor, "panic").await, 500);
    assert_eq!(notes(&visitor).await, json!(["one"]));
    assert_eq!(add(&visitor, "two").await, 200);
    let visitor = restart(&mut node).await;
    assert_eq!(notes(&visitor).await, json!(["one", "two"]));
    assert_eq!(visitor.form("/page/1", "").await.text(), "1");
}

#[tokio::test]
async fn many_updates_share_a_sync() {
    let site = site();
    let node = node(&site).await;
    let address = node.http();
    let before = node.metric("headwater_log_commit_seconds_count").await;
    let writers: Vec<_> = (0..32)
        .map(|page| {
            tokio::spawn(async move {
                let visitor = Client::new(address).keep_alive();
                for _ in 0..8 {
                    assert_eq!(visitor.form(&format!("/page/{page}"), "").await.status, 200);
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let commits = node.metric("headwater_log_commit_seconds_count").await - before;
    assert!(commits < 200.0, "256 updates took {commits} commits");
    assert_eq!(node.visitor().page("/all").await.json()["total"], 256);
}

#[tokio::test]
async fn a_torn_tail_is_cut_off_and_reported() {
    let site = site();
    let mut node = node(&site).await;
    let visitor = node.visitor();
    for word in ["beginning", "middle", "ending"] {
        assert_eq!(add(&visitor, word).await, 200);
    }
    node.kill().await;
    tear(&site);
    let visitor = restart(&mut node).await;
    assert!(node.messages().contain("cut off"), "{}", node.messages());
    assert_eq!(notes(&visitor).await, json!(["beginning", "middle"]));
    assert_eq!(add(&visitor, "again").await, 200);
    let visitor = restart(&mut node).await;
    assert_eq!(notes(&visitor).await, json!(["beginning", "middle", "again"]));
}

#[tokio::test]
async fn damage_before_the_tail_stops_the_start_with_instructions() {
    let site = site();
    let mut node = node(&site).await;
    let visitor = node.visitor();
    for word in ["beginning", "middle", "ending"] {
        assert_eq!(add(&visitor, word).await, 200);
    }
    node.stop().await;
    damage(&site, "beginning and the rest");
    for _ in 0..2 {
        let ended = site.node(Mode::SingleNodeWithCache, "n1").try_start().await;
        let ended = ended.expect_err("it must not start");
        assert_eq!(ended.status.code(), Some(1));
        for words in ["log.redb", "damaged at position", "backup"] {
            assert!(ended.messages.contain(words), "{words}: {}", ended.messages);
        }
    }
    damage(&site, "Beginning and the rest");
    let visitor = restart(&mut node).await;
    assert_eq!(notes(&visitor).await, json!(["beginning", "middle", "ending"]), "all is there");
}

#[tokio::test]
async fn a_file_that_is_not_a_log_is_refused() {
    let site = site().file("data/log.redb", "this was never a log\n".repeat(1000));
    let ended = site.node(Mode::SingleNodeWithCache, "n1").try_start().await;
    let ended = ended.expect_err("it must not start");
    assert_eq!(ended.status.code(), Some(1));
    for words in ["log.redb", "backup"] {
        assert!(ended.messages.contain(words), "{words}: {}", ended.messages);
    }
}

#[tokio::test]
async fn a_log_belongs_to_one_process() {
    let site = site();
    let first = node(&site).await;
    let ended = site.node(Mode::Backend, "b2").try_start().await.expect_err("it must not start");
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.messages.contain("another process"), "{}", ended.messages);
    assert_eq!(add(&first.visitor(), "still").await, 200);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_named() {
    let site = site().file("data", "a file where the folder should be");
    let ended = site.node(Mode::SingleNodeWithCache, "n1").try_start().await;
    let ended = ended.expect_err("it must not start");
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.messages.contain("/data"), "{}", ended.messages);
}

/// Returns a site whose processes receive an error at the size limit of files, as from a full disk,
/// instead of being killed.
fn site_with_little_space() -> (TempDir, Site) {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let program = folder.path().join("test-site");
    let script = format!("#!/bin/sh\ntrap '' XFSZ\nexec '{PROGRAM}' \"$@\"\n");
    fs::write(&program, script).expect("the folder can be written to");
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&program, executable).expect("a script may be run");
    (folder, Site::test_site(&program).route(ROUTES))
}

/// Limits the size of the process's files to `bytes`.
fn limit_files(node: &Node, bytes: Option<u64>) {
    let pid = Pid::from_raw(node.pid().cast_signed());
    let limit = Rlimit { current: bytes, maximum: None };
    prlimit(pid, Resource::Fsize, limit).expect("a process may be limited");
}

#[tokio::test]
async fn a_full_disk_fails_the_update_and_nothing_else() {
    let (_program, site) = site_with_little_space();
    let mut node = node(&site).await;
    let visitor = node.visitor();
    assert_eq!(add(&visitor, "before").await, 200);
    assert_eq!(notes(&visitor).await, json!(["before"]));

    let size = fs::metadata(site.path("data/log.redb")).unwrap().len();
    limit_files(&node, Some(size));
    let long = "x".repeat(1 << 20);
    let mut expected = vec!["before".to_owned()];
    for number in 0..4 {
        let word = format!("long-{number}");
        let response = visitor.ask("POST", "/notes", &[], format!("{word} {long}")).await;
        assert_eq!(response.status, 500, "{}", response.text());
        assert_eq!(notes(&visitor).await, json!(expected), "nothing is half done");
    }
    assert_eq!(node.operator().page("/health").await.status, 200);
    assert_eq!(visitor.page("/page/1").await.text(), "0");

    limit_files(&node, None);
    let added = headwater_tests::until("there is space again", async || {
        let response = visitor.ask("POST", "/notes", &[], format!("after {long}")).await;
        (response.status == 200).then(|| response.text().to_owned())
    });
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), added).await.unwrap(), "2");
    expected.push("after".to_owned());
    assert_eq!(notes(&visitor).await, json!(expected));
    let visitor = restart(&mut node).await;
    assert_eq!(notes(&visitor).await, json!(expected));
}

#[tokio::test]
async fn a_stored_update_is_reported_as_stored_when_its_conditional_invalidation_fails() {
    let (_program, site) = site_with_little_space();
    let node = node(&site).await;
    let visitor = node.visitor();
    assert_eq!(visitor.page("/all").await.status, 200);
    assert!(visitor.page("/all").await.is_hit());
    let response = visitor.ask("POST", "/notes/last", &[], "stored and the rest").await;
    assert_eq!(response.status, 500);
    assert!(response.text().contains("Your change was stored"), "{}", response.text());
    let messages = node.messages();
    assert!(messages.contain("are stored, at position"), "{messages}");
    assert!(!messages.contain("nothing was changed"), "{messages}");
    assert_eq!(notes(&visitor).await, json!(["stored"]));

    limit_files(&node, None);
    headwater_tests::until("what was deferred is invalidated", async || {
        (!visitor.page("/all").await.is_hit()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_back_end_is_not_ready_while_its_log_cannot_be_written() {
    let (_program, site) = site_with_little_space();
    let cluster = headwater_tests::Cluster::start(site, 1).await;
    let visitor = cluster.visitor(0);
    assert_eq!(visitor.ask("POST", "/notes", &[], "before").await.status, 200);
    limit_files(&cluster.backend, Some(0));
    assert_eq!(visitor.ask("POST", "/notes", &[], "refused").await.status, 500);
    let ready = cluster.backend.operator().page("/ready").await;
    assert_eq!(ready.status, 503);
    assert!(ready.text().starts_with("the log cannot be written: "), "{}", ready.text());

    limit_files(&cluster.backend, None);
    cluster.backend.ready().await;
    assert_eq!(notes(&visitor).await, json!(["before"]), "nothing was written to find out");
}
