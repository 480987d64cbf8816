//! GET of a cached page after 10,000 patterns that match no page, compared with a server without
//! patterns. New patterns are sent before each round. Both servers have many other pages in their
//! caches, which must be tested against the patterns too.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::Serialize;

use super::pages::{self, USUAL};
use super::setting::{Protocol, Setting};
use super::side::Side;
use super::turns::{self, Turns};
use crate::arguments::Arguments;
use crate::contestant::headwater::Cluster;
use crate::contestant::varnish::Varnish;
use crate::contestant::{Contestant, Kind, Runs, field, memory};
use crate::figures::Spread;
use crate::http1::{self, Connection};
use crate::load::Request;
use crate::report::{heading, notes, row};
use crate::{Result, fill, tools};

/// The number of patterns.
const PATTERNS: u32 = 10_000;

/// The number of patterns in one record of headwater.
const IN_A_RECORD: u32 = 100;

/// The length of the other pages, in bytes.
const BYTES: usize = 512;

/// The results.
#[derive(Debug, Serialize)]
pub(crate) struct Patterns {
    pub(crate) tables: Vec<Turns>,
    /// The number of headwater's outstanding patterns at the start of a round, and at its end.
    pub(crate) outstanding_before: Spread,
    pub(crate) outstanding_after: Spread,
}

/// Measures headwater, then Varnish.
pub(crate) fn run(arguments: &Arguments) -> Result<Patterns> {
    field::pin_servers(arguments)?;
    let mut patterns = ours(arguments)?;
    if arguments.takes_part(Kind::Varnish) {
        match tools::VARNISH.missing() {
            Some(missing) => {
                patterns.tables[0].left_out.push(format!("Varnish is left out: {missing}"));
            }
            None => patterns.tables.push(varnish(arguments)?),
        }
    }
    Ok(patterns)
}

fn ours(arguments: &Arguments) -> Result<Patterns> {
    let with = Cluster::start(1, &memory())?;
    let without = Cluster::start(1, &memory())?;
    let frontend = with.frontend()?.admin;
    let outstanding = || -> Result<f64> {
        let answer = Connection::open(frontend)?.get("/status")?;
        let status: serde_json::Value = serde_json::from_slice(answer.body())?;
        status["cache"]["patterns"].as_f64().ok_or_else(|| "no patterns are counted".into())
    };
    let (before, after) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let round = Cell::new(0);
    let send = || -> Result {
        round.set(round.get() + 1);
        let mut admin = Connection::open(with.backend.admin)?;
        for record in 0..PATTERNS / IN_A_RECORD {
            let first = record * IN_A_RECORD;
            let patterns: Vec<_> =
                (first..first + IN_A_RECORD).map(|number| pattern(round.get(), number)).collect();
            let body = serde_json::json!({ "patterns": patterns }).to_string();
            let answer = admin.ask(&http1::post("/invalidate", "application/json", &body))?;
            expect_ok(&answer)?;
        }
        before.borrow_mut().push(outstanding()?);
        Ok(())
    };
    // This side is measured directly after the other one, so this is the number after its round.
    let look = || -> Result {
        after.borrow_mut().push(outstanding()?);
        Ok(())
    };
    let [with, without] = [&with, &without].map(Runs::contestant);
    let sides = [
        Side { before: Some(&send), ..side(&with, "10,000 patterns") },
        Side { before: Some(&look), ..side(&without, "none") },
    ];
    let table = take(arguments, "headwater", &sides)?;
    drop(sides);
    let spread = |counts: RefCell<Vec<f64>>| Spread::of(counts.into_inner()).ok_or("no round");
    Ok(Patterns {
        tables: vec![table],
        outstanding_before: spread(before)?,
        outstanding_after: spread(after)?,
    })
}

fn varnish(arguments: &Arguments) -> Result<Turns> {
    let (with, without) = (Varnish::start()?, Varnish::start()?);
    let [with, without] = [&with, &without].map(Runs::contestant);
    let round = Cell::new(0);
    let send = || -> Result {
        round.set(round.get() + 1);
        let mut connection = Connection::open(with.http1)?;
        for number in 0..PATTERNS {
            let pattern = pattern(round.get(), number);
            let ban = format!("BAN / HTTP/1.1\r\nhost: bench\r\npattern: {pattern}\r\n\r\n");
            expect_ok(&connection.ask(&ban)?)?;
        }
        Ok(())
    };
    let sides =
        [Side { before: Some(&send), ..side(&with, "10,000 bans") }, side(&without, "none")];
    take(arguments, "Varnish", &sides)
}

/// Returns a pattern that matches no page.
fn pattern(round: u32, number: u32) -> String {
    format!("^/stories/{round}/{number}(/|$)")
}

fn expect_ok(answer: &http1::Answer) -> Result {
    let shown = || String::from_utf8_lossy(answer.body()).into_owned();
    match answer.head.status {
        200 => Ok(()),
        status => Err(format!("a pattern was answered with {status}: {}", shown()).into()),
    }
}

fn side<'a>(contestant: &Contestant, name: &str) -> Side<'a> {
    let request = Request::of_page(pages::path(USUAL), USUAL);
    Side::cached(contestant.clone(), request).named(name)
}

fn take(arguments: &Arguments, contestant: &str, sides: &[Side<'_>]) -> Result<Turns> {
    // The same number of pages as of patterns.
    for side in sides {
        fill::fill(&side.contestant, "others", BYTES, PATTERNS)?;
    }
    let title = format!(
        "{contestant}: a cached page of {USUAL} bytes with {PATTERNS} others in the cache, after {PATTERNS} patterns"
    );
    let setting = Setting::new(arguments, Protocol::Http1, arguments.some_connections());
    turns::take(title, setting, sides, Vec::new())
}

impl fmt::Display for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for table in &self.tables {
            write!(f, "{table}")?;
        }
        heading(f, "patterns of headwater outstanding", &["min", "median", "max"])?;
        for (name, Spread { min, median, max }) in
            [("before a round", self.outstanding_before), ("after it", self.outstanding_after)]
        {
            row(f, name, &[min, median, max])?;
        }
        notes(f, &[])
    }
}
