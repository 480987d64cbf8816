//! GET of a cached page by clients that need not have it as it is, beside GET of the same page: by
//! one that has it already (304), and by one that takes it compressed.

use std::time::{Duration, Instant};

use super::turns::{self, Side, Turns};
use crate::Result;
use crate::arguments::Arguments;
use crate::contestant::headwater::Cluster;
use crate::contestant::{Contestant, PAGE_BYTES, TEXT};
use crate::cpu::{self, Cores};
use crate::http1::Connection;
use crate::load::{Expected, Load};

/// The page as it is.
const PLAIN: Expected<'_> = Expected {
    path: TEXT,
    headers: "",
    status: 200,
    body_bytes: PAGE_BYTES,
    cache_status: "headwater; hit",
};

/// How long the page may take to be compressed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks for the page and for a 304 in turns.
pub(crate) fn not_modified(arguments: &Arguments) -> Result<Turns> {
    run(arguments, |front_end| {
        let page = Connection::open(front_end.address)?.get(TEXT)?;
        let tag = page.header("etag").ok_or("the page has no tag")?;
        Ok(("not modified", format!("if-none-match: {tag}\r\n"), 304, 0))
    })
}

/// Asks for the page as it is and in gzip in turns.
pub(crate) fn encoded(arguments: &Arguments) -> Result<Turns> {
    run(arguments, |front_end| {
        let headers = "accept-encoding: gzip\r\n".to_owned();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let page = Connection::open(front_end.address)?.get_with(TEXT, &headers)?;
            if page.header("content-encoding") == Some("gzip") {
                return Ok(("gzip", headers, 200, page.head.content_length));
            }
            if Instant::now() > deadline {
                return Err("the page was not compressed".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    })
}

/// What the second side is called, the lines that its requests have, and what they are answered
/// with.
type Form = (&'static str, String, u16, usize);

fn run(arguments: &Arguments, form: impl FnOnce(Contestant) -> Result<Form>) -> Result<Turns> {
    let cores = if arguments.pin { Some(Cores::two()?) } else { None };
    if let Some(cores) = cores {
        cpu::pin(cores.server)?;
    }
    let cluster = Cluster::start(1, &std::env::temp_dir())?;
    let headwater = cluster.contestant()?;
    Load::warm_up(headwater.address, PLAIN)?;
    let (name, headers, status, body_bytes) = form(headwater)?;
    if let Some(cores) = cores {
        cpu::pin(cores.load)?;
    }
    let plain = Contestant { name: "as it is", ..headwater };
    let other = Contestant { name, ..headwater };
    let expected = Expected { headers: &headers, status, body_bytes, ..PLAIN };
    let sides = [Side { contestant: plain, expected: PLAIN }, Side { contestant: other, expected }];
    turns::take(arguments, sides)
}
