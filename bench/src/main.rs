//! Measures headwater, beside others where there is something to compare.
//!
//! ```text
//! main ── scene ──> contestant   processes on loopback, on ports that were free
//!           │
//!           ├────> load, wrk     asks as much as it can, and counts
//!           ├────> cpu, memory   what that cost
//!           ├────> disk          what the machine can do
//!           └────> report        figures with units, as a table or as JSON
//! ```
//!
//! The contestants that are written in Rust are this very program, started again: `serve …` is a
//! node of the site in [`site`], `bare FILE` a server with nothing but hyper. So all of them are
//! compiled alike and use the same allocator.

mod arguments;
mod contestant;
mod cpu;
mod disk;
mod figures;
mod http1;
mod load;
mod machine;
mod memory;
mod report;
mod scene;
mod site;
mod wrk;

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Scene};
use machine::Machine;
use report::Report;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What comes out of a measurement, or a sentence about what went wrong.
type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let done = match arguments.next().as_deref().and_then(|first| first.to_str()) {
        Some("serve") => return site::app().run(),
        Some("bare") => contestant::bare::serve(arguments.next()),
        _ => measure(&Arguments::parse()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to be told to somebody who has closed the output.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result {
    let mut report = Report::new(Machine::read());
    for scene in arguments.scenes() {
        match scene {
            Scene::Hit => report.hit = Some(scene::hit::run(arguments)?),
            Scene::NotModified => {
                report.not_modified = Some(scene::forms::not_modified(arguments)?);
            }
            Scene::Encoded => report.encoded = Some(scene::forms::encoded(arguments)?),
            Scene::Parts => report.parts = Some(scene::parts::run(arguments)?),
            Scene::Receipt => report.receipt = Some(scene::receipt::run(arguments)?),
            Scene::Fragments => report.fragments = Some(scene::fragments::run(arguments)?),
            Scene::Large => report.large = Some(scene::large::run(arguments)?),
        }
    }
    let text = match arguments.json {
        true => serde_json::to_string_pretty(&report)?,
        false => report.to_string(),
    };
    writeln!(std::io::stdout(), "{}", text.trim_end())?;
    Ok(())
}
