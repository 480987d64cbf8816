//! Measures headwater, and other servers for comparison.
//!
//! ```text
//! main ── scene ──> contestant        processes on loopback, on ports that were free
//!           │
//!           ├────> wrk, h2load, load  send requests, and count answers
//!           ├────> cpu, memory        the cost of the answers
//!           ├────> disk               the speed of the disk
//!           └────> report             figures with units, as a table or as JSON
//! ```
//!
//! The contestants in Rust are this program itself, started again: `serve …` is a node of the site in [`site`], `bare
//! FILE` a server of hyper alone, `axum` a server of axum, Tera and moka. So all of them are compiled alike and use the
//! same allocator.

mod arguments;
mod content;
mod contestant;
mod cpu;
mod disk;
mod disturbance;
mod figures;
mod fill;
mod forum;
mod h2load;
mod http1;
mod load;
mod machine;
mod memory;
mod personal;
mod processes;
mod report;
mod scene;
mod site;
mod tools;
mod wrk;
mod zipf;

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use arguments::{Arguments, Scene};
use machine::Machine;
use report::{Outcome, Report};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The result of a measurement, or an error message.
type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let done = match arguments.next().as_deref().and_then(|first| first.to_str()) {
        Some("serve") => return site::app().run(),
        Some("bare") => contestant::bare::serve(arguments.next()),
        Some("axum") => contestant::axum::serve(),
        Some("origin") => contestant::origin::serve(),
        Some("other") => contestant::process::become_other(arguments),
        _ => measure(&Arguments::parse()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // When both outputs are closed, the error cannot be reported.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result {
    let missing: Vec<_> = tools::ALL.into_iter().filter_map(tools::Tool::missing).collect();
    for missing in &missing {
        writeln!(std::io::stderr(), "{missing}")?;
    }
    let mut report = Report::new(Machine::read(), missing);
    for scene in arguments.scenes() {
        writeln!(std::io::stderr(), "{} …", scene.name())?;
        let begun = Instant::now();
        let outcome =
            run(*scene, arguments).unwrap_or_else(|error| Outcome::Failed(error.to_string()));
        report.add(*scene, begun.elapsed().as_secs_f64(), outcome);
    }
    let text = match arguments.json {
        true => serde_json::to_string_pretty(&report)?,
        false => report.to_string(),
    };
    writeln!(std::io::stdout(), "{}", text.trim_end())?;
    match report.scenes.iter().filter(|scene| scene.has_failed()).count() {
        0 => Ok(()),
        failed => Err(format!("{failed} scenes could not be measured").into()),
    }
}

fn run(scene: Scene, arguments: &Arguments) -> Result<Outcome> {
    Ok(match scene {
        Scene::Pages => Outcome::Tables(scene::pages::run(arguments)?),
        Scene::Zipf => Outcome::Tables(scene::zipf::run(arguments)?),
        Scene::NotModified => Outcome::Tables(scene::forms::not_modified(arguments)?),
        Scene::Gzip => Outcome::Tables(scene::forms::gzip(arguments)?),
        Scene::Parts => Outcome::Tables(scene::parts::run(arguments)?),
        Scene::Personal => Outcome::Tables(scene::personal::run(arguments)?),
        Scene::Storm => Outcome::Tables(scene::storm::run(arguments)?),
        Scene::Miss => Outcome::Tables(scene::made::rows(arguments)?),
        Scene::StaticTemplate => Outcome::Tables(scene::made::template(arguments)?),
        Scene::Group => Outcome::Groups(scene::group::run(arguments)?),
        Scene::Patterns => Outcome::Patterns(scene::patterns::run(arguments)?),
        Scene::Receipt => Outcome::Receipts(scene::receipt::run(arguments)?),
        Scene::Updates => Outcome::Updates(scene::updates::run(arguments)?),
        Scene::Million => Outcome::Stored(scene::stored::million(arguments)?),
        Scene::Happstack => Outcome::Stored(scene::stored::happstack(arguments)?),
        Scene::Start => Outcome::Starts(scene::start::run(arguments)?),
        Scene::Memory => Outcome::Memory(scene::memory::run(arguments)?),
        Scene::Fragments => Outcome::Fragments(scene::fragments::run(arguments)?),
        Scene::Large => Outcome::Large(scene::large::run(arguments)?),
    })
}
