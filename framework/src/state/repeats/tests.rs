use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::*;
use crate::log::{Invalidation, RequestDigest, UpdateOutcome};
use crate::state::{At, State, States, Store, Updates, Value};

#[derive(Clone, Default, State)]
struct Account {
    balance: Value<u64>,
}

#[derive(Serialize, Deserialize)]
enum Change {
    Add(u64),
    Take { amount: u64 },
    Clear,
    Describe(usize),
}

impl Updates for Account {
    type Update = Change;
    type Output = String;
    type Refusal = &'static str;

    fn apply(&mut self, change: Change, at: &mut At) -> Result<String, &'static str> {
        let balance = *self.balance.get();
        self.balance.set(match change {
            Change::Add(0) => panic!("there is nothing to add"),
            Change::Add(amount) => balance + amount,
            Change::Take { amount } => balance.checked_sub(amount).ok_or("too much")?,
            Change::Clear => 0,
            Change::Describe(length) => return Ok("x".repeat(length)),
        });
        at.invalidate(Invalidation::new().group("balance"));
        Ok(format!("{} at {}", self.balance.get(), at.position))
    }
}

/// A log of one state.
struct Log {
    states: States,
    store: Arc<Store<Account>>,
    last: u64,
}

fn log() -> Log {
    let mut states = States::new();
    let store = states.register::<Account>().unwrap();
    Log { states, store, last: 0 }
}

/// A request with a key: call, digest of its head, digest of its body.
const KEYED: (u128, u128, Option<u128>) = (7, 1, Some(1));

fn keyed((call, head, body): (u128, u128, Option<u128>), number: u32) -> UpdateId {
    let request = RequestDigest { head, body };
    UpdateId { call, number, source: IdSource::Client { request, kept: 60 } }
}

fn of_front_end(call: u128, again_after: Option<u64>) -> UpdateId {
    let again_after = again_after.map(Position);
    UpdateId { call, number: 0, source: IdSource::FrontEnd { again_after } }
}

/// The output of an update, and the position of the first application if the update is a repetition.
type Outcome = Result<Result<(String, Option<u64>), &'static str>, Unrepeatable>;

impl Log {
    fn try_append(&mut self, id: UpdateId, change: Change, time: u64) -> Option<Outcome> {
        let mut content = self.store.draft(&change).unwrap();
        content.update.as_mut().unwrap().id = Some(id);
        self.last += 1;
        let record = Record { position: Position(self.last), time, content };
        let (outcome, invalidation) = self.states.apply(&record).ok()??;
        let is_made = matches!(outcome, UpdateOutcome::Made(_));
        assert!(is_made || invalidation.is_empty(), "{invalidation:?}");
        self.states.publish();
        let (output, first) = match outcome {
            UpdateOutcome::Made(output) | UpdateOutcome::Refused(output) => (output, None),
            UpdateOutcome::Repeated { first, output } => (output, Some(first.0)),
            UpdateOutcome::Unrepeatable(reason) => return Some(Err(reason)),
        };
        let output = output.downcast::<Result<String, &'static str>>().unwrap();
        Some(Ok(output.map(|output| (output, first))))
    }

    fn append(&mut self, id: UpdateId, change: Change) -> Outcome {
        self.try_append(id, change, 0).expect("it is applied")
    }

    fn balance(&self) -> u64 {
        *self.store.view(None).balance
    }
}

fn made(output: &str) -> Outcome {
    Ok(Ok((output.to_owned(), None)))
}

fn repeated(output: &str, first: u64) -> Outcome {
    Ok(Ok((output.to_owned(), Some(first))))
}

#[test]
fn a_repeated_update_changes_nothing_and_returns_the_first_outcome() {
    let mut log = log();
    assert_eq!(log.append(keyed(KEYED, 0), Change::Add(5)), made("5 at 1"));
    assert_eq!(log.append(keyed(KEYED, 1), Change::Add(5)), made("10 at 2"));
    assert_eq!(log.append(keyed(KEYED, 0), Change::Add(5)), repeated("5 at 1", 1));
    assert_eq!(log.append(keyed(KEYED, 1), Change::Add(5)), repeated("10 at 2", 2));
    assert_eq!(log.balance(), 10);
    let other = (8, KEYED.1, KEYED.2);
    assert_eq!(log.append(keyed(other, 0), Change::Add(5)), made("15 at 5"));
}

#[test]
fn a_refused_or_panicked_update_may_be_repeated() {
    let mut log = log();
    assert_eq!(log.append(keyed(KEYED, 0), Change::Take { amount: 3 }), Ok(Err("too much")));
    assert_eq!(log.try_append(keyed(KEYED, 0), Change::Add(0), 0), None);
    log.append(keyed((9, 9, None), 0), Change::Add(5)).unwrap().unwrap();
    assert_eq!(log.append(keyed(KEYED, 0), Change::Take { amount: 3 }), made("2 at 4"));
    assert_eq!(log.append(keyed(KEYED, 0), Change::Take { amount: 3 }), repeated("2 at 4", 4));
}

#[test]
fn another_request_with_the_key_changes_nothing() {
    let mut log = log();
    // The first of the request's updates is refused, so that only the second one binds the key.
    let _ = log.append(keyed(KEYED, 0), Change::Take { amount: 3 });
    log.append(keyed(KEYED, 1), Change::Add(5)).unwrap().unwrap();
    let (call, head, body) = KEYED;
    for other in [(call, head + 1, body), (call, head, Some(2))] {
        let came = log.append(keyed(other, 0), Change::Add(1));
        assert_eq!(came, Err(Unrepeatable::KeyReused));
    }
    assert_eq!(log.balance(), 5);
    // The body of this one has not been read to its end.
    let unread = keyed((call, head, None), 1);
    assert_eq!(log.append(unread, Change::Add(5)), repeated("5 at 2", 2));
}

#[test]
fn an_update_of_another_kind_is_neither_applied_nor_given_the_outcome() {
    let mut log = log();
    log.append(keyed(KEYED, 0), Change::Add(5)).unwrap().unwrap();
    for other in [Change::Take { amount: 5 }, Change::Clear, Change::Describe(5)] {
        let first = Position(1);
        let came = log.append(keyed(KEYED, 0), other);
        assert_eq!(came, Err(Unrepeatable::OtherUpdate { first }));
    }
    // Random values of a controller may differ.
    assert_eq!(log.append(keyed(KEYED, 0), Change::Add(6)), repeated("5 at 1", 1));
    assert_eq!(log.balance(), 5);
}

#[derive(Clone, Default, State)]
struct Tagged {
    balance: Value<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind")]
enum TaggedChange {
    Add { amount: u64 },
    Take { amount: u64 },
}

impl Updates for Tagged {
    type Update = TaggedChange;
    type Output = String;
    type Refusal = &'static str;

    fn apply(&mut self, change: TaggedChange, _: &mut At) -> Result<String, &'static str> {
        let balance = *self.balance.get();
        self.balance.set(match change {
            TaggedChange::Add { amount } => balance + amount,
            TaggedChange::Take { amount } => balance.checked_sub(amount).ok_or("too much")?,
        });
        Ok(self.balance.get().to_string())
    }
}

#[test]
fn an_update_of_another_kind_is_recognised_however_serde_writes_its_variant() {
    let mut states = States::new();
    let store = states.register::<Tagged>().unwrap();
    let append = |position, change| {
        let mut content = store.draft(&change).unwrap();
        content.update.as_mut().unwrap().id = Some(keyed(KEYED, 0));
        let record = Record { position: Position(position), time: 0, content };
        states.apply(&record).unwrap().unwrap().0
    };
    let made = append(1, TaggedChange::Add { amount: 5 });
    assert!(matches!(made, UpdateOutcome::Made(_)));
    let other = append(2, TaggedChange::Take { amount: 5 });
    let first = Position(1);
    assert!(
        matches!(other, UpdateOutcome::Unrepeatable(reason) if reason == Unrepeatable::OtherUpdate { first })
    );
    let same = append(3, TaggedChange::Add { amount: 6 });
    assert!(matches!(same, UpdateOutcome::Repeated { first: Position(1), .. }), "{same:?}");
}

#[test]
fn an_outcome_that_is_too_long_is_not_kept_and_the_update_not_repeated() {
    let mut log = log();
    // Its length takes three bytes.
    for (length, is_kept) in [(LONGEST_OUTCOME - 3, true), (LONGEST_OUTCOME - 2, false)] {
        let id = || keyed((length as u128, 1, None), 0);
        log.append(id(), Change::Describe(length)).unwrap().unwrap();
        let first = Position(log.last);
        let came = log.append(id(), Change::Describe(length));
        assert_eq!(came.is_ok(), is_kept);
        assert!(is_kept || came == Err(Unrepeatable::NoOutcome { first }));
    }
}

#[test]
fn a_key_is_new_again_after_its_time() {
    let mut log = log();
    let mut add = |time| log.try_append(keyed(KEYED, 0), Change::Add(5), time).unwrap();
    assert_eq!(add(1_000), made("5 at 1"));
    assert_eq!(add(60_999), repeated("5 at 1", 1));
    assert_eq!(add(61_000), made("10 at 3"));
    assert_eq!(add(120_999), repeated("10 at 3", 3));
}

#[test]
fn a_front_end_that_repeats_a_forgotten_update_is_refused() {
    let mut log = log();
    let add = |log: &mut Log, again_after, time| {
        log.try_append(of_front_end(7, again_after), Change::Add(5), time).unwrap()
    };
    assert_eq!(add(&mut log, None, 0), made("5 at 1"));
    assert_eq!(add(&mut log, Some(0), FRONT_END_KEPT - 1), repeated("5 at 1", 1));
    assert_eq!(add(&mut log, Some(0), FRONT_END_KEPT), Err(Unrepeatable::Forgotten));
    // One that was sent first after all that was forgotten was certainly not applied.
    assert_eq!(add(&mut log, Some(1), FRONT_END_KEPT), made("10 at 4"));
}

#[test]
fn the_last_ids_are_kept_and_no_more() {
    let mut ids = Ids::new(3);
    for position in 1..=9 {
        let id = of_front_end(position.into(), None);
        ids.insert(Position(position), Made { id, kind: 0, until: 9, outcome: None });
    }
    assert_eq!((ids.made.len(), ids.positions.len(), ids.forgotten), (3, 3, Position(6)));
    let kept = ids.positions.keys().map(|(call, _)| *call).collect::<Vec<_>>();
    assert_eq!(kept, [7, 8, 9]);
}

#[test]
fn loaded_ids_recognise_the_same_updates() {
    let mut before = log();
    before.append(of_front_end(9, None), Change::Add(1)).unwrap().unwrap();
    before.try_append(keyed(KEYED, 0), Change::Add(5), FRONT_END_KEPT).unwrap().unwrap().unwrap();
    before
        .try_append(of_front_end(8, None), Change::Add(1), FRONT_END_KEPT)
        .unwrap()
        .unwrap()
        .unwrap();
    let mut after = log();
    for state in before.states.save() {
        for field in state.fields {
            for piece in field.items {
                after.states.load(state.name, field.name, field.version, &piece).unwrap();
            }
        }
    }
    after.states.publish();
    after.last = before.last;
    assert_eq!(after.append(keyed(KEYED, 0), Change::Add(5)), repeated("6 at 2", 2));
    assert_eq!(after.append(of_front_end(8, Some(0)), Change::Add(1)), repeated("7 at 3", 3));
    let late = after.append(of_front_end(9, Some(0)), Change::Add(1));
    assert_eq!(late, Err(Unrepeatable::Forgotten));
    after.states.reset();
    assert_eq!(after.append(keyed(KEYED, 0), Change::Add(5)), made("5 at 7"));
}
