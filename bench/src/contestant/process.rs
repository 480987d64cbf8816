use std::ffi::OsString;
use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};

use crate::Result;

/// How long a program of others may take until it listens.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often a program is started with another port, when another process has taken its port.
const TRIES: usize = 3;

/// A process, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Kept open, so that the process can go on writing.
    _stdout: Option<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts this program again, and waits for the line with which it says where it listens.
    pub(super) fn start(
        command: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Result<(Process, String)> {
        let mut again = again()?;
        let again = command(&mut again).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = again.spawn()?;
        let stdout = child.stdout.take().ok_or("a child process has no output")?;
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        if line.is_empty() {
            let status = child.wait()?;
            return Err(format!("a contestant has ended before it listened: {status}").into());
        }
        line.truncate(line.trim_end().len());
        Ok((Process { child, _stdout: Some(stdout) }, line))
    }

    /// Starts a program that listens, by its `arguments`, on ports that were free, and waits until
    /// it does. What it prints goes into `folder`.
    pub(super) fn start_program<const PORTS: usize>(
        program: &Path,
        folder: &Path,
        arguments: impl Fn([SocketAddr; PORTS]) -> Result<Vec<OsString>>,
    ) -> Result<(Process, [SocketAddr; PORTS])> {
        let printed = folder.join("printed");
        let mut last = String::new();
        for _ in 0..TRIES {
            let addresses = free_addresses()?;
            let output = std::fs::File::create(&printed)?;
            let mut command = again()?;
            command.arg("other").arg(program).args(arguments(addresses)?);
            command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
            let mut process = Process { child: command.spawn()?, _stdout: None };
            if process.listens(&addresses)? {
                return Ok((process, addresses));
            }
            drop(process);
            last = std::fs::read_to_string(&printed)?;
        }
        Err(format!("{} does not listen: {}", program.display(), last.trim()).into())
    }

    fn listens(&mut self, addresses: &[SocketAddr]) -> Result<bool> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline && self.child.try_wait()?.is_none() {
            if addresses.iter().all(|address| TcpStream::connect(address).is_ok()) {
                return Ok(true);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(false)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    /// Asks the process to stop, so that it can close its connections. Ends it when that takes too
    /// long.
    fn drop(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(3);
        // A process that has ended already needs no signal, and what cannot be waited for cannot be
        // mended.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program, to be started again.
fn again() -> Result<Command> {
    let mut again = Command::new(std::env::current_exe()?);
    // The figures must not depend on what the environment tells other sites.
    for (name, _) in std::env::vars_os() {
        if name == "RUST_LOG" || name.to_string_lossy().starts_with("HEADWATER_") {
            again.env_remove(name);
        }
    }
    Ok(again)
}

/// Addresses on loopback at which no server listens.
fn free_addresses<const COUNT: usize>() -> Result<[SocketAddr; COUNT]> {
    let mut addresses = [SocketAddr::from(([127, 0, 0, 1], 0)); COUNT];
    // All of them are taken before the first is given back, so that they differ.
    let mut taken = Vec::new();
    for address in &mut addresses {
        let listener = TcpListener::bind(*address)?;
        *address = listener.local_addr()?;
        taken.push(listener);
    }
    Ok(addresses)
}

/// Becomes the program that the arguments name. It stops with the process that has started this
/// one.
pub(crate) fn become_other(arguments: impl IntoIterator<Item = OsString>) -> Result {
    let mut arguments = arguments.into_iter();
    let program = arguments.next().ok_or("name the program")?;
    set_parent_process_death_signal(Some(Signal::TERM))?;
    Err(Command::new(program).args(arguments).exec().into())
}

/// Ends this process when the one that has started it ends.
pub(super) fn end_with_parent() -> Result {
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// Says where this process listens.
pub(super) fn say(where_it_listens: impl Display) -> Result {
    Ok(writeln!(std::io::stdout(), "{where_it_listens}")?)
}
