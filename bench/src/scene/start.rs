//! From the start of the program to the first page.

use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::pages::{self, SIZES};
use crate::Result;
use crate::arguments::Arguments;
use crate::contestant::axum::Axum;
use crate::contestant::headwater::Cluster;
use crate::contestant::nginx::Nginx;
use crate::contestant::varnish::Varnish;
use crate::contestant::{Kind, Runs, memory};
use crate::figures::Spread;
use crate::http1::Connection;
use crate::report::{heading, notes, row};
use crate::tools;

/// The results.
#[derive(Debug, Serialize)]
pub(crate) struct Starts {
    pub(crate) contestants: Vec<Start>,
    pub(crate) left_out: Vec<String>,
}

/// The duration of one contestant's start.
#[derive(Debug, Serialize)]
pub(crate) struct Start {
    pub(crate) name: String,
    /// Milliseconds, over the rounds.
    pub(crate) first_page_ms: Spread,
}

/// The function that starts a contestant.
type Starter = fn() -> Result<Box<dyn Runs>>;

const STARTERS: [(&str, Kind, Starter); 5] = [
    ("headwater, one process", Kind::Headwater, || Ok(Box::new(Cluster::single(&memory())?))),
    ("headwater, back end and front end", Kind::Headwater, || {
        Ok(Box::new(Cluster::start(1, &memory())?))
    }),
    ("nginx file", Kind::NginxFile, || Ok(Box::new(Nginx::of_files()?))),
    ("Varnish and its origin", Kind::Varnish, || Ok(Box::new(Varnish::start()?))),
    ("axum", Kind::Axum, || Ok(Box::new(Axum::start()?))),
];

/// Starts all contestants in turns.
pub(crate) fn run(arguments: &Arguments) -> Result<Starts> {
    let mut left_out = Vec::new();
    let mut starters = Vec::new();
    for (name, kind, starter) in STARTERS {
        let tool = match kind {
            Kind::NginxFile => Some(&tools::NGINX),
            Kind::Varnish => Some(&tools::VARNISH),
            _ => None,
        };
        match tool.and_then(tools::Tool::missing) {
            Some(missing) => left_out.push(format!("{name} is left out: {missing}")),
            None if kind != Kind::Headwater && !arguments.takes_part(kind) => {}
            None => starters.push((name, starter, Vec::new())),
        }
    }
    for _ in 0..arguments.rounds() {
        for (name, starter, times) in &mut starters {
            let time = time(*starter).map_err(|error| format!("{name}: {error}"))?;
            times.push(time.as_secs_f64() * 1000.0);
        }
    }
    let starts = starters.into_iter().map(|(name, _, times)| {
        let first_page_ms = Spread::of(times).ok_or("there was no round")?;
        Ok(Start { name: name.to_owned(), first_page_ms })
    });
    Ok(Starts { contestants: starts.collect::<Result<_>>()?, left_out })
}

fn time(starter: Starter) -> Result<Duration> {
    let begun = Instant::now();
    let running = starter()?;
    let answer = Connection::open(running.contestant().http1)?.get(&pages::path(SIZES[0]))?;
    match answer.head.status {
        200 => Ok(begun.elapsed()),
        status => Err(format!("status {status}").into()),
    }
}

impl fmt::Display for Starts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        heading(f, "start, until the first page", &["min ms", "median ms", "max ms"])?;
        for Start { name, first_page_ms: Spread { min, median, max } } in &self.contestants {
            row(f, name, &[*min, *median, *max])?;
        }
        notes(f, &self.left_out)
    }
}
