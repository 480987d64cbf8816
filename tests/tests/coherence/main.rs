//! The law of the cache, with real processes: every read that starts after a write was answered sees that write,
//! whatever happens to the nodes and to their links.
//!
//! One back end, three front ends, writers and readers on random front ends, and a [`script`] of
//! faults: front ends that are paused for longer than the lease, killed or stopped, or that flap; links that are cut or
//! slow; a back end that is killed or stopped in the middle of writes. Because of faults, requests may remain
//! unanswered. But even then
//!
//! - no reader may miss the newest answered version (rule 5 of the law, and rule 3 by pages that are read slowly),
//! - no acknowledged write may be lost,
//! - no write at undisturbed nodes may take longer than the lease and a second.
//!
//! `COHERENCE_SECONDS` sets the length of the test, `COHERENCE_SEED` repeats its choices.
//!
//! - `pages`: the versions sent and answered. `reader` and `writer`: the visitors.
//! - `script`: the faults and their order. `calm`: the nodes that are not disturbed.
//! - `metronome`: measures for how long the machine itself was stalled.
//! - `verdict`: counts of the work done, and breaches of the law.

mod calm;
mod metronome;
mod pages;
mod reader;
mod script;
mod trial;
mod verdict;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use headwater_tests::{Cluster, Seed, Site};
use tokio::task::JoinSet;

use script::Script;
use trial::Trial;

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

const FRONTENDS: usize = 3;
const READERS: u64 = 9;
const WRITERS: u64 = 4;

/// The lease of [`Site::test_site`].
const LEASE: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn no_read_misses_a_write_that_was_answered_before() {
    let seed = Seed::take("COHERENCE_SEED");
    let seconds = std::env::var("COHERENCE_SECONDS")
        .map_or(45, |text| text.parse().expect("COHERENCE_SECONDS is a whole number"));
    let mut cluster = Cluster::start(Site::test_site(PROGRAM), FRONTENDS).await;
    let trial = Arc::new(Trial::new(&cluster));

    let mut visitors = JoinSet::new();
    for number in 0..READERS {
        visitors.spawn(reader::read(Arc::clone(&trial), seed.choices(100 + number)));
    }
    for number in 0..WRITERS {
        visitors.spawn(writer::write(Arc::clone(&trial), seed.choices(200 + number)));
    }
    let script = Script::new(seed.choices(1), Duration::from_secs(seconds));
    let faults = tokio::select! {
        faults = script.play(&mut cluster, &trial) => faults,
        () = trial.verdict.broken() => 0,
    };
    trial.stop();
    while let Some(visitor) = visitors.join_next().await {
        visitor.expect("visitors do not panic");
    }
    if !trial.verdict.is_broken() {
        script::settled(&cluster).await;
        reader::read_everything(&trial).await;
    }
    trial.verdict.deliver(seed, faults);
}
