//! Invalidating a group, by the number of cached pages in it: on a front end alone, in this process, from the receipt
//! of the record until it may be acknowledged; and as a client sees it, over the network and through the log, compared
//! with Varnish and xkey.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use headwater::internals::cache::{
    Cache, CacheLimits, EntryContent, Fill, Filled, Freshness, HeaderSpec, HeaderTemplate, Key,
    LogOrigin, Lookup, Miss, Page,
};
use headwater::internals::clock;
use headwater::internals::log::{Epoch, LogEpoch, LogId};
use headwater::{Invalidation, Position};
use serde::Serialize;

use crate::arguments::Arguments;
use crate::contestant::headwater::Cluster;
use crate::contestant::varnish::Varnish;
use crate::contestant::{Contestant, Kind, Runs, memory};
use crate::figures::{Spread, Times, micros};
use crate::http1::{self, Connection};
use crate::report::{self, heading};
use crate::{Result, fill, tools};

/// The number of further invalidations of the group, whose entries are invalid already.
const REPEATED: u64 = 1000;

/// The length of the pages in the measurement with a client, in bytes.
const BYTES: usize = 512;

const LOG: LogEpoch = LogEpoch { id: LogId(1), epoch: Epoch(1) };

/// The results.
#[derive(Debug, Serialize)]
pub(crate) struct Groups {
    pub(crate) on_a_front_end: Vec<OnAFrontEnd>,
    pub(crate) as_a_client_sees_it: Vec<AsAClientSeesIt>,
    pub(crate) left_out: Vec<String>,
}

/// In this process, without a network.
#[derive(Debug, Serialize)]
pub(crate) struct OnAFrontEnd {
    pub(crate) entries: u32,
    /// Microseconds until the record was applied when all entries were valid, over the rounds.
    pub(crate) first_us: Spread,
    /// The durations of further records.
    pub(crate) further: Times,
}

/// The time from the request to its answer.
#[derive(Debug, Serialize)]
pub(crate) struct AsAClientSeesIt {
    pub(crate) name: &'static str,
    pub(crate) entries: u32,
    /// Microseconds, over the rounds.
    pub(crate) request_us: Spread,
}

/// Measures both ways.
pub(crate) fn run(arguments: &Arguments) -> Result<Groups> {
    let sizes: &[u32] =
        if arguments.short { &[1_000, 100_000] } else { &[1_000, 100_000, 1_000_000] };
    let on_a_front_end = sizes
        .iter()
        .map(|entries| in_process(*entries, arguments.rounds()))
        .collect::<Result<_>>()?;
    let mut groups =
        Groups { on_a_front_end, as_a_client_sees_it: Vec::new(), left_out: Vec::new() };
    let sizes = if arguments.short { [100, 1_000] } else { [1_000, 100_000] };
    for entries in sizes {
        groups.as_a_client_sees_it.push(headwater(entries, arguments.rounds())?);
        if arguments.takes_part(Kind::Varnish) {
            match tools::VARNISH.missing() {
                Some(missing) => groups.left_out = vec![format!("Varnish is left out: {missing}")],
                None => groups.as_a_client_sees_it.push(varnish(entries, arguments.rounds())?),
            }
        }
    }
    Ok(groups)
}

fn in_process(entries: u32, rounds: u32) -> Result<OnAFrontEnd> {
    let (mut firsts, mut further) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let cache = full(entries)?;
        let invalidation = Invalidation::new().group("group");
        let apply = |position: u64| {
            let (position, begun) = (Position(position), Instant::now());
            cache.apply([(position, &invalidation)], position, clock::now());
            begun.elapsed()
        };
        firsts.push(micros(apply(1)));
        further.extend((2..2 + REPEATED).map(apply));
        for number in [0, entries / 2, entries - 1] {
            let found = cache.lookup(&Key::of_id(path(number)), false, clock::now());
            if !matches!(found, Lookup::Miss(Miss::Invalidated)) {
                return Err(format!("an entry should be invalid, but is {found:?}").into());
            }
        }
    }
    Ok(OnAFrontEnd {
        entries,
        first_us: Spread::of(firsts).ok_or("there was no round")?,
        further: Times::of(further).ok_or("there was no round")?,
    })
}

/// Returns a cache with this many entries in one group.
fn full(entries: u32) -> Result<Cache> {
    let limits =
        CacheLimits { bytes: 64 << 30, persistent_bytes: 1 << 20, groups: 1_000, patterns: 1_000 };
    let cache = Cache::new(limits);
    cache.follow(LOG, Position::START);
    cache.renew(clock::now(), Duration::from_secs(3600));
    let freshness = Freshness {
        lifetime: Some(Duration::from_secs(3600)),
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: Duration::ZERO,
        persistent: false,
        timed: false,
    };
    let groups = ["group".to_owned()];
    let body = bytes::Bytes::from_static(b"a page");
    let head = Arc::new(HeaderTemplate::new(HeaderSpec::default()));
    for number in 0..entries {
        let page = Page::new(Arc::clone(&head), body.clone().into(), SystemTime::now());
        let filled = cache.fill(Fill {
            key: Key::of_id(path(number)),
            generation: cache.generation(),
            origin: LogOrigin { log: LOG, as_of: Position::START },
            groups: &groups,
            freshness,
            contains: Box::default(),
            content: EntryContent::Page(page),
            now: clock::now(),
        });
        if !matches!(filled, Filled::Stored(_)) {
            return Err("an entry was not stored".into());
        }
    }
    Ok(cache)
}

fn path(number: u32) -> String {
    format!("/mix/group/{number}")
}

fn headwater(entries: u32, rounds: u32) -> Result<AsAClientSeesIt> {
    let cluster = Cluster::start(1, &memory())?;
    let mut admin = Connection::open(cluster.backend.admin)?;
    measure(&cluster.contestant(), entries, rounds, |set| {
        let body = format!(r#"{{"groups": ["mix:{set}"]}}"#);
        let asked = Instant::now();
        let answer = admin.ask(&http1::post("/invalidate", "application/json", &body))?;
        Ok((asked.elapsed(), answer.head.status))
    })
}

fn varnish(entries: u32, rounds: u32) -> Result<AsAClientSeesIt> {
    let varnish = Varnish::start()?;
    let contestant = varnish.contestant();
    let mut connection = Connection::open(contestant.http1)?;
    measure(&contestant, entries, rounds, |set| {
        let asked = Instant::now();
        let purge = format!("PURGE / HTTP/1.1\r\nhost: bench\r\nxkey: mix:{set}\r\n\r\n");
        let answer = connection.ask(&purge)?;
        Ok((asked.elapsed(), answer.head.status))
    })
}

fn measure(
    contestant: &Contestant,
    entries: u32,
    rounds: u32,
    mut invalidate: impl FnMut(&str) -> Result<(Duration, u16)>,
) -> Result<AsAClientSeesIt> {
    let name = contestant.kind.name();
    let mut times = Vec::new();
    // The first request on a connection takes longer and is not measured.
    invalidate("unused")?;
    for round in 0..rounds {
        let set = format!("group-{round}");
        fill::fill(contestant, &set, BYTES, entries)?;
        let (took, status) = invalidate(&set)?;
        let is_cached = |number| fill::is_cached(contestant, &set, BYTES, number);
        if status != 200 || is_cached(0)? || is_cached(entries - 1)? {
            return Err(format!("{name}: the group was not invalidated, status {status}").into());
        }
        times.push(micros(took));
    }
    let request_us = Spread::of(times).ok_or("there was no round")?;
    Ok(AsAClientSeesIt { name, entries, request_us })
}

impl fmt::Display for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Groups { on_a_front_end, as_a_client_sees_it, left_out } = self;
        heading(f, "on a front end, until it may acknowledge", &["first µs", "p50 µs", "p99 µs"])?;
        for OnAFrontEnd { entries, first_us, further } in on_a_front_end {
            let name = format!("{entries} entries");
            report::row(f, &name, &[first_us.median, further.median_us, further.p99_us])?;
        }
        heading(f, "as a client sees it", &["min µs", "median µs", "max µs"])?;
        for AsAClientSeesIt { name, entries, request_us } in as_a_client_sees_it {
            let name = format!("{name}, {entries} entries");
            report::row(f, &name, &[request_us.min, request_us.median, request_us.max])?;
        }
        report::notes(f, left_out)
    }
}
