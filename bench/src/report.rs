//! The results, for people (`Display`) and for programs (`Serialize`).

use std::fmt;

use serde::Serialize;

use crate::arguments::Scene;
use crate::figures::Spread;
use crate::machine::Machine;
use crate::scene::fragments::Fragments;
use crate::scene::group::Groups;
use crate::scene::large::Large;
use crate::scene::memory::Memory;
use crate::scene::patterns::Patterns;
use crate::scene::receipt::Receipts;
use crate::scene::start::Starts;
use crate::scene::stored::Stored;
use crate::scene::turns::{ContestantFigures, Turns};
use crate::scene::updates::Updates;

/// The results of one run.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    /// The missing programs, and how to install them.
    pub(crate) missing: Vec<String>,
    pub(crate) scenes: Vec<Measured>,
}

/// The result of one scene.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) scene: String,
    pub(crate) seconds: f64,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// The outcome of a scene.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Tables(Vec<Turns>),
    Groups(Groups),
    Patterns(Patterns),
    Receipts(Receipts),
    Updates(Updates),
    Stored(Stored),
    Starts(Starts),
    Memory(Memory),
    Fragments(Fragments),
    Large(Large),
    /// The scene could not be measured.
    Failed(String),
}

impl Measured {
    /// Returns whether the scene could not be measured.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed(_))
    }
}

impl Report {
    pub(crate) fn new(machine: Machine, missing: Vec<String>) -> Report {
        Report { machine, missing, scenes: Vec::new() }
    }

    pub(crate) fn add(&mut self, scene: Scene, seconds: f64, outcome: Outcome) {
        self.scenes.push(Measured { scene: scene.name(), seconds, outcome });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.machine)?;
        notes(f, &self.missing)?;
        for Measured { scene, outcome, .. } in &self.scenes {
            writeln!(f, "\n== {scene}")?;
            write!(f, "{outcome}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Tables(tables) => tables.iter().try_for_each(|table| write!(f, "{table}")),
            Outcome::Groups(groups) => write!(f, "{groups}"),
            Outcome::Patterns(patterns) => write!(f, "{patterns}"),
            Outcome::Receipts(receipts) => write!(f, "{receipts}"),
            Outcome::Updates(updates) => write!(f, "{updates}"),
            Outcome::Stored(stored) => write!(f, "{stored}"),
            Outcome::Starts(starts) => write!(f, "{starts}"),
            Outcome::Memory(memory) => write!(f, "{memory}"),
            Outcome::Fragments(fragments) => write!(f, "{fragments}"),
            Outcome::Large(large) => write!(f, "{large}"),
            Outcome::Failed(error) => writeln!(f, "failed: {error}"),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { processor, cores, kernel, date, versions, load_before } = self;
        for (package, version) in versions {
            write!(f, "{package} {version}  ")?;
        }
        writeln!(f, "{date}")?;
        writeln!(f, "{processor}, {cores} cores, {kernel}, load average before {load_before:.2}")
    }
}

impl fmt::Display for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let setting = &self.setting;
        let protocol = serde_json::to_value(setting.protocol).unwrap_or_default();
        writeln!(
            f,
            "\n{}\n{}, {} connections, {} at once on each, {} rounds of {} s; {}, threads: {}{}",
            self.title,
            protocol.as_str().unwrap_or_default(),
            setting.connections,
            setting.requests_at_once,
            setting.rounds,
            setting.seconds,
            setting.load_generator,
            setting.threads,
            if setting.pinned { ", servers and load on a core each" } else { "" }
        )?;
        let first = self.contestants.first().map_or("", |standing| &standing.name);
        let columns =
            ["requests/s", "CPU µs", "user", "system", "p50 µs", "p99 µs", "p99.9 µs", "MiB"];
        heading_of(f, "median of the rounds", &columns)?;
        writeln!(f, "  {first} / this: throughput, CPU, p99")?;
        for standing in &self.contestants {
            show(f, standing)?;
        }
        notes(f, &self.left_out)
    }
}

/// Writes the line of a contestant.
fn show(f: &mut fmt::Formatter<'_>, standing: &ContestantFigures) -> fmt::Result {
    write!(
        f,
        "  {:20}{:>11.0}{:>11.2}{:>11.2}{:>11.2}{:>11.0}{:>11.0}{:>11.0}{:>11.1}",
        standing.name,
        standing.requests_per_second.median,
        standing.cpu_us.median,
        standing.cpu_user_us.median,
        standing.cpu_system_us.median,
        standing.latency_median_us.median,
        standing.latency_p99_us.median,
        standing.latency_p999_us.median,
        standing.resident_bytes as f64 / f64::from(1 << 20),
    )?;
    if let Some(first) = &standing.first {
        write!(
            f,
            "  {:.2} ({:.2} to {:.2}), {:.2}, {:.2}",
            first.throughput_ratio.median,
            first.throughput_ratio.min,
            first.throughput_ratio.max,
            first.cpu_ratio.median,
            first.p99_ratio.median
        )?;
    }
    if let Some(disturbed) = &standing.disturbed_per_second {
        write!(f, "  disturbed {:.0}/s", disturbed.median)?;
    }
    if let Some(load) = &standing.load_cpu_us {
        write!(f, "  load {:.2} µs", load.median)?;
    }
    writeln!(f)
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "min {:.3}  median {:.3}  max {:.3}", self.min, self.median, self.max)
    }
}

/// Writes the title of a table and of its columns.
pub(crate) fn heading(f: &mut fmt::Formatter<'_>, title: &str, columns: &[&str]) -> fmt::Result {
    write!(f, "{title:48}")?;
    columns.iter().try_for_each(|column| write!(f, "{column:>12}"))?;
    writeln!(f)
}

/// Writes a line of a table.
pub(crate) fn row(f: &mut fmt::Formatter<'_>, name: &str, figures: &[f64]) -> fmt::Result {
    write!(f, "  {name:46}")?;
    figures.iter().try_for_each(|figure| write!(f, "{figure:>12.3}"))?;
    writeln!(f)
}

/// Writes notes below a table.
pub(crate) fn notes(f: &mut fmt::Formatter<'_>, notes: &[String]) -> fmt::Result {
    notes.iter().try_for_each(|note| writeln!(f, "({note})"))
}

fn heading_of(f: &mut fmt::Formatter<'_>, title: &str, columns: &[&str]) -> fmt::Result {
    write!(f, "{title:22}")?;
    columns.iter().try_for_each(|column| write!(f, "{column:>11}"))
}
