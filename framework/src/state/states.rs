use std::any::{Any, type_name};
use std::collections::HashMap;
use std::panic::catch_unwind;
use std::sync::Arc;

use bytes::Bytes;

use super::store::decode;
use super::{At, State, Store};
use crate::log::{Applied, ApplyError, Record, panic_message};

/// All states of a site.
#[derive(Default)]
pub struct States {
    by_name: HashMap<&'static str, Registered>,
}

struct Registered {
    type_name: &'static str,
    store: Arc<dyn Updatable>,
}

/// Two states of a site have one name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the states `{first}` and `{second}` are both named \"{name}\": give each state a name of its own with \
     `const NAME: &'static str = …`, and register each only once"
)]
pub struct DuplicateState {
    /// The name.
    pub name: &'static str,
    /// The type that was registered first.
    pub first: &'static str,
    /// The type that was to be registered too.
    pub second: &'static str,
}

impl States {
    /// No states yet.
    pub fn new() -> States {
        States::default()
    }

    /// Adds the state `S` with its value before the first update.
    ///
    /// # Errors
    ///
    /// When there is a state of that name.
    pub fn add<S: State>(&mut self) -> Result<(), DuplicateState> {
        self.register::<S>().map(|_| ())
    }

    /// [Adds](States::add) the state `S` and returns its store.
    pub(crate) fn register<S: State>(&mut self) -> Result<Arc<Store<S>>, DuplicateState> {
        let second = type_name::<S>();
        if let Some(Registered { type_name: first, .. }) = self.by_name.get(S::NAME) {
            return Err(DuplicateState { name: S::NAME, first, second });
        }
        let store = Arc::new(Store::<S>::new());
        self.by_name.insert(S::NAME, Registered { type_name: second, store: store.clone() });
        Ok(store)
    }

    /// The store of the state `S`, if it was [added](States::add).
    pub(crate) fn get<S: State>(&self) -> Option<Arc<Store<S>>> {
        let store: Arc<dyn Any + Send + Sync> = self.by_name.get(S::NAME)?.store.clone();
        store.downcast().ok()
    }

    /// Applies a record's update to its state and returns what the state's `apply` returned;
    /// `None` when the record holds no update. The log's records must come in order. Readers see the
    /// update after [`publish`](States::publish), at the latest.
    ///
    /// # Errors
    ///
    /// When the state's `apply` panics, and when the record cannot be understood: its state is not
    /// registered or its update does not decode. In each case all states are as they were.
    pub(crate) fn apply(&self, record: &Record) -> Applied {
        let Some(update) = &record.content.update else { return Ok(None) };
        let Some(registered) = self.by_name.get(update.state.as_str()) else {
            return Err(ApplyError::Unreadable { message: self.unknown(record, &update.state) });
        };
        registered.store.update_from_log(&update.update, At::record(record))
    }

    /// Lets readers see the updates that were [applied](States::apply).
    pub(crate) fn publish(&self) {
        for registered in self.by_name.values() {
            registered.store.publish_from_log();
        }
    }

    fn unknown(&self, record: &Record, state: &str) -> String {
        let mut known: Vec<&str> = self.by_name.keys().copied().collect();
        known.sort_unstable();
        format!(
            "the record at position {} updates the state \"{state}\", but the site has {}: register it with \
             `App::state`, under the `NAME` it had when the record was written",
            record.position,
            if known.is_empty() {
                "no states".to_owned()
            } else {
                format!("only \"{}\"", known.join("\", \""))
            },
        )
    }
}

/// A store of any state.
trait Updatable: Any + Send + Sync {
    fn update_from_log(&self, update: &Bytes, at: At) -> Applied;
    fn publish_from_log(&self);
}

impl<S: State> Updatable for Store<S> {
    fn publish_from_log(&self) {
        self.publish();
    }

    fn update_from_log(&self, bytes: &Bytes, at: At) -> Applied {
        let decoded = catch_unwind(|| decode::<S>(bytes))
            .unwrap_or_else(|panic| Err(format!("decoding panicked: {}", panic_message(&*panic))));
        let update = decoded.map_err(|reason| ApplyError::Unreadable {
            message: format!(
                "the update of the state \"{}\" at position {} cannot be decoded as `{}`: {reason}. \
                 The type has changed since the record was written: change it back, and make changes \
                 by adding variants at its end",
                S::NAME,
                at.position,
                type_name::<S::Update>(),
            ),
        })?;
        Ok(Some(Box::new(self.apply(update, bytes, at)?)))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::log::{Draft, Position, StateUpdate};

    #[derive(Clone, Default)]
    struct Counter {
        total: u64,
        last: Option<At>,
    }

    #[derive(Serialize, Deserialize)]
    enum Count {
        Add(u64),
        Explode,
    }

    impl State for Counter {
        const NAME: &'static str = "counter";
        type Update = Count;
        type Output = u64;

        fn apply(&mut self, update: Count, at: At) -> u64 {
            self.last = Some(at);
            match update {
                Count::Add(number) => self.total += number,
                Count::Explode => {
                    self.total = u64::MAX;
                    panic!("exploded");
                }
            }
            self.total
        }
    }

    #[derive(Clone, Default)]
    struct Namesake;

    impl State for Namesake {
        const NAME: &'static str = "counter";
        type Update = ();
        type Output = ();

        fn apply(&mut self, (): (), _: At) {}
    }

    fn record(position: u64, content: Draft) -> Record {
        Record { position: Position(position), time: 1_700_000_000_123, content }
    }

    fn raw(state: &str, update: &'static [u8]) -> Draft {
        let (state, update) = (state.to_owned(), Bytes::from_static(update));
        Draft { update: Some(StateUpdate { state, update }), ..Draft::default() }
    }

    fn unreadable(states: &States, draft: Draft) -> String {
        match states.apply(&record(7, draft)) {
            Err(ApplyError::Unreadable { message }) => message,
            _ => panic!("it was read"),
        }
    }

    #[test]
    fn a_record_is_applied_to_the_state_that_it_names() {
        let mut states = States::new();
        let store = states.register::<Counter>().unwrap();
        let before = store.snapshot();
        for (position, total) in [(1, 5), (2, 10)] {
            let draft = store.draft(&Count::Add(5)).unwrap();
            let output = states.apply(&record(position, draft)).unwrap().unwrap();
            assert_eq!(*output.downcast::<u64>().unwrap(), total);
        }
        assert_eq!(store.query(|counter| counter.total), 0, "the transaction is not at its end");
        states.publish();
        assert_eq!((before.total, store.query(|counter| counter.total)), (0, 10));
        let at = states.get::<Counter>().unwrap().snapshot().last.unwrap();
        assert_eq!((at.position, at.millis()), (Position(2), 1_700_000_000_123));
        assert!(states.apply(&record(3, Draft::default())).unwrap().is_none());
    }

    #[test]
    fn a_panic_leaves_the_state_as_it_was_and_the_next_update_works() {
        let mut states = States::new();
        let store = states.register::<Counter>().unwrap();
        let explode = store.draft(&Count::Explode).unwrap();
        let error = states.apply(&record(1, explode)).unwrap_err();
        assert_eq!(error, ApplyError::Panicked { message: "exploded".to_owned() });
        assert_eq!(store.query(|counter| (counter.total, counter.last)), (0, None));
        states.apply(&record(2, store.draft(&Count::Add(1)).unwrap())).unwrap();
        states.publish();
        assert_eq!(store.query(|counter| counter.total), 1);
    }

    /// A state that is expensive to clone, and counts how often that is done.
    #[derive(Default)]
    struct Costly {
        numbers: Vec<u64>,
        clones: Arc<AtomicUsize>,
    }

    impl Clone for Costly {
        fn clone(&self) -> Costly {
            self.clones.fetch_add(1, Ordering::Relaxed);
            Costly { numbers: self.numbers.clone(), clones: Arc::clone(&self.clones) }
        }
    }

    impl State for Costly {
        const NAME: &'static str = "costly";
        type Update = (u64, String);
        type Output = ();

        fn apply(&mut self, (number, _): (u64, String), _: At) {
            self.numbers.push(number);
            assert!(number % 1000 != 7, "it is one of those that are refused");
        }
    }

    /// Applies updates in one transaction, as a replay does; tells how many clones that took.
    fn replay(updates: u64, payload: usize) -> usize {
        let mut states = States::new();
        let store = states.register::<Costly>().unwrap();
        let mut refused = 0;
        for number in 1..=updates {
            let draft = store.draft(&(number, "x".repeat(payload))).unwrap();
            refused += usize::from(states.apply(&record(number, draft)).is_err());
        }
        states.publish();
        assert_eq!(refused as u64, updates.div_ceil(1000));
        let expected: Vec<u64> = (1..=updates).filter(|number| number % 1000 != 7).collect();
        assert!(store.query(|costly| costly.numbers == expected));
        store.query(|costly| costly.clones.load(Ordering::Relaxed)) - 2 * refused
    }

    #[test]
    fn a_replay_clones_the_state_for_updates_that_panic_and_hardly_ever_else() {
        assert_eq!(replay(1000, 0), 1);
        assert_eq!(replay(20_000, 0), 1);
        // Of 30 MiB no more than 16 are kept at a time.
        assert_eq!(replay(1500, 20 << 10), 2);
    }

    #[test]
    fn two_states_of_one_name_are_refused_with_both_types() {
        let mut states = States::new();
        states.add::<Counter>().unwrap();
        let error = states.add::<Namesake>().err().unwrap().to_string();
        assert!(error.contains("tests::Counter` and `"), "{error}");
        assert!(error.contains("both named \"counter\""), "{error}");
        assert!(states.get::<Namesake>().is_none());
    }

    #[test]
    fn a_record_of_an_unknown_state_says_which_states_there_are() {
        let mut states = States::new();
        states.add::<Counter>().unwrap();
        let message = unreadable(&states, raw("wiki", &[]));
        let expected = "position 7 updates the state \"wiki\", but the site has only \"counter\"";
        assert!(message.contains(expected), "{message}");
    }

    #[test]
    fn an_update_that_does_not_decode_says_that_its_type_has_changed() {
        let mut states = States::new();
        let store = states.register::<Counter>().unwrap();
        for bytes in [&[9][..], &[0], &[0, 1, 1]] {
            let message = unreadable(&states, raw("counter", bytes));
            assert!(message.contains("the state \"counter\" at position 7"), "{message}");
            assert!(message.contains("tests::Count`"), "{message}");
            assert!(message.contains("The type has changed"), "{message}");
        }
        assert_eq!(store.query(|counter| counter.total), 0);
    }
}
