//! A start of a later version of the site.

use super::*;

mod before {
    use super::*;

    #[derive(Clone, Serialize, Deserialize, Row)]
    pub(super) struct Story {
        #[row(key)]
        pub(super) id: u64,
        pub(super) words: String,
    }

    #[derive(Clone, Default, State)]
    pub(super) struct Stories {
        stories: Table<Story>,
        /// It is empty, so it can be removed.
        drafts: Table<Story>,
    }

    impl Updates for Stories {
        const NAME: &'static str = "stories";
        type Update = String;
        type Output = ();
        type Refusal = Violation;

        fn apply(&mut self, words: String, at: &mut At) -> Result<(), Violation> {
            self.stories.insert(Story { id: at.position.0, words })
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(version = 2, from = before::Story)]
struct Story {
    #[row(key)]
    id: u64,
    #[row(index)]
    words: u64,
}

fn count(words: &str) -> u64 {
    words.split(' ').count() as u64
}

impl From<before::Story> for Story {
    fn from(before::Story { id, words }: before::Story) -> Story {
        Story { id, words: count(&words) }
    }
}

#[derive(Clone, Default, State)]
struct Stories {
    stories: Table<Story>,
    since: Value<Option<u64>>,
}

impl Updates for Stories {
    const NAME: &'static str = "stories";
    type Update = String;
    type Output = ();
    type Refusal = Violation;

    fn apply(&mut self, words: String, at: &mut At) -> Result<(), Violation> {
        let id = at.position.0;
        self.since.update(|since| *since = since.or(Some(id)));
        // Differs from the migration's result.
        self.stories.insert(Story { id, words: 100 * count(&words) })
    }
}

#[tokio::test]
async fn a_start_migrates_rows_of_a_checkpoint_of_an_earlier_version() {
    let folder = tempfile::tempdir().unwrap();
    let node = NodeOf::<before::Stories>::open(folder.path());
    node.append("a b c").await;
    node.append("d").await;
    node.checkpointer.checkpoint(&node.log, ReplacedRecords::Drop).await.unwrap();
    node.append("e f").await;
    let fingerprint = node.checkpointer.saved.states.fingerprint();
    drop(node);
    for _ in 0..2 {
        let node = NodeOf::<Stories>::open(folder.path());
        assert_ne!(node.checkpointer.saved.states.fingerprint(), fingerprint);
        let view = node.store.view(None);
        let words = |id| view.stories.get(id).map(|story| story.words);
        assert_eq!([1, 2, 3, 4].map(words), [Some(3), Some(1), Some(200), None]);
        assert_eq!(view.stories.of(Story::WORDS, 3).count(), 1, "the index is new");
        assert_eq!(
            *view.since,
            Some(3),
            "a new field begins with the records after the checkpoint"
        );
        // The next one has rows of version 2.
        node.checkpointer.checkpoint(&node.log, ReplacedRecords::Drop).await.unwrap();
    }
    let error = NodeOf::<before::Stories>::try_open(folder.path()).err().unwrap();
    assert!(error.contains("the state \"stories\", `stories`: a Story is of version 2"), "{error}");
    assert!(error.contains("start the version of the site that has written it"), "{error}");
}
