use std::any::{Any, type_name};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use super::store::decode;
use super::{At, State, Store};
use crate::log::{Applied, ApplyError, Record, panic_message};

/// All states of a site.
#[derive(Default)]
pub struct States {
    by_name: HashMap<&'static str, Registered>,
    /// Held while a record is applied: two at once would each build on the same value.
    applying: Mutex<()>,
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
    pub fn add<S: State>(&mut self) -> Result<Arc<Store<S>>, DuplicateState> {
        let second = type_name::<S>();
        if let Some(Registered { type_name: first, .. }) = self.by_name.get(S::NAME) {
            return Err(DuplicateState { name: S::NAME, first, second });
        }
        let store = Arc::new(Store::<S>::new());
        self.by_name.insert(S::NAME, Registered { type_name: second, store: store.clone() });
        Ok(store)
    }

    /// The store of the state `S`, if it was [added](States::add).
    pub fn get<S: State>(&self) -> Option<Arc<Store<S>>> {
        let store: Arc<dyn Any + Send + Sync> = self.by_name.get(S::NAME)?.store.clone();
        store.downcast().ok()
    }

    /// Applies a record's update to its state and returns what the state's `apply` returned;
    /// `None` when the record holds no update. The log's records must come in order.
    ///
    /// # Errors
    ///
    /// When the state's `apply` panics, and when the record cannot be understood: its state is not
    /// registered or its update does not decode. In each case all states are as they were.
    pub fn apply(&self, record: &Record) -> Applied {
        let Some(update) = &record.content.update else { return Ok(None) };
        let Some(registered) = self.by_name.get(update.state.as_str()) else {
            return Err(ApplyError::Unreadable { message: self.unknown(record, &update.state) });
        };
        let _alone = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        registered.store.update_from_log(&update.update, At::record(record))
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
    fn update_from_log(&self, update: &[u8], at: At) -> Applied;
}

impl<S: State> Updatable for Store<S> {
    fn update_from_log(&self, bytes: &[u8], at: At) -> Applied {
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
        // Only the copy is in an unknown condition after a panic, and it is dropped.
        let applied = catch_unwind(AssertUnwindSafe(|| {
            let mut value = S::clone(&self.snapshot());
            let output = value.apply(update, at);
            (value, output)
        }));
        let (value, output) = applied
            .map_err(|panic| ApplyError::Panicked { message: panic_message(&*panic).to_owned() })?;
        self.replace(value);
        Ok(Some(Box::new(output)))
    }
}
