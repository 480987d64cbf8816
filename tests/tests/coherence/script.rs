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

/// A front end that has woken answers at once, if only with an error; much sooner than after the
/// link's deadline of half a minute.
const LONGEST_ANSWER: Duration = Duration::from_secs(15);

/// Waits until all nodes are ready, or on probation with a link that carries requests: without a lease,
/// nothing shows that it does but a request.
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

/// What is done to the nodes, one round after the other, in an order that the seed decides.
pub(crate) struct Script {
    choices: StdRng,
    length: Duration,
}

/// Something that goes wrong.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A front end is stopped for longer than its lease, and goes on.
    Pause,
    /// A front end is ended and started again.
    Restart(End),
    /// The link of a front end is cut and healed.
    Cut(Cut),
    /// A front end comes and goes.
    Flap(Flap),
    /// The back end is ended in the middle of writes and started again.
    RestartBackend(End),
}

/// How a front end comes and goes.
#[derive(Debug, Clone, Copy)]
enum Flap {
    /// It stops for nearly a lease, and runs for a moment, again and again.
    Stops,
    /// It is killed half a lease after each start.
    IsKilled,
    /// Its messages take so long, both ways, that no lease reaches it in time.
    IsDistant,
}

/// How a process ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// In the midst of what it does.
    Killed,
    /// When it has done what it was asked for.
    Stopped,
}

/// What goes wrong in a round: one thing, or two at once.
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

/// A kind with the node that it happens to and how long it lasts.
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

    /// Plays every round once, and goes on until the script has its length. Between rounds all nodes
    /// are well. Returns how many faults there were.
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
            fault.happen(stage, trial)
        }))
        .await;
        settled(cluster).await;
        for fault in &faults {
            trial.calm.restore(fault.place);
        }
        trial.verdict.happened("all nodes are ready");
        faults.len() as u64
    }

    /// Gives each kind a node of its own and a length.
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

/// What a fault happens to.
enum Stage<'a> {
    Frontend(&'a mut Node, &'a Relay, usize),
    Backend(&'a mut Node, &'a [Relay]),
}

impl Fault {
    async fn happen(self, stage: Stage<'_>, trial: &Trial) {
        let Fault { kind, lasts, .. } = self;
        match (kind, stage) {
            (Kind::Pause, Stage::Frontend(node, _, index)) => {
                trial.verdict.happened(format_args!("{} is paused for {lasts:?}", node.name()));
                node.pause();
                tokio::time::sleep(lasts).await;
                let questions = Questions::ask(trial, node, index).await;
                trial.verdict.happened(format_args!("{} goes on", node.name()));
                node.resume();
                questions.judge(trial).await;
            }
            (Kind::Restart(end), Stage::Frontend(node, _, index)) => {
                end.befall(node, lasts, trial).await;
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
                flap.befall(node, relay, lasts, |node| trial.set_entrance(index, node.http()))
                    .await;
                trial.verdict.happened(format_args!("{name} flaps no more"));
            }
            (Kind::RestartBackend(end), Stage::Backend(node, relays)) => {
                end.befall(node, lasts, trial).await;
                for relay in relays {
                    relay.set_target(node.link());
                }
            }
            (kind, _) => unreachable!("{kind:?} was cast for the wrong node"),
        }
    }
}

impl Flap {
    /// Has the node flap for `lasts`; `started` is called after each start.
    async fn befall(
        self,
        node: &mut Node,
        relay: &Relay,
        lasts: Duration,
        started: impl Fn(&Node),
    ) {
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
    async fn befall(self, node: &mut Node, lasts: Duration, trial: &Trial) {
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

/// Requests that wait for a paused front end when it wakes: for it they are the first thing to do,
/// before it can learn what happened while it slept.
struct Questions(Vec<JoinHandle<(Read, Result<Response, Failed>)>>);

impl Questions {
    async fn ask(trial: &Trial, node: &Node, frontend: usize) -> Questions {
        let ask = |read: Read| {
            let client = Client::new(node.http()).timeout(LONGEST_ANSWER);
            tokio::spawn(async move {
                let outcome = client.get(&read.target()).await;
                (read, outcome)
            })
        };
        let questions = Read::all(trial, frontend).into_iter().map(ask).collect();
        // The operating system takes connections and requests in for it.
        tokio::time::sleep(Duration::from_millis(100)).await;
        Questions(questions)
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
