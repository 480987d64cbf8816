//! `dev`: runs the site while its code is worked on.
//!
//! ```text
//! sources    what the program is built of, and whether that has changed
//! build      cargo, and what the compiler says
//! program    the site's own program, as a child that is given the listening socket
//! stand_in   answers while there is no program that could
//! ```
//!
//! The socket that visitors come in by is this process's and stays open. A program that has been built anew takes
//! over when the one before has ended: that answers the requests it has begun, and one that arrives in between waits in
//! the socket's queue. A build is broken off when the code changes meanwhile. What does not compile is shown in the pages of the program that runs on. Templates, routes and styles are the matter of the
//! program itself.

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

/// Runs until it is stopped.
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

/// The variables of `.env` that the environment does not have.
fn variables(folder: &Path) -> Result<Vec<(String, String)>, Problems> {
    let mut variables = env_file::read(&folder.join(".env"))?;
    variables.retain(|(name, _)| std::env::var_os(name).is_none());
    Ok(variables)
}

async fn supervise(launch: Launch, listener: TcpListener) -> Result<(), Problems> {
    let mut signals = Signals::listen().map_err(|error| problem("listen to signals", &error))?;
    let told = Told::new(&launch.program);
    let mut sources = Sources::of(&launch.folder);
    let mut state = State::Runs(launch.start(&listener, &told.file)?);
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
                    tracing::info!("the code has changed again: building anew");
                }
                built = Build::of(&launch).run() => break built,
            }
        };
        match built {
            Ok(()) => {
                told.tell("");
                state.stop().await;
                state = match launch.start(&listener, &told.file) {
                    Ok(program) => State::Runs(program),
                    Err(problems) => {
                        tracing::error!("{problems}");
                        State::Ended(StandIn::start(&listener, format!("{problems}\n"))?)
                    }
                };
            }
            Err(said) => {
                told.tell(&said);
                if let State::Ended(_) = state {
                    state = State::Ended(StandIn::start(&listener, said)?);
                }
            }
        }
    }
}

/// What answers visitors.
enum State {
    /// The program.
    Runs(Program),
    /// This process, because the program has ended.
    Ended(StandIn),
}

impl State {
    /// Waits until the program has ended by itself, and says how.
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

/// The file in which the program finds what the compiler says.
struct Told {
    file: PathBuf,
}

impl Told {
    fn new(program: &Path) -> Told {
        let name = format!(".headwater-dev-{}", std::process::id());
        Told { file: program.with_file_name(name) }
    }

    fn tell(&self, said: &str) {
        let draft = self.file.with_extension("draft");
        let written =
            std::fs::write(&draft, said).and_then(|()| std::fs::rename(&draft, &self.file));
        if let Err(error) = written {
            tracing::warn!(%error, "pages cannot show what the compiler says");
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        // It is there only when something did not compile.
        let _ = std::fs::remove_file(&self.file);
    }
}

fn problem(what: &str, error: &dyn std::fmt::Display) -> Problems {
    Problem::new(format!("cannot {what}: {error}")).into()
}
