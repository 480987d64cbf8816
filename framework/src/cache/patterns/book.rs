use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::expression::Expression;
use super::pattern::{Force, Pattern};
use crate::log::Position;

/// The outstanding patterns, those aside that others stand in for. Readers never see it.
#[derive(Debug, Default)]
pub(super) struct Book {
    in_order: BTreeMap<u64, Arc<Pattern>>,
    /// Those that are equal, in the order in which they came.
    by_text: HashMap<Arc<str>, Vec<Arc<Pattern>>>,
    /// How many expressions are to be asked wherever a text stands.
    crowds: HashMap<Arc<[u8]>, usize>,
    /// The number of the next pattern.
    next: u64,
}

impl Book {
    /// The expression, the one that is there if there is one; `None` if it cannot be read.
    pub(super) fn expression(&self, text: &str) -> Option<Arc<Expression>> {
        match self.by_text.get(text).and_then(|equal| equal.first()) {
            Some(known) => Some(Arc::clone(&known.expression)),
            None => {
                let crowd = |text: &[u8]| self.crowds.get(text).copied().unwrap_or_default();
                Expression::read(text, crowd).map(Arc::new)
            }
        }
    }

    /// Writes down a pattern that comes after all others, and takes out those that it covers.
    pub(super) fn add(
        &mut self,
        expression: Arc<Expression>,
        position: Position,
        mut force: Force,
    ) -> Arc<Pattern> {
        let equal = self.by_text.entry(Arc::clone(expression.text())).or_default();
        // A record may name it twice.
        let expression = match equal.first() {
            Some(known) => Arc::clone(&known.expression),
            None => {
                for text in expression.asked_at() {
                    *self.crowds.entry(Arc::clone(text)).or_default() += 1;
                }
                expression
            }
        };
        let in_order = &mut self.in_order;
        equal.retain(|older| {
            let is_covered = force.covers(older.force);
            if is_covered {
                older.cover();
                in_order.remove(&older.number);
            }
            !is_covered
        });
        let pattern = Arc::new(Pattern::new(expression, position, self.next, force));
        self.next += 1;
        equal.push(Arc::clone(&pattern));
        in_order.insert(pattern.number, Arc::clone(&pattern));
        pattern
    }

    pub(super) fn len(&self) -> usize {
        self.in_order.len()
    }

    /// The position up to which patterns must be retired, so that no more than `limit` are left.
    pub(super) fn surplus(&self, limit: usize) -> Option<Position> {
        let surplus = self.len().checked_sub(limit)?.checked_sub(1)?;
        self.in_order.values().nth(surplus).map(|pattern| pattern.position)
    }

    /// Takes out the oldest patterns up to `position`, `most` of them at most. Returns how many.
    pub(super) fn take_oldest(&mut self, position: Position, most: usize) -> usize {
        let mut taken = 0;
        while taken < most
            && let Some(oldest) = self.in_order.first_entry()
            && oldest.get().position <= position
        {
            let oldest = oldest.remove();
            self.forget(&oldest);
            taken += 1;
        }
        taken
    }

    fn forget(&mut self, pattern: &Pattern) {
        let Entry::Occupied(mut equal) = self.by_text.entry(Arc::clone(pattern.expression.text()))
        else {
            return;
        };
        equal.get_mut().retain(|known| known.number != pattern.number);
        if !equal.get().is_empty() {
            return;
        }
        equal.remove();
        for text in pattern.expression.asked_at() {
            if let Entry::Occupied(mut crowd) = self.crowds.entry(Arc::clone(text)) {
                *crowd.get_mut() -= 1;
                if *crowd.get() == 0 {
                    crowd.remove();
                }
            }
        }
    }
}
