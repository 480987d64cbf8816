//! States that differ from the log.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;

use serde::{Deserializer, Serializer};

use super::*;

/// Values that change between two starts, one for each test.
static SWITCHES: [AtomicU64; 5] = [const { AtomicU64::new(0) }; 5];

fn switch(number: usize) -> u64 {
    SWITCHES[number].load(Ordering::Relaxed)
}

/// A value that is encoded with the present value of its switch.
#[derive(Clone)]
struct Shifting(usize);

impl Serialize for Shifting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0, switch(self.0)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Shifting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Shifting, D::Error> {
        let (number, _) = <(usize, u64)>::deserialize(deserializer)?;
        Ok(Shifting(number))
    }
}

#[derive(Clone, Serialize, Deserialize, Row)]
struct Word {
    #[row(key)]
    position: u64,
    text: String,
    shifting: Option<Shifting>,
    counts: HashMap<String, u64>,
}

/// An update is `KIND NUMBER`.
#[derive(Clone, Default, State)]
struct Odd {
    words: Table<Word>,
    plain: crate::state::Plain<u64>,
}

impl Updates for Odd {
    const NAME: &'static str = "odd";
    type Update = String;
    type Output = ();
    type Refusal = Violation;

    fn apply(&mut self, update: String, at: &mut At) -> Result<(), Violation> {
        let (kind, number) = update.split_once(' ').unwrap_or((&update, "0"));
        let number: usize = number.parse().unwrap();
        let position = at.position.0;
        let (text, counts) = (String::new(), HashMap::new());
        let word = Word { position, text, shifting: None, counts };
        self.words.insert(match kind {
            "clock" => Word { text: switch(number).to_string(), ..word },
            "shifting" => Word { shifting: Some(Shifting(number)), ..word },
            "counts" => Word { counts: (0..9).map(|n| (n.to_string(), n)).collect(), ..word },
            _ => word,
        })
    }
}

/// A node whose log has the hash of a state with these updates, or the same 300 times.
async fn hashed(folder: &Path, update: &str, times: u64) -> NodeOf<Odd> {
    let node = NodeOf::<Odd>::open(folder);
    for _ in 0..times {
        node.append(update).await;
    }
    if let Some(hash) = node.checkpointer.saved.hashes.due() {
        let draft = Draft { hash: Some(hash), ..Draft::default() };
        assert!(node.log.append(draft).await.unwrap().applied.is_ok());
    }
    assert_eq!(node.checkpointer.saved.hashes.due(), None);
    node
}

fn refused(folder: &Path) -> String {
    NodeOf::<Odd>::try_open(folder).err().expect("it does not start")
}

fn reporting(folder: &Path) -> Result<NodeOf<Odd>, String> {
    NodeOf::<Odd>::open_with(folder, OnDifference::Report)
}

#[tokio::test]
async fn an_apply_that_computes_other_data_in_a_replay_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    drop(hashed(folder.path(), "clock 0", 300).await);
    let derivation = NodeOf::<Odd>::open(folder.path()).checkpointer.saved.states.derivation();
    assert_eq!(
        NodeOf::<Odd>::open(folder.path()).checkpointer.saved.states.derivation(),
        derivation
    );
    SWITCHES[0].store(1, Ordering::Relaxed);
    let error = refused(folder.path());
    let found = "`words` of the state \"odd\" had another hash after position 256 than the record at position 301";
    for part in [found, "Look for an `apply` that reads a clock", "state_hash = \"report\""] {
        assert!(error.contains(part), "{error}");
    }
    let node = reporting(folder.path()).unwrap();
    assert_eq!(node.store.view(None).words.get(7).unwrap().text, "1");
    let states = &node.checkpointer.saved.states;
    assert_ne!(states.derivation(), derivation, "front ends may have pages of the other data");
    node.checkpointer.checkpoint(&node.log, ReplacedRecords::Keep).await.unwrap();
    drop(node);
    drop(NodeOf::<Odd>::open(folder.path()));
}

#[tokio::test]
async fn a_running_node_stops_at_a_record_with_another_hash() {
    let folder = tempfile::tempdir().unwrap();
    let node = NodeOf::<Odd>::open(folder.path());
    for _ in 0..256 {
        node.append("word").await;
    }
    let mut hash = node.checkpointer.saved.hashes.due().unwrap();
    let other = hash.fields[0].as_mut().unwrap();
    *other = other.wrapping_add(1);
    let appended = node.log.append(Draft { hash: Some(hash), ..Draft::default() }).await.unwrap();
    assert!(matches!(appended.applied, Err(crate::log::ApplyError::Differs { .. })));
    assert!(node.log.halted().unwrap().contains("the record at position 257 says"));
    let draft = node.store.draft(&"word".to_owned()).unwrap();
    assert!(node.log.append(draft).await.is_err(), "it no longer writes");
}

#[tokio::test]
async fn a_node_that_continues_with_other_data_writes_no_hash_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let node = reporting(folder.path()).unwrap();
    let append_words = async |number: usize| {
        for _ in 0..number {
            node.append("word").await;
        }
    };
    let hashes = &node.checkpointer.saved.hashes;
    append_words(256).await;
    let mut said = hashes.due().unwrap();
    let other = said.fields[0].as_mut().unwrap();
    *other = other.wrapping_add(1);
    append_words(256).await;
    assert_eq!(hashes.due().unwrap().after, Position(512), "the log has none of that position");
    let appended = node.log.append(Draft { hash: Some(said), ..Draft::default() }).await.unwrap();
    assert!(appended.applied.is_ok());
    assert_eq!(hashes.due(), None, "earlier hashes are known to differ");
    append_words(255).await;
    assert_eq!(hashes.due().unwrap().fields, [None, None]);
}

#[tokio::test]
async fn data_that_were_changed_in_memory_are_not_saved_and_stop_the_node() {
    let folder = tempfile::tempdir().unwrap();
    let node = hashed(folder.path(), "shifting 1", 3).await;
    node.checkpointer.checkpoint(&node.log, ReplacedRecords::Keep).await.unwrap();
    node.append("word").await;
    SWITCHES[1].store(1, Ordering::Relaxed);
    let error = node.checkpointer.checkpoint(&node.log, ReplacedRecords::Keep).await.unwrap_err();
    assert!(
        error.contains("`words` of the state \"odd\" has another hash than its updates"),
        "{error}"
    );
    assert_eq!(node.log.halted(), Some(error));
    assert_eq!(node.checkpointer.saved.checkpoints.names().unwrap().len(), 1);
}

#[tokio::test]
async fn a_node_that_continues_makes_the_checkpoint_on_the_second_request() {
    let folder = tempfile::tempdir().unwrap();
    drop(hashed(folder.path(), "shifting 2", 3).await);
    let node = reporting(folder.path()).unwrap();
    for _ in 0..256 {
        node.append("word").await;
    }
    let hashes = &node.checkpointer.saved.hashes;
    assert!(hashes.due().is_some());
    SWITCHES[2].store(1, Ordering::Relaxed);
    let checkpoint = || node.checkpointer.checkpoint(&node.log, ReplacedRecords::Keep);
    assert!(checkpoint().await.is_err());
    assert_eq!(hashes.due(), None, "it is not a hash of the data that the node continues with");
    assert!(checkpoint().await.is_ok());
    assert_eq!(node.log.halted(), None);
}

#[tokio::test]
async fn a_checkpoint_that_restores_other_data_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let node = hashed(folder.path(), "shifting 3", 3).await;
    node.checkpointer.checkpoint(&node.log, ReplacedRecords::Keep).await.unwrap();
    drop(node);
    SWITCHES[3].store(1, Ordering::Relaxed);
    let error = refused(folder.path());
    assert!(error.contains("after position 3 than the checkpoint says"), "{error}");
    drop(reporting(folder.path()).unwrap());
}

#[tokio::test]
async fn rows_that_are_encoded_in_another_order_at_each_start_are_not_compared() {
    let folder = tempfile::tempdir().unwrap();
    drop(hashed(folder.path(), "counts", 300).await);
    let node = NodeOf::<Odd>::open(folder.path());
    node.checkpointer.checkpoint(&node.log, ReplacedRecords::Keep).await.unwrap();
    drop(node);
    drop(NodeOf::<Odd>::open(folder.path()));
}

#[tokio::test]
async fn hashes_of_other_types_are_not_compared() {
    #[derive(Clone, Serialize, Deserialize, Row)]
    struct Word {
        #[row(key)]
        position: u64,
        text: String,
        #[serde(default)]
        new: u64,
    }

    #[derive(Clone, Default, State)]
    struct Odd {
        words: Table<Word>,
        plain: crate::state::Plain<u64>,
    }

    impl Updates for Odd {
        const NAME: &'static str = "odd";
        type Update = String;
        type Output = ();
        type Refusal = Violation;

        fn apply(&mut self, text: String, at: &mut At) -> Result<(), Violation> {
            self.words.insert(Word { position: at.position.0, text, new: 7 })
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let node = hashed(folder.path(), "word", 300).await;
    node.checkpointer.checkpoint(&node.log, ReplacedRecords::Keep).await.unwrap();
    drop(node);
    let node = NodeOf::<Odd>::open(folder.path());
    assert_eq!(node.store.view(None).words.get(3).unwrap().new, 0, "it is from the checkpoint");
    drop(node);
    std::fs::remove_dir_all(folder.path().join("checkpoints")).unwrap();
    let node = NodeOf::<Odd>::open(folder.path());
    assert_eq!(node.store.view(None).words.get(3).unwrap().new, 7, "it is from the log");
    let due = node.checkpointer.saved.hashes.due();
    assert_eq!(due, None, "there is one of that position already");
}
