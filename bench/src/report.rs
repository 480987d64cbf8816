//! What came out, for people (`Display`) and for programs (`Serialize`).

use std::fmt;

use serde::Serialize;

use crate::figures::{Spread, Times};
use crate::machine::Machine;
use crate::scene::fragments::Fragments;
use crate::scene::large::Large;
use crate::scene::receipt::Receipts;
use crate::scene::turns::Turns;

/// Everything that was measured in one run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hit: Option<Turns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_modified: Option<Turns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) encoded: Option<Turns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parts: Option<Turns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) receipt: Option<Receipts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fragments: Option<Fragments>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) large: Option<Large>,
}

impl Report {
    /// Of a machine on which nothing was measured yet.
    pub(crate) fn new(machine: Machine) -> Report {
        Report {
            machine,
            hit: None,
            not_modified: None,
            encoded: None,
            parts: None,
            receipt: None,
            fragments: None,
            large: None,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.machine)?;
        if let Some(hit) = &self.hit {
            write!(f, "\nhit: GET of a cached page of {hit}")?;
        }
        if let Some(not_modified) = &self.not_modified {
            write!(f, "\nnot-modified: a 304 beside GET of a cached page, body {not_modified}")?;
        }
        if let Some(encoded) = &self.encoded {
            write!(f, "\nencoded: gzip beside GET of a cached page as it is, body {encoded}")?;
        }
        if let Some(parts) = &self.parts {
            write!(f, "\nparts: GET of a cached page with three cached parts, together {parts}")?;
        }
        if let Some(receipt) = &self.receipt {
            write!(f, "\n{receipt}")?;
        }
        if let Some(fragments) = &self.fragments {
            write!(f, "\n{fragments}")?;
        }
        if let Some(large) = &self.large {
            write!(f, "\n{large}")?;
        }
        Ok(())
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
        writeln!(
            f,
            "{} bytes, {} connections, {} rounds of {} s for each in turn",
            setting.body_bytes, setting.connections, setting.rounds, setting.seconds
        )?;
        let cores = if setting.pinned { "a core for each" } else { "on the same cores" };
        writeln!(
            f,
            "load generator: {}, 1 thread; server and load: {cores}",
            setting.load_generator
        )?;
        writeln!(
            f,
            "{:14}{:>12}{:>14}{:>12}{:>12}{:>14}",
            "median of", "throughput", "server CPU", "latency", "latency", "load CPU"
        )?;
        writeln!(
            f,
            "{:14}{:>12}{:>14}{:>12}{:>12}{:>14}",
            "the rounds", "requests/s", "µs/request", "p50 µs", "p99 µs", "µs/request"
        )?;
        for standing in &self.contestants {
            let load = standing.load_cpu_us;
            let load = load.map_or("-".to_owned(), |load| format!("{:.2}", load.median));
            writeln!(
                f,
                "{:14}{:>12.0}{:>14.2}{:>12.0}{:>12.0}{:>14}",
                standing.name,
                standing.requests_per_second.median,
                standing.cpu_us.median,
                standing.latency_median_us.median,
                standing.latency_p99_us.median,
                load
            )?;
        }
        let names: Vec<_> = self.contestants.iter().rev().map(|standing| standing.name).collect();
        writeln!(f, "{}, round by round:", names.join(" / "))?;
        writeln!(f, "  throughput              {}", self.throughput_ratio)?;
        writeln!(f, "  server CPU per request  {}", self.cpu_ratio)
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "min {:.3}  median {:.3}  max {:.3}", self.min, self.median, self.max)
    }
}

impl fmt::Display for Receipts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Receipts { frontends, writes, places } = self;
        writeln!(
            f,
            "receipt: {writes} writes, then {writes} invalidations, one after the other, {frontends} front ends"
        )?;
        for place in places {
            let title = format!("log {} ({})", place.name, place.folder.display());
            writeln!(f, "{title:38}{:>12}{:>12}", "median ms", "p99 ms")?;
            row(f, "update: whole request", place.update.whole)?;
            row(f, "  of it, receipt", place.update.receipt)?;
            row(f, "invalidate: whole request", place.invalidate.whole)?;
            row(f, "  of it, receipt", place.invalidate.receipt)?;
            row(f, "4 KiB and fdatasync, by itself", place.sync)?;
        }
        Ok(())
    }
}

impl fmt::Display for Fragments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fragments { cards, page_bytes, found, evaluated, without, gain } = self;
        writeln!(f, "fragments: a page of {cards} cards, {page_bytes} bytes, in process")?;
        writeln!(f, "{:38}{:>12}{:>12}", "", "median ms", "p99 ms")?;
        row(f, "all cards cached", *found)?;
        row(f, "none cached: evaluated and kept", *evaluated)?;
        row(f, "without {% cache %}", *without)?;
        writeln!(f, "none cached / all cached, round by round:  {gain}")
    }
}

impl fmt::Display for Large {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = |bytes: u64| bytes as f64 / (1 << 20) as f64;
        writeln!(
            f,
            "large: a file of {:.0} MiB, {} clients at once, {} s",
            mebibytes(self.file_bytes),
            self.clients,
            self.seconds
        )?;
        let mut row = |name, figure: f64, unit| writeln!(f, "  {name:42}{figure:>10.1} {unit}");
        row("memory of the front end before", mebibytes(self.memory_before_bytes), "MiB")?;
        row("  growth, clients take what they get", mebibytes(self.growth_bytes), "MiB")?;
        row("  growth, clients have stopped", mebibytes(self.growth_stopped_bytes), "MiB")?;
        row("sent to all of them", self.mebibytes_per_second, "MiB/s")?;
        row("server CPU", self.cpu_ms_per_gibibyte, "ms/GiB")
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, times: Times) -> fmt::Result {
    let Times { median_us, p99_us } = times;
    writeln!(f, "  {name:36}{:>12.3}{:>12.3}", median_us / 1000.0, p99_us / 1000.0)
}
