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

/// The longest time until a third-party program listens.
const PATIENCE: Duration = Duration::from_secs(20);

/// The number of attempts with other ports when another process has taken the port.
const TRIES: usize = 3;

/// A process, which is ended on drop.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Kept open so that the process can still write.
    _stdout: Option<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts this program again and waits for the line that announces its address.
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

    /// Starts a program whose `arguments` contain free ports, and waits until it listens on them.
    /// Its output is written to `folder`.
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
    /// Asks the process to stop so that it can close its connections, and kills it when that takes
    /// too long.
    fn drop(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(3);
        // A process that has ended already needs no signal, and an error of waiting cannot be
        // handled here.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the command that starts this program again.
fn again() -> Result<Command> {
    let mut again = Command::new(std::env::current_exe()?);
    // The figures must not depend on variables for other sites.
    for (name, _) in std::env::vars_os() {
        if name == "RUST_LOG" || name.to_string_lossy().starts_with("HEADWATER_") {
            again.env_remove(name);
        }
    }
    Ok(again)
}

/// Returns free addresses on loopback.
fn free_addresses<const COUNT: usize>() -> Result<[SocketAddr; COUNT]> {
    let mut addresses = [SocketAddr::from(([127, 0, 0, 1], 0)); COUNT];
    // All of them are bound before the first is released, so that they differ.
    let mut taken = Vec::new();
    for address in &mut addresses {
        let listener = TcpListener::bind(*address)?;
        *address = listener.local_addr()?;
        taken.push(listener);
    }
    Ok(addresses)
}

/// Executes the program in the arguments in place of this process. It ends with this process's
/// parent.
pub(crate) fn become_other(arguments: impl IntoIterator<Item = OsString>) -> Result {
    let mut arguments = arguments.into_iter();
    let program = arguments.next().ok_or("name the program")?;
    set_parent_process_death_signal(Some(Signal::TERM))?;
    Err(Command::new(program).args(arguments).exec().into())
}

/// Ends this process when its parent ends.
pub(super) fn end_with_parent() -> Result {
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// Announces the address of this process on stdout.
pub(super) fn announce(address: impl Display) -> Result {
    Ok(writeln!(std::io::stdout(), "{address}")?)
}
