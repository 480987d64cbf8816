use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::expression::Expression;
use super::pattern::{Force, Pattern};
use crate::log::Position;

/// The outstanding patterns without the covered ones. Used by writers only.
#[derive(Debug, Default)]
pub(super) struct Book {
    in_order: BTreeMap<u64, Arc<Pattern>>,
    /// The total length of their texts.
    bytes: usize,
    /// Equal patterns, in the order of their arrival.
    by_text: HashMap<Arc<str>, Vec<Arc<Pattern>>>,
    /// For each text, the number of expressions that must be evaluated on ids with the text.
    sharers: HashMap<Arc<[u8]>, usize>,
    /// The number of the next pattern.
    next: u64,
}

/// The average length of a pattern's text at the limit of patterns, in bytes.
const TEXT: usize = 1024;

impl Book {
    /// Returns the parsed expression, shared with equal patterns if there are any; `None` if it
    /// cannot be parsed, or not be compiled where it must be.
    pub(super) fn expression(&self, text: &str) -> Option<Arc<Expression>> {
        match self.by_text.get(text).and_then(|equal| equal.first()) {
            Some(known) => Some(Arc::clone(&known.expression)),
            None => {
                let sharers = |text: &[u8]| self.sharers.get(text).copied().unwrap_or_default();
                Expression::read(text, sharers).map(Arc::new)
            }
        }
    }

    /// Adds a pattern that comes after all others, and removes those that it covers.
    pub(super) fn add(
        &mut self,
        expression: Arc<Expression>,
        position: Position,
        mut force: Force,
    ) -> Arc<Pattern> {
        let equal = self.by_text.entry(Arc::clone(expression.text())).or_default();
        // A record may contain it twice.
        let expression = match equal.first() {
            Some(known) => Arc::clone(&known.expression),
            None => {
                for text in expression.evaluated_at() {
                    *self.sharers.entry(Arc::clone(text)).or_default() += 1;
                }
                expression
            }
        };
        let length = expression.text().len();
        let (in_order, bytes) = (&mut self.in_order, &mut self.bytes);
        equal.retain(|older| {
            let is_covered = force.covers(older.force);
            if is_covered {
                older.cover();
                in_order.remove(&older.number);
                *bytes -= length;
            }
            !is_covered
        });
        let pattern = Arc::new(Pattern::new(expression, position, self.next, force));
        self.next += 1;
        equal.push(Arc::clone(&pattern));
        in_order.insert(pattern.number, Arc::clone(&pattern));
        *bytes += length;
        pattern
    }

    pub(super) fn len(&self) -> usize {
        self.in_order.len()
    }

    /// Returns the position up to which patterns must be retired, so that at most `limit` are left,
    /// and no more text than that many may have.
    pub(super) fn surplus(&self, limit: usize) -> Option<Position> {
        let (mut patterns, mut bytes) = (self.len(), self.bytes);
        let mut surplus = None;
        for pattern in self.in_order.values() {
            if patterns <= limit && bytes <= limit.saturating_mul(TEXT) {
                break;
            }
            patterns -= 1;
            bytes -= pattern.expression.text().len();
            surplus = Some(pattern.position);
        }
        surplus
    }

    /// Removes the oldest patterns up to `position`, `most` of them at most. Returns how many.
    pub(super) fn take_oldest(&mut self, position: Position, most: usize) -> usize {
        let mut taken = 0;
        while taken < most
            && let Some(oldest) = self.in_order.first_entry()
            && oldest.get().position <= position
        {
            let oldest = oldest.remove();
            self.bytes -= oldest.expression.text().len();
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
        for text in pattern.expression.evaluated_at() {
            if let Entry::Occupied(mut sharers) = self.sharers.entry(Arc::clone(text)) {
                *sharers.get_mut() -= 1;
                if *sharers.get() == 0 {
                    sharers.remove();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(book: &mut Book, text: &str, position: u64) {
        let expression = book.expression(text).unwrap();
        book.add(expression, Position(position), Force::Hard);
    }

    #[test]
    fn patterns_are_in_surplus_by_their_number_and_by_their_text() {
        let mut book = Book::default();
        (1..=4).for_each(|position| add(&mut book, &format!("^/{position}$"), position));
        assert_eq!(book.surplus(4), None);
        assert_eq!(book.surplus(3), Some(Position(1)));
        let long = |letter: &str| format!("^/{}", letter.repeat(3 * TEXT));
        add(&mut book, &long("a"), 5);
        assert_eq!(book.surplus(5), None);
        add(&mut book, &long("a"), 6);
        assert_eq!(book.surplus(5), None, "it covers an equal one");
        add(&mut book, &long("b"), 7);
        assert_eq!(book.surplus(6), Some(Position(6)), "the oldest long one must be retired");
        assert_eq!(book.take_oldest(Position(6), 100), 5);
        assert_eq!((book.surplus(3), book.bytes), (Some(Position(7)), 3 * TEXT + 2));
    }
}
