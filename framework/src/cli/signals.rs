use std::fs::{self, File};
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that a process handles: SIGINT (Ctrl-C) and SIGTERM stop it, SIGHUP reloads the site's files. As soon
/// as this value exists, they no longer end the process by themselves.
///
/// SIGHUP also signals the end of the terminal. A process that was started from a terminal stops if the terminal is
/// gone, unless it was started with `nohup`.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    /// The meaning of SIGHUP when the terminal is gone.
    closed: Closed,
    /// Whether a reload was requested during [`stop`](Signals::stop).
    kept: bool,
}

/// The action that a signal requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Stop.
    Stop,
    /// Reload the site's files.
    Reload,
}

/// The meaning of SIGHUP when the terminal is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closed {
    /// Stop.
    Stop,
    /// Nothing, the first time.
    Nothing,
    /// Reload, because there never was a terminal.
    Reload,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// Fails when the operating system does not allow it.
    ///
    /// # Panics
    /// Panics outside of a tokio runtime with its I/O driver enabled.
    pub(crate) fn listen() -> io::Result<Signals> {
        let closed = match (has_terminal(), ignores_hangup()) {
            (true, false) => Closed::Stop,
            (true, true) => Closed::Nothing,
            (false, _) => Closed::Reload,
        };
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            closed,
            kept: false,
        })
    }

    /// Waits for the next action. Cancel-safe: no action is lost.
    pub(crate) async fn next(&mut self) -> Action {
        if std::mem::take(&mut self.kept) {
            return Action::Reload;
        }
        self.receive().await
    }

    /// Waits for the next request to stop, and keeps a request to reload for [`next`](Signals::next). Cancel-safe: no
    /// action is lost.
    pub(crate) async fn stop(&mut self) {
        while self.receive().await == Action::Reload {
            self.kept = true;
        }
    }

    async fn receive(&mut self) -> Action {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return Action::Stop,
                _ = self.terminate.recv() => return Action::Stop,
                _ = self.hangup.recv() => match self.closed {
                    Closed::Stop if !has_terminal() => return Action::Stop,
                    // The terminal sends no further signal, so the next one is intentional.
                    Closed::Nothing if !has_terminal() => self.closed = Closed::Reload,
                    _ => return Action::Reload,
                },
            }
        }
    }
}

/// Keeps SIGHUP from ending the process before it listens for the signal: a supervisor may send one as soon as the
/// process exists. The signal is ignored, because no files have been read yet.
pub(super) fn survive_hangup() -> io::Result<()> {
    if ignores_hangup() {
        return Ok(());
    }
    // The handler outlives the runtime.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _inside = runtime.enter();
    signal(SignalKind::hangup()).map(drop)
}

/// Returns whether the process has a controlling terminal.
fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}

/// Returns whether SIGHUP was ignored when the process was started; `false` if that is unknown.
fn ignores_hangup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The first bit stands for signal 1.
    ignored.is_some_and(|mask| mask & 1 != 0)
}
