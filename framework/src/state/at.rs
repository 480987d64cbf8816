use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::log::{Invalidation, Position, Record};

/// The position and time of an update, the same on every replay. An update also declares here what it
/// invalidates besides its changes in tables and values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// The position of the update's record: unique in the log and growing, so it can serve as an id.
    pub position: Position,
    /// When the update was appended, to the millisecond. It never goes back from one update to the
    /// next, even where the machine's clock does.
    pub time: SystemTime,
    /// The state of the generator of [`random`](At::random).
    random: u64,
    invalidation: Invalidation,
}

impl At {
    /// An update at this position and time, for tests of `apply`.
    pub fn new(position: Position, time: SystemTime) -> At {
        At { position, time, random: position.0, invalidation: Invalidation::new() }
    }

    /// Returns the position and time at which `record` was appended.
    pub(crate) fn record(record: &Record) -> At {
        let time = UNIX_EPOCH.checked_add(Duration::from_millis(record.time));
        let at = At::new(record.position, time.unwrap_or(UNIX_EPOCH));
        let seed = record.content.update.as_ref().map_or(0, |update| update.seed);
        At { random: seed, ..at }
    }

    /// Returns `time` in milliseconds since 1970-01-01T00:00:00Z.
    pub fn millis(&self) -> u64 {
        self.time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
    }

    /// Returns the next random number of this update. The seed is in the update's record, so every replay draws
    /// the same numbers. They are no secrets: every reader of the log can compute them.
    pub fn random(&mut self) -> u64 {
        // SplitMix64: each seed gives a sequence of its own, and one number costs a nanosecond.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.random;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    /// Invalidates more than the update's changes in tables and values do: groups that pages name by hand. Like
    /// the groups of changed rows, these are in no record, but follow from applying the update. A refused
    /// update invalidates nothing.
    ///
    /// # Panics
    /// When a pattern is not a regular expression, or can never match. Then the update is undone, as with every
    /// panic in `apply`.
    pub fn invalidate(&mut self, invalidation: Invalidation) {
        if let Err((pattern, reason)) = invalidation.check() {
            panic!("the pattern `{pattern}` is refused: {reason}");
        }
        self.invalidation.merge(&invalidation);
    }

    /// Returns what [`invalidate`](At::invalidate) has collected.
    pub(super) fn into_invalidation(self) -> Invalidation {
        self.invalidation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_which_numbers_are_drawn() {
        let draw = |seed| {
            let mut at = At { random: seed, ..At::new(Position(1), UNIX_EPOCH) };
            [at.random(), at.random(), at.random()]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert_ne!(draw(7)[0], draw(7)[1]);
    }

    #[test]
    #[should_panic(expected = "the pattern `(` is refused")]
    fn an_invalid_pattern_fails_the_update() {
        At::new(Position(1), UNIX_EPOCH).invalidate(Invalidation::new().pattern("("));
    }
}
