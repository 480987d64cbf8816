//! Random scripts of appends, failures and restarts, compared with a simple model: acknowledged records stay at
//! their positions for ever, failed ones are not in the log, and those in doubt may be.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::log::AppendError;

#[derive(Debug, Clone)]
enum Step {
    /// Appends this many drafts at once, each of this many bytes.
    Append(usize, usize),
    FailSyncs(u32),
    FailWriteAfter(u32),
    FailOpens(u32),
    Full(bool),
    Stop,
    Kill,
    CutPower,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (1..6usize, prop_oneof![10..100usize, 1000..60_000usize])
            .prop_map(|(drafts, bytes)| Step::Append(drafts, bytes)),
        2 => (1..3u32).prop_map(Step::FailSyncs),
        2 => (0..12u32).prop_map(Step::FailWriteAfter),
        1 => (1..3u32).prop_map(Step::FailOpens),
        1 => any::<bool>().prop_map(Step::Full),
        1 => Just(Step::Stop),
        1 => Just(Step::Kill),
        2 => Just(Step::CutPower),
    ];
    prop::collection::vec(step, 1..40)
}

#[derive(Debug, Default)]
struct Model {
    acknowledged: BTreeMap<Position, String>,
    in_doubt: BTreeSet<String>,
}

impl Model {
    fn check(&self, records: &[Record]) {
        let mut seen = BTreeMap::new();
        for (record, position) in records.iter().zip(1..) {
            assert_eq!(record.position, Position(position));
            let text = text(record);
            let known = match self.acknowledged.get(&record.position) {
                Some(acknowledged) => *acknowledged == text,
                None => self.in_doubt.contains(&text),
            };
            assert!(known, "{text:.9} at {position} is neither acknowledged nor in doubt");
            seen.insert(record.position, text);
        }
        for position in self.acknowledged.keys() {
            assert!(seen.contains_key(position), "{position} was acknowledged and is gone");
        }
    }
}

async fn run(seed: u64, script: Vec<Step>) {
    let folder = tempfile::tempdir().unwrap();
    let mut model = Model::default();
    let mut disk = Disk::new(seed);
    let (mut log, opened, mut follower) = open_on(&disk, folder.path()).unwrap();
    let (mut number, mut epochs) = (0, Vec::new());
    for step in script.into_iter().chain([Step::CutPower]) {
        match step {
            Step::Append(drafts, bytes) => {
                let texts =
                    (number..number + drafts).map(|n| format!("{n:08} {}", "x".repeat(bytes)));
                number += drafts;
                let appends = texts.map(async |text| (log.append(draft(&text)).await, text));
                for (appended, text) in futures_util::future::join_all(appends).await {
                    match appended {
                        Ok(appended) => {
                            model.acknowledged.insert(appended.position, text);
                        }
                        Err(AppendError::InDoubt { .. }) => {
                            model.in_doubt.insert(text);
                        }
                        Err(AppendError::Storage { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
                model.check(&follower.records());
                continue;
            }
            Step::FailSyncs(syncs) => disk.set(|faults| faults.syncs = syncs),
            Step::FailWriteAfter(after) => disk.set(|faults| faults.write_after = Some(after)),
            Step::FailOpens(opens) => disk.set(|faults| faults.opens = opens),
            Step::Full(full) => disk.set(|faults| faults.full = full),
            Step::Stop | Step::Kill | Step::CutPower => {
                epochs.push((log.epoch(), log.committed()));
                match step {
                    Step::Stop => {
                        log.shutdown();
                        disk.kill(folder.path());
                    }
                    // The ranges of a failed sync are lost with the process: see `Unsynced`.
                    Step::Kill if log.read(Position::START, 1, 1).is_ok() => {
                        disk.kill(folder.path());
                    }
                    _ => disk.cut_power(folder.path()),
                }
                drop(log);
                disk = Disk::new(seed ^ number as u64);
                let (reopened, now, shown) = open_on(&disk, folder.path()).unwrap();
                assert_eq!((now.log.id, now.cut), (opened.log.id, None));
                for (before, last) in &epochs {
                    assert!(
                        reopened.includes(*before, *last),
                        "acknowledged records are not included"
                    );
                }
                model.check(&shown.records());
                (log, follower) = (reopened, shown);
            }
        }
    }
}

/// Returns the number of scripts to run.
fn scripts() -> u32 {
    let scripts = std::env::var("HEADWATER_LOG_SCRIPTS");
    scripts.map_or(48, |scripts| scripts.parse().expect("a number of scripts"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(scripts()))]

    #[test]
    fn the_log_contains_acknowledged_records_and_no_refused_ones(
        seed in any::<u64>(),
        script in steps(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(seed, script));
    }
}
