//! Updates that come a second time are recognised here, and get the outcome of the first.
//!
//! A request may be sent twice: by its client, which has lost the answer and sends it again with the same
//! `Idempotency-Key`, or by a front end whose link broke. The controller runs twice then, and each of its updates is to
//! be applied once. So an update carries an id ([`UpdateId`]): that of the request, and its number among the
//! request's updates.
//!
//! # The argument
//!
//! **Whether an update repeats another is decided on applying it**, by what the log holds before it. So every node that
//! applies the log decides alike, and so does a replay; two requests that are answered at the same time are
//! ordered by the log. Nothing that a node is configured with has a part in it, or a replay with another
//! configuration would come to other data: how long an id is kept stands in its record, time is the time of records,
//! and the most ids are constants.
//!
//! **A repeated update changes nothing** and invalidates nothing. Its writer receives the outcome of the first one, kept
//! here as it is encoded, and the first one's position. It waits until its own record is acknowledged by every front end:
//! they acknowledge records in order, so the first one is acknowledged then, too.
//!
//! **Only updates that were made are kept.** A refusal or a panic has changed nothing, so the same request may be tried
//! again, and may succeed then.
//!
//! **An outcome is never given to another update.** The controller of a request that is sent again reads data which its
//! first run has changed, so it may come to other updates. Were they told apart by their numbers alone, one that was
//! never applied could get the outcome of another. So the kind of update is compared: its state, and its variant
//! where it is of an enum. One of another kind is an error, as it is neither right to apply it nor to leave it out. The
//! contents are not compared: they may hold what a controller draws at random (the salt of a password), or a
//! time.
//!
//! **A key is bound to its request**: to the digest of what the first update of that key was written for. With
//! another digest nothing is applied.
//!
//! # What is forgotten
//!
//! An id is kept for the time that its record says, [`FRONT_END_KEPT`] for those of front ends, and of each source
//! the last [`MOST_OF_CLIENTS`] or [`MOST_OF_FRONT_ENDS`] are kept. With the longest outcome, [`LONGEST_OUTCOME`], this is
//! bounded. Of what is forgotten early the oldest goes first. A client's key that
//! is forgotten is a new key. Front ends get a stronger promise: the request that they send again carries the position of the
//! log from before it was sent first, and if ids of later positions were forgotten, it is refused, because
//! nothing tells whether it was applied.
//!
//! All of it is in checkpoints, as a state of the framework's own.

use std::collections::BTreeMap;

use bytes::Bytes;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::encoding;
use crate::log::{IdSource, Position, Record, StateUpdate, Unrepeatable, UpdateId};

/// For how long ids of front ends are kept, in milliseconds.
const FRONT_END_KEPT: u64 = 5 * 60 * 1000;
/// How many ids of clients are kept.
const MOST_OF_CLIENTS: usize = 1 << 18;
/// How many ids of front ends are kept.
const MOST_OF_FRONT_ENDS: usize = 1 << 16;
/// The longest outcome that is kept, in bytes.
const LONGEST_OUTCOME: usize = 1024;

/// The updates that were made and may come a second time.
#[derive(Debug)]
pub(super) struct Repeats {
    of_clients: Ids,
    of_front_ends: Ids,
}

/// What is known of an update.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Recognised {
    /// It may be applied.
    New,
    /// It repeats the one at this position, which had this outcome.
    Repeats(Position, Bytes),
    /// It may be neither applied nor left out.
    Not(Unrepeatable),
}

/// The ids of one source.
#[derive(Debug)]
struct Ids {
    most: usize,
    /// By the positions of their records. A checkpoint takes a copy, while the log goes on.
    made: OrdMap<Position, Made>,
    /// By the request and the number.
    positions: BTreeMap<(u128, u32), Position>,
    /// The last one that was forgotten.
    forgotten: Position,
}

/// An update that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Made {
    id: UpdateId,
    kind: u64,
    /// Until when it is kept, as the times of records count.
    until: u64,
    /// None where it is too long.
    outcome: Option<Bytes>,
}

/// What a checkpoint holds of it.
#[derive(Debug, Serialize, Deserialize)]
enum Item {
    Made(Position, Made),
    /// The last ones that were forgotten.
    Forgotten {
        of_clients: Position,
        of_front_ends: Position,
    },
}

impl Default for Repeats {
    fn default() -> Repeats {
        Repeats {
            of_clients: Ids::new(MOST_OF_CLIENTS),
            of_front_ends: Ids::new(MOST_OF_FRONT_ENDS),
        }
    }
}

impl Repeats {
    /// What is known of the record's update before it is applied.
    pub(super) fn recognise(&mut self, record: &Record, update: &StateUpdate) -> Recognised {
        let Some(id) = &update.id else { return Recognised::New };
        let ids = self.of(&id.source);
        ids.forget_until(record.time);
        ids.recognise(id, kind(update))
    }

    /// Keeps an update that was made, with its encoded outcome.
    pub(super) fn keep(&mut self, record: &Record, update: &StateUpdate, outcome: Option<Vec<u8>>) {
        let Some(id) = &update.id else { return };
        let kept = match id.source {
            IdSource::Client { kept, .. } => u64::from(kept) * 1000,
            IdSource::FrontEnd { .. } => FRONT_END_KEPT,
        };
        let until = record.time.saturating_add(kept);
        let outcome = outcome.filter(|outcome| outcome.len() <= LONGEST_OUTCOME).map(Bytes::from);
        let made = Made { id: id.clone(), kind: kind(update), until, outcome };
        self.of(&id.source).insert(record.position, made);
    }

    fn of(&mut self, source: &IdSource) -> &mut Ids {
        match source {
            IdSource::Client { .. } => &mut self.of_clients,
            IdSource::FrontEnd { .. } => &mut self.of_front_ends,
        }
    }

    /// The items that a checkpoint keeps.
    pub(super) fn save(&self) -> impl Iterator<Item = Vec<u8>> + Send + use<> {
        let (of_clients, of_front_ends) = (self.of_clients.forgotten, self.of_front_ends.forgotten);
        let forgotten = Item::Forgotten { of_clients, of_front_ends };
        let is_needed = of_clients.max(of_front_ends) > Position::START;
        let made = self.of_clients.made.clone().into_iter();
        let made = made.chain(self.of_front_ends.made.clone());
        let made = made.map(|(position, made)| Item::Made(position, made));
        let items = is_needed.then_some(forgotten).into_iter().chain(made);
        items.map(|item| encoding::encode_kept(&item))
    }

    /// Takes an item that was [saved](Repeats::save).
    pub(super) fn load(&mut self, item: &[u8]) -> Result<(), String> {
        match encoding::decode(item)? {
            Item::Made(position, made) => self.of(&made.id.source).insert(position, made),
            Item::Forgotten { of_clients, of_front_ends } => {
                self.of_clients.forgotten = of_clients;
                self.of_front_ends.forgotten = of_front_ends;
            }
        }
        Ok(())
    }
}

impl Ids {
    fn new(most: usize) -> Ids {
        Ids { most, made: OrdMap::new(), positions: BTreeMap::new(), forgotten: Position::START }
    }

    fn recognise(&self, id: &UpdateId, kind: u64) -> Recognised {
        let mut of_call = self.positions.range((id.call, 0)..=(id.call, u32::MAX));
        let first = of_call.next().and_then(|(_, position)| self.made.get(position));
        if let Some(Made { id: UpdateId { source: IdSource::Client { request, .. }, .. }, .. }) =
            first
            && let IdSource::Client { request: asked, .. } = &id.source
            && !request.agrees(*asked)
        {
            return Recognised::Not(Unrepeatable::KeyReused);
        }
        let position = self.positions.get(&(id.call, id.number));
        let made = position.and_then(|position| Some((*position, self.made.get(position)?)));
        match (made, &id.source) {
            (Some((first, made)), _) if made.kind != kind => {
                Recognised::Not(Unrepeatable::OtherUpdate { first })
            }
            (Some((first, Made { outcome: Some(outcome), .. })), _) => {
                Recognised::Repeats(first, outcome.clone())
            }
            (Some((first, _)), _) => Recognised::Not(Unrepeatable::NoOutcome { first }),
            (None, IdSource::FrontEnd { again_after: Some(after) }) if *after < self.forgotten => {
                Recognised::Not(Unrepeatable::Forgotten)
            }
            (None, _) => Recognised::New,
        }
    }

    fn insert(&mut self, position: Position, made: Made) {
        self.positions.insert((made.id.call, made.id.number), position);
        self.made.insert(position, made);
        while self.made.len() > self.most && self.forget_first().is_some() {}
    }

    /// Forgets what was kept until `time`, the oldest first.
    fn forget_until(&mut self, time: u64) {
        while self.made.get_min().is_some_and(|(_, made)| made.until <= time)
            && self.forget_first().is_some()
        {}
    }

    fn forget_first(&mut self) -> Option<()> {
        let position = self.made.get_min()?.0;
        let Made { id, .. } = self.made.remove(&position)?;
        self.positions.remove(&(id.call, id.number));
        self.forgotten = position;
        Some(())
    }
}

/// What an update does, without its contents: its state, and its variant where it is of an enum.
fn kind(update: &StateUpdate) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(update.state.as_bytes());
    hasher.update(&[0]);
    hasher.update(variant(&update.update));
    hasher.digest()
}

/// The name of the variant of an encoded value. A struct with a single field looks like one, too.
fn variant(encoded: &[u8]) -> &[u8] {
    // A variant with contents is a map of one entry, any other is its name.
    let named = encoded.strip_prefix(b"\x81").unwrap_or(encoded);
    let (length, name) = match named {
        [marker @ 0xa0..=0xbf, name @ ..] => (usize::from(marker & 0x1f), name),
        [0xd9, length, name @ ..] => (usize::from(*length), name),
        _ => return &[],
    };
    name.get(..length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
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

    /// What became of an update, and the position that it was first applied at if it is a repetition.
    type Came = Result<Result<(String, Option<u64>), &'static str>, Unrepeatable>;

    impl Log {
        fn try_append(&mut self, id: UpdateId, change: Change, time: u64) -> Option<Came> {
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

        fn append(&mut self, id: UpdateId, change: Change) -> Came {
            self.try_append(id, change, 0).expect("it is applied")
        }

        fn balance(&self) -> u64 {
            *self.store.view(None).balance
        }
    }

    fn made(output: &str) -> Came {
        Ok(Ok((output.to_owned(), None)))
    }

    fn repeated(output: &str, first: u64) -> Came {
        Ok(Ok((output.to_owned(), Some(first))))
    }

    #[test]
    fn an_update_that_comes_again_changes_nothing_and_returns_the_first_outcome() {
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
    fn a_refused_and_a_panicked_update_may_come_again() {
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
        // What a controller draws at random may differ.
        assert_eq!(log.append(keyed(KEYED, 0), Change::Add(6)), repeated("5 at 1", 1));
        assert_eq!(log.balance(), 5);
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
    fn a_front_end_that_comes_again_too_late_is_told_so() {
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
    fn what_was_saved_recognises_the_same_updates() {
        let mut before = log();
        before.append(of_front_end(9, None), Change::Add(1)).unwrap().unwrap();
        before
            .try_append(keyed(KEYED, 0), Change::Add(5), FRONT_END_KEPT)
            .unwrap()
            .unwrap()
            .unwrap();
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
}
