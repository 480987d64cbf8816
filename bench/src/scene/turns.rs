//! Servers that are asked in turns, so that whatever else the machine does meets all of them.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::arguments::Arguments;
use crate::contestant::Contestant;
use crate::cpu::{self, Used};
use crate::disturbance::Disturbance;
use crate::figures::{Spread, micros};
use crate::http1::Connection;
use crate::load::{Clients, Load, Measured, Request};
use crate::{Result, h2load, memory, tools, wrk};

/// How long each contestant is asked before anything is measured.
const WARM_UP: Duration = Duration::from_secs(1);

/// One who is asked.
pub(crate) struct Side<'a> {
    pub(crate) name: String,
    pub(crate) contestant: Contestant,
    pub(crate) asked: Asked<'a>,
    /// What is done before each round.
    pub(crate) before: Option<&'a dyn Fn() -> Result>,
    /// What happens while it is asked.
    pub(crate) meanwhile: Option<&'a Disturbance>,
}

/// What a side is asked for.
#[derive(Debug)]
pub(crate) enum Asked<'a> {
    /// Always the same.
    One {
        request: Request,
        /// Whether the answers come from a cache.
        cached: bool,
    },
    /// The paths that a file lists, over and over.
    Mix(&'a Path),
}

/// How clients talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Protocol {
    #[serde(rename = "HTTP/1.1")]
    Http1,
    #[serde(rename = "HTTP/2")]
    Http2,
}

/// What came out.
#[derive(Debug, Serialize)]
pub(crate) struct Turns {
    pub(crate) title: String,
    pub(crate) setting: Setting,
    /// The first is the one that the others are compared with: ours, where it takes part.
    pub(crate) contestants: Vec<Standing>,
    /// Why somebody did not take part, a sentence each.
    pub(crate) left_out: Vec<String>,
}

/// How it was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Setting {
    pub(crate) protocol: Protocol,
    pub(crate) connections: u16,
    /// How many requests are under way on each.
    pub(crate) requests_at_once: u16,
    pub(crate) rounds: u32,
    pub(crate) seconds: u64,
    pub(crate) load_generator: &'static str,
    /// How many threads it has.
    pub(crate) threads: u16,
    /// Whether the servers and the load generator had a core of their own each.
    pub(crate) pinned: bool,
}

/// One contestant's figures, over its rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Standing {
    pub(crate) name: String,
    pub(crate) requests_per_second: Spread,
    /// Microseconds of CPU time that all its processes used for a request.
    pub(crate) cpu_us: Spread,
    /// Of it, the programs' own.
    pub(crate) cpu_user_us: Spread,
    /// Of it, the system's on their behalf.
    pub(crate) cpu_system_us: Spread,
    pub(crate) latency_median_us: Spread,
    pub(crate) latency_p99_us: Spread,
    pub(crate) latency_p999_us: Spread,
    /// What its processes, and its files in memory, took after the last round.
    pub(crate) resident_bytes: u64,
    /// Microseconds of CPU time that the load generator used for a request, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) load_cpu_us: Option<Spread>,
    /// How often a second it was disturbed meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) disturbed_per_second: Option<Spread>,
    /// How the first contestant compares with it; not for the first itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first: Option<Ratios>,
}

/// The first contestant's figures where this one's are 1, round by round.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Ratios {
    pub(crate) throughput_ratio: Spread,
    pub(crate) cpu_ratio: Spread,
    pub(crate) p99_ratio: Spread,
}

/// One side's figures of one round.
#[derive(Debug, Clone, Copy)]
struct Round {
    requests_per_second: f64,
    cpu_user_us: f64,
    cpu_system_us: f64,
    latency_median_us: f64,
    latency_p99_us: f64,
    latency_p999_us: f64,
    load_cpu_us: Option<f64>,
    disturbed_per_second: Option<f64>,
}

impl<'a> Side<'a> {
    /// One that answers from its cache.
    pub(crate) fn cached(contestant: Contestant, request: Request) -> Side<'a> {
        Side {
            name: contestant.kind.name().to_owned(),
            contestant,
            asked: Asked::One { request, cached: true },
            before: None,
            meanwhile: None,
        }
    }

    /// One that makes each answer anew.
    pub(crate) fn uncached(contestant: Contestant, request: Request) -> Side<'a> {
        let asked = Asked::One { request, cached: false };
        Side { asked, ..Side::mix(contestant, Path::new("")) }
    }

    /// One that is asked for many pages.
    pub(crate) fn mix(contestant: Contestant, paths: &'a Path) -> Side<'a> {
        Side {
            name: contestant.kind.name().to_owned(),
            contestant,
            asked: Asked::Mix(paths),
            before: None,
            meanwhile: None,
        }
    }

    pub(crate) fn named(self, name: impl Into<String>) -> Side<'a> {
        Side { name: name.into(), ..self }
    }

    /// Asked while something else goes on.
    pub(crate) fn during(self, disturbance: &'a Disturbance) -> Side<'a> {
        Side { meanwhile: Some(disturbance), ..self }
    }
}

impl Setting {
    pub(crate) fn new(arguments: &Arguments, protocol: Protocol, connections: u16) -> Setting {
        let load_generator = match protocol {
            Protocol::Http2 => "h2load",
            Protocol::Http1 if arguments.built_in || tools::WRK.path().is_none() => "built in",
            Protocol::Http1 => "wrk",
        };
        Setting {
            protocol,
            connections,
            requests_at_once: match protocol {
                Protocol::Http1 => 1,
                Protocol::Http2 => h2load::STREAMS,
            },
            rounds: arguments.rounds(),
            seconds: arguments.duration().as_secs(),
            threads: threads(load_generator, connections, arguments.pin),
            load_generator,
            pinned: arguments.pin,
        }
    }
}

/// As many as there are cores to share with the servers, so that no server waits for who asks; our
/// own load generator has one.
fn threads(load_generator: &str, connections: u16, pinned: bool) -> u16 {
    if pinned || load_generator == "built in" {
        return 1;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u16::try_from(cores).unwrap_or(u16::MAX).min(connections)
}

/// Asks all sides as often and as long as the setting says. The others are compared with the first.
pub(crate) fn take(
    title: impl Into<String>,
    setting: Setting,
    sides: &[Side<'_>],
    left_out: Vec<String>,
) -> Result<Turns> {
    if setting.pinned {
        cpu::pin(cpu::Cores::two()?.load)?;
    }
    for side in sides {
        side.check()?;
        side.ask(&setting, WARM_UP)?;
    }
    let mut rounds = vec![Vec::new(); sides.len()];
    for _ in 0..setting.rounds {
        for (side, rounds) in sides.iter().zip(&mut rounds) {
            rounds.push(side.ask(&setting, Duration::from_secs(setting.seconds))?);
        }
    }
    let mut contestants = Vec::new();
    for (index, (side, own)) in sides.iter().zip(&rounds).enumerate() {
        let first = if index == 0 { None } else { Some(Ratios::of(&rounds[0], own)?) };
        let resident_bytes = memory::of(&side.contestant)?;
        contestants.push(Standing::of(side.name.clone(), own, resident_bytes, first)?);
    }
    Ok(Turns { title: title.into(), setting, contestants, left_out })
}

impl Side<'_> {
    /// Whether the right thing is answered, and from where it should be.
    fn check(&self) -> Result {
        let Asked::One { request, cached } = &self.asked else { return Ok(()) };
        let checked = || -> Result {
            let mut connection = Connection::open(self.contestant.http1)?;
            // The first has it made.
            connection.get_with(&request.path, &request.headers)?;
            let answer = connection.get_with(&request.path, &request.headers)?;
            let (status, bytes) = (answer.head.status, answer.head.content_length);
            if (status, bytes) != (request.status, request.body_bytes) {
                return Err(format!("an answer with status {status} and {bytes} bytes").into());
            }
            let is_hit = request.status == 304 || (self.contestant.is_hit)(&answer);
            match *cached && !is_hit {
                true => Err("an answer did not come from the cache".into()),
                false => Ok(()),
            }
        };
        checked().map_err(|error| format!("{}: {}: {error}", self.name, request.path).into())
    }

    fn ask(&self, setting: &Setting, duration: Duration) -> Result<Round> {
        let asked = || -> Result<Round> {
            if let Some(before) = self.before {
                before()?;
            }
            let disturbing = self.meanwhile.map(Disturbance::start).transpose()?;
            let before = cpu::used(&self.contestant.processes)?;
            let measured = self.load(setting, duration)?;
            let used = cpu::used(&self.contestant.processes)?.since(before);
            let disturbed = disturbing.map(|disturbing| disturbing.stop()).transpose()?;
            Ok(Round::of(&measured, used, disturbed))
        };
        asked().map_err(|error| format!("{}: {error}", self.name).into())
    }

    fn load(&self, setting: &Setting, duration: Duration) -> Result<Measured> {
        let Side { contestant, asked, .. } = self;
        let Setting { connections, threads, .. } = *setting;
        let clients = Clients { connections, threads };
        match (asked, setting.load_generator) {
            (Asked::One { request, .. }, "h2load") => {
                h2load::run(contestant, request, clients, duration)
            }
            (Asked::One { request, .. }, "wrk") => wrk::one(contestant, request, clients, duration),
            (Asked::One { request, .. }, _) => {
                Load::open(contestant.http1, connections, request)?.run(duration)
            }
            (Asked::Mix(paths), _) => wrk::mix(contestant, paths, clients, duration),
        }
    }
}

impl Round {
    fn of(measured: &Measured, used: Used, disturbed_per_second: Option<f64>) -> Round {
        let requests = measured.requests as f64;
        Round {
            requests_per_second: requests / measured.elapsed.as_secs_f64(),
            cpu_user_us: micros(used.user) / requests,
            cpu_system_us: micros(used.system) / requests,
            latency_median_us: measured.times.median_us,
            latency_p99_us: measured.times.p99_us,
            latency_p999_us: measured.times.p999_us,
            load_cpu_us: measured.cpu.map(|cpu| micros(cpu) / requests),
            disturbed_per_second,
        }
    }

    fn cpu_us(&self) -> f64 {
        self.cpu_user_us + self.cpu_system_us
    }
}

impl Ratios {
    fn of(first: &[Round], this: &[Round]) -> Result<Ratios> {
        let ratio = |figure: fn(&Round) -> f64| {
            spread(first.iter().zip(this).map(|(first, this)| figure(first) / figure(this)))
        };
        Ok(Ratios {
            throughput_ratio: ratio(|round| round.requests_per_second)?,
            cpu_ratio: ratio(Round::cpu_us)?,
            p99_ratio: ratio(|round| round.latency_p99_us)?,
        })
    }
}

impl Standing {
    fn of(
        name: String,
        rounds: &[Round],
        resident_bytes: u64,
        first: Option<Ratios>,
    ) -> Result<Standing> {
        let figure = |figure: fn(&Round) -> f64| spread(rounds.iter().map(figure));
        let maybe =
            |figure: fn(&Round) -> Option<f64>| Spread::of(rounds.iter().filter_map(figure));
        Ok(Standing {
            name,
            requests_per_second: figure(|round| round.requests_per_second)?,
            cpu_us: figure(Round::cpu_us)?,
            cpu_user_us: figure(|round| round.cpu_user_us)?,
            cpu_system_us: figure(|round| round.cpu_system_us)?,
            latency_median_us: figure(|round| round.latency_median_us)?,
            latency_p99_us: figure(|round| round.latency_p99_us)?,
            latency_p999_us: figure(|round| round.latency_p999_us)?,
            resident_bytes,
            load_cpu_us: maybe(|round| round.load_cpu_us),
            disturbed_per_second: maybe(|round| round.disturbed_per_second),
            first,
        })
    }
}

fn spread(figures: impl IntoIterator<Item = f64>) -> Result<Spread> {
    Spread::of(figures).ok_or_else(|| "there was no round".into())
}
