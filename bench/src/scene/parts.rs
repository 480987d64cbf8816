//! GET of a cached page with three cached parts, beside a cached page of as many bytes without any:
//! the same front end serves both.

use super::hit;
use super::turns::{self, Side, Turns};
use crate::Result;
use crate::arguments::Arguments;
use crate::contestant::headwater::Cluster;
use crate::contestant::{Contestant, PAGE_WITH_PARTS};
use crate::cpu::{self, Cores};
use crate::load::{Expected, Load};

const EXPECTED: Expected<'_> = Expected { path: PAGE_WITH_PARTS, ..hit::EXPECTED };

/// Starts a front end and asks for the two pages in turns.
pub(crate) fn run(arguments: &Arguments) -> Result<Turns> {
    let cores = if arguments.pin { Some(Cores::two()?) } else { None };
    if let Some(cores) = cores {
        cpu::pin(cores.server)?;
    }
    let cluster = Cluster::start(1, &std::env::temp_dir())?;
    let headwater = cluster.contestant()?;
    Load::warm_up(headwater.address, hit::EXPECTED)?;
    Load::warm_up(headwater.address, EXPECTED)?;
    if let Some(cores) = cores {
        cpu::pin(cores.load)?;
    }
    let plain = Contestant { name: "one piece", ..headwater };
    let composed = Contestant { name: "with parts", ..headwater };
    turns::take(
        arguments,
        [
            Side { contestant: plain, expected: hit::EXPECTED },
            Side { contestant: composed, expected: EXPECTED },
        ],
    )
}
