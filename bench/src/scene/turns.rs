//! Servers that are measured in turns, so that other load of the machine affects all of them.

use std::time::Duration;

use serde::Serialize;

use super::setting::Setting;
use super::side::{Round, Side};
use crate::figures::Spread;
use crate::{Result, cpu, memory};

/// The time of load for each contestant before anything is measured.
const WARM_UP: Duration = Duration::from_secs(1);

/// The results.
#[derive(Debug, Serialize)]
pub(crate) struct Turns {
    pub(crate) title: String,
    pub(crate) setting: Setting,
    /// The others are compared with the first: headwater, if it takes part.
    pub(crate) contestants: Vec<ContestantFigures>,
    /// The reasons why contestants did not take part, a sentence each.
    pub(crate) left_out: Vec<String>,
}

/// One contestant's figures, over its rounds.
#[derive(Debug, Serialize)]
pub(crate) struct ContestantFigures {
    pub(crate) name: String,
    pub(crate) requests_per_second: Spread,
    /// Microseconds of CPU time that all its processes used for a request.
    pub(crate) cpu_us: Spread,
    /// Of this, time in user mode.
    pub(crate) cpu_user_us: Spread,
    /// Of this, time in the kernel.
    pub(crate) cpu_system_us: Spread,
    pub(crate) latency_median_us: Spread,
    pub(crate) latency_p99_us: Spread,
    pub(crate) latency_p999_us: Spread,
    /// The memory of its processes, and of its files in memory, after the last round.
    pub(crate) resident_bytes: u64,
    /// Microseconds of CPU time of the load generator for a request, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) load_cpu_us: Option<Spread>,
    /// The number of disturbing requests per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) disturbed_per_second: Option<Spread>,
    /// The first contestant's figures relative to this one's; `None` for the first itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first: Option<Ratios>,
}

/// The first contestant's figures divided by this one's, over the rounds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Ratios {
    pub(crate) throughput_ratio: Spread,
    pub(crate) cpu_ratio: Spread,
    pub(crate) p99_ratio: Spread,
}

/// Measures all sides with the rounds and the duration of the setting, and compares the others with
/// the first.
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
        contestants.push(ContestantFigures::of(side.name.clone(), own, resident_bytes, first)?);
    }
    Ok(Turns { title: title.into(), setting, contestants, left_out })
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

impl ContestantFigures {
    fn of(
        name: String,
        rounds: &[Round],
        resident_bytes: u64,
        first: Option<Ratios>,
    ) -> Result<ContestantFigures> {
        let figure = |figure: fn(&Round) -> f64| spread(rounds.iter().map(figure));
        let maybe =
            |figure: fn(&Round) -> Option<f64>| Spread::of(rounds.iter().filter_map(figure));
        Ok(ContestantFigures {
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
