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
    /// The number of the next pattern.
    next: u64,
}

impl Book {
    /// The expression, the one that is there if there is one; `None` if it cannot be read.
    pub(super) fn expression(&self, text: &str) -> Option<Arc<Expression>> {
        match self.by_text.get(text).and_then(|equal| equal.first()) {
            Some(known) => Some(Arc::clone(&known.expression)),
            None => Expression::read(text).map(Arc::new),
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

    /// Takes out the oldest patterns up to `position`, `most` of them at most.
    pub(super) fn take_oldest(&mut self, position: Position, most: usize) -> Vec<Arc<Pattern>> {
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some(oldest) = self.in_order.first_entry()
            && oldest.get().position <= position
        {
            let oldest = oldest.remove();
            let text = oldest.expression.text();
            if let Some(equal) = self.by_text.get_mut(text) {
                equal.retain(|pattern| pattern.number != oldest.number);
                if equal.is_empty() {
                    self.by_text.remove(text);
                }
            }
            taken.push(oldest);
        }
        taken
    }
}
