//! The command line of every site.
//!
//! [`main`] reads the [`Arguments`] and the configuration, then runs the command:
//!
//! - `serve`, `routes`, `check`, and `data checkpoint` without a running node, call the [`Site`];
//! - `cluster` starts this program once for each node and watches the processes (`cluster`);
//! - `data` works on the folder of a log, or calls a running node (`data`);
//! - `dev` runs this program, and restarts it after each change of its code (`dev`), in builds with debug assertions;
//! - `generate` writes code into the site (`generate`), in builds with debug assertions;
//! - `secret` prints a new secret key;
//! - `config` explains the settings, `completions` prints scripts for shells;
//! - `health`, `invalidate` and `status` call running nodes on their admin ports (`client`).
//!
//! A node announces its start with one line on stdout, an [`Announcement`]; messages are written to stderr (`trace`).
//! This module does not depend on how a node serves, caches or keeps its log.

mod announcement;
mod args;
mod client;
mod cluster;
mod data;
#[cfg(debug_assertions)]
mod dev;
#[cfg(debug_assertions)]
mod env_file;
#[cfg(debug_assertions)]
mod generate;
mod health;
mod invalidate;
mod listen;
mod parent;
mod signals;
mod status;
mod trace;

use std::ffi::OsString;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

pub use announcement::{Announcement, Entrance};
pub(crate) use args::Arguments;
pub(crate) use data::MadeCheckpoint;
pub(crate) use signals::{Action, Signals};

use crate::checkpoint::ReplacedRecords;
use crate::config::{Config, Environment, Setting, environment};
use crate::problem::{Problem, Problems};
use args::{Command, Listen};

/// The parameters of a node's start besides its configuration.
#[derive(Debug)]
pub(crate) struct Start {
    /// No front end that has followed an earlier log can still be running.
    pub(crate) is_alone: bool,
    /// Present if `dev` runs the node.
    pub(crate) dev: Option<Dev>,
}

/// The input that `dev` gives to the program that it runs.
#[derive(Debug)]
pub(crate) struct Dev {
    /// The socket for visitors.
    pub(crate) listener: TcpListener,
    /// The file with the compiler's errors.
    pub(crate) problems: PathBuf,
}

/// The site's implementation of the commands.
pub(crate) trait Site {
    /// Runs the node until it is stopped ([`Signals`]) and has drained. Prints an [`Announcement`] when it listens.
    ///
    /// # Errors
    /// Returns the problems that prevented the start, or stopped the node.
    fn serve(self, config: Config, start: Start) -> Result<(), Problems>;

    /// Makes a checkpoint of a log that no node has open; `records` specifies the treatment of the records that it
    /// replaces.
    ///
    /// # Errors
    /// Returns the problems that prevented the checkpoint.
    fn checkpoint(
        self,
        config: Config,
        records: ReplacedRecords,
    ) -> Result<MadeCheckpoint, Problems>;

    /// Returns the dispatch table in matching order, as text or as JSON.
    ///
    /// # Errors
    /// Returns all problems in the files of the table.
    fn routes(&self, config: &Config, json: bool) -> Result<String, Problems>;

    /// Returns all problems in the site's files that can be detected without a start.
    fn check(&self, config: &Config) -> Problems;

    /// Checks whether a node with this configuration could start, apart from the site's files.
    ///
    /// # Errors
    /// Returns the problem that prevents the start.
    fn check_start(&self, config: &Config) -> Result<(), Problem>;

    /// Returns probable mistakes in the site's files and code that are not errors.
    fn notes(&self, config: &Config) -> Problems;
}

/// Runs the command of the process's arguments, and returns the exit status: 0 on success, 1 on failure, 2 for wrong
/// arguments. Errors are written to stderr.
pub(crate) fn main(site: impl Site) -> ExitCode {
    // Must precede everything that takes time. Other commands end with their terminal.
    let is_node =
        |argument: OsString| argument == "serve" || argument == "cluster" || argument == "dev";
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
            let mut config = Config::load(path, environment().chain(serve.overrides()))?;
            serve.listen.apply(&mut config, environment())?;
            trace::start(&config.trace)?;
            let dev =
                serve.dev.map(|problems| Ok(Dev { listener: listener_of_stdin()?, problems }));
            let dev = dev.transpose().map_err(|error: std::io::Error| {
                Problem::new(format!("stdin is not a socket to listen on: {error}"))
            })?;
            site.serve(config, Start { is_alone: serve.alone, dev })
        }
        Command::Cluster(cluster) => {
            let config = Config::load(path, environment().chain(cluster.overrides()))?;
            trace::start(&config.trace)?;
            cluster::run(&cluster, path, &config)
        }
        Command::Routes { json } => {
            let config = Config::load(path, environment())?;
            print(site.routes(&config, json)?.trim_end());
            Ok(())
        }
        Command::Check { production } => check(&site, path, production),
        Command::Doctor => check(&site, path, true),
        Command::Config => {
            let settings = Config::explain(path, environment())?;
            let rows = settings
                .into_iter()
                .map(|Setting { key, value, origin }| [key, status::plain(&value), origin]);
            let head = ["SETTING", "VALUE", "FROM"].map(str::to_owned);
            let rows: Vec<[String; 3]> = std::iter::once(head).chain(rows).collect();
            print(status::aligned(&rows).trim_end());
            Ok(())
        }
        Command::Health { ready, admin } => {
            let (config, problems) = Config::read(path, environment());
            let node = match admin {
                Some(node) => node,
                None => problems.or(client::AdminPort::from(config.admin.listen))?,
            };
            let node = node.with_secret(config.admin.secret.as_ref());
            print(&health::run(&node, ready)?);
            Ok(())
        }
        Command::Completions { shell } => {
            let program = std::env::args_os().next().map(PathBuf::from);
            let program = program.as_deref().and_then(Path::file_name);
            let program = program.map_or("site".into(), |name| name.to_string_lossy());
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), program, &mut script);
            print(String::from_utf8_lossy(&script).trim_end());
            Ok(())
        }
        #[cfg(debug_assertions)]
        Command::Dev(arguments) => dev::run(&arguments, path),
        #[cfg(debug_assertions)]
        Command::Generate(generate) => {
            let (config, problems) = Config::read(path, environment());
            problems.or(())?;
            print(generate::run(&generate, path, &config)?.trim_end());
            Ok(())
        }
        Command::Invalidate(invalidate) => {
            let (config, problems) = Config::read(path, environment());
            let nodes = match &invalidate.admin {
                // Other problems in the configuration do not concern a node that is named.
                Some(node) => vec![node.clone()],
                None => problems.or(()).map(|()| invalidate::usual_nodes(&config))?,
            };
            let nodes = with_secret(nodes, &config);
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
                status::Nodes::Possible(with_secret(status::usual_nodes(&config), &config))
            } else {
                status::Nodes::Named(with_secret(status.admin, &config))
            };
            let (table, problems) = status::run(nodes)?;
            print(table.trim_end());
            problems.or(())
        }
    }
}

/// Returns the socket that this process was given as stdin.
fn listener_of_stdin() -> std::io::Result<TcpListener> {
    let socket = TcpListener::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    socket.local_addr()?;
    Ok(socket)
}

/// Shows all problems in the site's files, and, with `production`, in the node's configuration.
fn check(site: &impl Site, path: Option<&Path>, production: bool) -> Result<(), Problems> {
    let (config, mut problems) = match production {
        true => read_for_production(site, path),
        false => Config::read(path, environment()),
    };
    problems.extend(site.check(&config));
    for note in site.notes(&config).sorted().iter() {
        print(&format!("note: {note}"));
    }
    problems.or(())?;
    print("no problems");
    Ok(())
}

/// Reads the configuration of a node for the public, and returns the problems that make it unfit or prevent its
/// start.
fn read_for_production(site: &impl Site, path: Option<&Path>) -> (Config, Problems) {
    let (mut config, mut problems, unfit) = Config::read_for_production(path, environment());
    // A configuration with errors is not checked further.
    if problems.is_empty() {
        let asked = Listen::default().apply(&mut config, environment());
        let traced = trace::filter(&config.trace).map(drop);
        // The environment is checked separately, so this check assumes production.
        let public = Config { environment: Environment::Production, ..config.clone() };
        let started = site.check_start(&public);
        for problem in [asked, traced, started].into_iter().filter_map(Result::err) {
            problems.push(problem);
        }
    }
    problems.extend(unfit);
    (config, problems)
}

/// Sets the secret of the configuration for requests to these nodes.
fn with_secret(nodes: Vec<client::AdminPort>, config: &Config) -> Vec<client::AdminPort> {
    let secret = config.admin.secret.as_ref();
    nodes.into_iter().map(|node| node.with_secret(secret)).collect()
}

/// Writes `text` and a line break to stdout. An error means that stdout is closed and nobody reads the output.
fn print(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

fn print_problems(problems: &Problems) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{problems}");
}

/// Returns a runtime for a command that calls other processes.
fn runtime() -> Result<tokio::runtime::Runtime, Problems> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Problem::new(format!("the runtime cannot start: {error}")).into())
}
