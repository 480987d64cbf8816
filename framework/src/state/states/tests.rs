use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::*;
use crate::log::{Draft, Position, StateUpdate};
use crate::state::{Plain, Row, State, StateField, Table, Value, Violation};

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

/// Returns the total, the number of steps, and the position of the last update that was not undone.
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
    let (one, other) = (store.draft(&Count::Add(5)).unwrap(), store.draft(&Count::Add(5)).unwrap());
    assert_eq!(at(&one).random(), at(&one).random());
    assert_ne!(at(&one).random(), at(&other).random());
}

#[test]
fn different_fields_or_indexes_have_different_derivations() {
    let mut states = States::new();
    states.add::<Counter>().unwrap();
    let mut namesake = States::new();
    namesake.add::<Namesake>().unwrap();
    assert_ne!(states.fingerprint(), namesake.fingerprint());
    let mut again = States::new();
    again.add::<Counter>().unwrap();
    assert_eq!(states.fingerprint(), again.fingerprint());
}

#[test]
fn different_encodings_have_different_fingerprints() {
    assert_ne!(Value::<u8>::schema(), Value::<(u8, u8)>::schema());
    assert_eq!(Value::<u8>::schema(), Value::<u8>::schema());
}

/// Returns the fingerprint of a site whose rows have this key and are found by this column.
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
fn different_spellings_of_keys_have_different_derivations() {
    let fingerprints = [
        fingerprint::<soups::Of>(),
        fingerprint::<broths::Of>(),
        fingerprint::<other_alias::Of>(),
        fingerprint::<numbered::Of>(),
        fingerprint::<named::Of>(),
    ];
    let different: std::collections::BTreeSet<_> = fingerprints.iter().collect();
    // A newtype is spelled like its content.
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
fn the_error_for_an_unknown_state_lists_the_known_ones() {
    let mut states = States::new();
    states.add::<Counter>().unwrap();
    let message = unreadable(&states, raw("wiki", &[]));
    let expected = "position 7 updates the state \"wiki\", but the site has only \"counter\"";
    assert!(message.contains(expected), "{message}");
}

#[test]
fn the_error_for_an_update_of_a_later_version_names_that_version() {
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
fn the_error_for_an_undecodable_update_suggests_a_changed_type() {
    let mut states = States::new();
    let store = states.register::<Counter>().unwrap();
    // An unknown variant, no variant, and a variant followed by another byte.
    for bytes in [&b"\xa4Take"[..], &[0], b"\x81\xa3Add\x05\x05"] {
        let message = unreadable(&states, raw("counter", bytes));
        assert!(message.contains("the state \"counter\" at position 7"), "{message}");
        assert!(message.contains("tests::Count`"), "{message}");
        assert!(message.contains("The type has changed"), "{message}");
    }
    assert_eq!(shown(&store), (0, 0, 0));
}
