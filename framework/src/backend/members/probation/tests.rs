use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::backend::members::awaited::{Awaited, Ticket};
use crate::log::Position;

const LEASE: Duration = Duration::from_secs(1);
const TURN: Duration = Duration::from_millis(250);

fn at(millis: u64) -> Moment {
    Moment::from_nanos(millis * 1_000_000)
}

fn punctually() -> Asking {
    Asking { gap: Some(TURN), answer_took: Some(Duration::from_millis(2)) }
}

/// Penalises a front end at this moment, with this cost in milliseconds.
fn penalise(probation: &mut Probation, name: &str, millis: u64, cost: u64) {
    probation.count(name, at(millis - cost), at(millis));
    assert!(probation.penalty(name).is_some());
}

/// Returns for how many milliseconds from `millis` on the front end must be punctual until it is
/// released.
fn until_release(probation: &mut Probation, name: &str, millis: u64) -> u64 {
    let turns = (0..).take_while(|turn| {
        probation.asked(name, punctually(), at(millis + turn * 250));
        probation.penalty(name).is_some()
    });
    turns.count() as u64 * 250
}

#[test]
fn waits_are_counted_when_they_are_long_and_once_however_many_writers_wait() {
    let mut probation = Probation::new(LEASE);
    for millis in (0..10_000).step_by(200) {
        probation.count("f1", at(millis), at(millis + 120));
    }
    assert!(probation.names.is_empty(), "no wait was longer than an eighth of a lease");
    for writer in 0..10 {
        probation.count("f1", at(20_000 + writer), at(20_400));
        probation.count("f1", at(20_100), at(20_450));
    }
    let cost = probation.names["f1"].cost.as_millis();
    assert!((449..=450).contains(&cost), "{cost} ms");
    assert!(!probation.withholds("f1", ["f1", "f2"]));
    probation.count("f1", at(21_000), at(21_200));
    assert!(probation.withholds("f1", ["f1", "f2"]), "0.65 s are more than half a lease");
}

#[test]
fn waits_within_the_share_are_never_a_penalty() {
    let mut probation = Probation::new(LEASE);
    for second in 0..100 {
        let millis = second * 20_000;
        probation.count("f1", at(millis), at(millis + 300));
    }
    assert!(probation.penalty("f1").is_none());
}

#[test]
fn each_relapse_doubles_the_time_until_release_up_to_a_bound() {
    let mut probation = Probation::new(LEASE);
    let mut millis = 1_000_000;
    for relapse in 0..10 {
        penalise(&mut probation, "f1", millis, 600);
        let takes = until_release(&mut probation, "f1", millis);
        assert_eq!(takes, 1000 << relapse.min(7));
        millis += takes + 1000;
    }
}

type Interruption<'a> = &'a dyn Fn(&mut Probation, Moment);

#[test]
fn a_late_renewal_a_slow_answer_a_cut_and_a_counted_wait_restart_the_time_until_release() {
    let late = Asking { gap: Some(LEASE * 6 / 10), ..punctually() };
    let slow = Asking { answer_took: Some(TURN * 2), ..punctually() };
    let unanswered = Asking { answer_took: None, ..punctually() };
    let interruptions: [Interruption<'_>; 5] = [
        &|probation, now| probation.asked("f1", late, now),
        &|probation, now| probation.asked("f1", unanswered, now),
        &|probation, now| probation.asked("f1", slow, now),
        &|probation, _| probation.cut("f1"),
        &|probation, now| probation.count("f1", at(now.as_nanos() / 1_000_000 - 200), now),
    ];
    for interrupt in interruptions {
        let mut probation = Probation::new(LEASE);
        penalise(&mut probation, "f1", 10_000, 600);
        for turn in 0..4 {
            probation.asked("f1", punctually(), at(10_000 + turn * 250));
        }
        interrupt(&mut probation, at(10_900));
        assert_eq!(until_release(&mut probation, "f1", 11_000), 1000);
    }
}

#[test]
fn the_first_renewal_of_a_feed_is_not_assessed() {
    let mut probation = Probation::new(LEASE);
    penalise(&mut probation, "f1", 10_000, 600);
    for turn in 0..100 {
        probation.asked("f1", Asking::default(), at(10_000 + turn * 250));
    }
    assert!(probation.penalty("f1").is_some(), "it may be killed right after each start");
}

#[test]
fn at_most_a_quarter_of_the_members_or_one_of_few_is_on_probation_the_costliest_first() {
    let mut probation = Probation::new(LEASE);
    let names: Vec<String> = (1..=9).map(|number| format!("f{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        penalise(&mut probation, name, 10_000, 600 + number as u64);
    }
    let withheld = |members: usize| {
        let following = || names[..members].iter().map(String::as_str);
        following().filter(|name| probation.withholds(name, following())).collect::<Vec<_>>()
    };
    assert_eq!(withheld(1), [""; 0]);
    assert_eq!(withheld(2), ["f2"]);
    assert_eq!(withheld(7), ["f7"]);
    assert_eq!(withheld(8), ["f7", "f8"]);
    assert_eq!(withheld(9), ["f8", "f9"]);
}

#[test]
fn a_penalised_front_end_that_no_lease_reaches_in_time_gets_none_beyond_the_quarter() {
    let mut probation = Probation::new(LEASE);
    for (name, cost) in [("f1", 700), ("f2", 600)] {
        penalise(&mut probation, name, 10_000, cost);
    }
    let distant = Asking { answer_took: Some(LEASE), ..punctually() };
    let following = ["f1", "f2", "f3"];
    assert!(!probation.withholds("f2", following));
    for name in following {
        probation.asked(name, distant, at(10_100));
    }
    let withheld = following.map(|name| probation.withholds(name, following));
    assert_eq!(withheld, [true, true, false], "f3 was never penalised");
}

#[test]
fn penalties_expire_and_names_forgotten() {
    let mut probation = Probation::new(LEASE);
    penalise(&mut probation, "f1", 10_000, 600);
    until_release(&mut probation, "f1", 10_000);
    penalise(&mut probation, "f1", 12_000, 600);
    until_release(&mut probation, "f1", 12_000);
    assert_eq!(probation.names["f1"].penalties, 2);
    probation.expire(at(143_000));
    assert_eq!(probation.names["f1"].penalties, 1);
    probation.expire(at(207_000));
    assert!(probation.names.is_empty());
    for number in 0..2 * NAMES {
        penalise(&mut probation, &format!("f{number}"), 300_000 + number as u64, 600);
    }
    assert_eq!(probation.names.len(), NAMES);
    assert!(probation.penalty(&format!("f{}", 2 * NAMES - 1)).is_some());
}

/// A cluster in steps of 10 ms: one writer, members that renew and acknowledge unless they are
/// stopped, and a back end that is stopped from time to time.
struct Simulation {
    now: u64,
    probation: Probation,
    awaited: Awaited,
    members: Vec<Simulated>,
    write: Option<(Ticket, Position, u64)>,
    written: u64,
}

#[derive(Default)]
struct Simulated {
    name: String,
    stopped_until: u64,
    lease_until: u64,
    asked: Option<u64>,
    withheld: bool,
    /// The number of its probations.
    probations: u32,
    /// How many milliseconds the writer has waited for it beyond the patience.
    waited: u64,
}

impl Simulation {
    fn new(members: u64) -> Simulation {
        let member = |number| Simulated { name: format!("f{number}"), ..Simulated::default() };
        Simulation {
            now: 1000,
            probation: Probation::new(LEASE),
            awaited: Awaited::new(LEASE, LEASE / 8),
            members: (0..members).map(member).collect(),
            write: None,
            written: 0,
        }
    }

    fn count(&mut self, run: usize) {
        let now = at(self.now);
        if let Some(since) = self.awaited.silent_since(run as u64) {
            self.probation.count(&self.members[run].name, since, now);
        }
    }

    fn step(&mut self, backend_runs: bool) {
        self.now += 10;
        if !backend_runs {
            return;
        }
        let now = self.now;
        for run in 0..self.members.len() {
            if self.members[run].stopped_until > now {
                continue;
            }
            self.count(run);
            if let Some((_, position, _)) = self.write {
                self.awaited.acknowledge(run as u64, position, at(now));
            }
            let asked = self.members[run].asked;
            if asked.is_some_and(|asked| now - asked < 250) {
                continue;
            }
            let gap = asked.map(|asked| Duration::from_millis(now - asked));
            let asking = Asking { gap, answer_took: gap.and(Some(Duration::from_millis(1))) };
            self.probation.asked(&self.members[run].name, asking, at(now));
            let names: Vec<_> = self.members.iter().map(|member| member.name.as_str()).collect();
            let withheld = self.probation.withholds(names[run], names.iter().copied());
            let member = &mut self.members[run];
            member.probations += u32::from(withheld && !member.withheld);
            member.withheld = withheld;
            member.asked = Some(now);
            if !withheld {
                member.lease_until = now + 1000;
            }
        }
        match self.write {
            None => {
                self.written += 1;
                let position = Position(self.written);
                let holders = self.members.iter().enumerate();
                let holders = holders.filter(|(_, member)| member.lease_until > now);
                let holders = holders.map(|(run, _)| (run as u64, Position::START));
                let ticket = self.awaited.begin(position, at(now), None, holders);
                self.write = Some((ticket, position, now + 1000));
            }
            Some((ticket, _, until)) => {
                let silent = self.awaited.silent(ticket);
                let over = silent.is_empty() || now >= until;
                for run in silent {
                    let patience = self.probation.patience();
                    let since = self.awaited.silent_since(run);
                    if since.is_some_and(|since| at(now).since(since) > patience) {
                        self.members[run as usize].waited += 10;
                    }
                    if over {
                        self.count(run as usize);
                    }
                }
                if over {
                    self.awaited.end(ticket, at(now));
                    self.write = None;
                }
            }
        }
        let names: Vec<_> = self.members.iter().map(|member| member.name.as_str()).collect();
        let withheld = names.iter().filter(|name| self.probation.withholds(name, names.clone()));
        let withheld = withheld.count();
        let bound = match self.members.len() {
            1 => 0,
            members => (members / 4).max(1),
        };
        assert!(withheld <= bound, "{withheld} of {}", self.members.len());
    }
}

/// Stops members and the back end at random, and then leaves all undisturbed. Checks the cost of
/// each member's stops, and that no member stays on probation.
fn script(choices: &mut StdRng, members: u64, stopping: u64, backend_stops: bool) -> Simulation {
    let mut simulation = Simulation::new(members);
    let mut backend_stopped_until = 0;
    let length = 60_000;
    while simulation.now < length {
        for run in 0..stopping as usize {
            let member = &mut simulation.members[run];
            if member.stopped_until <= simulation.now && choices.random_bool(0.02) {
                member.stopped_until = simulation.now + choices.random_range(50..2500);
            }
        }
        if backend_stops && choices.random_bool(0.005) {
            backend_stopped_until = simulation.now + choices.random_range(50..2500);
        }
        simulation.step(simulation.now >= backend_stopped_until);
    }
    // After a long time without stops every penalty is over.
    while simulation.now < length + 150_000 {
        simulation.step(true);
    }
    for member in &simulation.members {
        assert!(simulation.probation.penalty(&member.name).is_none(), "{}", member.name);
    }
    simulation
}

#[test]
fn one_front_end_that_stops_at_random_costs_a_lease_at_growing_intervals() {
    let seed = rand::random();
    println!("seed {seed}");
    let mut choices = StdRng::seed_from_u64(seed);
    for members in 2..10 {
        let simulation = script(&mut choices, members, 1, false);
        let flapping = &simulation.members[0];
        // 60 s are less than 1 + 2 + 4 + … + 64 leases.
        assert!((1..=6).contains(&flapping.probations), "{} times", flapping.probations);
        let bound = 1600 * u64::from(flapping.probations + 1) + 210_000 / u64::from(SHARE);
        assert!(flapping.waited <= bound, "{} ms, not {bound}", flapping.waited);
        assert!(simulation.members[1..].iter().all(|member| member.probations == 0));
    }
}

#[test]
fn a_back_end_that_stops_at_random_puts_none_on_probation() {
    let seed = rand::random();
    println!("seed {seed}");
    let mut choices = StdRng::seed_from_u64(seed);
    for members in 1..10 {
        let simulation = script(&mut choices, members, 0, true);
        assert!(simulation.members.iter().all(|member| member.probations == 0));
    }
}

#[test]
fn however_many_stop_at_random_a_quarter_at_most_is_on_probation() {
    let seed = rand::random();
    println!("seed {seed}");
    let mut choices = StdRng::seed_from_u64(seed);
    for members in 1..13 {
        let stopping = choices.random_range(0..=members);
        script(&mut choices, members, stopping, true);
    }
}
