use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::time::SystemTime;

use super::store::apply;
use super::{At, Updates, WriteError};
use crate::log::{ApplyError, Position};

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
    /// When `apply` refuses it, or panics.
    pub(super) fn apply<S: Updates>(&mut self, update: S::Update) -> Result<(), WriteError> {
        self.last = self.last.next();
        let at = At::new(self.last, SystemTime::now());
        let value = self.values.entry(TypeId::of::<S>()).or_insert_with(|| Box::new(S::default()));
        let value = value.downcast_mut::<S>().expect("values are kept by their type");
        let names = vec![""; S::FIELDS.len()];
        let failed = match apply(value, update, at, &names) {
            Ok((Ok(_), _)) => return Ok(()),
            Ok((Err(refusal), _)) => refusal.to_string(),
            Err(ApplyError::Panicked { message } | ApplyError::Unreadable { message }) => message,
        };
        Err(WriteError::Panicked { message: format!("first update {}: {failed}", self.last) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Plain, State, States};

    /// Numbers, of which each but the first needs the one before it.
    #[derive(Clone, Default, State)]
    struct Chain {
        last: Plain<u64>,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{0} is not the next number")]
    struct NotNext(u64);

    impl Updates for Chain {
        type Update = u64;
        type Output = ();
        type Refusal = NotNext;

        fn apply(&mut self, number: u64, at: &mut At) -> Result<(), NotNext> {
            if number == 0 {
                panic!("there is no number 0");
            }
            if *self.last + 1 != number || at.position != Position(number) {
                return Err(NotNext(number));
            }
            *self.last = number;
            Ok(())
        }
    }

    #[test]
    fn a_seed_is_tried_after_those_before_it() {
        let store = States::new().register::<Chain>().unwrap();
        let mut trial = Trial::default();
        assert_eq!(store.first_drafts(vec![1, 2], &mut trial).unwrap().len(), 2);
        assert_eq!(store.first_drafts(vec![3], &mut trial).unwrap().len(), 1);
        let error = store.first_drafts(vec![9], &mut trial).unwrap_err().to_string();
        assert!(error.contains("first update 4: 9 is not the next number"), "{error}");
        let error = store.first_drafts(vec![0], &mut trial).unwrap_err().to_string();
        assert!(error.contains("there is no number 0"), "{error}");
    }
}
