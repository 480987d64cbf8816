//! A site with much data: the time to insert them, their memory, a checkpoint during updates, and a start from the
//! checkpoint. It is measured with 1,000,000 rows of 200 bytes, and with the stress test of Happstack's tutorial:
//! 100,000 members with 20,000,000 messages.

use std::fmt;
use std::time::Instant;

use serde::Serialize;

use crate::arguments::Arguments;
use crate::contestant::headwater::Single;
use crate::forum::Edits;
use crate::report::{heading, row};
use crate::{Result, memory};

/// The results.
#[derive(Debug, Serialize)]
pub(crate) struct Stored {
    pub(crate) title: &'static str,
    pub(crate) rows: u64,
    /// Seconds until all rows were inserted and durable.
    pub(crate) put_in_s: f64,
    /// The process's memory at that time.
    pub(crate) resident_bytes: u64,
    /// Updates of one caller without a checkpoint.
    pub(crate) quiet: Edits,
    /// Updates during a checkpoint: of several measurements of half a second, the one with the longest update.
    pub(crate) meanwhile: Edits,
    pub(crate) checkpoint_s: f64,
    /// The process's peak memory until then.
    pub(crate) peak_bytes: u64,
    /// Seconds from the start of another process to its first answer, with the last checkpoint and few records after
    /// it.
    pub(crate) start_s: f64,
    /// The new process's memory at that time.
    pub(crate) started_bytes: u64,
    /// The new process's peak memory.
    pub(crate) started_peak_bytes: u64,
}

/// 1,000,000 articles of 200 bytes, with three indexes.
pub(crate) fn million(arguments: &Arguments) -> Result<Stored> {
    let rows: u64 = if arguments.short { 10_000 } else { 1_000_000 };
    stored(arguments, "1,000,000 rows of 200 bytes, three indexes", rows + 1_010, |single| {
        single.post("/forum/join", "0 10 100")?;
        for first in (0..rows).step_by(10_000) {
            single.post("/forum/publish", &format!("{first} 10000"))?;
        }
        Ok(1_000)
    })
}

/// 100,000 members with 200 messages each.
pub(crate) fn happstack(arguments: &Arguments) -> Result<Stored> {
    let members: u64 = if arguments.short { 1_000 } else { 100_000 };
    stored(arguments, "100,000 members with 200 messages each", members * 201, |single| {
        for first in (0..members).step_by(500) {
            single.post("/forum/join", &format!("{first} 500 200"))?;
        }
        Ok(members * 200)
    })
}

/// Measures a site whose rows `put_in` inserts; it returns the number of messages.
fn stored(
    arguments: &Arguments,
    title: &'static str,
    rows: u64,
    put_in: impl FnOnce(&Single) -> Result<u64>,
) -> Result<Stored> {
    let single = Single::start(&arguments.disk)?;
    let began = Instant::now();
    let messages = put_in(&single)?;
    let put_in_s = began.elapsed().as_secs_f64();
    expect_rows(&single, rows)?;
    let resident_bytes = memory::resident(&[single.pid()])?;
    let edit = || -> Result<Edits> {
        let answer = single.post("/forum/edit", &format!("1 500 {messages}"))?;
        Ok(serde_json::from_slice(answer.body())?)
    };
    let quiet = edit()?;
    let (checkpoint_s, meanwhile) = std::thread::scope(|scope| {
        let checkpoint = scope.spawn(|| {
            let began = Instant::now();
            single.checkpoint().map(|()| began.elapsed().as_secs_f64())
        });
        let mut worst = edit()?;
        while !checkpoint.is_finished() {
            let edits = edit()?;
            worst = if edits.longest_us > worst.longest_us { edits } else { worst };
        }
        let took = checkpoint.join().unwrap_or_else(|_| Err("the checkpoint has failed".into()))?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>((took, worst))
    })?;
    // The first checkpoint does not contain the changes that were made meanwhile.
    single.checkpoint()?;
    let peak_bytes = memory::peak(single.pid())?;
    let (single, start_s) = single.start_again()?;
    expect_rows(&single, rows)?;
    Ok(Stored {
        title,
        rows,
        put_in_s,
        resident_bytes,
        quiet,
        meanwhile,
        checkpoint_s,
        peak_bytes,
        start_s,
        started_bytes: memory::resident(&[single.pid()])?,
        started_peak_bytes: memory::peak(single.pid())?,
    })
}

fn expect_rows(single: &Single, rows: u64) -> Result {
    match single.rows()? {
        there if there == rows => Ok(()),
        there => Err(format!("{rows} rows were inserted, but {there} exist").into()),
    }
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gibibytes = |bytes: u64| bytes as f64 / f64::from(1 << 30);
        heading(f, self.title, &["seconds", "GiB", "peak GiB"])?;
        let [before, most] = [self.resident_bytes, self.peak_bytes].map(gibibytes);
        row(f, "inserted, and peak until the start", &[self.put_in_s, before, most])?;
        row(f, "checkpoint", &[self.checkpoint_s])?;
        let [after, peak] = [self.started_bytes, self.started_peak_bytes].map(gibibytes);
        row(f, "start", &[self.start_s, after, peak])?;
        heading(f, "updates of one caller", &["p50 ms", "p99 ms", "longest ms"])?;
        for (name, edits) in [("quiet", self.quiet), ("during the checkpoint", self.meanwhile)] {
            let [p50, p99, _] = edits.times.millis();
            row(f, name, &[p50, p99, edits.longest_us / 1000.0])?;
        }
        Ok(())
    }
}
