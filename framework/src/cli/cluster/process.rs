use std::fmt;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::output;
use super::plan::Launch;
use crate::cli::Announcement;
use crate::config::Mode;

/// The limit on a line of a node's output in memory; a longer line is split.
const LONGEST_LINE: u64 = 64 << 10;

/// The time for which the output of an ended process is still read, because another process may hold it open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// An event of a process, with its number in the cluster.
#[derive(Debug)]
pub(super) enum ProcessEvent {
    /// The process listens.
    Announced(usize, Announcement),
    /// The process has ended; this is the last event.
    Ended(usize, io::Result<ExitStatus>),
}

/// A running node, killed on drop.
#[derive(Debug)]
pub(super) struct Process {
    name: String,
    mode: Mode,
    signals: mpsc::UnboundedSender<Signal>,
}

impl Process {
    /// Starts `program` as the node `number`, which sends its events to `events`.
    pub(super) fn start(
        program: &Path,
        launch: Launch,
        number: usize,
        events: mpsc::Sender<ProcessEvent>,
    ) -> io::Result<Process> {
        let mut child = Command::new(program)
            .args(&launch.arguments)
            .envs(launch.variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let (signals, orders) = mpsc::unbounded_channel();
        let stdout = child.stdout.take();
        let stderr = child.stderr.take();
        let name = launch.name.clone();
        let messages = tokio::spawn(relay(stderr, name.clone()));
        let listening = tokio::spawn(announce(stdout, name, number, events.clone()));
        tokio::spawn(async move {
            let Some(status) = supervise(child, orders).await else { return };
            let last_words = async { tokio::join!(messages, listening) };
            let _ = timeout(LAST_WORDS, last_words).await;
            let _ = events.send(ProcessEvent::Ended(number, status)).await;
        });
        Ok(Process { name: launch.name, mode: launch.mode, signals })
    }

    /// Sends a signal to the process, unless it has ended.
    pub(super) fn signal(&self, signal: Signal) {
        // The receiving task ends with the process.
        let _ = self.signals.send(signal);
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.mode.as_str(), self.name)
    }
}

/// Waits for the end of `child` and passes signals on to it. Only the task that waits for a child can be sure that
/// its process id is still valid. Returns `None` when all senders of signals are dropped.
async fn supervise(
    mut child: Child,
    mut orders: mpsc::UnboundedReceiver<Signal>,
) -> Option<io::Result<ExitStatus>> {
    loop {
        let signal = tokio::select! {
            status = child.wait() => return Some(status),
            signal = orders.recv() => signal?,
        };
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // Fails if the process has just ended, which is fine.
            let _ = kill_process(pid, signal);
        }
    }
}

/// Sends the announcement among the lines of `stdout` to `events`. The other lines are relayed with the node's
/// messages, because stdout is reserved for the lines of the cluster.
async fn announce(
    stdout: Option<impl AsyncRead + Unpin>,
    name: String,
    number: usize,
    events: mpsc::Sender<ProcessEvent>,
) {
    let Some(stdout) = stdout else { return };
    let mut lines = BufReader::new(stdout);
    let mut line = Vec::new();
    let mut announced = false;
    while next_line(&mut lines, &mut line).await {
        let announcement = std::str::from_utf8(&line).ok().and_then(|line| line.parse().ok());
        match announcement {
            Some(announcement) if !announced => {
                announced = true;
                let _ = events.send(ProcessEvent::Announced(number, announcement)).await;
            }
            _ => output::relay(&name, &line).await,
        }
    }
}

async fn relay(stderr: Option<impl AsyncRead + Unpin>, name: String) {
    let Some(stderr) = stderr else { return };
    let mut lines = BufReader::new(stderr);
    let mut line = Vec::new();
    while next_line(&mut lines, &mut line).await {
        output::relay(&name, &line).await;
    }
}

/// Reads the next line, without its end. Returns whether there is one.
async fn next_line(lines: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> bool {
    line.clear();
    let read = lines.take(LONGEST_LINE).read_until(b'\n', line).await;
    if line.ends_with(b"\n") {
        line.pop();
    }
    read.is_ok_and(|read| read > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Launch {
        Launch {
            name: "f1".to_owned(),
            mode: Mode::Frontend,
            arguments: vec!["-c".into(), script.into()],
            variables: Vec::new(),
        }
    }

    fn start(script: &str) -> (Process, mpsc::Receiver<ProcessEvent>) {
        let (sender, events) = mpsc::channel(8);
        let process = Process::start(Path::new("/bin/sh"), shell(script), 7, sender).unwrap();
        (process, events)
    }

    const LINE: &str = "frontend f1 http://127.0.0.1:8000 admin http://127.0.0.1:8200 pid 1";

    #[tokio::test]
    async fn a_process_announces_itself_once_and_ends() {
        let (_process, mut events) = start(&format!("echo '{LINE}'; echo '{LINE}'; exit 3"));
        let Some(ProcessEvent::Announced(7, announcement)) = events.recv().await else { panic!() };
        assert_eq!(announcement.to_string(), LINE);
        let Some(ProcessEvent::Ended(7, Ok(status))) = events.recv().await else { panic!() };
        assert_eq!(status.code(), Some(3));
        assert!(events.recv().await.is_none());
    }

    #[tokio::test]
    async fn a_signal_reaches_the_process() {
        let script = format!("trap 'exit 5' TERM; echo '{LINE}'; while :; do sleep 0.01; done");
        let (process, mut events) = start(&script);
        assert!(matches!(events.recv().await, Some(ProcessEvent::Announced(..))));
        process.signal(Signal::TERM);
        let Some(ProcessEvent::Ended(7, Ok(status))) = events.recv().await else { panic!() };
        assert_eq!(status.code(), Some(5));
        process.signal(Signal::TERM);
    }

    #[tokio::test]
    async fn a_line_without_end_is_broken() {
        let text = [vec![b'x'; LONGEST_LINE as usize + 1], b"\nend".to_vec()].concat();
        let mut lines = BufReader::new(&text[..]);
        let mut line = Vec::new();
        let mut lengths = Vec::new();
        while next_line(&mut lines, &mut line).await {
            lengths.push(line.len());
        }
        assert_eq!(lengths, [LONGEST_LINE as usize, 1, 3]);
    }
}
