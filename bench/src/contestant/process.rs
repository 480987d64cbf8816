use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Result;

/// A process of this very program. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Kept open, so that the process can go on writing.
    stdout: BufReader<ChildStdout>,
}

impl Process {
    /// Starts this program again, and waits for the line with which it says where it listens.
    pub(super) fn start(
        command: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Result<(Process, String)> {
        let mut again = Command::new(std::env::current_exe()?);
        // The figures must not depend on what the environment tells other sites.
        for (name, _) in std::env::vars_os() {
            if name == "RUST_LOG" || name.to_string_lossy().starts_with("HEADWATER_") {
                again.env_remove(name);
            }
        }
        let again = command(&mut again).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = again.spawn()?;
        let stdout = child.stdout.take().ok_or("a child process has no output")?;
        let mut process = Process { child, stdout: BufReader::new(stdout) };
        let mut line = String::new();
        process.stdout.read_line(&mut line)?;
        if line.is_empty() {
            let status = process.child.wait()?;
            return Err(format!("a contestant has ended before it listened: {status}").into());
        }
        line.truncate(line.trim_end().len());
        Ok((process, line))
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    /// Asks the process to stop, so that who talks to it is told. Ends it when that takes too long.
    fn drop(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(3);
        // Who has ended already needs no signal, and what cannot be waited for cannot be mended.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
