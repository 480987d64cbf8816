use std::any::{Any, type_name};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::repeats::{Recognised, Repeats};
use super::saved::{self, REPEATS, SavedField};
use super::store::decode;
use super::{At, Store, Updates, encoding};
use crate::log::{
    ApplyError, Invalidation, Record, StateUpdate, Unrepeatable, UpdateOutcome, panic_message,
};

/// All states of a site.
#[derive(Default)]
pub struct States {
    pub(super) by_name: HashMap<&'static str, Registered>,
    repeats: Mutex<Repeats>,
    fingerprint: OnceLock<u64>,
}

pub(super) struct Registered {
    type_name: &'static str,
    pub(super) store: Arc<dyn Updatable>,
}

/// What has become of an update, and what it invalidates.
pub(crate) type Application = (UpdateOutcome, Invalidation);

/// The way in which names of groups are made of what is read and changed. A change of it is a change of
/// [`States::fingerprint`].
const GROUPS_VERSION: u32 = 2;

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
    pub fn add<S: Updates>(&mut self) -> Result<(), DuplicateState> {
        self.register::<S>().map(|_| ())
    }

    /// [Adds](States::add) the state `S` and returns its store.
    pub(crate) fn register<S: Updates>(&mut self) -> Result<Arc<Store<S>>, DuplicateState> {
        let second = type_name::<S>();
        if S::NAME == REPEATS.0 {
            let first = "headwater::state::repeats::Repeats";
            return Err(DuplicateState { name: S::NAME, first, second });
        }
        if let Some(Registered { type_name: first, .. }) = self.by_name.get(S::NAME) {
            return Err(DuplicateState { name: S::NAME, first, second });
        }
        let store = Arc::new(Store::<S>::new());
        self.fingerprint.take();
        self.by_name.insert(S::NAME, Registered { type_name: second, store: store.clone() });
        Ok(store)
    }

    /// The store of the state `S`, if it was [added](States::add).
    pub(crate) fn get<S: Updates>(&self) -> Option<Arc<Store<S>>> {
        let store: Arc<dyn Any + Send + Sync> = self.by_name.get(S::NAME)?.store.clone();
        store.downcast().ok()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// The names of all tables and values, as groups begin with them.
    pub(crate) fn field_names(&self) -> Vec<&'static str> {
        self.by_name.values().flat_map(|state| state.store.names().iter().copied()).collect()
    }

    /// What the groups are made of that updates invalidate: fields, keys, indexes, versions of `apply`; and how
    /// rows and values are encoded. Front ends that have followed another derivation cannot know what a record made
    /// wrong in their caches, and nodes with another one cannot compare hashes.
    pub(crate) fn fingerprint(&self) -> u64 {
        *self.fingerprint.get_or_init(|| self.derive_fingerprint())
    }

    fn derive_fingerprint(&self) -> u64 {
        let mut states: Vec<String> = self
            .by_name
            .iter()
            .map(|(name, state)| format!("{name} {}", state.store.schema()))
            .collect();
        states.sort_unstable();
        states.push(GROUPS_VERSION.to_string());
        xxhash_rust::xxh3::xxh3_64(states.join("\n").as_bytes())
    }

    /// Applies a record's update to its state; `None` when the record holds no update. The log's records must come
    /// in order. Readers see the update after [`publish`](States::publish).
    ///
    /// # Errors
    ///
    /// When the state's `apply` panics, and when the record cannot be understood: its state is not
    /// registered or its update does not decode. In each case all states are as they were.
    pub(crate) fn apply(&self, record: &Record) -> Result<Option<Application>, ApplyError> {
        let Some(update) = &record.content.update else { return Ok(None) };
        let Some(registered) = self.by_name.get(update.state.as_str()) else {
            return Err(ApplyError::Unreadable { message: self.unknown(record, &update.state) });
        };
        let recognised = self.repeats().recognise(record, update);
        let repeated = match recognised {
            Recognised::New => {
                let (outcome, invalidation) =
                    registered.store.update_from_log(update, At::record(record))?;
                if let UpdateOutcome::Made(output) = &outcome
                    && update.id.is_some()
                {
                    let encoded = registered.store.encode_output(&**output);
                    self.repeats().keep(record, update, encoded);
                }
                return Ok(Some((outcome, invalidation)));
            }
            Recognised::Repeats(first, encoded) => match registered.store.decode_output(&encoded) {
                Some(output) => UpdateOutcome::Repeated { first, output },
                None => UpdateOutcome::Unrepeatable(Unrepeatable::NoOutcome { first }),
            },
            Recognised::Not(reason) => UpdateOutcome::Unrepeatable(reason),
        };
        Ok(Some((repeated, Invalidation::new())))
    }

    pub(super) fn repeats(&self) -> MutexGuard<'_, Repeats> {
        self.repeats.lock().unwrap_or_else(PoisonError::into_inner)
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
pub(super) trait Updatable: Any + Send + Sync {
    fn update_from_log(&self, update: &StateUpdate, at: At) -> Result<Application, ApplyError>;
    fn publish_from_log(&self);
    fn encode_output(&self, output: &dyn Any) -> Option<Vec<u8>>;
    fn decode_output(&self, encoded: &[u8]) -> Option<Box<dyn Any + Send>>;
    fn schema(&self) -> String;
    fn names(&self) -> &[&'static str];
    fn save(&self) -> Vec<SavedField>;
    fn reset(&self);
    fn load(&self, field: &str, version: u32, item: &[u8]) -> Result<(), String>;
    fn loaded(&self) -> Result<(), String>;
    fn fields(&self) -> Vec<&'static str>;
    fn hashes(&self) -> Vec<Option<u128>>;
    fn rehash(&self);
    fn is_stable(&self, place: usize) -> bool;
    fn forget_hash(&self, place: usize);
}

impl<S: Updates> Updatable for Store<S> {
    fn publish_from_log(&self) {
        self.publish();
    }

    fn names(&self) -> &[&'static str] {
        Store::names(self)
    }

    fn encode_output(&self, output: &dyn Any) -> Option<Vec<u8>> {
        let output = output.downcast_ref::<Result<S::Output, S::Refusal>>()?.as_ref().ok()?;
        // The update is applied, so a `Serialize` that panics is one that fails.
        catch_unwind(AssertUnwindSafe(|| encoding::encode(output))).ok()?.ok()
    }

    fn decode_output(&self, encoded: &[u8]) -> Option<Box<dyn Any + Send>> {
        let output = catch_unwind(|| encoding::decode::<S::Output>(encoded)).ok()?.ok()?;
        Some(Box::new(Ok::<S::Output, S::Refusal>(output)))
    }

    fn save(&self) -> Vec<SavedField> {
        saved::save(&*self.current(), &Store::hashes(self))
    }

    fn reset(&self) {
        self.restore(|value| *value = S::default());
        self.rehash();
    }

    fn load(&self, field: &str, version: u32, item: &[u8]) -> Result<(), String> {
        self.restore(|value| saved::load(value, field, version, item))
    }

    fn fields(&self) -> Vec<&'static str> {
        S::FIELDS.iter().map(|(field, _)| *field).collect()
    }

    fn hashes(&self) -> Vec<Option<u128>> {
        Store::hashes(self)
    }

    fn rehash(&self) {
        Store::rehash(self);
    }

    fn is_stable(&self, place: usize) -> bool {
        Store::is_stable(self, place)
    }

    fn forget_hash(&self, place: usize) {
        Store::forget_hash(self, place);
    }

    fn loaded(&self) -> Result<(), String> {
        self.restore(saved::loaded)
    }

    fn schema(&self) -> String {
        let fields = S::FIELDS.iter().map(|(name, schema)| format!("{name} {}", schema()));
        format!("{} {}\n{}", S::VERSION, S::UPDATE_VERSION, fields.collect::<Vec<_>>().join("\n"))
    }

    fn update_from_log(&self, update: &StateUpdate, at: At) -> Result<Application, ApplyError> {
        if update.version > S::UPDATE_VERSION {
            return Err(ApplyError::Unreadable {
                message: format!(
                    "the update of the state \"{}\" at position {} was written by a later version of the site: it is \
                     of version {}, and this program knows updates up to version {}. Start a version of the site whose \
                     `UPDATE_VERSION` is {} or more",
                    S::NAME,
                    at.position,
                    update.version,
                    S::UPDATE_VERSION,
                    update.version,
                ),
            });
        }
        let decoded = catch_unwind(|| decode::<S>(update.version, &update.update))
            .unwrap_or_else(|panic| Err(format!("decoding panicked: {}", panic_message(&*panic))));
        let decoded = decoded.map_err(|reason| ApplyError::Unreadable {
            message: format!(
                "the update of the state \"{}\" at position {} cannot be decoded as `{}`: {reason}. \
                 The type has changed since the record was written: give new fields `#[serde(default)]`, \
                 renamed ones `#[serde(alias = \"…\")]`, and keep the variants that were written. Or a later version \
                 of the site has written it: start that one",
                S::NAME,
                at.position,
                type_name::<S::Update>(),
            ),
        })?;
        let (output, invalidation) = self.apply(decoded, update, at)?;
        let outcome = match &output {
            Ok(_) => UpdateOutcome::Made,
            Err(_) => UpdateOutcome::Refused,
        };
        Ok((outcome(Box::new(output)), invalidation))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::log::{Draft, Position};
    use crate::state::{Plain, Row, State, Table, Value, Violation};

    #[derive(Clone, Serialize, Deserialize, Row)]
    struct Step {
        #[row(key)]
        position: u64,
        #[row(unique)]
        size: u64,
    }

    #[derive(Clone, Default, State)]
    struct Counter {
        total: Value<u64>,
        steps: Table<Step>,
        /// Position and time of the last update.
        last: Plain<(u64, u64)>,
    }

    #[derive(Clone, Serialize, Deserialize)]
    enum Count {
        Add(u64),
        Explode,
    }

    impl Updates for Counter {
        const NAME: &'static str = "counter";
        type Update = Count;
        type Output = u64;
        type Refusal = Violation;

        fn apply(&mut self, update: Count, at: &mut At) -> Result<u64, Violation> {
            *self.last = (at.position.0, at.millis());
            match update {
                Count::Add(size) => {
                    self.total.update(|total| *total += size);
                    self.steps.insert(Step { position: at.position.0, size })?;
                }
                Count::Explode => {
                    self.total.set(u64::MAX);
                    panic!("exploded");
                }
            }
            Ok(*self.total.get())
        }
    }

    #[derive(Clone, Default, State)]
    struct Namesake {}

    impl Updates for Namesake {
        const NAME: &'static str = "counter";
        type Update = ();
        type Output = ();
        type Refusal = Violation;

        fn apply(&mut self, (): (), _: &mut At) -> Result<(), Violation> {
            Ok(())
        }
    }

    fn record(position: u64, content: Draft) -> Record {
        Record { position: Position(position), time: 1_700_000_000_123, content }
    }

    fn raw(state: &str, update: &'static [u8]) -> Draft {
        let (state, update) = (state.to_owned(), Bytes::from_static(update));
        Draft {
            update: Some(StateUpdate { state, version: 1, update, seed: 0, id: None }),
            ..Draft::default()
        }
    }

    fn unreadable(states: &States, draft: Draft) -> String {
        match states.apply(&record(7, draft)) {
            Err(ApplyError::Unreadable { message }) => message,
            _ => panic!("it was read"),
        }
    }

    /// Total, number of steps, and the position of the last update that was not undone.
    fn shown(store: &Store<Counter>) -> (u64, usize, u64) {
        let view = store.view(None);
        (*view.total, view.steps.count(), view.last.0)
    }

    #[test]
    fn a_record_is_applied_to_the_state_that_it_names() {
        let mut states = States::new();
        let store = states.register::<Counter>().unwrap();
        for (position, size, total) in [(1, 5, 5), (2, 6, 11)] {
            let draft = store.draft(&Count::Add(size)).unwrap();
            let (outcome, invalidation) = states.apply(&record(position, draft)).unwrap().unwrap();
            let UpdateOutcome::Made(output) = outcome else { panic!("{outcome:?}") };
            assert_eq!(*output.downcast::<Result<u64, Violation>>().unwrap(), Ok(total));
            assert!(invalidation.groups.contains(&"counter.total".to_owned()), "{invalidation:?}");
            assert!(invalidation.groups.contains(&format!("counter.steps/{position}")));
        }
        assert_eq!(shown(&store), (0, 0, 0), "the transaction is not at its end");
        states.publish();
        assert_eq!(shown(&store), (11, 2, 2));
        assert_eq!(store.view(None).last.1, 1_700_000_000_123);
        assert!(states.apply(&record(3, Draft::default())).unwrap().is_none());
    }

    #[test]
    fn a_refusal_and_a_panic_leave_the_state_as_it_was_and_invalidate_nothing() {
        let mut states = States::new();
        let store = states.register::<Counter>().unwrap();
        let apply =
            |position, count: Count| states.apply(&record(position, store.draft(&count).unwrap()));
        apply(1, Count::Add(5)).unwrap();
        let (outcome, invalidation) = apply(2, Count::Add(5)).unwrap().unwrap();
        assert!(matches!(outcome, UpdateOutcome::Refused(_)), "{outcome:?}");
        assert!(invalidation.is_empty(), "{invalidation:?}");
        let error = apply(3, Count::Explode).unwrap_err();
        assert_eq!(error, ApplyError::Panicked { message: "exploded".to_owned() });
        states.publish();
        assert_eq!(shown(&store), (5, 1, 1));
        apply(4, Count::Add(1)).unwrap();
        states.publish();
        assert_eq!(shown(&store), (6, 2, 4));
    }

    #[test]
    fn a_replay_draws_the_same_numbers_at_random() {
        let store = States::new().register::<Counter>().unwrap();
        let at = |draft: &Draft| At::record(&record(1, draft.clone()));
        let (one, other) =
            (store.draft(&Count::Add(5)).unwrap(), store.draft(&Count::Add(5)).unwrap());
        assert_eq!(at(&one).random(), at(&one).random());
        assert_ne!(at(&one).random(), at(&other).random());
    }

    #[test]
    fn other_fields_or_indexes_are_another_derivation() {
        let mut states = States::new();
        states.add::<Counter>().unwrap();
        let mut namesake = States::new();
        namesake.add::<Namesake>().unwrap();
        assert_ne!(states.fingerprint(), namesake.fingerprint());
        let mut again = States::new();
        again.add::<Counter>().unwrap();
        assert_eq!(states.fingerprint(), again.fingerprint());
    }

    /// The fingerprint of a site whose rows have this key and are found by this column.
    fn fingerprint<K: Keyed>() -> u64 {
        let mut states = States::new();
        states.add::<K::State>().unwrap();
        states.fingerprint()
    }

    trait Keyed {
        type State: Updates;
    }

    macro_rules! keyed {
        ($($module:ident { $($declared:item)* })*) => {$(
            mod $module {
                use serde::{Deserialize, Serialize};

                use crate::state::{At, Key, Row, State, Table, Updates, Violation};

                $($declared)*

                #[derive(Clone, Serialize, Deserialize, Row)]
                struct Item {
                    #[row(key)]
                    id: Id,
                    #[row(index)]
                    kind: Option<Kind>,
                }

                #[derive(Clone, Default, State)]
                pub(super) struct Items {
                    items: Table<Item>,
                }

                impl Updates for Items {
                    type Update = ();
                    type Output = ();
                    type Refusal = Violation;

                    fn apply(&mut self, (): (), _: &mut At) -> Result<(), Violation> {
                        Ok(())
                    }
                }

                pub(super) struct Of;

                impl super::Keyed for Of {
                    type State = Items;
                }
            }
        )*};
    }

    keyed! {
        soups {
            type Id = u64;
            #[derive(Clone, Serialize, Deserialize, Key)]
            enum Kind { Soup, Cake }
        }
        broths {
            type Id = u64;
            #[derive(Clone, Serialize, Deserialize, Key)]
            enum Kind { #[serde(alias = "Soup")] Broth, Cake }
        }
        other_alias {
            type Id = String;
            #[derive(Clone, Serialize, Deserialize, Key)]
            enum Kind { Soup, Cake }
        }
        numbered {
            #[derive(Clone, Serialize, Deserialize, Key)]
            struct Id(u64);
            #[derive(Clone, Serialize, Deserialize, Key)]
            enum Kind { Soup, Cake }
        }
        named {
            #[derive(Clone, Serialize, Deserialize, Key)]
            struct Id(String);
            #[derive(Clone, Serialize, Deserialize, Key)]
            enum Kind { Soup, Cake }
        }
    }

    #[test]
    fn keys_that_are_spelled_otherwise_are_another_derivation() {
        let fingerprints = [
            fingerprint::<soups::Of>(),
            fingerprint::<broths::Of>(),
            fingerprint::<other_alias::Of>(),
            fingerprint::<numbered::Of>(),
            fingerprint::<named::Of>(),
        ];
        let different: std::collections::BTreeSet<_> = fingerprints.iter().collect();
        // A newtype is spelled as what is in it.
        assert_eq!(different.len(), 3, "{fingerprints:?}");
        assert_eq!((fingerprints[0], fingerprints[2]), (fingerprints[3], fingerprints[4]));
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
    fn an_update_of_a_later_version_says_which_version_reads_it() {
        let mut states = States::new();
        states.add::<Counter>().unwrap();
        let mut draft = raw("counter", b"\x81\xa3Add\x05");
        draft.update.as_mut().unwrap().version = 4;
        let message = unreadable(&states, draft);
        let expected =
            "the update of the state \"counter\" at position 7 was written by a later version";
        assert!(message.contains(expected), "{message}");
        assert!(message.ends_with("whose `UPDATE_VERSION` is 4 or more"), "{message}");
    }

    #[test]
    fn an_update_that_does_not_decode_says_that_its_type_has_changed() {
        let mut states = States::new();
        let store = states.register::<Counter>().unwrap();
        // An unknown variant, no variant, and one with something behind it.
        for bytes in [&b"\xa4Take"[..], &[0], b"\x81\xa3Add\x05\x05"] {
            let message = unreadable(&states, raw("counter", bytes));
            assert!(message.contains("the state \"counter\" at position 7"), "{message}");
            assert!(message.contains("tests::Count`"), "{message}");
            assert!(message.contains("The type has changed"), "{message}");
        }
        assert_eq!(shown(&store), (0, 0, 0));
    }
}
