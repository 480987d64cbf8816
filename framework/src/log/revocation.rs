use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Identifies a session: a random number that no other session has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(u128);

impl SessionId {
    /// Returns an id that no other session has.
    pub(crate) fn random() -> SessionId {
        SessionId(rand::random())
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for SessionId {
    type Err = std::num::ParseIntError;

    /// Parses the output of `Display`: 32 hexadecimal digits.
    fn from_str(text: &str) -> Result<SessionId, Self::Err> {
        u128::from_str_radix(text, 16).map(SessionId)
    }
}

/// The sessions that a record ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Revocation {
    /// The sessions.
    pub sessions: Revoked,
    /// The time at which the last of them would have expired, in milliseconds since 1970-01-01T00:00:00Z.
    pub until: u64,
}

/// Sessions that have ended before they expire.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Revoked {
    /// This session.
    Session(SessionId),
    /// All sessions of this user that were issued before the record.
    User(String),
}
