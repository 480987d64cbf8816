use std::fs::{self, File};
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that a process obeys: SIGINT (Ctrl-C) and SIGTERM ask it to stop, SIGHUP asks it to
/// load the site's files anew. From when this exists they no longer end the process by themselves.
///
/// SIGHUP has an older meaning too: that the terminal is gone. A process that was started from a
/// terminal and finds it gone stops, unless it was started with `nohup`.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    /// What SIGHUP means when the terminal is gone.
    closed: Closed,
    /// Whether there was a wish to reload while only wishes to stop were listened to.
    kept: bool,
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// To stop.
    Stop,
    /// To load the site's files anew.
    Reload,
}

/// What SIGHUP means when the terminal is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closed {
    /// To stop.
    Stop,
    /// Nothing, the first time.
    Nothing,
    /// There never was a terminal, so it means to reload.
    Reload,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the operating system does not allow it.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its I/O driver on.
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

    /// Waits for the next wish. Cancelling this loses none.
    pub(crate) async fn next(&mut self) -> Wish {
        if std::mem::take(&mut self.kept) {
            return Wish::Reload;
        }
        self.receive().await
    }

    /// Waits for the next wish to stop, and keeps a wish to reload for [`next`](Signals::next).
    /// Cancelling this loses none.
    pub(crate) async fn stop(&mut self) {
        while self.receive().await == Wish::Reload {
            self.kept = true;
        }
    }

    async fn receive(&mut self) -> Wish {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return Wish::Stop,
                _ = self.terminate.recv() => return Wish::Stop,
                _ = self.hangup.recv() => match self.closed {
                    Closed::Stop if !has_terminal() => return Wish::Stop,
                    // The terminal sends no further signal: the next one is sent on purpose.
                    Closed::Nothing if !has_terminal() => self.closed = Closed::Reload,
                    _ => return Wish::Reload,
                },
            }
        }
    }
}

/// From now on SIGHUP does not end the process, though nothing listens to it yet: a supervisor may send
/// one as soon as the process is there. Files have not been read then, so it asks for nothing.
pub(super) fn survive_hangup() -> io::Result<()> {
    if ignores_hangup() {
        return Ok(());
    }
    // The handler stays when the runtime is gone.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _inside = runtime.enter();
    signal(SignalKind::hangup()).map(drop)
}

/// Whether the process can be reached from a terminal.
fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}

/// Whether SIGHUP was ignored when the process was started. What is not known is not so.
fn ignores_hangup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The first bit is that of the signal 1.
    ignored.is_some_and(|mask| mask & 1 != 0)
}
