use serde::{Deserialize, Serialize};

use super::Position;

/// Identifies an update, so that a repetition of it is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UpdateId {
    /// The id of the request that writes it.
    pub call: u128,
    /// The update's number among those of the request, counted from 0.
    pub number: u32,
    /// The origin of the request's id.
    pub source: IdSource,
}

/// The origin of a request's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum IdSource {
    /// The client, by its `Idempotency-Key`.
    Client {
        /// The digest of the request.
        request: RequestDigest,
        /// The time for which the id is kept, in seconds.
        kept: u32,
    },
    /// The front end, which may send the request again.
    FrontEnd {
        /// The log's position before the request was first sent, if this is a repetition.
        again_after: Option<Position>,
    },
}

/// A digest of a request, which distinguishes two requests with one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequestDigest {
    /// The digest of everything but the body.
    pub head: u128,
    /// The digest of the body, if it was read to its end when the update was written.
    pub body: Option<u128>,
}

impl RequestDigest {
    /// Returns whether both may be digests of the same request.
    pub(crate) fn agrees(self, other: RequestDigest) -> bool {
        let bodies = self.body.zip(other.body);
        self.head == other.head && bodies.is_none_or(|(one, other)| one == other)
    }
}

/// The reason why an update whose id was or may have been seen before is neither applied nor given an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unrepeatable {
    /// The client's key was sent with another request before.
    KeyReused,
    /// The first run of the controller has written another update with this number.
    OtherUpdate {
        /// The position of that update.
        first: Position,
    },
    /// It was applied, and its outcome was too long to be kept, or can no longer be read.
    NoOutcome {
        /// The position of the first application.
        first: Position,
    },
    /// The ids from the time since the front end first sent the request are not complete any more, so it cannot
    /// be determined whether this update was applied.
    Forgotten,
}
