//! Measures a start from a checkpoint. Run it in release, with `--run-ignored all --no-capture`.

use super::*;

const ROWS: u64 = 1_000_000;

/// About 200 bytes as they are written.
#[derive(Clone, Serialize, Deserialize, Row)]
struct Story {
    #[row(key)]
    slug: String,
    #[row(index)]
    author: String,
    text: String,
}

#[derive(Clone, Default, State)]
struct Stories {
    stories: Table<Story>,
}

impl Updates for Stories {
    const NAME: &'static str = "stories";
    type Update = String;
    type Output = ();
    type Refusal = Violation;

    fn apply(&mut self, text: String, at: &mut At) -> Result<(), Violation> {
        let number = at.position.0;
        // Not in the order of their keys.
        let slug = format!("story-{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        self.stories.insert(Story { slug, author: format!("author-{:05}", number % 10_000), text })
    }
}

#[tokio::test]
#[ignore = "it measures"]
async fn a_start_from_a_million_rows_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let node = NodeOf::<Stories>::open(folder.path());
    let text = "x".repeat(140);
    let began = Instant::now();
    for _ in 0..ROWS / 1000 {
        let drafts = (0..1000).map(|_| node.store.draft(&text).unwrap()).collect();
        node.log.append_together(drafts).await.unwrap();
    }
    println!("appended in {:?}", began.elapsed());
    let made = node.checkpointer.checkpoint(&node.log, ReplacedRecords::Keep).await.unwrap();
    println!("written: {made:?}");
    drop(node);
    let began = Instant::now();
    let node = NodeOf::<Stories>::open(folder.path());
    println!("started from the checkpoint in {:?}", began.elapsed());
    let view = node.store.view(None);
    assert_eq!(view.stories.count() as u64, ROWS);
    assert_eq!(view.stories.of(Story::AUTHOR, "author-00007").count() as u64, ROWS / 10_000);
    drop((view, node));
    std::fs::remove_dir_all(folder.path().join("checkpoints")).unwrap();
    let began = Instant::now();
    drop(NodeOf::<Stories>::open(folder.path()));
    println!("replayed all records in {:?}", began.elapsed());
}
