use std::time::{Duration, Instant};

use futures_util::future::join_all;
use headwater_tests::{Client, Cluster, Cut, Failed, Node, Relay, Response};
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
    /// A front end is killed and started again.
    Kill,
    /// The link of a front end is cut and healed.
    Cut(Cut),
    /// The back end is killed in the middle of writes and started again.
    KillBackend,
}

/// What goes wrong in a round: one thing, or two at once.
type Round = &'static [Kind];

const ROUNDS: [Round; 15] = [
    &[Kind::Pause],
    &[Kind::Pause],
    &[Kind::Pause, Kind::Pause],
    &[Kind::Kill],
    &[Kind::Kill],
    &[Kind::Cut(Cut::Reset)],
    &[Kind::Cut(Cut::Reset), Kind::Cut(Cut::Silence)],
    &[Kind::Cut(Cut::Silence)],
    &[Kind::Cut(Cut::Silence), Kind::Kill],
    &[Kind::KillBackend],
    &[Kind::KillBackend],
    &[Kind::KillBackend, Kind::Cut(Cut::Reset)],
    &[Kind::KillBackend, Kind::Cut(Cut::Silence)],
    &[Kind::KillBackend, Kind::Pause],
    &[Kind::KillBackend, Kind::Kill],
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

    /// Plays every round, and all again until the script has its length. Between rounds all nodes
    /// are well. Returns how many faults there were.
    pub(crate) async fn play(mut self, cluster: &mut Cluster, trial: &Trial) -> u64 {
        let start = Instant::now();
        let mut faults = 0;
        let mut rounds = ROUNDS;
        loop {
            rounds.shuffle(&mut self.choices);
            for (index, round) in rounds.iter().enumerate() {
                if faults >= 20 && index > 0 && start.elapsed() > self.length {
                    break;
                }
                let calm = Duration::from_millis(self.choices.random_range(200..700));
                tokio::time::sleep(calm).await;
                faults += self.round(round, cluster, trial).await;
            }
            if start.elapsed() > self.length {
                return faults;
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
        cluster.ready().await;
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
                Kind::KillBackend => Place::Backend,
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
            Kind::Kill | Kind::KillBackend => (Duration::ZERO, LEASE + Duration::from_millis(500)),
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
            (Kind::Kill, Stage::Frontend(node, _, index)) => {
                trial.verdict.happened(format_args!("{} is killed for {lasts:?}", node.name()));
                node.kill().await;
                tokio::time::sleep(lasts).await;
                node.restart().await;
                trial.set_entrance(index, node.http());
                trial.verdict.happened(format_args!("{} is started again", node.name()));
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
            (Kind::KillBackend, Stage::Backend(node, relays)) => {
                trial.verdict.happened(format_args!("the back end is killed for {lasts:?}"));
                node.kill().await;
                tokio::time::sleep(lasts).await;
                node.restart().await;
                for relay in relays {
                    relay.set_target(node.link());
                }
                trial.verdict.happened("the back end is started again");
            }
            (kind, _) => unreachable!("{kind:?} was cast for the wrong node"),
        }
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
