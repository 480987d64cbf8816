//! Durable updates, with the log on a disk: of one caller, and of 256 at once, which share the disk's syncs. The node
//! is a single node without a cache, whose front end acknowledges within the process.

use std::fmt;

use serde::Serialize;

use crate::arguments::Arguments;
use crate::contestant::headwater::Single;
use crate::disk::Probe;
use crate::figures::Times;
use crate::forum::Edits;
use crate::report::{heading, notes, row};
use crate::{Result, cpu};

/// The number of concurrent callers.
const CALLERS: u64 = 256;

/// The number of messages that they change.
const MESSAGES: u64 = 10_000;

/// The number of syncs of the disk before and after each measurement.
const SYNCS: usize = 200;

/// The results.
#[derive(Debug, Serialize)]
pub(crate) struct Updates {
    pub(crate) rounds: Vec<Round>,
}

/// One round.
#[derive(Debug, Serialize)]
pub(crate) struct Round {
    /// A write of 4 KiB and fdatasync(2) in the same folder, without headwater.
    pub(crate) sync: Times,
    /// The writes of one commit of the log, at the same number of offsets, and fdatasync(2), without headwater.
    pub(crate) commit: Times,
    pub(crate) one: Edits,
    pub(crate) many: Edits,
    /// Microseconds of CPU time for one update of many callers.
    pub(crate) cpu_us: f64,
}

/// Measures each number of callers in turns.
pub(crate) fn run(arguments: &Arguments) -> Result<Updates> {
    let single = Single::start(&arguments.disk)?;
    single.post("/forum/join", &format!("0 100 {}", MESSAGES / 100))?;
    let mut probe = Probe::new(single.folder())?;
    let milliseconds = arguments.duration().as_millis();
    let edit = |callers: u64| -> Result<Edits> {
        let answer = single.post("/forum/edit", &format!("{callers} {milliseconds} {MESSAGES}"))?;
        serde_json::from_slice(answer.body())
            .map_err(|error| format!("the updates have failed: {error}").into())
    };
    edit(CALLERS)?;
    let mut rounds = Vec::new();
    for _ in 0..arguments.rounds() {
        let mut syncs = (0..SYNCS).map(|_| probe.sync_time()).collect::<Result<Vec<_>>>()?;
        let mut commits = (0..SYNCS).map(|_| probe.commit_time()).collect::<Result<Vec<_>>>()?;
        let one = edit(1)?;
        let before = cpu::used(&[single.pid()])?;
        let many = edit(CALLERS)?;
        let used = cpu::used(&[single.pid()])?.since(before).total();
        let updates = many.per_second * arguments.duration().as_secs_f64();
        for _ in 0..SYNCS {
            syncs.push(probe.sync_time()?);
            commits.push(probe.commit_time()?);
        }
        let [sync, commit] = [syncs, commits].map(Times::of);
        let (sync, commit) = sync.zip(commit).ok_or("nothing was measured")?;
        let cpu_us = used.as_secs_f64() * 1e6 / updates;
        rounds.push(Round { sync, commit, one, many, cpu_us });
    }
    Ok(Updates { rounds })
}

impl fmt::Display for Updates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Round { sync, commit, one, many, cpu_us } in &self.rounds {
            heading(f, "durable updates", &["a second", "p50 ms", "p99 ms"])?;
            for (name, times) in [("4 KiB", sync), ("a commit's 8 places", commit)] {
                let [p50, p99, _] = times.millis();
                row(f, &format!("{name} and fdatasync, by itself"), &[1000.0 / p50, p50, p99])?;
            }
            for (name, edits) in [("one caller", one), ("256 callers", many)] {
                let [p50, p99, _] = edits.times.millis();
                row(f, name, &[edits.per_second, p50, p99])?;
            }
            let goal = (0.6 * CALLERS as f64 / (sync.median_us / 1e6)).min(100_000.0);
            notes(
                f,
                &[format!(
                    "one caller takes {:.2} of a sync of 4 KiB, {:.2} of one of a commit's writes; 256 are to reach {goal:.0} a \
                     second; CPU {cpu_us:.1} µs each",
                    one.times.median_us / sync.median_us,
                    one.times.median_us / commit.median_us
                )],
            )?;
        }
        Ok(())
    }
}
