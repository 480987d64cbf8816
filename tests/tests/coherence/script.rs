use std::time::{Duration, Instant};

use futures_util::future::join_all;
use headwater_tests::{Client, Cluster, Cut, Failed, Node, Relay, Response, until};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use tokio::task::JoinHandle;

use crate::LEASE;
use crate::calm::Place;
use crate::reader::Read;
use crate::trial::Trial;

/// The longest time for an answer. A resumed front end answers at once, even if with an error, and does not wait for
/// the link's deadline of half a minute.
const LONGEST_ANSWER: Duration = Duration::from_secs(15);

/// Waits until all nodes are ready, or on probation with a working link. Without a lease only a request shows that the
/// link works.
pub(crate) async fn settled(cluster: &Cluster) {
    cluster.settled().await;
    for node in &cluster.frontends {
        let client = Client::new(node.http());
        until(&format!("{} forwards", node.name()), async || {
            let answer = client.get("/slow/0").await;
            answer.is_ok_and(|answer| answer.status == 200).then_some(())
        })
        .await;
    }
}

/// The faults of the nodes, in rounds whose order the seed determines.
pub(crate) struct Script {
    choices: StdRng,
    length: Duration,
}

/// A kind of fault.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A front end is paused for longer than its lease, and resumed.
    Pause,
    /// A front end is killed or stopped, and started again.
    Restart(End),
    /// The link of a front end is cut and healed.
    Cut(Cut),
    /// A front end flaps.
    Flap(Flap),
    /// The back end is killed or stopped in the middle of writes, and started again.
    RestartBackend(End),
}

/// The ways in which a front end flaps.
#[derive(Debug, Clone, Copy)]
enum Flap {
    /// It is repeatedly paused for nearly a lease, and then runs for a moment.
    Stops,
    /// It is killed half a lease after each start.
    IsKilled,
    /// Its messages are delayed in both directions, so that no lease reaches it in time.
    IsDistant,
}

/// How a process ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// With SIGKILL.
    Killed,
    /// With SIGTERM, after its pending requests.
    Stopped,
}

/// The faults of a round: one, or two at once.
type Round = &'static [Kind];

const ROUNDS: [Round; 21] = [
    &[Kind::Pause],
    &[Kind::Pause],
    &[Kind::Pause, Kind::Pause],
    &[Kind::Restart(End::Killed)],
    &[Kind::Restart(End::Killed)],
    &[Kind::Restart(End::Stopped)],
    &[Kind::Cut(Cut::Reset)],
    &[Kind::Cut(Cut::Silence)],
    &[Kind::Cut(Cut::Silence), Kind::Cut(Cut::Reset)],
    &[Kind::Cut(Cut::Silence), Kind::Restart(End::Killed)],
    &[Kind::Flap(Flap::Stops)],
    &[Kind::Flap(Flap::IsKilled)],
    &[Kind::Flap(Flap::IsDistant)],
    &[Kind::Flap(Flap::Stops), Kind::Flap(Flap::IsDistant)],
    &[Kind::RestartBackend(End::Killed)],
    &[Kind::RestartBackend(End::Killed)],
    &[Kind::RestartBackend(End::Stopped)],
    &[Kind::RestartBackend(End::Killed), Kind::Cut(Cut::Reset)],
    &[Kind::RestartBackend(End::Killed), Kind::Cut(Cut::Silence)],
    &[Kind::RestartBackend(End::Killed), Kind::Pause],
    &[Kind::RestartBackend(End::Killed), Kind::Restart(End::Killed)],
];

/// A kind of fault with its node and its duration.
#[derive(Debug, Clone, Copy)]
struct Fault {
    kind: Kind,
    place: Place,
    lasts: Duration,
}

impl Script {
    pub(crate) fn new(choices: StdRng, length: Duration) -> Script {
        Script { choices, length }
    }

    /// Plays every round once, and then further rounds until the script has its length. All nodes are healthy between
    /// rounds. Returns the number of faults.
    pub(crate) async fn play(mut self, cluster: &mut Cluster, trial: &Trial) -> u64 {
        let start = Instant::now();
        let all = ROUNDS.iter().map(|round| round.len() as u64).sum();
        let (mut rounds, mut faults) = (ROUNDS, 0);
        loop {
            rounds.shuffle(&mut self.choices);
            for round in rounds {
                if faults >= all && start.elapsed() > self.length {
                    return faults;
                }
                let calm = Duration::from_millis(self.choices.random_range(200..700));
                tokio::time::sleep(calm).await;
                faults += self.round(round, cluster, trial).await;
            }
        }
    }

    async fn round(&mut self, round: Round, cluster: &mut Cluster, trial: &Trial) -> u64 {
        let faults = self.cast(round, cluster.frontends.len());
        for fault in &faults {
            trial.calm.disturb(fault.place);
        }
        let Cluster { backend, frontends, relays, .. } = cluster;
        let mut backend = Some(backend);
        let mut frontends: Vec<_> = frontends.iter_mut().map(Some).collect();
        let relays = &relays[..];
        join_all(faults.iter().map(|fault| {
            let stage = match fault.place {
                Place::Backend => Stage::Backend(backend.take().expect("it is cast once"), relays),
                Place::Frontend(index) => {
                    let node = frontends[index].take().expect("each is cast once");
                    Stage::Frontend(node, &relays[index], index)
                }
            };
            fault.inject(stage, trial)
        }))
        .await;
        settled(cluster).await;
        for fault in &faults {
            trial.calm.restore(fault.place);
        }
        trial.verdict.happened("all nodes are ready");
        faults.len() as u64
    }

    /// Assigns a node and a duration to each kind.
    fn cast(&mut self, round: Round, frontends: usize) -> Vec<Fault> {
        let mut others: Vec<_> = (0..frontends).collect();
        others.shuffle(&mut self.choices);
        let faults = round.iter().map(|kind| {
            let place = match kind {
                Kind::RestartBackend(_) => Place::Backend,
                _ => Place::Frontend(others.pop().expect("there are more front ends than faults")),
            };
            Fault { kind: *kind, place, lasts: kind.length(&mut self.choices) }
        });
        faults.collect()
    }
}

impl Kind {
    fn length(self, choices: &mut impl Rng) -> Duration {
        let (least, most) = match self {
            Kind::Pause => {
                (LEASE + Duration::from_millis(500), LEASE + Duration::from_millis(1500))
            }
            Kind::Cut(_) => (Duration::from_millis(200), LEASE + Duration::from_millis(1500)),
            Kind::Flap(_) => (2 * LEASE, 4 * LEASE),
            Kind::Restart(_) | Kind::RestartBackend(_) => {
                (Duration::ZERO, LEASE + Duration::from_millis(500))
            }
        };
        choices.random_range(least..most)
    }
}

/// The node of a fault.
enum Stage<'a> {
    Frontend(&'a mut Node, &'a Relay, usize),
    Backend(&'a mut Node, &'a [Relay]),
}

impl Fault {
    async fn inject(self, stage: Stage<'_>, trial: &Trial) {
        let Fault { kind, lasts, .. } = self;
        match (kind, stage) {
            (Kind::Pause, Stage::Frontend(node, _, index)) => {
                trial.verdict.happened(format_args!("{} is paused for {lasts:?}", node.name()));
                node.pause();
                tokio::time::sleep(lasts).await;
                let questions = WaitingReads::ask(trial, node, index).await;
                trial.verdict.happened(format_args!("{} goes on", node.name()));
                node.resume();
                questions.judge(trial).await;
            }
            (Kind::Restart(end), Stage::Frontend(node, _, index)) => {
                end.apply(node, lasts, trial).await;
                trial.set_entrance(index, node.http());
            }
            (Kind::Cut(cut), Stage::Frontend(node, relay, _)) => {
                let name = node.name();
                trial
                    .verdict
                    .happened(format_args!("{name}'s link is cut ({cut:?}) for {lasts:?}"));
                relay.cut(cut);
                tokio::time::sleep(lasts).await;
                trial.verdict.happened(format_args!("{name}'s link is healed"));
                relay.heal();
            }
            (Kind::Flap(flap), Stage::Frontend(node, relay, index)) => {
                let name = node.name().to_owned();
                trial.verdict.happened(format_args!("{name} flaps ({flap:?}) for {lasts:?}"));
                flap.apply(node, relay, lasts, |node| trial.set_entrance(index, node.http())).await;
                trial.verdict.happened(format_args!("{name} flaps no more"));
            }
            (Kind::RestartBackend(end), Stage::Backend(node, relays)) => {
                end.apply(node, lasts, trial).await;
                for relay in relays {
                    relay.set_target(node.link());
                }
            }
            (kind, _) => unreachable!("{kind:?} was cast for the wrong node"),
        }
    }
}

impl Flap {
    /// Makes the node flap for `lasts`, and calls `started` after each start.
    async fn apply(self, node: &mut Node, relay: &Relay, lasts: Duration, started: impl Fn(&Node)) {
        let start = Instant::now();
        while start.elapsed() < lasts {
            match self {
                Flap::Stops => {
                    node.pause();
                    tokio::time::sleep(LEASE * 95 / 100).await;
                    node.resume();
                    tokio::time::sleep(LEASE * 5 / 100).await;
                }
                Flap::IsKilled => {
                    node.restart().await;
                    started(node);
                    tokio::time::sleep(LEASE / 2).await;
                }
                Flap::IsDistant => {
                    relay.delay(LEASE * 6 / 10);
                    tokio::time::sleep(lasts).await;
                    relay.delay(Duration::ZERO);
                }
            }
        }
    }
}

impl End {
    /// Ends the node and starts it again after `lasts`.
    async fn apply(self, node: &mut Node, lasts: Duration, trial: &Trial) {
        let name = node.name().to_owned();
        match self {
            End::Killed => {
                trial.verdict.happened(format_args!("{name} is killed for {lasts:?}"));
                node.kill().await;
            }
            End::Stopped => {
                trial.verdict.happened(format_args!("{name} is stopped for {lasts:?}"));
                let status = node.stop().await;
                if !status.success() {
                    trial.verdict.breach(format_args!("{name} did not stop well: {status}"));
                }
            }
        }
        tokio::time::sleep(lasts).await;
        node.restart().await;
        trial.verdict.happened(format_args!("{name} is started again"));
    }
}

/// Requests that are waiting when a paused front end is resumed. It handles them first, before it can receive the
/// records that it missed.
struct WaitingReads(Vec<JoinHandle<(Read, Result<Response, Failed>)>>);

impl WaitingReads {
    async fn ask(trial: &Trial, node: &Node, frontend: usize) -> WaitingReads {
        let ask = |read: Read| {
            let client = Client::new(node.http()).timeout(LONGEST_ANSWER);
            tokio::spawn(async move {
                let outcome = client.get(&read.target()).await;
                (read, outcome)
            })
        };
        let questions = Read::all(trial, frontend).into_iter().map(ask).collect();
        // The operating system accepts connections and requests for the paused process.
        tokio::time::sleep(Duration::from_millis(100)).await;
        WaitingReads(questions)
    }

    async fn judge(self, trial: &Trial) {
        for question in self.0 {
            let (read, outcome) = question.await.expect("a question does not panic");
            if let Err(Failed::Timeout) = outcome {
                trial.verdict.breach(format_args!("{} was never answered", read.target()));
            }
            read.judge(trial, outcome, false);
        }
    }
}
