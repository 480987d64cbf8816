use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use http::StatusCode;
use rustix::process::Signal;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::lock::Lock;
use super::output::{print, report};
use super::plan::{Launch, Plan};
use super::process::{Process, ProcessEvent};
use crate::cli::client::{AdminAnswer, AdminPort, ClientError};
use crate::cli::{Action, Announcement, Entrance, Signals};
use crate::problem::{Problem, Problems};

/// The interval between requests whether a node is ready.
const READY_INTERVAL: Duration = Duration::from_millis(50);

/// The time limit for the answer.
const READY_PATIENCE: Duration = Duration::from_secs(2);

/// The interval between reports of nodes that are not ready.
const READY_REPORT: Duration = Duration::from_secs(15);

/// The time that a node gets to stop, in addition to draining.
const STOP_MARGIN: Duration = Duration::from_secs(5);

/// The time in which further signals count as the first one: a tool may signal the process and its group.
const SAME_WISH: Duration = Duration::from_secs(1);

/// Runs the nodes of `plan` until a signal stops them, or none is left. `drain` is the time that nodes take to stop.
pub(super) async fn run(plan: Plan, drain: Duration) -> Result<(), Problems> {
    let mut signals = Signals::listen()
        .map_err(|error| Problem::new(format!("cannot listen for signals: {error}")))?;
    let program = std::env::current_exe()
        .map_err(|error| Problem::new(format!("cannot find this program's file: {error}")))?;
    let (sender, events) = mpsc::channel(64);
    let lock = Lock::take(plan.log());
    let mut cluster = Supervisor { program, lock, nodes: Vec::new(), sender, events };
    let result = tokio::select! {
        result = cluster.bring_up(&plan) => result,
        () = signals.stop() => Err(Interruption::Asked),
    };
    let result = match result {
        Ok(()) => cluster.supervise(&mut signals).await,
        Err(interruption) => Err(interruption),
    };
    cluster.stop(drain + STOP_MARGIN, &mut signals).await;
    match result {
        Ok(()) | Err(Interruption::Asked) => Ok(()),
        Err(Interruption::Failed(problem)) => Err(problem.into()),
    }
}

/// The reason why a cluster ends.
#[derive(Debug)]
enum Interruption {
    /// A signal.
    Asked,
    /// A failure without which the cluster cannot work.
    Failed(Problem),
}

fn failed(message: String) -> Interruption {
    Interruption::Failed(Problem::new(message))
}

/// The nodes of a cluster: the back end, then the front ends.
#[derive(Debug)]
struct Supervisor {
    program: PathBuf,
    /// `None` if processes of an earlier cluster may still be running.
    lock: Option<Lock>,
    nodes: Vec<ClusterProcess>,
    sender: mpsc::Sender<ProcessEvent>,
    events: mpsc::Receiver<ProcessEvent>,
}

#[derive(Debug)]
struct ClusterProcess {
    process: Process,
    state: State,
}

#[derive(Debug)]
enum State {
    Starting,
    Listening(Announcement),
    Ended,
}

impl Supervisor {
    /// Starts all nodes, and waits until they are ready.
    async fn bring_up(&mut self, plan: &Plan) -> Result<(), Interruption> {
        self.start(plan.backend(self.lock.is_some()))?;
        let link = self.link_of(0).await?;
        for launch in plan.frontends(link) {
            self.start(launch)?;
        }
        for number in 0..self.nodes.len() {
            self.listening(number).await?;
        }
        for number in 0..self.nodes.len() {
            self.ready(number).await?;
        }
        print("ready").await;
        Ok(())
    }

    fn start(&mut self, launch: Launch) -> Result<(), Interruption> {
        let name = launch.name.clone();
        let number = self.nodes.len();
        let process = Process::start(&self.program, launch, number, self.sender.clone())
            .map_err(|error| failed(format!("{name} cannot be started: {error}")))?;
        self.nodes.push(ClusterProcess { process, state: State::Starting });
        Ok(())
    }

    /// Waits until the node listens.
    async fn listening(&mut self, number: usize) -> Result<Announcement, Interruption> {
        loop {
            if let State::Listening(announcement) = &self.nodes[number].state {
                return Ok(announcement.clone());
            }
            self.next_of_start().await?;
        }
    }

    async fn link_of(&mut self, number: usize) -> Result<SocketAddr, Interruption> {
        match self.listening(number).await?.entrance {
            Entrance::Backend(link) => Ok(link),
            _ => Err(failed(format!("{} is not a back end", self.nodes[number].process))),
        }
    }

    /// Waits until the node is ready according to its admin port.
    async fn ready(&mut self, number: usize) -> Result<(), Interruption> {
        let node = AdminPort::from(self.listening(number).await?.admin);
        let mut next_report = Instant::now() + READY_REPORT;
        loop {
            let answer = async {
                let answer = node.get("/ready", READY_PATIENCE).await;
                if !is_ready(&answer) {
                    sleep(READY_INTERVAL).await;
                }
                answer
            };
            let answer = tokio::select! {
                answer = answer => answer,
                interruption = self.until_one_ends() => return Err(interruption),
            };
            if is_ready(&answer) {
                return Ok(());
            }
            if Instant::now() >= next_report {
                let said = match answer {
                    Ok(answer) => format!("{node}/ready answers {}", answer.status),
                    Err(error) => error.to_string(),
                };
                report(&format!("still waiting for {}: {said}", self.nodes[number].process)).await;
                next_report = Instant::now() + READY_REPORT;
            }
        }
    }

    /// Handles events until one prevents the start of the cluster.
    async fn until_one_ends(&mut self) -> Interruption {
        loop {
            if let Err(interruption) = self.next_of_start().await {
                return interruption;
            }
        }
    }

    /// Handles the next event during the start, when no node may end.
    async fn next_of_start(&mut self) -> Result<(), Interruption> {
        match self.next().await {
            Some((number, status)) => Err(failed(format!(
                "{} has ended before the cluster was ready: {status}",
                self.nodes[number].process
            ))),
            None => Ok(()),
        }
    }

    /// Handles the next event. If a process has ended, returns its number and status.
    async fn next(&mut self) -> Option<(usize, String)> {
        // The supervisor holds a sender itself, so the channel never closes.
        match self.events.recv().await? {
            ProcessEvent::Announced(number, announcement) => {
                let line = announcement.to_string();
                self.nodes[number].state = State::Listening(announcement);
                print(&line).await;
                None
            }
            ProcessEvent::Ended(number, status) => {
                self.nodes[number].state = State::Ended;
                let status = status.map_or_else(
                    |error| format!("its exit status is not known ({error})"),
                    |status: ExitStatus| status.to_string(),
                );
                Some((number, status))
            }
        }
    }

    /// Runs until a signal stops the cluster or no node is left. A reload is passed on to all nodes, including one
    /// that was requested during the start.
    async fn supervise(&mut self, signals: &mut Signals) -> Result<(), Interruption> {
        while self.is_alive(0..self.nodes.len()) {
            let ended = tokio::select! {
                ended = self.next() => ended,
                action = signals.next() => match action {
                    Action::Stop => return Err(Interruption::Asked),
                    Action::Reload => {
                        self.signal(0..self.nodes.len(), Signal::HUP);
                        None
                    }
                },
            };
            if let Some((number, status)) = ended {
                report(&format!("{} has ended: {status}", self.nodes[number].process)).await;
            }
        }
        Err(failed("no node is left".to_owned()))
    }

    /// Stops the front ends, then the back end. Each gets `patience` to stop; another of `signals` kills all nodes.
    async fn stop(&mut self, patience: Duration, signals: &mut Signals) {
        let all = self.nodes.len();
        let asked = Instant::now();
        for group in [1.min(all)..all, 0..1.min(all)] {
            self.signal(group.clone(), Signal::TERM);
            let mut deadline = Instant::now() + patience;
            while self.is_alive(group.clone()) {
                let ended = tokio::select! {
                    ended = self.next() => ended,
                    () = sleep_until(deadline) => {
                        report("a node has not stopped in time and is killed").await;
                        self.signal(group.clone(), Signal::KILL);
                        deadline = Instant::now() + patience;
                        None
                    }
                    () = signals.stop() => {
                        if asked.elapsed() > SAME_WISH {
                            self.signal(0..all, Signal::KILL);
                        }
                        None
                    }
                };
                if let Some((number, status)) = ended
                    && status != ExitStatus::default().to_string()
                {
                    report(&format!("{} has ended: {status}", self.nodes[number].process)).await;
                }
            }
        }
    }

    fn signal(&self, group: Range<usize>, signal: Signal) {
        for node in &self.nodes[group] {
            node.process.signal(signal);
        }
    }

    fn is_alive(&self, group: Range<usize>) -> bool {
        self.nodes[group].iter().any(|node| !matches!(node.state, State::Ended))
    }
}

fn is_ready(answer: &Result<AdminAnswer, ClientError>) -> bool {
    answer.as_ref().is_ok_and(|answer| answer.status == StatusCode::OK)
}
