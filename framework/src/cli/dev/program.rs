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

/// How long a program may take to end.
const PATIENCE: Duration = Duration::from_secs(15);

/// What is written of a program whose site asks for nothing else: what each start and end of a node says is left out.
const LEVEL: &str = "info,headwater::link=warn,headwater::backend::members=warn,headwater::app::descriptors=warn,\
                     headwater::app::node=warn";

/// How the site's program is started.
#[derive(Debug)]
pub(super) struct Launch {
    /// Where it is.
    pub(super) program: PathBuf,
    /// The configuration that was named.
    pub(super) config: Option<PathBuf>,
    /// The site's folder.
    pub(super) folder: PathBuf,
    /// Whether the site asks for no level of its own.
    pub(super) is_quiet: bool,
}

/// The site's program. When this is dropped, it is killed.
#[derive(Debug)]
pub(super) struct Program(Child);

impl Launch {
    /// Starts the program, which accepts connections from `listener` and finds what the compiler says in `told`.
    ///
    /// # Errors
    /// When it cannot be started, or `.env` cannot be read.
    pub(super) fn start(&self, listener: &TcpListener, told: &Path) -> Result<Program, Problems> {
        let socket = listener.try_clone().map_err(|error| problem("share the socket", &error))?;
        let mut command = Command::new(&self.program);
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        command.args(["serve", "--with-parent"]).arg(std::process::id().to_string());
        command.arg("--dev").arg(told);
        if self.is_quiet {
            command.env("HEADWATER_TRACE__LEVEL", LEVEL);
        }
        command.envs(variables(&self.folder)?);
        command.env("HEADWATER_ENVIRONMENT", "development");
        // Requests that it has begun are answered. Others wait for the next program, so not for long.
        command.env("HEADWATER_LIMITS__DRAIN", "5s");
        // It is an open file that a child can be given without a number being agreed on.
        command.stdin(Stdio::from(OwnedFd::from(socket))).kill_on_drop(true);
        let child = command.spawn();
        Ok(Program(child.map_err(|error| problem("start the program", &error))?))
    }
}

impl Program {
    /// Waits until it has ended by itself, and says how.
    pub(super) async fn ended(&mut self) -> String {
        match self.0.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Has it end, and waits for that.
    pub(super) async fn stop(&mut self) {
        let pid = self.0.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        // One that has ended needs no signal.
        let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
        if timeout(PATIENCE, self.0.wait()).await.is_err() {
            tracing::warn!("the program does not end, so it is killed");
            let _ = self.0.kill().await;
        }
    }
}
