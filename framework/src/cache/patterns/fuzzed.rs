//! The entry point of the fuzz target of patterns.

use super::{Met, Patterns};
use crate::cache::validity::{Ids, Verdict};
use crate::clock;
use crate::log::{Invalidation, Position};

/// Returns for each id whether one of `patterns` invalidates it. Each pattern is a record of its
/// own, and the content with the id was made after the first `seen` of them.
pub fn invalidated(patterns: &[&str], seen: usize, ids: &[&str]) -> Vec<bool> {
    let book = Patterns::new(Position::START);
    for (position, pattern) in (1..).zip(patterns) {
        let invalidation = Invalidation::new().pattern(*pattern);
        book.invalidate(&invalidation, Position(position), clock::now());
    }
    let verdict = |id: &&str| {
        let met = Met::up_to(Position(seen as u64));
        book.verdict(Ids { own: id, contains: &[] }, &met)
    };
    ids.iter().map(|id| verdict(id) != Verdict::Valid).collect()
}
