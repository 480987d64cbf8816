use serde::{Deserialize, Serialize};

use super::Position;

/// Names an update, so that one that comes a second time is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UpdateId {
    /// The request that makes it.
    pub call: u128,
    /// Which of the request's updates it is, counted from 0.
    pub number: u32,
    /// What has named the request.
    pub source: IdSource,
}

/// What has named a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum IdSource {
    /// The client, by its `Idempotency-Key`.
    Client {
        /// What the request was.
        request: RequestDigest,
        /// For how long the id is kept, in seconds.
        kept: u32,
    },
    /// The front end, which may send the request again.
    FrontEnd {
        /// If this is what it does: where the log was before it sent the request for the first time.
        again_after: Option<Position>,
    },
}

/// A digest of a request, which distinguishes two requests with one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequestDigest {
    /// Of all but the body.
    pub head: u128,
    /// Of the body, if it had been read to its end when the update was written.
    pub body: Option<u128>,
}

impl RequestDigest {
    /// Whether both may be of the same request.
    pub(crate) fn agrees(self, other: RequestDigest) -> bool {
        let bodies = self.body.zip(other.body);
        self.head == other.head && bodies.is_none_or(|(one, other)| one == other)
    }
}

/// Why an update, whose id was seen before or may have been, is neither applied nor given an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unrepeatable {
    /// The client's key was sent with another request.
    KeyReused,
    /// The first run of the controller has made another update here.
    OtherUpdate {
        /// The position of that update.
        first: Position,
    },
    /// It was applied, and its outcome was too long to be kept, or cannot be read any more.
    NoOutcome {
        /// The position of the first.
        first: Position,
    },
    /// So many updates came since the front end has sent the request first, that it is not known any more
    /// whether this one was applied.
    Forgotten,
}
