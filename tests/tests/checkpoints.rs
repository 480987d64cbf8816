//! The data of a back end that makes checkpoints, is killed, and is restored.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use headwater_tests::{Mode, Node, Relay, Seed, Site, until};
use http::Request;
use http_body_util::Full;
use rand::RngExt;
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

const ROUTES: &str = r#"
[[route]]
path = "/notes"
controller = "notes.list"
groups = ["notes"]

[[route]]
path = "/notes/whole"
controller = "notes.whole"
cache = "no_cache"

[[route]]
path = "/notes"
methods = ["POST"]
controller = "notes.add"

[[route]]
path = "/notes/remove"
methods = ["POST"]
controller = "notes.remove"
"#;

fn site() -> Site {
    Site::test_site(PROGRAM).route(ROUTES)
}

async fn node(site: &Site) -> Node {
    let node = site.node(Mode::SingleNodeWithCache, "n1").start().await;
    node.ready().await;
    node
}

async fn add(node: &Node, word: &str) {
    let response = node.visitor().ask("POST", "/notes", &[], format!("{word} and the rest")).await;
    assert_eq!(response.status, 200);
}

async fn notes(node: &Node) -> Vec<String> {
    let list = node.visitor().page("/notes").await.json();
    let words = list.as_array().expect("a list").iter();
    words.map(|word| word.as_str().expect("a word").to_owned()).collect()
}

/// Runs `data …` for the site, with the admin port of a running node.
async fn data(site: &Site, node: &Node, arguments: &[&str]) -> String {
    let admin = format!("http://{}", node.admin());
    let arguments = [&["data"], arguments, &["--admin", &*admin]].concat();
    let printed = site.printed(&arguments).await;
    assert_eq!(printed.code, 0, "{arguments:?}: {}{}", printed.out, printed.errors);
    printed.out
}

/// Runs `data …` for the site without a node at the admin port.
async fn unattended(site: &Site, arguments: &[&str]) -> std::process::Output {
    let mut command = site.command();
    command.args(arguments);
    command.env("HEADWATER_MODE", "backend").env("HEADWATER_ADMIN__LISTEN", "127.0.0.1:1");
    tokio::process::Command::from(command).output().await.expect("the program can be run")
}

fn checkpoints(site: &Site) -> Vec<PathBuf> {
    let entries = fs::read_dir(site.path("data/checkpoints")).expect("there are checkpoints");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

#[tokio::test]
async fn a_start_uses_the_newest_complete_checkpoint() {
    let site = site();
    let verified = site.printed(&["data", "verify"]).await;
    assert_eq!(verified.code, 1);
    assert!(verified.errors.contains("there are no data"), "{}", verified.errors);
    let mut node = node(&site).await;
    add(&node, "one").await;
    let made = data(&site, &node, &["checkpoint"]).await;
    assert!(made.starts_with("position "), "{made}");
    add(&node, "two").await;
    data(&site, &node, &["checkpoint"]).await;
    add(&node, "three").await;
    node.restart().await;
    node.ready().await;
    assert_eq!(notes(&node).await, ["one", "two", "three"]);
    let messages = node.messages().to_string();
    let restored = messages.lines().filter(|line| line.contains("restored a checkpoint"));
    assert_eq!(restored.count(), 1, "{messages}");

    node.kill().await;
    let newest = checkpoints(&site).pop().expect("there are two");
    let mut bytes = fs::read(&newest).expect("it can be read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&newest, bytes).expect("it can be written");
    let verified = site.printed(&["data", "verify"]).await;
    assert_eq!(verified.code, 1);
    assert!(verified.out.contains("it is damaged: "), "{}", verified.out);
    node.restart().await;
    node.ready().await;
    assert_eq!(notes(&node).await, ["one", "two", "three"]);
    assert!(node.messages().contain("a checkpoint is not used"), "{}", node.messages());
}

#[tokio::test]
async fn dropped_records_are_removed_and_the_data_remain() {
    let site = site();
    let mut node = node(&site).await;
    for word in ["one", "two"] {
        add(&node, word).await;
    }
    add(&node, &format!("three {}", "x".repeat(4 << 20))).await;
    let before = fs::metadata(site.path("data/log.redb")).expect("the log is there").len();
    let made = data(&site, &node, &["checkpoint", "--drop"]).await;
    // The front end has joined, and there were three notes.
    let left = "4 records have left the log, which begins behind position 4";
    assert!(made.contains(left), "{made}");
    let after = fs::metadata(site.path("data/log.redb")).expect("the log is there").len();
    assert!(after < before, "{after} bytes after {before}");
    let lines = data(&site, &node, &["log"]).await;
    assert!(!lines.contains("notes"), "{lines}");
    add(&node, "four").await;
    let lines = data(&site, &node, &["log"]).await;
    assert!(lines.contains("\"state\":\"notes\""), "{lines}");
    node.restart().await;
    node.ready().await;
    assert_eq!(notes(&node).await, ["one", "two", "three", "four"]);
    let verified = site.printed(&["data", "verify"]).await;
    assert_eq!(verified.code, 0, "{}{}", verified.out, verified.errors);
    assert!(verified.out.contains("a node has the log open"), "{}", verified.out);
    node.stop().await;
    let verified = site.printed(&["data", "verify"]).await;
    assert_eq!(verified.code, 0, "{}{}", verified.out, verified.errors);
    assert!(verified.out.contains("log.redb: whole, records"), "{}", verified.out);

    fs::remove_dir_all(site.path("data/checkpoints")).expect("they can be removed");
    let ended = site.node(Mode::SingleNodeWithCache, "n1").try_start().await;
    let ended = ended.expect_err("it must not start");
    assert!(ended.messages.contain("are in checkpoints only"), "{}", ended.messages);
}

#[tokio::test]
async fn no_new_log_is_begun_beside_the_checkpoints_of_a_missing_one() {
    let site = site();
    let mut node = node(&site).await;
    add(&node, "one").await;
    let made = data(&site, &node, &["checkpoint"]).await;
    node.stop().await;
    fs::remove_file(site.path("data/log.redb")).expect("it can be removed");
    let ended = site.node(Mode::SingleNodeWithCache, "n1").try_start().await;
    let ended = ended.expect_err("it must not start");
    assert!(ended.messages.contain("the log itself is missing"), "{}", ended.messages);
    let position = made.trim_start_matches("position ").split(',').next().expect("a position");
    let restored = site.printed(&["data", "restore", "--at", position]).await;
    assert_eq!(restored.code, 0, "{}", restored.errors);
    node.restart().await;
    node.ready().await;
    assert_eq!(notes(&node).await, ["one"]);
}

/// Returns the files below a folder that contain the bytes, by their paths in it.
fn files_with(folder: &Path, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("it can be listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if fs::read(&path)
                .expect("it can be read")
                .windows(bytes.len())
                .any(|it| it == bytes)
            {
                let path = path.strip_prefix(folder).expect("it is in the folder");
                found.push(path.display().to_string());
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn erased_text_remains_only_in_the_files_that_are_named() {
    let site = site();
    let mut node = node(&site).await;
    let secret = "Q7-secret";
    let found = || files_with(&site.path("data"), secret.as_bytes());
    add(&node, secret).await;
    data(&site, &node, &["archive"]).await;
    add(&node, &format!("{secret} again")).await;
    data(&site, &node, &["checkpoint"]).await;
    let lines = data(&site, &node, &["log"]).await;
    let last = lines.lines().last().expect("a record");
    let last: Value = serde_json::from_str(last).expect("a line of JSON");
    let position = last["position"].to_string();
    node.stop().await;
    let restored = site.printed(&["data", "restore", "--at", &position]).await;
    assert_eq!(restored.code, 0, "{}", restored.errors);
    let exported = site.printed(&["data", "export"]).await;
    assert!(exported.out.contains(secret), "an export has what the data have");
    // The files that a process killed at this time would leave.
    for file in ["archive/records.new", "log.redb.new", "checkpoints/00000009-at-9.checkpoint.new"]
    {
        fs::write(site.path("data").join(file), secret).unwrap();
    }
    node.restart().await;
    node.ready().await;
    assert!(!site.path("data/log.redb.new").exists());
    assert_eq!(notes(&node).await, [secret, secret]);
    let removed = node.visitor().ask("POST", "/notes/remove", &[], secret.to_owned()).await;
    assert_eq!(removed.status, 200);
    assert!(found().contains(&"log.redb".to_owned()), "{:?}", found());

    let made = data(&site, &node, &["checkpoint", "--drop"]).await;
    let named: Vec<PathBuf> = made
        .lines()
        .filter_map(|line| line.strip_prefix("older records are left in "))
        .map(|file| site.path(file))
        .collect();
    let left: Vec<PathBuf> = found().iter().map(|file| site.path("data").join(file)).collect();
    // The archive, the remains of an incomplete one, and the folder from before the restoration.
    assert_eq!(named.len(), 3, "{made}");
    for file in &left {
        assert!(named.iter().any(|named| file.starts_with(named)), "{file:?} is not named: {made}");
    }
    for named in &named {
        assert!(left.iter().any(|file| file.starts_with(named)), "{named:?}: {left:?}");
        match named.is_dir() {
            true => fs::remove_dir_all(named).unwrap(),
            false => fs::remove_file(named).unwrap(),
        }
    }
    assert_eq!(data(&site, &node, &["checkpoint", "--drop"]).await.lines().count(), 2);
    assert_eq!(found(), Vec::<String>::new());
    node.restart().await;
    node.ready().await;
    assert_eq!(notes(&node).await, Vec::<String>::new());
    assert_eq!(found(), Vec::<String>::new());
}

#[tokio::test]
async fn a_checkpoint_is_made_without_a_running_node() {
    let site = site();
    let mut node = node(&site).await;
    add(&node, "one").await;
    node.stop().await;
    let made = unattended(&site, &["data", "checkpoint", "--drop"]).await;
    assert!(made.status.success(), "{made:?}");
    let said = String::from_utf8_lossy(&made.stdout);
    assert!(said.contains("records have left the log"), "{said}");
    assert_eq!(checkpoints(&site).len(), 2);
    node.restart().await;
    node.ready().await;
    assert_eq!(notes(&node).await, ["one"]);
    let refused = unattended(&site, &["data", "checkpoint"]).await;
    assert_eq!(refused.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&refused.stderr);
    assert!(errors.contains("another process has this log open"), "{errors}");
}

#[tokio::test]
async fn a_back_end_whose_updates_yield_other_data_does_not_start() {
    let site = site();
    let mut node = node(&site).await;
    add(&node, "process").await;
    let adding = (0..16).map(async |_| {
        for _ in 0..16 {
            add(&node, "one").await;
        }
    });
    futures_util::future::join_all(adding).await;
    until("the hash of the data is in the log", async || {
        let lines = data(&site, &node, &["log", "--after", "256"]).await;
        lines.contains("\"state_hash\":{\"after\":256,").then_some(())
    })
    .await;
    node.stop().await;
    let ended = site.node(Mode::SingleNodeWithCache, "n1").try_start().await;
    let ended = ended.expect_err("it must not start");
    let expected = "`lines` of the state \"notes\" had another hash after position 256";
    assert!(ended.messages.contain(expected), "{}", ended.messages);

    let node = site.node(Mode::SingleNodeWithCache, "n1").set("LOG__STATE_HASH", "report");
    let mut node = node.start().await;
    node.ready().await;
    assert!(node.messages().contain(expected), "{}", node.messages());
    data(&site, &node, &["checkpoint"]).await;
    assert!(node.stop().await.success());
    let node = site.node(Mode::SingleNodeWithCache, "n1").start().await;
    node.ready().await;
    assert_eq!(notes(&node).await.len(), 257);
}

#[tokio::test]
async fn data_are_exported_and_imported_as_lines() {
    let site = site();
    let mut node = node(&site).await;
    add(&node, "one").await;
    assert_eq!(node.visitor().form("/page/7", "").await.text(), "1");
    data(&site, &node, &["checkpoint"]).await;
    let exported = site.printed(&["data", "export"]).await;
    assert_eq!(exported.code, 0, "{}", exported.errors);
    let first: Value = serde_json::from_str(exported.out.lines().next().expect("a line")).unwrap();
    assert_eq!(first["headwater_export"], 1);
    node.stop().await;
    let site = site.file("export.jsonl", &exported.out);
    let file = site.path("export.jsonl");
    let file = file.to_str().expect("a path");
    let elsewhere = site.path("elsewhere");
    let elsewhere = elsewhere.to_str().expect("a path");
    let imported = site.printed(&["data", "import", file, "--data", elsewhere]).await;
    assert_eq!(imported.code, 0, "{}", imported.errors);
    let node = site.node(Mode::SingleNodeWithCache, "n1").set("LOG__PATH", "elsewhere");
    let node = node.start().await;
    node.ready().await;
    assert_eq!(notes(&node).await, ["one"]);
    assert_eq!(node.visitor().page("/page/7").await.text(), "1");
}

/// Returns how many times the node is killed.
fn rounds() -> u32 {
    let rounds = std::env::var("HEADWATER_KILL_ROUNDS");
    rounds.map_or(4, |rounds| rounds.parse().expect("a number of rounds"))
}

#[tokio::test]
async fn every_answered_update_exists_once_after_kills_during_checkpoints() {
    let seed = Seed::take("HEADWATER_KILL_SEED");
    let mut random = seed.choices(0);
    let site = site();
    let launch = |records: &str| {
        let launch = site.node(Mode::SingleNodeWithCache, "n1");
        launch.set("CHECKPOINT__BYTES", "1 KiB").set("CHECKPOINT__RECORDS", records)
    };
    let notes: Arc<Mutex<Notes>> = Arc::default();
    let (mut restores, mut number) = (0, 0);
    for round in 0..rounds() {
        let records = ["keep", "archive", "drop"][random.random_range(0..3)];
        let mut node = launch(records).start().await;
        restores += usize::from(node.messages().contain("restored a checkpoint"));
        node.ready().await;
        let lines = lines(&node).await;
        notes.lock().unwrap().check(lines, &format!("round {round}"));
        let writers: Vec<_> = (0..8)
            .map(|_| {
                number += 1;
                let (visitor, notes) = (node.visitor(), Arc::clone(&notes));
                let mut random = seed.choices(number);
                tokio::spawn(async move {
                    for note in 0.. {
                        let rest = (0..random.random_range(1..200)).map(|_| random.random::<u8>());
                        let rest = rest.map(|byte| char::from(byte % 64 + b'!'));
                        let text = format!("w{number}-{note} {}", rest.collect::<String>());
                        notes.lock().unwrap().sent.insert(text.clone());
                        match visitor.post("/notes", text.clone()).await {
                            Ok(response) if response.status == 200 => {
                                notes.lock().unwrap().answered.insert(text);
                            }
                            _ => break,
                        }
                    }
                })
            })
            .collect();
        let asked = random.random_bool(0.5);
        let pause = Duration::from_millis(random.random_range(300..1500));
        if asked {
            let admin = node.operator();
            let body = format!("{{\"records\": \"{records}\"}}");
            tokio::spawn(async move {
                let request =
                    Request::post("/checkpoint").header("content-type", "application/json");
                let request = request.body(Full::new(Bytes::from(body))).expect("a request");
                // The node may be killed during the request.
                let _ = admin.send(request).await;
            });
        }
        tokio::time::sleep(pause).await;
        node.kill().await;
        for writer in writers {
            writer.await.unwrap();
        }
    }
    let node = launch("keep").start().await;
    restores += usize::from(node.messages().contain("restored a checkpoint"));
    node.ready().await;
    let lines = lines(&node).await;
    notes.lock().unwrap().check(lines.clone(), "at the end");
    let (sent, answered) = {
        let notes = notes.lock().unwrap();
        (notes.sent.len(), notes.answered.len())
    };
    println!(
        "seed {seed}: of {sent} updates {answered} were answered and {} made, {restores} starts from a checkpoint",
        lines.len()
    );
    assert!(restores > 0, "no start began with a checkpoint");
    data(&site, &node, &["checkpoint"]).await;
    let exported = site.printed(&["data", "export"]).await;
    assert_eq!(exported.code, 0, "{}", exported.errors);
    let items = exported.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let items = items.filter(|line| line["state"] == "notes" && line["field"] == "lines");
    let items: Lines = items.map(|line| position_and_text(&line["item"])).collect();
    assert!(items == lines, "the export has other rows than the site");
    let verified = site.printed(&["data", "verify"]).await;
    assert_eq!(verified.code, 0, "{}{}", verified.out, verified.errors);
}

/// Notes by the positions of the updates that made them.
type Lines = BTreeMap<u64, String>;

/// Returns all notes of the site.
async fn lines(node: &Node) -> Lines {
    let list = node.visitor().page("/notes/whole").await.json();
    let lines = list.as_array().expect("a list");
    let by_position: Lines = lines.iter().map(position_and_text).collect();
    assert_eq!(by_position.len(), lines.len(), "two notes have one position");
    by_position
}

fn position_and_text(line: &Value) -> (u64, String) {
    let position = line["position"].as_u64().expect("a position");
    (position, line["text"].as_str().expect("a text").to_owned())
}

/// The notes sent, answered and seen, by their texts, which are all different.
#[derive(Default)]
struct Notes {
    sent: BTreeSet<String>,
    answered: BTreeSet<String>,
    /// The notes of the site at the last check.
    seen: Lines,
}

impl Notes {
    /// Checks that each answered note exists, that none exists twice, that all of them were sent, and that all notes
    /// seen before are still at the same position.
    fn check(&mut self, lines: Lines, when: &str) {
        let texts: BTreeSet<&String> = lines.values().collect();
        assert_eq!(texts.len(), lines.len(), "{when}: a note is there twice");
        let start = |text: &String| text[..text.len().min(40)].to_owned();
        for text in &texts {
            assert!(self.sent.contains(*text), "{when}: {} was not sent", start(text));
        }
        for text in &self.answered {
            assert!(texts.contains(text), "{when}: {} was answered and is gone", start(text));
        }
        for (position, text) in &self.seen {
            let now = lines.get(position).map(start);
            assert_eq!(now, Some(start(text)), "{when}: it was at {position} before");
        }
        self.seen = lines;
    }
}

#[tokio::test]
async fn new_records_are_shown_as_they_are_appended() {
    let site = site();
    let mut node = node(&site).await;
    let relay = Relay::start(node.admin()).await;
    let admin = format!("http://{}", relay.address());
    let mut command = site.command();
    command.args(["data", "log", "--follow", "--admin", &admin]);
    let mut command = tokio::process::Command::from(command);
    command.stdout(std::process::Stdio::piped()).kill_on_drop(true);
    let mut following = command.spawn().expect("the program can be run");
    let out = following.stdout.take().expect("it was asked for");
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(out));
    for word in ["one", "two", "three"] {
        if word == "three" {
            node.restart().await;
            node.ready().await;
            relay.set_target(node.admin());
        }
        add(&node, word).await;
        until("the record is shown", async || {
            let line = lines.next_line().await.expect("it can be read").expect("it goes on");
            let update = format!("{{\"Add\":{{\"line\":\"{word} and the rest\"}}}}");
            let shown = format!("\"state\":\"notes\",\"version\":1,\"update\":{update}");
            line.contains(&shown).then_some(())
        })
        .await;
    }
}
