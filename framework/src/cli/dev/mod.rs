//! `dev`: runs the site during development.
//!
//! ```text
//! sources    the files that the program is built from, and their changes
//! build      cargo, and the compiler's errors
//! program    the site's own program, as a child that is given the listening socket
//! stand_in   answers while there is no working program
//! ```
//!
//! This process owns the visitors' socket and keeps it open. A rebuilt program takes over when the previous one has
//! ended: the previous one answers the requests that it has begun, and requests that arrive in between wait in the
//! socket's queue. A build is cancelled when the code changes during it. Compile errors are shown in the pages of the
//! program that is still running. The program itself handles changes of templates, routes and styles.

mod build;
mod program;
mod sources;
mod stand_in;

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use super::args::Dev;
use super::signals::Signals;
use super::{env_file, runtime, trace};
use crate::config::{Config, Trace, environment};
use crate::problem::{Problem, Problems};
use build::Build;
use program::{Launch, Program};
use sources::Sources;
use stand_in::StandIn;

/// Runs the site until it is stopped.
pub(super) fn run(arguments: &Dev, path: Option<&Path>) -> Result<(), Problems> {
    let folder = path.and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
    let variables = variables(&folder)?;
    let all = variables.iter().cloned().chain(environment());
    let mut config = Config::load(path, all)?;
    arguments.listen.apply(&mut config, environment())?;
    trace::start(&config.trace)?;
    let listen = config.http.listen;
    let listener = TcpListener::bind(listen).map_err(|error| {
        Problem::new(format!(
            "cannot listen on {listen}: {error}; take another port with --port, as in dev -p 3000"
        ))
    })?;
    let program = std::env::current_exe().map_err(|error| problem("find the program", &error))?;
    let level = "HEADWATER_TRACE__LEVEL";
    let is_quiet =
        config.trace.level == Trace::default().level && std::env::var_os(level).is_none();
    let launch = Launch { program, config: path.map(Path::to_owned), folder, is_quiet };
    let runtime = runtime()?;
    let result = runtime.block_on(supervise(launch, listener));
    runtime.shutdown_background();
    result
}

/// Returns the variables of `.env` that the environment does not contain.
fn variables(folder: &Path) -> Result<Vec<(String, String)>, Problems> {
    let mut variables = env_file::read(&folder.join(".env"))?;
    variables.retain(|(name, _)| std::env::var_os(name).is_none());
    Ok(variables)
}

async fn supervise(launch: Launch, listener: TcpListener) -> Result<(), Problems> {
    let mut signals = Signals::listen().map_err(|error| problem("listen to signals", &error))?;
    let errors = CompilerErrors::new(&launch.program);
    let mut sources = Sources::of(&launch.folder);
    let mut state = State::Runs(launch.start(&listener, &errors.file)?);
    loop {
        let changed = tokio::select! {
            () = signals.stop() => None,
            ended = state.ended() => {
                let message = format!(
                    "The program has ended ({ended}). Its last messages are in the terminal; change the code, and it \
                     is started again.\n"
                );
                tracing::error!("the program has ended: {ended}");
                state = State::Ended(StandIn::start(&listener, message)?);
                continue;
            }
            () = sources.changed() => Some(()),
        };
        if changed.is_none() {
            state.stop().await;
            return Ok(());
        }
        tracing::info!("the code has changed: building");
        let built = loop {
            tokio::select! {
                () = signals.stop() => {
                    state.stop().await;
                    return Ok(());
                }
                () = sources.changed() => {
                    tracing::info!("the code has changed again: rebuilding");
                }
                built = Build::of(&launch).run() => break built,
            }
        };
        match built {
            Ok(()) => {
                errors.write("");
                state.stop().await;
                state = match launch.start(&listener, &errors.file) {
                    Ok(program) => State::Runs(program),
                    Err(problems) => {
                        tracing::error!("{problems}");
                        State::Ended(StandIn::start(&listener, format!("{problems}\n"))?)
                    }
                };
            }
            Err(text) => {
                errors.write(&text);
                if let State::Ended(_) = state {
                    state = State::Ended(StandIn::start(&listener, text)?);
                }
            }
        }
    }
}

/// The process that answers visitors.
enum State {
    /// The program.
    Runs(Program),
    /// This process, because the program has ended.
    Ended(StandIn),
}

impl State {
    /// Waits until the program ends by itself, and returns its status.
    async fn ended(&mut self) -> String {
        match self {
            State::Runs(program) => program.ended().await,
            State::Ended(_) => std::future::pending().await,
        }
    }

    async fn stop(&mut self) {
        match self {
            State::Runs(program) => program.stop().await,
            State::Ended(stand_in) => stand_in.stop(),
        }
    }
}

/// The file in which the program finds the compiler's errors.
struct CompilerErrors {
    file: PathBuf,
}

impl CompilerErrors {
    fn new(program: &Path) -> CompilerErrors {
        let name = format!(".headwater-dev-{}", std::process::id());
        CompilerErrors { file: program.with_file_name(name) }
    }

    fn write(&self, text: &str) {
        let draft = self.file.with_extension("draft");
        let written =
            std::fs::write(&draft, text).and_then(|()| std::fs::rename(&draft, &self.file));
        if let Err(error) = written {
            tracing::warn!(%error, "pages cannot show the compiler's errors");
        }
    }
}

impl Drop for CompilerErrors {
    fn drop(&mut self) {
        // The file exists only after a failed build.
        let _ = std::fs::remove_file(&self.file);
    }
}

fn problem(what: &str, error: &dyn std::fmt::Display) -> Problems {
    Problem::new(format!("cannot {what}: {error}")).into()
}
