//! A write and an invalidation without a write, with one, four and eight front ends that must have dropped the page
//! before the writer is answered: the time of the whole request, and the part of it that the front ends take. It is
//! measured with the log in memory and with the log on a disk.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use headwater::{Acknowledgement, Outcome};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::arguments::Arguments;
use crate::contestant::headwater::Cluster;
use crate::contestant::memory;
use crate::disk::Probe;
use crate::figures::Times;
use crate::http1::{Answer, Connection};
use crate::report::{heading, notes, row};

/// The numbers of front ends.
const FRONTENDS: [usize; 3] = [1, 4, 8];

/// The results.
#[derive(Debug, Serialize)]
pub(crate) struct Receipts {
    /// The number of writes, and of invalidations, in sequence.
    pub(crate) writes: u32,
    pub(crate) places: Vec<Place>,
}

/// The figures with the log in one place.
#[derive(Debug, Serialize)]
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) frontends: usize,
    pub(crate) folder: PathBuf,
    /// An update of the site's data, sent to a front end.
    pub(crate) update: Taken,
    /// An invalidation, sent to the back end's admin port.
    pub(crate) invalidate: Taken,
    /// A write of 4 KiB and fdatasync(2) in the same folder, without headwater, between the updates.
    pub(crate) sync: Times,
    /// An update without the sync: its median and percentiles minus those of the sync.
    pub(crate) update_without_sync: Times,
}

/// The durations of requests.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Taken {
    /// From the request to the end of its answer, as the client sees it.
    pub(crate) whole: Times,
    /// Of this, the time from the durable record until the last front end has dropped the pages.
    pub(crate) receipt: Times,
}

/// The part of a receipt that is measured.
#[derive(Debug, Deserialize)]
struct Receipt {
    acknowledgements: Vec<Acknowledgement>,
}

/// Measures with the log in each place.
pub(crate) fn run(arguments: &Arguments) -> Result<Receipts> {
    let memory = memory();
    let mut places = Vec::new();
    for frontends in FRONTENDS {
        if memory != std::env::temp_dir() {
            places.push(place("in memory", frontends, &memory, arguments.writes())?);
        }
        places.push(place("on disk", frontends, &arguments.disk, arguments.writes())?);
    }
    Ok(Receipts { writes: arguments.writes(), places })
}

fn place(name: &'static str, frontends: usize, folder: &Path, writes: u32) -> Result<Place> {
    let cluster = Cluster::start(frontends, folder)?;
    let mut frontend = Connection::open(cluster.frontend()?.entrance)?;
    let mut admin = Connection::open(cluster.backend.admin)?;
    let mut probe = Probe::new(cluster.folder())?;
    let note = "The river is high, and the ferry does not run. ".repeat(4);
    let write = || frontend.post("/notes", "text/plain; charset=utf-8", &note);
    let (update, sync) = taken(frontends, writes, write, &mut probe)?;
    let groups = r#"{"groups": ["page"]}"#;
    let invalidate = || admin.post("/invalidate", "application/json", groups);
    let (invalidate, _) = taken(frontends, writes, invalidate, &mut probe)?;
    let folder = folder.to_owned();
    let update_without_sync = update.whole.less(sync);
    Ok(Place { name, frontends, folder, update, invalidate, sync, update_without_sync })
}

/// Sends requests in sequence. The disk is measured between them, so that other load of the disk affects both.
fn taken(
    frontends: usize,
    times: u32,
    mut ask: impl FnMut() -> Result<Answer>,
    probe: &mut Probe,
) -> Result<(Taken, Times)> {
    for _ in 0..times.div_ceil(10) {
        receipt(&ask()?, frontends)?;
    }
    let (mut wholes, mut receipts, mut syncs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..times {
        let start = Instant::now();
        let answer = ask()?;
        wholes.push(start.elapsed());
        receipts.push(receipt(&answer, frontends)?);
        syncs.push(probe.sync_time()?);
    }
    let of = |times| Times::of(times).ok_or("nothing was measured");
    Ok((Taken { whole: of(wholes)?, receipt: of(receipts)? }, of(syncs)?))
}

/// Returns the time of the last front end, if all of them have acknowledged.
fn receipt(answer: &Answer, frontends: usize) -> Result<Duration> {
    let shown = || String::from_utf8_lossy(answer.body()).into_owned();
    if answer.head.status != 200 {
        return Err(format!("a write was answered with {}: {}", answer.head.status, shown()).into());
    }
    let receipt: Receipt = serde_json::from_slice(answer.body())?;
    let acknowledged =
        receipt.acknowledgements.iter().filter(|by| by.outcome == Outcome::Acknowledged);
    if acknowledged.count() != frontends {
        return Err(format!("not all front ends have acknowledged: {}", shown()).into());
    }
    Ok(receipt.acknowledgements.iter().map(|by| by.took).max().unwrap_or_default())
}

impl fmt::Display for Receipts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Receipts { writes, places } = self;
        writeln!(f, "{writes} writes, then {writes} invalidations, one after the other")?;
        for place in places {
            let Place { name, frontends, folder, .. } = place;
            let title = format!("{frontends} front ends, log {name} ({})", folder.display());
            heading(f, &title, &["p50 ms", "p99 ms", "p99.9 ms"])?;
            for (name, times) in [
                ("update: whole request", place.update.whole),
                ("  of it, receipt", place.update.receipt),
                ("invalidate: whole request", place.invalidate.whole),
                ("  of it, receipt", place.invalidate.receipt),
                ("4 KiB and fdatasync, by itself", place.sync),
                ("update less sync", place.update_without_sync),
            ] {
                row(f, name, &times.millis())?;
            }
        }
        notes(f, &[])
    }
}
