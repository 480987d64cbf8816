//! Two pages that are asked for in turns, so that whatever else the machine does meets both.

use std::time::Duration;

use serde::Serialize;

use crate::arguments::Arguments;
use crate::contestant::Contestant;
use crate::cpu;
use crate::figures::{Spread, micros};
use crate::load::{Expected, Load, Measured};
use crate::{Result, wrk};

/// How long each contestant is asked before anything is measured.
const WARM_UP: Duration = Duration::from_secs(1);

/// One of the two.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) contestant: Contestant,
    pub(crate) expected: Expected<'a>,
}

/// What came out.
#[derive(Debug, Serialize)]
pub(crate) struct Turns {
    pub(crate) setting: Setting,
    /// The yardstick first.
    pub(crate) contestants: Vec<Standing>,
    /// The second one's throughput, where that of the yardstick is 1.
    pub(crate) throughput_ratio: Spread,
    /// The second one's CPU time for a request, where that of the yardstick is 1.
    pub(crate) cpu_ratio: Spread,
}

/// How it was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Setting {
    pub(crate) body_bytes: usize,
    pub(crate) connections: u16,
    pub(crate) rounds: u32,
    pub(crate) seconds: u64,
    pub(crate) load_generator: &'static str,
    /// Whether the server and the load generator had a core of their own each.
    pub(crate) pinned: bool,
}

/// One contestant's figures, over its rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Standing {
    pub(crate) name: &'static str,
    pub(crate) requests_per_second: Spread,
    /// Microseconds of CPU time that the server used for a request, the system's included.
    pub(crate) cpu_us: Spread,
    pub(crate) latency_median_us: Spread,
    pub(crate) latency_p99_us: Spread,
    /// Microseconds of CPU time that the load generator used for a request.
    pub(crate) load_cpu_us: Option<Spread>,
}

/// One contestant's figures of one round.
#[derive(Debug, Clone, Copy)]
struct Round {
    requests_per_second: f64,
    cpu_us: f64,
    latency_median_us: f64,
    latency_p99_us: f64,
    load_cpu_us: Option<f64>,
}

/// Has both asked as often and as long as the arguments say.
pub(crate) fn take(arguments: &Arguments, sides: [Side<'_>; 2]) -> Result<Turns> {
    for side in sides {
        ask(side, arguments, WARM_UP)?;
    }
    let mut rounds = [Vec::new(), Vec::new()];
    for _ in 0..arguments.rounds {
        for (side, rounds) in sides.into_iter().zip(&mut rounds) {
            rounds.push(ask(side, arguments, arguments.duration())?);
        }
    }
    let ratio = |figure: fn(&Round) -> f64| {
        let [yardstick, other] = &rounds;
        spread(
            yardstick.iter().zip(other).map(|(yardstick, other)| figure(other) / figure(yardstick)),
        )
    };
    Ok(Turns {
        setting: Setting {
            body_bytes: sides[1].expected.body_bytes,
            connections: arguments.connections,
            rounds: arguments.rounds,
            seconds: arguments.duration().as_secs(),
            load_generator: if arguments.wrk { "wrk" } else { "built in" },
            pinned: arguments.pin,
        },
        throughput_ratio: ratio(|round| round.requests_per_second)?,
        cpu_ratio: ratio(|round| round.cpu_us)?,
        contestants: sides
            .into_iter()
            .zip(&rounds)
            .map(|(side, rounds)| Standing::of(side.contestant.name, rounds))
            .collect::<Result<_>>()?,
    })
}

fn ask(side: Side<'_>, arguments: &Arguments, duration: Duration) -> Result<Round> {
    let Side { contestant: Contestant { name, address, pid }, expected } = side;
    let asked = || -> Result<Round> {
        let load = Load::open(address, arguments.connections, expected)?;
        let before = cpu::used(pid)?;
        let measured = if arguments.wrk {
            drop(load);
            wrk::run(address, expected, arguments.connections, duration)?
        } else {
            load.run(duration)?
        };
        Ok(Round::of(&measured, cpu::used(pid)?.saturating_sub(before)))
    };
    asked().map_err(|error| format!("{name}: {error}").into())
}

impl Round {
    fn of(measured: &Measured, server: Duration) -> Round {
        let requests = measured.requests as f64;
        Round {
            requests_per_second: requests / measured.elapsed.as_secs_f64(),
            cpu_us: micros(server) / requests,
            latency_median_us: measured.times.median_us,
            latency_p99_us: measured.times.p99_us,
            load_cpu_us: measured.cpu.map(|cpu| micros(cpu) / requests),
        }
    }
}

impl Standing {
    fn of(name: &'static str, rounds: &[Round]) -> Result<Standing> {
        let figure = |figure: fn(&Round) -> f64| spread(rounds.iter().map(figure));
        Ok(Standing {
            name,
            requests_per_second: figure(|round| round.requests_per_second)?,
            cpu_us: figure(|round| round.cpu_us)?,
            latency_median_us: figure(|round| round.latency_median_us)?,
            latency_p99_us: figure(|round| round.latency_p99_us)?,
            load_cpu_us: Spread::of(rounds.iter().filter_map(|round| round.load_cpu_us)),
        })
    }
}

fn spread(figures: impl IntoIterator<Item = f64>) -> Result<Spread> {
    Spread::of(figures).ok_or_else(|| "there was no round".into())
}
