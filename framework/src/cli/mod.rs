//! The command line of every site.
//!
//! [`main`] reads the [`Arguments`] and the configuration, then does what was asked:
//!
//! - `serve`, `routes`, `check`, and `data checkpoint` where no node is running, are the site's own business: they go to the [`Site`];
//! - `cluster` starts this very program once for each node and watches the processes (`cluster`);
//! - `data` works on the folder of a log, or asks a running node for it (`data`);
//! - `dev` starts this very program, and again whenever its code has changed (`dev`), in builds with debug assertions;
//! - `generate` writes code into the site (`generate`), in builds with debug assertions;
//! - `secret` prints a new secret key;
//! - `config` explains the settings, `completions` is for shells;
//! - `health`, `invalidate` and `status` ask running nodes on their admin ports (`client`).
//!
//! A node that is up announces it with one line on stdout, an [`Announcement`]; messages go to
//! stderr (`trace`). This module must not know how a node serves, caches or keeps its log.

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
pub(crate) use signals::{Signals, Wish};

use crate::checkpoint::ReplacedRecords;
use crate::config::{Config, Environment, Setting, environment};
use crate::problem::{Problem, Problems};
use args::{Command, Listen};

/// What a node is told at its start, beside its configuration.
#[derive(Debug)]
pub(crate) struct Start {
    /// No front end that has followed an earlier log can still be running.
    pub(crate) is_alone: bool,
    /// What `dev` has given it.
    pub(crate) dev: Option<Dev>,
}

/// What `dev` gives to the program that it runs.
#[derive(Debug)]
pub(crate) struct Dev {
    /// Where visitors come in.
    pub(crate) listener: TcpListener,
    /// The file with what the compiler says.
    pub(crate) problems: PathBuf,
}

/// What the command line needs from the site it belongs to.
pub(crate) trait Site {
    /// Runs the node until it is stopped ([`Signals`]) and has drained. Prints an [`Announcement`]
    /// when it listens.
    ///
    /// # Errors
    /// What kept the node from starting, or made it stop.
    fn serve(self, config: Config, start: Start) -> Result<(), Problems>;

    /// Makes a checkpoint of a log that no node has open; `records` says what becomes of those that it replaces.
    ///
    /// # Errors
    /// What kept it from being made.
    fn checkpoint(
        self,
        config: Config,
        records: ReplacedRecords,
    ) -> Result<MadeCheckpoint, Problems>;

    /// The dispatch table as it will be matched, for people to read, or as JSON.
    ///
    /// # Errors
    /// Everything that is wrong in the files that make the table.
    fn routes(&self, config: &Config, json: bool) -> Result<String, Problems>;

    /// Everything that is wrong with the site's files, so far as it can be known without starting.
    fn check(&self, config: &Config) -> Problems;

    /// What keeps a node of this configuration from starting, though the site's files are right.
    ///
    /// # Errors
    /// That.
    fn check_start(&self, config: &Config) -> Result<(), Problem>;

    /// What is not an error in the site's files and code and probably a mistake.
    fn notes(&self, config: &Config) -> Problems;
}

/// Does what the process's arguments ask, and says how that went: 0 when it was done, 1 when it
/// failed, 2 when the arguments were wrong. What went wrong is on stderr.
pub(crate) fn main(site: impl Site) -> ExitCode {
    // Before anything that takes time. Other commands end with their terminal.
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
            let node = node.knowing(config.admin.secret.as_ref());
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

/// The socket that this process was given as its input.
fn listener_of_stdin() -> std::io::Result<TcpListener> {
    let socket = TcpListener::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    socket.local_addr()?;
    Ok(socket)
}

/// Shows everything that is wrong with the site's files, and, for `production`, with how the node would run.
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

/// The configuration of a node that strangers are to reach, with what keeps it from that, or from starting.
fn read_for_production(site: &impl Site, path: Option<&Path>) -> (Config, Problems) {
    let (mut config, mut problems, unfit) = Config::read_for_production(path, environment());
    // One that cannot be read gets no further.
    if problems.is_empty() {
        let asked = Listen::default().apply(&mut config, environment());
        let traced = trace::filter(&config.trace).map(drop);
        // Whether it is in production is one of what keeps it from strangers.
        let public = Config { environment: Environment::Production, ..config.clone() };
        let started = site.check_start(&public);
        for problem in [asked, traced, started].into_iter().filter_map(Result::err) {
            problems.push(problem);
        }
    }
    problems.extend(unfit);
    (config, problems)
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
