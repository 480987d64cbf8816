use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The position of a record in the log. The first record has position 1; 0 is "before everything".
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// Before the first record.
    pub const START: Position = Position(0);

    /// Returns the position after this one. The greatest position, which no record reaches, returns itself.
    pub const fn next(self) -> Position {
        Position(self.0.saturating_add(1))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Identifies the log that a position belongs to. The id stays the same when the log is opened, copied or
/// restored; [`LogEpoch`](super::LogEpoch) distinguishes these cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogId(pub u128);

impl LogId {
    /// Returns an id that no other log has.
    pub fn random() -> LogId {
        LogId(rand::random())
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// In human-readable formats it is a text, because few readers of those support integers of 128 bits.
impl Serialize for LogId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for LogId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LogId, D::Error> {
        if !deserializer.is_human_readable() {
            return u128::deserialize(deserializer).map(LogId);
        }
        let text = String::deserialize(deserializer)?;
        let id = u128::from_str_radix(&text, 16);
        id.map(LogId).map_err(|_| D::Error::custom("a log's id is 32 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_position_has_no_successor() {
        assert_eq!(Position(u64::MAX).next(), Position(u64::MAX));
    }
}
