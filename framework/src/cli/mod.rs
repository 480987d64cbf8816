//! The command line of every site.
//!
//! [`main`] reads the [`Arguments`] and the configuration, then does what was asked:
//!
//! - `serve`, `routes`, `check`, and `data checkpoint` where no node is running, are the site's own business: they go to the [`Site`];
//! - `cluster` starts this very program once for each node and watches the processes (`cluster`);
//! - `data` works on the folder of a log, or asks a running node for it (`data`);
//! - `secret` prints a new secret key;
//! - `invalidate` and `status` ask running nodes on their admin ports (`client`).
//!
//! A node that is up announces it with one line on stdout, an [`Announcement`]; messages go to
//! stderr (`trace`). This module must not know how a node serves, caches or keeps its log.

mod announcement;
mod args;
mod client;
mod cluster;
mod data;
mod invalidate;
mod parent;
mod signals;
mod status;
mod trace;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

pub use announcement::{Announcement, Entrance};
pub(crate) use args::Arguments;
pub(crate) use data::MadeCheckpoint;
pub(crate) use signals::{Signals, Wish};

use crate::checkpoint::ReplacedRecords;
use crate::config::{Config, environment};
use crate::problem::{Problem, Problems};
use args::Command;

/// What the command line needs from the site it belongs to.
pub(crate) trait Site {
    /// Runs the node until it is stopped ([`Signals`]) and has drained. Prints an [`Announcement`]
    /// when it listens. When it `is_alone`, no front end that has followed an earlier log can still
    /// be running.
    ///
    /// # Errors
    /// What kept the node from starting, or made it stop.
    fn serve(self, config: Config, is_alone: bool) -> Result<(), Problems>;

    /// Makes a checkpoint of a log that no node has open; `records` says what becomes of those that it replaces.
    ///
    /// # Errors
    /// What kept it from being made.
    fn checkpoint(
        self,
        config: Config,
        records: ReplacedRecords,
    ) -> Result<MadeCheckpoint, Problems>;

    /// The dispatch table as it will be matched, for people to read.
    ///
    /// # Errors
    /// Everything that is wrong in the files that make the table.
    fn routes(&self, config: &Config) -> Result<String, Problems>;

    /// Everything that is wrong with the site's files, so far as it can be known without starting.
    fn check(&self, config: &Config) -> Problems;

    /// What is not wrong in the site's files and code, and hardly meant.
    fn notes(&self, config: &Config) -> Problems;
}

/// Does what the process's arguments ask, and says how that went: 0 when it was done, 1 when it
/// failed, 2 when the arguments were wrong. What went wrong is on stderr.
pub(crate) fn main(site: impl Site) -> ExitCode {
    // Before anything that takes time. Other commands end with their terminal.
    let is_node = |argument: OsString| argument == "serve" || argument == "cluster";
    if std::env::args_os().any(is_node)
        && let Err(error) = signals::survive_hangup()
    {
        print_problems(&Problem::new(format!("cannot listen to signals: {error}")).into());
        return ExitCode::FAILURE;
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // When both outputs are closed, the error cannot be reported.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match run(site, arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problems) => {
            print_problems(&problems.sorted());
            ExitCode::FAILURE
        }
    }
}

fn run(site: impl Site, arguments: Arguments) -> Result<(), Problems> {
    let path = arguments.config.as_deref();
    match arguments.command {
        Command::Serve(serve) => {
            if let Some(parent) = serve.with_parent {
                parent::die_with(parent)?;
            }
            let config = Config::load(path, environment().chain(serve.overrides()))?;
            trace::start(&config.trace)?;
            site.serve(config, serve.alone)
        }
        Command::Cluster(cluster) => {
            let config = Config::load(path, environment().chain(cluster.overrides()))?;
            trace::start(&config.trace)?;
            cluster::run(&cluster, path, &config)
        }
        Command::Routes => {
            let config = Config::load(path, environment())?;
            print(site.routes(&config)?.trim_end());
            Ok(())
        }
        Command::Check => {
            let (config, mut problems) = Config::read(path, environment());
            problems.extend(site.check(&config));
            for note in site.notes(&config).sorted().iter() {
                print(&format!("note: {note}"));
            }
            problems.or(())?;
            print("no problems");
            Ok(())
        }
        Command::Invalidate(invalidate) => {
            let (config, problems) = Config::read(path, environment());
            let nodes = match &invalidate.admin {
                // Whatever else is wrong here does not concern a node that is named.
                Some(node) => vec![node.clone()],
                None => problems.or(()).map(|()| invalidate::usual_nodes(&config))?,
            };
            let nodes = knowing(nodes, &config);
            print(&invalidate::run(&invalidate, &nodes)?.to_string());
            Ok(())
        }
        Command::Secret => {
            let bytes: [u8; 32] = rand::random();
            print(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
            Ok(())
        }
        Command::Data(data) => data::run(site, data, path),
        Command::Status(status) => {
            let (config, problems) = Config::read(path, environment());
            let nodes = if status.admin.is_empty() {
                problems.or(())?;
                status::Nodes::Possible(knowing(status::usual_nodes(&config), &config))
            } else {
                status::Nodes::Named(knowing(status.admin, &config))
            };
            let (table, problems) = status::run(nodes)?;
            print(table.trim_end());
            problems.or(())
        }
    }
}

/// The nodes, to be asked with the secret that is configured here.
fn knowing(nodes: Vec<client::AdminPort>, config: &Config) -> Vec<client::AdminPort> {
    let secret = config.admin.secret.as_ref();
    nodes.into_iter().map(|node| node.knowing(secret)).collect()
}

/// Writes `text` and a line's end to stdout. An error means that stdout is closed: the output is no
/// longer wanted.
fn print(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

fn print_problems(problems: &Problems) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{problems}");
}

/// A runtime for a command that talks to other processes.
fn runtime() -> Result<tokio::runtime::Runtime, Problems> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Problem::new(format!("the runtime cannot start: {error}")).into())
}
