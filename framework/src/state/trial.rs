use std::any::{Any, TypeId};
use std::collections::HashMap;

use super::store::apply;
use super::{At, Updates, WriteError};
use crate::log::{ApplyError, Draft, Position, Record, RecordClock};

/// Tries the first updates of a new site before any of them is written: on separate values, in the order and at
/// the positions that they will have in the log.
#[derive(Default)]
pub(crate) struct Trial {
    clock: RecordClock,
    last: Position,
    /// By the type of the state.
    values: HashMap<TypeId, Box<dyn Any + Send>>,
}

impl Trial {
    /// Returns a trial with the time of this clock.
    pub(crate) fn by(clock: RecordClock) -> Trial {
        Trial { clock, ..Trial::default() }
    }

    /// Tries the next update, which is the one in `draft`.
    ///
    /// # Errors
    /// When `apply` refuses it, or panics.
    pub(super) fn apply<S: Updates>(
        &mut self,
        update: S::Update,
        draft: &Draft,
    ) -> Result<(), WriteError> {
        self.last = self.last.next();
        let (position, time) = (self.last, self.clock.now());
        let at = At::record(&Record { position, time, content: draft.clone() });
        let value = self.values.entry(TypeId::of::<S>()).or_insert_with(|| Box::new(S::default()));
        let value = value.downcast_mut::<S>().expect("values are kept by their type");
        let names = vec![""; S::FIELDS.len()];
        let described = |reason: String| format!("first update {position}: {reason}");
        match apply(value, update, at, &names, &mut vec![None; names.len()]) {
            Ok((Ok(_), _)) => Ok(()),
            Ok((Err(refusal), _)) => {
                Err(WriteError::Refused { message: described(refusal.to_string()) })
            }
            Err(
                ApplyError::Panicked { message }
                | ApplyError::Unreadable { message }
                | ApplyError::Differs { message },
            ) => Err(WriteError::Panicked { message: described(message) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Plain, State, States};

    /// A number; each update but the first needs the number before it.
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

    /// Numbers that were drawn.
    #[derive(Clone, Default, State)]
    struct Drawn {
        last: Plain<u64>,
    }

    thread_local! {
        static DRAWN: std::cell::RefCell<Vec<u64>> = const { std::cell::RefCell::new(Vec::new()) };
    }

    impl Updates for Drawn {
        const NAME: &'static str = "drawn";
        type Update = ();
        type Output = ();
        type Refusal = NotNext;

        fn apply(&mut self, (): (), at: &mut At) -> Result<(), NotNext> {
            DRAWN.with_borrow_mut(|drawn| drawn.push(at.random()));
            Ok(())
        }
    }

    #[test]
    fn a_seed_is_tried_with_the_numbers_that_it_will_draw() {
        let mut states = States::new();
        let store = states.register::<Drawn>().unwrap();
        let drafts = store.first_drafts(vec![()], &mut Trial::default()).unwrap();
        for (content, position) in drafts.into_iter().zip(1..) {
            let record = Record { position: Position(position), time: 0, content };
            states.apply(&record).unwrap();
        }
        let drawn = DRAWN.take();
        let [.., tried, applied] = drawn[..] else { panic!("{drawn:?}") };
        assert_eq!(tried, applied);
    }

    #[test]
    fn a_seed_is_tried_after_those_before_it() {
        let store = States::new().register::<Chain>().unwrap();
        let mut trial = Trial::default();
        assert_eq!(store.first_drafts(vec![1, 2], &mut trial).unwrap().len(), 2);
        assert_eq!(store.first_drafts(vec![3], &mut trial).unwrap().len(), 1);
        let error = store.first_drafts(vec![9], &mut trial).unwrap_err().to_string();
        assert_eq!(error, "`apply` refuses the update: first update 4: 9 is not the next number");
        let error = store.first_drafts(vec![0], &mut trial).unwrap_err().to_string();
        assert!(error.contains("there is no number 0"), "{error}");
    }
}
