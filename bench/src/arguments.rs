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
    /// How long each contestant is asked in each round of `hit` and `parts`, in seconds
    #[arg(long, value_name = "S", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// How many rounds of `hit`, `parts` and `fragments` there are; those who are measured take turns
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: u32,
    /// How many connections are kept open in `hit` and `parts`, with one request under way on each
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) connections: u16,
    /// Ask with `wrk` instead of the load generator that is built in
    #[arg(long)]
    pub(crate) wrk: bool,
    /// In `hit` and `parts`: servers on the first core, the load generator on the second
    #[arg(long)]
    pub(crate) pin: bool,
    /// How many writes and how many invalidations `receipt` measures, after a tenth for warming up
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    pub(crate) writes: u32,
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
    /// GET of a cached page with three cached parts, beside the page without parts
    Parts,
    /// A write, until every front end has forgotten what it made wrong
    Receipt,
    /// A page of 100 cards that are fragments, with all of them cached and with none
    Fragments,
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
        let all_there_are = [Scene::Hit, Scene::Parts, Scene::Receipt, Scene::Fragments];
        assert_eq!(all.scenes(), all_there_are);
        let one = Arguments::try_parse_from(["bench", "receipt", "--rounds", "3"]).unwrap();
        assert_eq!((one.scenes(), one.rounds), (&[Scene::Receipt][..], 3));
    }
}
