use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// What is measured, and for how long.
#[derive(Debug, Parser)]
#[command(about = "Measures headwater, beside others where there is something to compare")]
pub(crate) struct Arguments {
    /// What to measure; all scenes if none is named
    #[arg(value_enum)]
    scenes: Vec<Scene>,
    /// How long each contestant is asked in each round, where they take turns, and the file in
    /// `large`, in seconds
    #[arg(long, value_name = "S", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// How many rounds there are where contestants take turns
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: u32,
    /// How many connections are kept open where contestants take turns, with one request under way on each
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) connections: u16,
    /// Ask with `wrk` instead of the load generator that is built in
    #[arg(long)]
    pub(crate) wrk: bool,
    /// Where contestants take turns: servers on the first core, the load generator on the second
    #[arg(long)]
    pub(crate) pin: bool,
    /// How many writes and how many invalidations `receipt` measures, after a tenth for warming up
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    pub(crate) writes: u32,
    /// How many clients ask for the file in `large` at once
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) clients: u16,
    /// The folder for the log in `receipt`; it says which disk is measured
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    pub(crate) disk: PathBuf,
    /// Print JSON instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scene {
    /// GET of a cached page of 8 KiB, beside a server with nothing but hyper
    Hit,
    /// A 304 for who has a cached page already, beside GET of the page
    NotModified,
    /// GET of a cached page in gzip, beside GET of the page as it is
    Encoded,
    /// GET of a cached page with three cached parts, beside the page without parts
    Parts,
    /// A write, until every front end has forgotten what it made wrong
    Receipt,
    /// A page of 100 cards that are fragments, with all of them cached and with none
    Fragments,
    /// A file of 4 GiB for many clients at once: memory, speed and cost
    Large,
}

impl Arguments {
    pub(crate) fn scenes(&self) -> &[Scene] {
        if self.scenes.is_empty() { Scene::value_variants() } else { &self.scenes }
    }

    /// How long a contestant is asked in one round.
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds)
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
        let one = Arguments::try_parse_from(["bench", "receipt", "--rounds", "3"]).unwrap();
        assert_eq!((one.scenes(), one.rounds), (&[Scene::Receipt][..], 3));
    }
}
