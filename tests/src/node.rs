use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use headwater::internals::cli::{Announcement, Entrance};
use headwater::internals::config::Mode;
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::oneshot;

use crate::until::{PATIENCE, until};
use crate::{Client, Messages, Site};

/// The configuration of a node, from which it can be started any number of times.
#[derive(Debug, Clone)]
pub struct Launch {
    site: Site,
    mode: Mode,
    name: String,
    variables: Vec<(String, Option<String>)>,
    /// The soft and the hard limit of open files.
    descriptors: Option<(u32, u32)>,
}

/// A running node. It is killed on drop, and its messages are printed if the test has failed.
#[derive(Debug)]
pub struct Node {
    launch: Launch,
    process: Process,
    announcement: Announcement,
    messages: Messages,
}

/// A node that ended before it announced itself.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// Its messages.
    pub messages: Messages,
}

#[derive(Debug)]
struct Process {
    child: Child,
    readers: Vec<JoinHandle<()>>,
}

impl Launch {
    pub(crate) fn new(site: Site, mode: Mode, name: &str) -> Launch {
        let launch =
            Launch { site, mode, name: name.to_owned(), variables: Vec::new(), descriptors: None };
        let free = "127.0.0.1:0";
        launch.set("HTTP__LISTEN", free).set("ADMIN__LISTEN", free).set("LINK__LISTEN", free)
    }

    /// Sets a value of the configuration for this node: `set("LINK__LEASE", "5s")`.
    pub fn set(mut self, key: &str, value: impl fmt::Display) -> Launch {
        self.variables.push((format!("HEADWATER_{key}"), Some(value.to_string())));
        self
    }

    /// Sets any variable of the node's environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Launch {
        self.variables.push((name.to_owned(), Some(value.to_owned())));
        self
    }

    /// Removes a variable from the node's environment.
    #[must_use]
    pub fn without(mut self, name: &str) -> Launch {
        self.variables.push((name.to_owned(), None));
        self
    }

    /// Sets the soft and the hard limit of the node's open files.
    #[must_use]
    pub fn descriptors(self, soft: u32, hard: u32) -> Launch {
        Launch { descriptors: Some((soft, hard)), ..self }
    }

    /// Runs another program for this node.
    #[must_use]
    pub fn program(mut self, program: impl Into<PathBuf>) -> Launch {
        self.site = self.site.with_program(program);
        self
    }

    /// Starts the node and waits until it listens.
    ///
    /// # Panics
    /// When it ends, or does not announce itself within [`PATIENCE`].
    pub async fn start(self) -> Node {
        let name = self.name.clone();
        match self.try_start().await {
            Ok(node) => node,
            Err(ended) => panic!("{name} did not start: {}\n{}", ended.status, ended.messages),
        }
    }

    /// Starts the node and waits until it listens.
    ///
    /// # Errors
    /// When it ends before it listens.
    ///
    /// # Panics
    /// When it neither ends nor announces itself within [`PATIENCE`].
    pub async fn try_start(self) -> Result<Node, Ended> {
        let messages = Messages::default();
        let (process, announcement) = self.spawn(&messages).await?;
        Ok(Node { launch: self, process, announcement, messages })
    }

    async fn spawn(&self, messages: &Messages) -> Result<(Process, Announcement), Ended> {
        let mut command = self.site.command();
        command.args(["serve", "--mode", self.mode.as_str(), "--name", &self.name]);
        // The node ends with the test process, however that ends.
        command.args(["--with-parent", &std::process::id().to_string()]);
        for (name, value) in &self.variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(limits) = self.descriptors {
            command = limited(&command, limits);
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the site's program can be run");
        let (sender, announcement) = oneshot::channel();
        let readers = vec![
            read(child.stderr.take(), messages.clone(), None),
            read(child.stdout.take(), messages.clone(), Some(sender)),
        ];
        let mut process = Process { child, readers };
        match tokio::time::timeout(PATIENCE, announcement).await {
            Ok(Ok(announcement)) => Ok((process, announcement)),
            Ok(Err(_)) => {
                let status = process.ended().await;
                process.join();
                Err(Ended { status, messages: messages.clone() })
            }
            Err(_) => panic!("{} did not announce itself\n{messages}", self.name),
        }
    }
}

impl Node {
    /// Returns the node's name.
    pub fn name(&self) -> &str {
        &self.launch.name
    }

    /// Returns the address for visitors.
    ///
    /// # Panics
    /// When it is a back end.
    pub fn http(&self) -> SocketAddr {
        match self.announcement.entrance {
            Entrance::Frontend(http) | Entrance::SingleNode(http) => http,
            Entrance::Backend(_) => panic!("a back end serves no visitors"),
        }
    }

    /// Returns the address for front ends.
    ///
    /// # Panics
    /// When it is not a back end.
    pub fn link(&self) -> SocketAddr {
        match self.announcement.entrance {
            Entrance::Backend(link) => link,
            Entrance::Frontend(_) | Entrance::SingleNode(_) => panic!("no back end"),
        }
    }

    /// Returns the address for operators.
    pub fn admin(&self) -> SocketAddr {
        self.announcement.admin
    }

    /// Returns the id of its process.
    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// Returns its messages on stderr.
    pub fn messages(&self) -> &Messages {
        &self.messages
    }

    /// Waits until the node is ready.
    ///
    /// # Panics
    /// When it does not become ready within [`PATIENCE`].
    pub async fn ready(&self) {
        let client = Client::new(self.admin()).timeout(Duration::from_secs(2));
        let what = format!("{} is ready", self.name());
        until(&what, async || match client.get("/ready").await {
            Ok(response) if response.status == 200 => Some(()),
            _ => None,
        })
        .await;
    }

    /// Returns whether the node is ready.
    pub async fn is_ready(&self) -> bool {
        let client = Client::new(self.admin()).timeout(Duration::from_secs(2));
        client.get("/ready").await.is_ok_and(|response| response.status == 200)
    }

    /// Returns whether the node is ready, or has no lease because it is on probation.
    pub async fn is_settled(&self) -> bool {
        let client = Client::new(self.admin()).timeout(Duration::from_secs(2));
        let answer = client.get("/ready").await;
        answer.is_ok_and(|it| it.status == 200 || it.text().contains("on probation"))
    }

    /// Asks the node to stop (SIGTERM) and waits until it has.
    pub async fn stop(&mut self) -> ExitStatus {
        self.process.signal(Signal::TERM);
        self.process.ended().await
    }

    /// Asks the node to stop (SIGTERM).
    pub fn terminate(&mut self) {
        self.process.signal(Signal::TERM);
    }

    /// Asks the node to reload the site's files (SIGHUP).
    pub fn hang_up(&mut self) {
        self.process.signal(Signal::HUP);
    }

    /// Waits until the node has ended.
    ///
    /// # Panics
    /// When it has not within [`PATIENCE`].
    pub async fn ended(&mut self) -> ExitStatus {
        self.process.ended().await
    }

    /// Kills the node (SIGKILL).
    pub async fn kill(&mut self) {
        self.process.signal(Signal::KILL);
        self.process.ended().await;
    }

    /// Pauses the node (SIGSTOP): its process and connections exist, but it does nothing.
    pub fn pause(&mut self) {
        self.process.signal(Signal::STOP);
    }

    /// Resumes a paused node (SIGCONT).
    pub fn resume(&mut self) {
        self.process.signal(Signal::CONT);
    }

    /// Starts the node again, after killing it if it runs, and waits until it listens. Its ports
    /// are new.
    ///
    /// # Panics
    /// As [`Launch::start`].
    pub async fn restart(&mut self) {
        self.kill().await;
        self.process.join();
        self.messages.add(format!("──── {} is started again", self.launch.name));
        match self.launch.spawn(&self.messages).await {
            Ok((process, announcement)) => {
                self.process = process;
                self.announcement = announcement;
            }
            Err(ended) => panic!("{} did not start again: {}", self.launch.name, ended.status),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.process.end();
        if std::thread::panicking() {
            eprintln!("──── messages of {}\n{}", self.launch.name, self.messages);
        }
    }
}

impl Process {
    /// Signals the process unless it has been reaped: until then no other process can have its id.
    fn signal(&mut self, signal: Signal) {
        if let Ok(None) = self.child.try_wait() {
            let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
            let _ = kill_process(pid.expect("the number of a process is positive"), signal);
        }
    }

    async fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "process {} does not end", self.child.id());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn join(&mut self) {
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.join();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Returns the same command with a soft and a hard limit of open files.
fn limited(command: &Command, (soft, hard): (u32, u32)) -> Command {
    let script = format!("ulimit -S -n {soft} && ulimit -H -n {hard} && exec \"$0\" \"$@\"");
    let mut limited = Command::new("sh");
    limited.args(["-c", &script]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited.stdin(Stdio::null());
    limited
}

/// Reads the lines of `pipe` into `messages`, except the announcement, which is sent to
/// `announced`.
fn read(
    pipe: Option<impl Read + Send + 'static>,
    messages: Messages,
    mut announced: Option<oneshot::Sender<Announcement>>,
) -> JoinHandle<()> {
    let mut pipe = BufReader::new(pipe.expect("the pipe was asked for"));
    std::thread::spawn(move || {
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            match (announced.take(), text.parse()) {
                (Some(sender), Ok(announcement)) => drop(sender.send(announcement)),
                (sender, _) => {
                    announced = sender;
                    messages.add(text);
                }
            }
        }
    })
}
