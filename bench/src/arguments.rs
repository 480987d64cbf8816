use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::contestant::Kind;

/// The scenes to measure, and their settings.
#[derive(Debug, Parser)]
#[command(about = "Measures headwater beside what a site would use instead")]
pub(crate) struct Arguments {
    /// The scenes to measure; all if none is named
    #[arg(value_enum)]
    scenes: Vec<Scene>,
    /// Seconds of load for each contestant in each round (default 2)
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: Option<u64>,
    /// Number of rounds, in each of which every contestant has a turn (default 3)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// One round of a second and a tenth of the pages and writes, unless they are given: to check that everything works
    #[arg(long)]
    pub(crate) short: bool,
    /// The contestants besides headwater; all of them if none is named
    #[arg(long, value_enum, value_name = "NAME", value_delimiter = ',')]
    with: Vec<Kind>,
    /// Numbers of open connections: `pages` measures with each, other scenes with the first
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [64, 1000], value_parser = clap::value_parser!(u16).range(1..=8000))]
    pub(crate) connections: Vec<u16>,
    /// Lengths of the pages in `pages`, in bytes: 1024, 8192 or 65536; all if none is named
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = ["1024", "8192", "65536"])]
    bytes: Vec<String>,
    /// Number of cached pages in `zipf`, `patterns` and `memory` (default 100000)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1000..=10_000_000))]
    pages: Option<u32>,
    /// Use the built-in load generator instead of wrk
    #[arg(long)]
    pub(crate) built_in: bool,
    /// Servers on the first core, the load generator on the second
    #[arg(long)]
    pub(crate) pin: bool,
    /// Number of writes, and of invalidations, that `receipt` measures after a tenth for warming up (default 500)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    writes: Option<u32>,
    /// Number of concurrent clients of the file in `large`
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) clients: u16,
    /// The folder for the log in `receipt`, `updates`, `million` and `happstack`, on the disk to measure
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    pub(crate) disk: PathBuf,
    /// Print JSON instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}

/// The scenes that can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scene {
    /// A cached page of 1, 8 and 64 KiB, over HTTP/1.1 and HTTP/2
    Pages,
    /// Many cached pages, of which few are requested often
    Zipf,
    /// A 304 for a client that has a cached page already
    NotModified,
    /// A cached page in gzip
    Gzip,
    /// A cached page with three cached parts
    Parts,
    /// A cached page with a part that depends on the session
    Personal,
    /// A cached page while other groups are invalidated 1,000 times a second
    Storm,
    /// A page of 30 rows that is made for each request
    Miss,
    /// A template without values that is rendered for each request
    StaticTemplate,
    /// The time to invalidate a group, by the number of its entries
    Group,
    /// A cached page while 10,000 patterns are outstanding
    Patterns,
    /// A write, until every front end has dropped the invalidated pages
    Receipt,
    /// Durable updates of one caller, and of 256 at once
    Updates,
    /// 1,000,000 rows: memory, a checkpoint, a start from it
    Million,
    /// 100,000 members with 20,000,000 messages: memory, a checkpoint, a start from it
    Happstack,
    /// From the start of the program to the first answer
    Start,
    /// The memory of a cached page beyond its bytes
    Memory,
    /// A page of 100 cards that are fragments, with all of them cached and with none
    Fragments,
    /// A file of 4 GiB for many clients at once: memory, speed and cost
    Large,
}

impl Scene {
    /// Returns the name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

impl Arguments {
    pub(crate) fn scenes(&self) -> &[Scene] {
        if self.scenes.is_empty() { Scene::value_variants() } else { &self.scenes }
    }

    /// Returns the time of load for a contestant in one round.
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds.unwrap_or(if self.short { 1 } else { 2 }))
    }

    pub(crate) fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.short { 1 } else { 3 })
    }

    pub(crate) fn pages(&self) -> u32 {
        self.pages.unwrap_or(if self.short { 10_000 } else { 100_000 })
    }

    pub(crate) fn writes(&self) -> u32 {
        self.writes.unwrap_or(if self.short { 50 } else { 500 })
    }

    /// Returns the number of connections for scenes that use only one number.
    pub(crate) fn some_connections(&self) -> u16 {
        self.connections.first().copied().unwrap_or(64)
    }

    /// Returns whether pages of this size are measured.
    pub(crate) fn takes_size(&self, bytes: usize) -> bool {
        self.bytes.is_empty() || self.bytes.contains(&bytes.to_string())
    }

    /// Returns whether the command line allows this kind.
    pub(crate) fn takes_part(&self, kind: Kind) -> bool {
        self.with.is_empty() || self.with.contains(&kind)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn all_scenes_are_measured_when_none_is_named() {
        let all = Arguments::try_parse_from(["bench"]).unwrap();
        assert_eq!(all.scenes(), Scene::value_variants());
        assert!(all.takes_part(Kind::Varnish) && all.takes_size(1024));
        let one = Arguments::try_parse_from(["bench", "not-modified", "--rounds", "5"]).unwrap();
        assert_eq!((one.scenes(), one.rounds()), (&[Scene::NotModified][..], 5));
        assert_eq!(Scene::NotModified.name(), "not-modified");
    }

    #[test]
    fn a_short_run_uses_its_arguments() {
        let line = "bench pages --short --seconds 4 --with bare,varnish --bytes 8192";
        let arguments = Arguments::try_parse_from(line.split(' ')).unwrap();
        assert_eq!((arguments.rounds(), arguments.duration().as_secs()), (1, 4));
        assert!(arguments.takes_part(Kind::Bare) && !arguments.takes_part(Kind::Axum));
        assert!(arguments.takes_size(8192) && !arguments.takes_size(1024));
    }
}
