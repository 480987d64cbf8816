//! Starts from checkpoints against replays of all records.

mod failures;
mod hashes;
mod measured;
mod migrations;
mod recorded;
mod restoring;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::*;
use crate::backend::tail::Publisher;
use crate::checkpoint::{OnDifference, tools};
use crate::docroot::Store as Contents;
use crate::log::{
    ContentId, Draft, FileChange, IdSource, Invalidation, Joined, LogOptions, Membership,
    RequestDigest, UpdateId,
};
use crate::state::{At, Row, State, Store, Table, Updates, Value, Violation};

#[derive(Clone, Serialize, Deserialize, Row)]
struct Line {
    #[row(key)]
    position: u64,
    #[row(index)]
    text: String,
}

/// Lines by their positions. One that begins with `panic` panics half-way, and one with `refused` is refused there.
#[derive(Clone, Default, State)]
struct Lines {
    lines: Table<Line>,
    count: Value<usize>,
}

impl Updates for Lines {
    const NAME: &'static str = "lines";
    type Update = String;
    type Output = usize;
    type Refusal = Violation;

    fn apply(&mut self, text: String, at: &mut At) -> Result<usize, Violation> {
        let panics = text.starts_with("panic");
        let (position, length) = (at.position.0, *self.count.get());
        let line = Line { position, text: format!("{text}, the {length}th") };
        self.lines.insert(line.clone())?;
        self.count.update(|count| *count += 1);
        assert!(!panics, "half-way");
        if text.starts_with("refused") {
            self.lines.insert(line)?;
        }
        Ok(*self.count.get())
    }
}

/// A log with the data that a back end builds from it.
type Node = NodeOf<Lines>;

struct NodeOf<S> {
    log: Arc<Log>,
    store: Arc<Store<S>>,
    joined: Joined,
    checkpointer: Arc<Checkpointer>,
}

/// All data that a start reads from the log.
#[derive(Debug, PartialEq)]
struct Loaded {
    lines: BTreeMap<u64, String>,
    count: usize,
    indexed: usize,
    deferred: Vec<(Position, Invalidation)>,
    files: Vec<(String, Position, Option<ContentId>)>,
    joined: Joined,
    committed: Position,
    applied: Position,
    /// The number of updates that may be repeated.
    repeats: usize,
}

impl<S: Updates> NodeOf<S> {
    fn try_open(folder: &Path) -> Result<NodeOf<S>, String> {
        NodeOf::open_with(folder, OnDifference::Stop)
    }

    fn open_with(folder: &Path, on_difference: OnDifference) -> Result<NodeOf<S>, String> {
        let mut states = States::new();
        let store = states.register::<S>().unwrap();
        let states = Arc::new(states);
        let contents = Contents::open(&folder.join("contents")).unwrap();
        let publisher = Publisher {
            hashes: Arc::new(StateHashes::new(Arc::clone(&states), on_difference)),
            states,
            tail: Tail::new(),
            deferrals: Arc::default(),
            docroot: Arc::new(BackEndDocroot::new("docroot".into(), contents)),
            revocations: Arc::default(),
            checkpoints: Arc::new(Checkpoints::beside(folder)),
        };
        let saved = publisher.saved();
        let opened = Log::open(folder, LogOptions::default(), publisher);
        let (log, opened) = opened.map_err(|error| error.to_string())?;
        let options = CheckpointOptions::default();
        let checkpointer = Arc::new(Checkpointer::new(saved, options, folder.to_owned()));
        Ok(NodeOf { log: Arc::new(log), store, joined: opened.joined, checkpointer })
    }

    fn open(folder: &Path) -> NodeOf<S> {
        NodeOf::try_open(folder).unwrap()
    }
}

impl<S: Updates<Update = String>> NodeOf<S> {
    async fn append(&self, line: &str) {
        let draft = self.store.draft(&line.to_owned()).unwrap();
        assert!(self.log.append(draft).await.unwrap().applied.is_ok());
    }
}

impl Node {
    fn lines(&self) -> BTreeMap<u64, String> {
        let lines = self.store.view(None).lines.all().into_iter();
        lines.map(|line| (line.position, line.text.clone())).collect()
    }

    /// Returns the updates that may be repeated.
    fn repeats(&self) -> Vec<Vec<u8>> {
        let saved = self.checkpointer.saved.states.save().into_iter();
        let own = saved.filter(|state| state.name == "headwater");
        own.flat_map(|state| state.fields).flat_map(|field| field.items).collect()
    }

    /// Returns the data that it has read at its start.
    fn loaded(&self) -> Loaded {
        let view = self.store.view(None);
        let files = self.checkpointer.saved.docroot.manifest();
        let files = files.iter().map(|(path, it)| (path.to_owned(), it.position, it.content));
        Loaded {
            lines: self.lines(),
            count: *view.count,
            indexed: view.lines.values(Line::TEXT).len(),
            deferred: self.checkpointer.saved.deferrals.open(),
            files: files.collect(),
            joined: self.joined.clone(),
            committed: self.log.committed(),
            applied: self.checkpointer.saved.tail.applied(),
            repeats: self.repeats().len(),
        }
    }
}

/// An update of a request that may be sent twice, the request being numbered.
fn identified(request: u64, line: &str) -> Draft {
    let mut draft = update(line);
    let digest = RequestDigest { head: request.into(), body: None };
    let source = match request % 3 {
        0 => IdSource::FrontEnd { again_after: None },
        kept => IdSource::Client { request: digest, kept: 60 * kept as u32 },
    };
    let update = draft.update.as_mut().unwrap();
    update.id = Some(UpdateId { call: request.into(), number: 0, source });
    draft
}

fn update(line: &str) -> Draft {
    States::new().register::<Lines>().unwrap().draft(&line.to_owned()).unwrap()
}

#[derive(Debug, Clone)]
enum Step {
    Update,
    /// The update so far back is repeated, if there was one.
    Repeat(u64),
    Panic,
    /// A refused update that defers something.
    Refuse,
    Defer,
    /// Settles the record so far back.
    Settle(u64),
    Join(u64),
    Leave(u64),
    File(u8, bool),
    Checkpoint,
    Compact,
    Archive,
    Restart,
    /// The process is killed, and the newest checkpoint is damaged.
    Damage,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Update),
        3 => (1..6u64).prop_map(Step::Repeat),
        1 => Just(Step::Panic),
        1 => Just(Step::Refuse),
        2 => Just(Step::Defer),
        2 => (1..6u64).prop_map(Step::Settle),
        1 => (0..4u64).prop_map(Step::Join),
        1 => (0..4u64).prop_map(Step::Leave),
        1 => (0..3u8, any::<bool>()).prop_map(|(file, removed)| Step::File(file, removed)),
        2 => Just(Step::Checkpoint),
        1 => Just(Step::Compact),
        1 => Just(Step::Archive),
        2 => Just(Step::Restart),
        1 => Just(Step::Damage),
    ];
    prop::collection::vec(step, 1..40)
}

fn draft(step: &Step, next: u64) -> Option<Draft> {
    let none = Draft::default();
    Some(match step {
        Step::Update => identified(next, &format!("line {next}")),
        Step::Repeat(back) => {
            let request = next.saturating_sub(*back);
            identified(request, &format!("line {request}"))
        }
        Step::Panic => identified(next, "panic"),
        Step::Refuse => {
            let deferred = Invalidation::new().group(next.to_string());
            Draft { deferred, ..identified(next, "refused") }
        }
        Step::Defer => Draft { deferred: Invalidation::new().group(next.to_string()), ..none },
        Step::Settle(back) => Draft { settles: Some(Position(next.saturating_sub(*back))), ..none },
        Step::Join(incarnation) => {
            let (incarnation, lease) = (*incarnation, Duration::from_secs(2));
            let membership = Membership::Joined { incarnation, name: format!("f{next}"), lease };
            Draft { membership: Some(membership), ..none }
        }
        Step::Leave(incarnation) => {
            Draft { membership: Some(Membership::Left { incarnation: *incarnation }), ..none }
        }
        Step::File(file, removed) => {
            let content = ContentId { hash: [*file; 32], length: next };
            let content = (!removed).then_some(content);
            Draft { files: vec![FileChange { path: format!("{file}.png"), content }], ..none }
        }
        _ => return None,
    })
}

/// Compares the log after each start with a log without checkpoints and with the same drafts.
async fn run(steps: Vec<Step>) {
    let (folder, plain) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut node, mut replayed) = (Node::open(folder.path()), Node::open(plain.path()));
    for step in steps.iter().chain([&Step::Restart]) {
        let next = node.log.committed().0 + 1;
        if let Some(draft) = draft(step, next) {
            let (one, other) =
                (node.log.append(draft.clone()).await, replayed.log.append(draft).await);
            assert_eq!(one.unwrap().applied.is_ok(), other.unwrap().applied.is_ok());
        }
        let records = match step {
            Step::Checkpoint => ReplacedRecords::Keep,
            Step::Compact => ReplacedRecords::Drop,
            Step::Archive => ReplacedRecords::Archive,
            Step::Restart | Step::Damage => {
                let before = (node.lines(), *node.store.view(None).count, node.repeats());
                drop((node, replayed));
                if matches!(step, Step::Damage) {
                    damage_newest(folder.path());
                }
                (node, replayed) = (Node::open(folder.path()), Node::open(plain.path()));
                assert_eq!(node.loaded(), replayed.loaded());
                let after = (node.lines(), *node.store.view(None).count, node.repeats());
                assert_eq!(after, before, "a start restores the data of the running node");
                continue;
            }
            _ => continue,
        };
        let made = node.checkpointer.checkpoint(&node.log, records).await.unwrap();
        assert_eq!(made.position, node.log.committed());
        if records != ReplacedRecords::Keep {
            assert_eq!(made.base, made.position);
        }
        let (lines, is_whole) = tools::verify(folder.path());
        assert!(is_whole, "{lines:?}");
    }
}

/// Damages the newest checkpoint, if there are two.
fn damage_newest(folder: &Path) {
    let checkpoints = Checkpoints::beside(folder);
    let names = checkpoints.names().unwrap();
    if let [.., _, newest] = &names[..] {
        let path = checkpoints.path(newest);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(path, bytes).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_start_from_a_checkpoint_is_a_replay_of_all_records(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(steps));
    }
}

fn holds(folder: &Path, text: &str) -> bool {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test]
async fn erased_data_are_in_no_file_after_the_records_were_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(folder.path());
    node.append("4,000 secrets").await;
    node.checkpointer.checkpoint(&node.log, ReplacedRecords::Keep).await.unwrap();
    // Lines are removed by the next version of the site.
    node.checkpointer.saved.states.reset();
    node.append("nothing to hide").await;
    assert!(holds(folder.path(), "4,000 secrets"));
    node.checkpointer.checkpoint(&node.log, ReplacedRecords::Drop).await.unwrap();
    assert!(!holds(folder.path(), "4,000 secrets"));
    assert!(holds(folder.path(), "nothing to hide"));
    node.append("the log continues").await;
    drop(node);
    let node = Node::open(folder.path());
    assert_eq!(node.lines().len(), 2);
    assert_eq!(node.log.committed(), Position(3));
}

async fn with_archive() -> (TempDir, Vec<BTreeMap<u64, String>>) {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(folder.path());
    let mut states = vec![BTreeMap::new()];
    for number in 1..=30 {
        node.append(&format!("line {number}")).await;
        states.push(node.lines());
        if [8, 16, 24].contains(&number) {
            node.checkpointer.checkpoint(&node.log, ReplacedRecords::Archive).await.unwrap();
        }
    }
    (folder, states)
}

#[tokio::test]
async fn any_position_can_be_restored_from_archives_checkpoints_and_records() {
    let (folder, states) = with_archive().await;
    let before = Node::open(folder.path()).log.id();
    for position in [1, 7, 8, 15, 16, 17, 24, 29, 30] {
        let target = tempfile::tempdir().unwrap();
        let restored = tools::restore(folder.path(), target.path(), Position(position)).unwrap();
        assert_ne!(restored.id, before);
        let node = Node::open(target.path());
        assert_eq!(node.log.id(), restored.id);
        assert_eq!(node.lines(), states[position as usize], "{position}");
        node.append("and on").await;
        assert_eq!(node.log.committed(), Position(position + 1));
        node.checkpointer.checkpoint(&node.log, ReplacedRecords::Drop).await.unwrap();
        drop(node);
        assert_eq!(Node::open(target.path()).lines().len() as u64, position + 1);
    }
    let error = tools::restore(folder.path(), folder.path(), Position(31)).unwrap_err();
    assert!(error.contains("position 31 cannot be restored"), "{error}");
}

#[tokio::test]
async fn a_log_is_restored_in_its_own_folder_and_the_former_one_stays() {
    let (folder, states) = with_archive().await;
    let former = Node::open(folder.path()).log.epoch();
    let restored = tools::restore(folder.path(), folder.path(), Position(20)).unwrap();
    assert_eq!(restored.base, Position::START, "the last checkpoints are of 24");
    assert!(restored.before.unwrap().exists());
    let node = Node::open(folder.path());
    assert_eq!(node.lines(), states[20]);
    assert!(!node.log.includes(former, Position(20)), "a front end drops its cache");
}

#[tokio::test]
async fn a_lost_log_is_rebuilt_from_its_newest_checkpoint() {
    let (folder, states) = with_archive().await;
    std::fs::remove_file(folder.path().join("log.redb")).unwrap();
    tools::restore(folder.path(), folder.path(), Position(24)).unwrap();
    assert_eq!(Node::open(folder.path()).lines(), states[24]);
}

#[tokio::test]
async fn an_export_is_imported_with_another_id() {
    let (folder, states) = with_archive().await;
    let (mut lines, target) = (Vec::new(), tempfile::tempdir().unwrap());
    tools::export(folder.path(), None, &mut lines).unwrap();
    let text = String::from_utf8(lines).unwrap();
    assert_eq!(text.lines().count(), 26, "{text}");
    let (id, position) =
        tools::import(std::io::Cursor::new(text.clone()), 0, target.path()).unwrap();
    let node = Node::open(target.path());
    assert_eq!((node.log.id(), position), (id, Position(24)));
    assert_eq!(node.lines(), states[24]);
    let again = tools::import(std::io::Cursor::new(text.clone()), 0, target.path()).unwrap_err();
    assert!(again.contains("there is a log already"), "{again}");
    let torn = text.replace("\"version\":1", "\"version\":");
    let error = tools::import(std::io::Cursor::new(torn), 0, &target.path().join("other"));
    assert!(error.unwrap_err().contains("line 2"));
}

#[tokio::test]
async fn a_log_whose_records_were_dropped_does_not_open_without_its_checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(folder.path());
    node.append("one").await;
    node.checkpointer.checkpoint(&node.log, ReplacedRecords::Drop).await.unwrap();
    drop(node);
    std::fs::rename(folder.path().join("checkpoints"), folder.path().join("away")).unwrap();
    let error = Node::try_open(folder.path()).err().unwrap();
    assert!(error.contains("up to position 1 are in checkpoints only"), "{error}");
    std::fs::rename(folder.path().join("away"), folder.path().join("checkpoints")).unwrap();
    assert_eq!(Node::open(folder.path()).lines().len(), 1);
}

#[tokio::test]
async fn the_checkpoint_of_the_base_is_recognised_however_often_the_log_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(folder.path());
    node.append("one").await;
    node.checkpointer.checkpoint(&node.log, ReplacedRecords::Drop).await.unwrap();
    drop(node);
    for _ in 0..1030 {
        drop(Node::open(folder.path()));
    }
    assert_eq!(Node::open(folder.path()).lines().len(), 1);
}

#[test]
fn a_checkpoint_is_due_by_bytes_and_by_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::open(folder.path());
    let checkpointer = Arc::get_mut(&mut node.checkpointer).unwrap();
    let (hour, at) =
        (Duration::from_secs(3600), |hours: u64| Moment::from_nanos(hours * 3_600_000_000_000));
    checkpointer.options =
        CheckpointOptions { bytes: 100, interval: hour, ..CheckpointOptions::default() };
    *checkpointer.made() = at(0);
    assert!(!checkpointer.is_due(0, at(9)), "nothing was written");
    assert!(!checkpointer.is_due(99, at(0)));
    assert!(checkpointer.is_due(100, at(0)) && checkpointer.is_due(1, at(1)));
    checkpointer.length.store(1000, Ordering::Relaxed);
    checkpointer.made_at.store(500, Ordering::Relaxed);
    assert!(!checkpointer.is_due(1499, at(0)), "the last one is as long as that");
    assert!(checkpointer.is_due(1500, at(0)));
}
