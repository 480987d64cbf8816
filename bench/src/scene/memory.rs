//! The memory of a cached page beyond its bytes. headwater is measured twice: with pages in no
//! content coding, as in nginx and Varnish when no client accepts gzip, and without configuration,
//! where pages are also stored in three codings.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::pages::{self, USUAL};
use crate::arguments::Arguments;
use crate::contestant::field::Field;
use crate::contestant::headwater::Cluster;
use crate::contestant::{Contestant, Kind, Runs, memory as memory_folder};
use crate::http1::Connection;
use crate::report::{heading, notes, row};
use crate::{Result, fill, memory};

/// The number of pages that are made and invalidated first, for the allocations that are needed
/// only once.
const WARM_UP: u32 = 2000;

/// The time for a contestant to release memory that it does not need.
const REST: Duration = Duration::from_secs(2);

/// The results.
#[derive(Debug, Serialize)]
pub(crate) struct Memory {
    pub(crate) pages: u32,
    pub(crate) page_bytes: usize,
    pub(crate) contestants: Vec<Taken>,
    pub(crate) left_out: Vec<String>,
}

/// The memory of one contestant.
#[derive(Debug, Serialize)]
pub(crate) struct Taken {
    pub(crate) name: &'static str,
    /// Memory before the pages.
    pub(crate) before_bytes: u64,
    /// Memory with the pages.
    pub(crate) after_bytes: u64,
    /// Growth per page, without the page's own bytes.
    pub(crate) bytes_beyond_page: f64,
}

/// Fills one cache after the other. Of headwater only the front end is measured, because the back
/// end caches no pages.
pub(crate) fn run(arguments: &Arguments) -> Result<Memory> {
    let kinds = [Kind::NginxCache, Kind::Varnish, Kind::Axum];
    let field = Field::without_codings(arguments, &kinds)?;
    let pages = arguments.pages();
    let mut contestants = Vec::new();
    for contestant in field.contestants() {
        contestants.push(taken(contestant.kind.name(), contestant, pages)?);
    }
    let encoding = Cluster::start(1, &memory_folder())?;
    contestants.push(taken("headwater, with codings", encoding.contestant(), pages)?);
    Ok(Memory { pages, page_bytes: USUAL, contestants, left_out: field.left_out.clone() })
}

fn taken(name: &'static str, mut contestant: Contestant, pages: u32) -> Result<Taken> {
    // The cache is in the first process.
    contestant.processes.truncate(1);
    let contestant = &contestant;

    Connection::open(contestant.http1)?.get(&pages::path(USUAL))?;
    fill::fill(contestant, "before", 1, WARM_UP)?;
    std::thread::sleep(REST);
    let before_bytes = memory::of(contestant)?;
    fill::fill(contestant, "memory", USUAL, pages)?;
    std::thread::sleep(REST);
    let after_bytes = memory::of(contestant)?;
    let grown = after_bytes as f64 - before_bytes as f64;
    Ok(Taken {
        name,
        before_bytes,
        after_bytes,
        bytes_beyond_page: grown / f64::from(pages) - USUAL as f64,
    })
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Memory { pages, page_bytes, contestants, left_out } = self;
        let title = format!("{pages} pages of {page_bytes} bytes");
        heading(f, &title, &["before MiB", "after MiB", "B/page more"])?;
        let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        for Taken { name, before_bytes, after_bytes, bytes_beyond_page } in contestants {
            let figures = [mebibytes(*before_bytes), mebibytes(*after_bytes), *bytes_beyond_page];
            row(f, name, &figures)?;
        }
        notes(f, left_out)
    }
}
