use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::SystemTime;

use super::{At, State, WriteError};
use crate::log::{Position, panic_message};

/// Tries the first updates of a new site, before any of them is written: on values of their own, in
/// the order and at the positions that they will have in the log.
#[derive(Default)]
pub(crate) struct Trial {
    last: Position,
    /// By the type of the state.
    values: HashMap<TypeId, Box<dyn Any + Send>>,
}

impl Trial {
    /// Tries the next update.
    ///
    /// # Errors
    /// When it panics in `apply`.
    pub(super) fn apply<S: State>(&mut self, update: S::Update) -> Result<(), WriteError> {
        self.last = self.last.next();
        let at = At { position: self.last, time: SystemTime::now() };
        let value = self.values.entry(TypeId::of::<S>()).or_insert_with(|| Box::new(S::default()));
        let value = value.downcast_mut::<S>().expect("values are kept by their type");
        let tried = catch_unwind(AssertUnwindSafe(|| drop(value.apply(update, at))));
        tried.map_err(|panic| WriteError::Panicked {
            message: format!("first update {}: {}", self.last, panic_message(&*panic)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::States;

    /// Numbers, of which each but the first needs the one before it.
    #[derive(Clone, Default)]
    struct Chain(Vec<u64>);

    impl State for Chain {
        type Update = u64;
        type Output = ();

        fn apply(&mut self, number: u64, at: At) {
            assert_eq!(self.0.last().copied().unwrap_or_default() + 1, number);
            assert_eq!(at.position, Position(number));
            self.0.push(number);
        }
    }

    #[test]
    fn a_seed_is_tried_after_those_before_it() {
        let store = States::new().register::<Chain>().unwrap();
        let mut trial = Trial::default();
        assert_eq!(store.first_drafts(vec![1, 2], &mut trial).unwrap().len(), 2);
        assert_eq!(store.first_drafts(vec![3], &mut trial).unwrap().len(), 1);
        let error = store.first_drafts(vec![9], &mut trial).unwrap_err().to_string();
        assert!(error.contains("first update 4: "), "{error}");
    }
}
