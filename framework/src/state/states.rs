use std::any::{Any, type_name};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::field::FieldKind;
use super::repeats::{Recognised, Repeats};
use super::saved::REPEATS;
use super::updatable::Updatable;
use super::{At, Store, Updates};
use crate::log::{ApplyError, Invalidation, Record, Unrepeatable, UpdateOutcome};

/// All states of a site.
#[derive(Default)]
pub struct States {
    pub(super) by_name: HashMap<&'static str, Registered>,
    repeats: Mutex<Repeats>,
    fingerprint: OnceLock<u64>,
    /// Not zero if the same records have produced other data before.
    deviation: AtomicU64,
}

pub(super) struct Registered {
    type_name: &'static str,
    pub(super) store: Arc<dyn Updatable>,
}

/// The outcome of an update, and the invalidation that follows from it.
pub(crate) type Application = (UpdateOutcome, Invalidation);

/// The version of the rules that derive names of groups from reads and changes. A change of it changes
/// [`States::fingerprint`].
const GROUPS_VERSION: u32 = 3;

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
    /// The type that was registered second.
    pub second: &'static str,
}

impl States {
    /// Returns an empty set of states.
    pub fn new() -> States {
        States::default()
    }

    /// Adds the state `S` with its value before the first update.
    ///
    /// # Errors
    ///
    /// When there already is a state of that name.
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

    /// Returns the store of the state `S`, if it was [added](States::add).
    pub(crate) fn get<S: Updates>(&self) -> Option<Arc<Store<S>>> {
        let store: Arc<dyn Any + Send + Sync> = self.by_name.get(S::NAME)?.store.clone();
        store.downcast().ok()
    }

    /// Returns the fields of all states, by the names with which their groups begin.
    pub(crate) fn fields(&self) -> Vec<(&'static str, FieldKind)> {
        self.by_name.values().flat_map(|state| state.store.kinds()).collect()
    }

    /// Returns the names of all tables, with which their groups begin.
    pub(crate) fn tables(&self) -> Vec<&'static str> {
        let fields = self.fields().into_iter();
        fields.filter(|(_, kind)| *kind == FieldKind::Table).map(|(name, _)| name).collect()
    }

    /// Returns a hash of everything from which the groups of updates are derived (fields, keys, indexes,
    /// versions of `apply`), and of the encoding of rows and values. A front end that has followed another
    /// derivation cannot determine what a record invalidates in its cache, and nodes with another fingerprint
    /// cannot compare hashes.
    pub(crate) fn fingerprint(&self) -> u64 {
        *self.fingerprint.get_or_init(|| self.derive_fingerprint())
    }

    /// Returns the derivation that a front end must have followed to keep its cache: the
    /// [fingerprint](States::fingerprint), combined with a random number if these data deviate from earlier
    /// ones.
    pub(crate) fn derivation(&self) -> u64 {
        self.fingerprint().wrapping_add(self.deviation.load(Ordering::Relaxed))
    }

    /// Marks the data as different from what the same records produced before. The node continues with them,
    /// but no record invalidates the pages that were made from the former data.
    pub(crate) fn deviate(&self) {
        self.deviation.store(rand::random(), Ordering::Relaxed);
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

    /// Applies a record's update to its state; returns `None` if the record contains no update. The log's
    /// records must be applied in order. Readers see the update after [`publish`](States::publish).
    ///
    /// # Errors
    ///
    /// When the state's `apply` panics, and when the update cannot be read, because its state is not registered
    /// or it does not decode. In each case all states are as they were.
    pub(crate) fn apply(&self, record: &Record) -> Result<Option<Application>, ApplyError> {
        let Some(update) = &record.content.update else { return Ok(None) };
        let Some(registered) = self.by_name.get(update.state.as_str()) else {
            return Err(ApplyError::Unreadable { message: self.unknown(record, &update.state) });
        };
        // An update without a kind cannot be decoded, which fails below.
        let id = update.id.as_ref().and_then(|id| Some((id, registered.store.kind(update)?)));
        let recognised = match id {
            Some((id, kind)) => self.repeats().recognise(record.time, id, kind),
            None => Recognised::New,
        };
        let repeated = match recognised {
            Recognised::New => {
                let (outcome, invalidation) =
                    registered.store.update_from_log(update, At::record(record))?;
                if let (UpdateOutcome::Made(output), Some((id, kind))) = (&outcome, id) {
                    let encoded = registered.store.encode_output(&**output);
                    self.repeats().keep(record, id, kind, encoded);
                }
                return Ok(Some((outcome, invalidation)));
            }
            Recognised::Repeats(first, encoded) => match registered.store.decode_output(&encoded) {
                Some(output) => UpdateOutcome::Repeated { first, output },
                None => UpdateOutcome::Unrepeatable(Unrepeatable::NoOutcome { first }),
            },
            Recognised::Rejected(reason) => UpdateOutcome::Unrepeatable(reason),
        };
        Ok(Some((repeated, Invalidation::new())))
    }

    pub(super) fn repeats(&self) -> MutexGuard<'_, Repeats> {
        self.repeats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes the updates that were [applied](States::apply) to readers.
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

#[cfg(test)]
mod tests;
