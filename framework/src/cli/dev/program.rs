use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::{problem, variables};
use crate::problem::Problems;

/// The time limit for a program to end.
const PATIENCE: Duration = Duration::from_secs(15);

/// The default log level of a program, without the messages at each start and end of a node.
const LEVEL: &str = "info,headwater::link=warn,headwater::backend::members=warn,headwater::app::descriptors=warn,\
                     headwater::app::node=warn";

/// The command line and environment of the site's program.
#[derive(Debug)]
pub(super) struct Launch {
    /// The path of the program.
    pub(super) program: PathBuf,
    /// The configuration file from the command line.
    pub(super) config: Option<PathBuf>,
    /// The site's folder.
    pub(super) folder: PathBuf,
    /// Whether the site sets no log level of its own.
    pub(super) is_quiet: bool,
}

/// The running program of the site, killed on drop.
#[derive(Debug)]
pub(super) struct Program(Child);

impl Launch {
    /// Starts the program, which accepts connections from `listener` and reads the compiler's errors from the file
    /// `errors`.
    ///
    /// # Errors
    /// Fails when it cannot be started, or `.env` cannot be read.
    pub(super) fn start(&self, listener: &TcpListener, errors: &Path) -> Result<Program, Problems> {
        let socket = listener.try_clone().map_err(|error| problem("share the socket", &error))?;
        let mut command = Command::new(&self.program);
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        command.args(["serve", "--with-parent"]).arg(std::process::id().to_string());
        command.arg("--dev").arg(errors);
        if self.is_quiet {
            command.env("HEADWATER_TRACE__LEVEL", LEVEL);
        }
        command.envs(variables(&self.folder)?);
        command.env("HEADWATER_ENVIRONMENT", "development");
        // Requests in progress are answered. Others wait for the next program, so the time is short.
        command.env("HEADWATER_LIMITS__DRAIN", "5s");
        // A child inherits stdin without an agreed file descriptor number.
        command.stdin(Stdio::from(OwnedFd::from(socket))).kill_on_drop(true);
        let child = command.spawn();
        Ok(Program(child.map_err(|error| problem("start the program", &error))?))
    }
}

impl Program {
    /// Waits until the program ends by itself, and returns its status.
    pub(super) async fn ended(&mut self) -> String {
        match self.0.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Terminates the program, and waits for its end.
    pub(super) async fn stop(&mut self) {
        let pid = self.0.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        // The program may have ended.
        let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
        if timeout(PATIENCE, self.0.wait()).await.is_err() {
            tracing::warn!("the program does not end, so it is killed");
            let _ = self.0.kill().await;
        }
    }
}
