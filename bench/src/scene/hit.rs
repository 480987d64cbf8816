//! GET of a cached page: headwater's front end compared with a server of hyper alone, which sends
//! the same bytes.

use super::turns::{self, Side, Turns};
use crate::Result;
use crate::arguments::Arguments;
use crate::contestant::bare::Bare;
use crate::contestant::headwater::Cluster;
use crate::contestant::{PAGE, PAGE_BYTES};
use crate::cpu::{self, Cores};
use crate::load::{Expected, Load};

pub(super) const EXPECTED: Expected<'_> = Expected {
    path: PAGE,
    headers: "",
    status: 200,
    body_bytes: PAGE_BYTES,
    cache_status: "headwater; hit",
};

/// Starts the contestants and measures them in turns.
pub(crate) fn run(arguments: &Arguments) -> Result<Turns> {
    let cores = if arguments.pin { Some(Cores::two()?) } else { None };
    if let Some(cores) = cores {
        cpu::pin(cores.server)?;
    }
    let cluster = Cluster::start(1, &std::env::temp_dir())?;
    let headwater = cluster.contestant()?;
    Load::warm_up(headwater.address, EXPECTED)?;
    let bare = Bare::start(headwater.address)?;
    if let Some(cores) = cores {
        cpu::pin(cores.load)?;
    }
    let sides = [bare.contestant(), headwater];
    turns::take(arguments, sides.map(|contestant| Side { contestant, expected: EXPECTED }))
}
