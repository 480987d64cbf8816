//! Files that an earlier version of a site has written, read by later ones. They are in `tests/recorded` of the
//! package, whose README explains how they were made.

use std::io::Read;
use std::path::PathBuf;

use flate2::read::GzDecoder;

use super::*;
use crate::checkpoint::Restored;
use crate::log::{IdSource, LogEpoch, Revocation, Revoked, UpdateId};
use crate::state::{OldUpdate, Plain};

/// The site that has written the files. Its types must not be changed.
mod first {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) enum Kind {
        News,
        Essay { words: u64 },
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) struct Author {
        pub(super) name: String,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
    pub(super) struct Story {
        #[row(key)]
        pub(super) slug: String,
        pub(super) text: String,
        #[row(index)]
        pub(super) priority: u64,
        pub(super) kind: Kind,
        pub(super) author: Author,
    }

    #[derive(Serialize, Deserialize)]
    pub(super) enum Update {
        Publish { slug: String, text: String, priority: u64, kind: Kind },
        Greet(String),
        Visit,
    }

    #[derive(Clone, Default, State)]
    pub(super) struct Stories {
        pub(super) stories: Table<Story>,
        pub(super) greeting: Value<String>,
        pub(super) visits: Plain<u64>,
    }

    impl Updates for Stories {
        const NAME: &'static str = "stories";
        type Update = Update;
        type Output = ();
        type Refusal = Violation;

        fn apply(&mut self, update: Update, _: &mut At) -> Result<(), Violation> {
            match update {
                Update::Publish { slug, text, priority, kind } => {
                    let author = Author { name: "Ada".to_owned() };
                    return self.stories.insert(Story { slug, text, priority, kind, author });
                }
                Update::Greet(greeting) => self.greeting.set(greeting),
                Update::Visit => *self.visits += 1,
            }
            Ok(())
        }
    }
}

/// The same with serde's attributes: a field was added to the row, to a type within it, and to the update, one was
/// renamed, one was removed; a variant was renamed and one added.
mod second {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) enum Kind {
        Poem,
        Essay {
            words: u64,
        },
        #[serde(alias = "News")]
        Report,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) struct Author {
        pub(super) name: String,
        #[serde(default)]
        pub(super) mail: Option<String>,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
    pub(super) struct Story {
        #[row(key)]
        pub(super) slug: String,
        #[serde(alias = "text")]
        pub(super) body: String,
        pub(super) kind: Kind,
        pub(super) author: Author,
        #[serde(default = "four")]
        #[row(index)]
        pub(super) servings: u64,
    }

    fn four() -> u64 {
        4
    }

    #[derive(Serialize, Deserialize)]
    pub(super) enum Update {
        Remove(String),
        #[serde(alias = "Greet")]
        Welcome(String),
        Publish {
            slug: String,
            #[serde(alias = "text")]
            body: String,
            kind: Kind,
            #[serde(default = "four")]
            servings: u64,
        },
        Visit,
    }

    #[derive(Clone, Default, State)]
    pub(super) struct Stories {
        pub(super) stories: Table<Story>,
        pub(super) greeting: Value<String>,
        pub(super) visits: Plain<u64>,
        pub(super) new: Table<Story>,
    }

    impl Updates for Stories {
        const NAME: &'static str = "stories";
        type Update = Update;
        type Output = ();
        type Refusal = Violation;

        fn apply(&mut self, update: Update, _: &mut At) -> Result<(), Violation> {
            match update {
                Update::Publish { slug, body, kind, servings } => {
                    let author = Author { name: "Ada".to_owned(), mail: None };
                    return self.stories.insert(Story { slug, body, kind, author, servings });
                }
                Update::Remove(slug) => drop(self.stories.remove(&slug)?),
                Update::Welcome(greeting) => self.greeting.set(greeting),
                Update::Visit => *self.visits += 1,
            }
            Ok(())
        }
    }
}

/// The same with versions of row and update.
mod third {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
    #[row(version = 2, from = first::Story)]
    pub(super) struct Story {
        #[row(key)]
        pub(super) slug: String,
        #[row(index)]
        pub(super) length: u64,
    }

    impl From<first::Story> for Story {
        fn from(first::Story { slug, text, .. }: first::Story) -> Story {
            Story { slug, length: text.len() as u64 }
        }
    }

    #[derive(Serialize, Deserialize)]
    pub(super) enum Change {
        Story(Story),
        Other,
    }

    #[derive(Clone, Default, State)]
    pub(super) struct Stories {
        pub(super) stories: Table<Story>,
        pub(super) greeting: Value<String>,
        pub(super) visits: Plain<u64>,
    }

    impl Updates for Stories {
        const NAME: &'static str = "stories";
        const UPDATE_VERSION: u32 = 2;
        type Update = Change;
        type Output = ();
        type Refusal = Violation;

        fn migrate(old: OldUpdate<'_>) -> Result<Change, String> {
            Ok(match old.read()? {
                first::Update::Publish { slug, text, .. } => {
                    Change::Story(Story { slug, length: text.len() as u64 })
                }
                first::Update::Greet(_) | first::Update::Visit => Change::Other,
            })
        }

        fn apply(&mut self, change: Change, _: &mut At) -> Result<(), Violation> {
            match change {
                Change::Story(story) => self.stories.insert(story),
                Change::Other => Ok(()),
            }
        }
    }
}

fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded")
}

/// A copy of the files, in the layout of a back end.
fn copied() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["archive", "checkpoints"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        for entry in std::fs::read_dir(recorded().join(name)).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), folder.path().join(name).join(entry.file_name())).unwrap();
        }
    }
    let mut log = Vec::new();
    let packed = std::fs::File::open(recorded().join("log.redb.gz")).unwrap();
    GzDecoder::new(packed).read_to_end(&mut log).unwrap();
    std::fs::write(folder.path().join("log.redb"), log).unwrap();
    folder
}

/// The log of the same records without checkpoints: the later site applies all of them.
fn replayed(position: u64) -> TempDir {
    let (from, folder) = (copied(), tempfile::tempdir().unwrap());
    for name in std::fs::read_dir(from.path().join("checkpoints")).unwrap() {
        std::fs::remove_file(name.unwrap().path()).unwrap();
    }
    tools::restore(from.path(), folder.path(), Position(position)).unwrap();
    folder
}

/// The last record.
const LAST: u64 = 264;

#[test]
fn recorded_files_are_read_as_they_were_written() {
    let folder = copied();
    let (lines, is_whole) = tools::verify(folder.path());
    assert!(is_whole && lines.len() == 4, "{lines:?}");
    let node = NodeOf::<first::Stories>::open(folder.path());
    assert_eq!(node.log.committed(), Position(LAST));
    let view = node.store.view(None);
    assert_eq!((view.greeting.as_str(), *view.visits), ("Welcome", 256));
    let story = first::Story {
        slug: "peas".to_owned(),
        text: "On peas".to_owned(),
        priority: 9,
        kind: first::Kind::Essay { words: 2 },
        author: first::Author { name: "Ada".to_owned() },
    };
    assert_eq!(view.stories.get("peas").unwrap().into_row(), story);
    let saved = &node.checkpointer.saved;
    let deferred = (Position(4), Invalidation::new().group("later"));
    assert_eq!(saved.deferrals.open(), [deferred]);
    assert_eq!(saved.docroot.manifest().iter().count(), 1);
    assert_eq!(saved.revocations.lock().unwrap().to_pieces().len(), 1);
    assert_eq!(node.joined.members().count(), 1);
    assert_eq!(
        saved.hashes.due(),
        None,
        "the log has the hash of position 256, and it was compared"
    );
}

/// The output that operators get of the data in a folder, without the visits.
fn lines_of(folder: &Path) -> [(&'static str, String); 2] {
    let (mut exported, mut records) = (Vec::new(), Vec::new());
    tools::export(folder, None, &mut exported).unwrap();
    tools::log(folder, None, &mut records).unwrap();
    let text = |lines: Vec<u8>| {
        let lines = String::from_utf8(lines).unwrap();
        let lines = lines.lines().filter(|line| !line.contains("\"update\":\"Visit\""));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    [("export.jsonl", text(exported)), ("log.jsonl", text(records))]
}

#[test]
fn the_lines_of_recorded_files_are_unchanged() {
    for (name, lines) in lines_of(copied().path()) {
        let expected = std::fs::read_to_string(recorded().join(name)).unwrap();
        assert_eq!(lines, expected, "{name}");
    }
}

#[test]
fn a_checkpoint_of_the_same_data_has_the_bytes_that_were_recorded() {
    let folder = copied();
    let checkpoints = Checkpoints::beside(folder.path());
    let name = checkpoints.names().unwrap().pop().unwrap();
    let bytes = std::fs::read(checkpoints.path(&name)).unwrap();
    assert_eq!(&bytes[..8], b"HWCHECK3", "a change of the format is a new number");
    let (head, _) = checkpoints.verify(&name).unwrap();
    let of = LogEpoch { id: head.log, epoch: head.epoch };
    let mut states = States::new();
    states.add::<first::Stories>().unwrap();
    let past = Past::of(of, Position::START, Position(LAST));
    let Restored { beginning, deferred, files, revocations, hash } =
        checkpoints.restore(&past, &states).unwrap().unwrap();
    states.rehash();
    states.publish();
    let (joined, hash, states) = (beginning.joined, hash.unwrap(), states.save());
    let content = Content { head, joined, deferred, files, revocations, hash, states };
    let folder = tempfile::tempdir().unwrap();
    let again = Checkpoints::beside(folder.path());
    again.write(content, &AtomicBool::new(false)).unwrap();
    let name = again.names().unwrap().pop().unwrap();
    assert!(std::fs::read(again.path(&name)).unwrap() == bytes);
}

#[test]
fn fields_and_variants_may_be_added_renamed_and_removed() {
    for folder in [copied(), replayed(LAST)] {
        let node = NodeOf::<second::Stories>::open(folder.path());
        let view = node.store.view(None);
        let story = |slug: &str| view.stories.get(slug).unwrap().into_row();
        let essay = second::Story {
            slug: "peas".to_owned(),
            body: "On peas".to_owned(),
            kind: second::Kind::Essay { words: 2 },
            author: second::Author { name: "Ada".to_owned(), mail: None },
            servings: 4,
        };
        assert_eq!(story("peas"), essay);
        assert_eq!(story("late").kind, second::Kind::Report);
        assert_eq!(view.stories.of(second::Story::SERVINGS, 4).count(), 3, "the index is new");
        assert_eq!((view.greeting.as_str(), *view.visits), ("Welcome", 256));
        assert_eq!(view.new.count(), 0);
    }
}

#[test]
fn rows_and_updates_of_version_1_become_those_of_version_2() {
    for folder in [copied(), replayed(LAST)] {
        let node = NodeOf::<third::Stories>::open(folder.path());
        let view = node.store.view(None);
        let lengths = ["rain", "peas", "late"].map(|slug| view.stories.get(slug).unwrap().length);
        assert_eq!(lengths, [13, 7, 4]);
        assert_eq!(view.stories.of(third::Story::LENGTH, 7).count(), 1);
    }
}

#[test]
fn an_earlier_position_is_restored_from_an_archive_and_read_by_a_later_site() {
    let node = NodeOf::<third::Stories>::open(replayed(1).path());
    assert_eq!(node.store.view(None).stories.count(), 1);
    assert_eq!(node.log.committed(), Position(1));
}

/// Writes the files anew: see the README beside them.
#[tokio::test]
#[ignore = "it writes the recorded files"]
async fn record() {
    use first::{Kind, Update};

    let folder = tempfile::tempdir().unwrap();
    let node = NodeOf::<first::Stories>::open(folder.path());
    let publish = |slug: &str, text: &str, priority, kind| {
        let (slug, text) = (slug.to_owned(), text.to_owned());
        node.store.draft(&Update::Publish { slug, text, priority, kind }).unwrap()
    };
    let membership =
        Membership::Joined { incarnation: 7, name: "f1".to_owned(), lease: Duration::from_secs(2) };
    let content = Some(ContentId { hash: [7; 32], length: 7 });
    let files = vec![FileChange { path: "a.png".to_owned(), content }];
    let sessions = Revoked::User("ada".to_owned());
    let revocations = vec![Revocation { sessions, until: u64::MAX }];
    let mut greet = node.store.draft(&Update::Greet("Welcome".to_owned())).unwrap();
    let source = IdSource::FrontEnd { again_after: None };
    greet.update.as_mut().unwrap().id = Some(UpdateId { call: 7, number: 0, source });
    let invalidation = Invalidation::new().group("now").pattern("^/now");
    let mut drafts = vec![
        publish("rain", "More rain now", 1, Kind::News),
        Draft { invalidation, ..publish("peas", "On peas", 9, Kind::Essay { words: 2 }) },
        greet,
        Draft { deferred: Invalidation::new().group("later"), ..Draft::default() },
        Draft { membership: Some(membership), ..Draft::default() },
        Draft { files, revocations, ..Draft::default() },
    ];
    for draft in drafts.drain(..) {
        node.log.append(draft).await.unwrap().applied.unwrap();
    }
    node.checkpointer.checkpoint(&node.log, ReplacedRecords::Archive).await.unwrap();
    node.log.append(publish("late", "Late", 5, Kind::News)).await.unwrap().applied.unwrap();
    let visits = (0..256).map(|_| node.store.draft(&Update::Visit).unwrap()).collect();
    node.log.append_together(visits).await.unwrap();
    let hash = node.checkpointer.saved.hashes.due();
    node.log.append(Draft { hash, ..Draft::default() }).await.unwrap().applied.unwrap();
    drop(node);

    std::fs::create_dir_all(recorded()).unwrap();
    for name in ["archive", "checkpoints"] {
        let _ = std::fs::remove_dir_all(recorded().join(name));
        std::fs::create_dir(recorded().join(name)).unwrap();
        for entry in std::fs::read_dir(folder.path().join(name)).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), recorded().join(name).join(entry.file_name())).unwrap();
        }
    }
    let log = std::fs::read(folder.path().join("log.redb")).unwrap();
    let packed = std::fs::File::create(recorded().join("log.redb.gz")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(packed, flate2::Compression::best());
    std::io::Write::write_all(&mut packed, &log).unwrap();
    packed.finish().unwrap();
    for (name, lines) in lines_of(folder.path()) {
        std::fs::write(recorded().join(name), lines).unwrap();
    }
}
