use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{FileChange, Invalidation, Position, Revocation, UpdateId};

/// The content of a [`Record`], without its position and time, which the log assigns. All of a draft becomes
/// durable together or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Draft {
    /// A change of the site's data.
    pub update: Option<StateUpdate>,
    /// The content that the record invalidates in the caches.
    pub invalidation: Invalidation,
    /// The content that the record invalidates unless a later record [settles](Draft::settles) it: an
    /// invalidation whose condition can be decided only after the controller has replied.
    pub deferred: Invalidation,
    /// The earlier record whose deferred invalidation this record decides. If the condition was true, this
    /// record's own `invalidation` repeats it.
    pub settles: Option<Position>,
    /// A front end that joins or leaves.
    pub membership: Option<Membership>,
    /// Changes of files of the docroot. The files' contents are stored before the record is.
    pub files: Vec<FileChange>,
    /// The sessions that have ended.
    pub revocations: Vec<Revocation>,
    /// The hash of the states after an earlier record.
    pub hash: Option<StateHash>,
}

/// An update of one of the site's states, in an encoding that only that state can decode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StateUpdate {
    /// The name of the state.
    pub state: String,
    /// The version of the update's type.
    pub version: u32,
    /// The update, encoded.
    pub update: Bytes,
    /// The seed of the random numbers that `apply` draws.
    pub seed: u64,
    /// The id by which the update is recognised, if its request may be sent twice.
    pub id: Option<UpdateId>,
}

/// A short hash of the states at a position, by which two nodes are compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StateHash {
    /// The last record that was applied.
    pub after: Position,
    /// The types of the states. Hashes with different fingerprints are not comparable.
    pub fingerprint: u64,
    /// The hash of each field; `None` if it has none.
    pub fields: Vec<Option<u128>>,
}

/// A front end that may hold a lease, or no longer does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Membership {
    /// From here on this front end may receive leases.
    Joined {
        /// The process: a front end that is started again has another incarnation.
        incarnation: u64,
        /// The front end's name.
        name: String,
        /// The longest lease it may hold. A back end that restarts with another configuration waits for it that
        /// long.
        lease: Duration,
    },
    /// It holds no lease and will receive none.
    Left {
        /// The process.
        incarnation: u64,
    },
}

/// One record of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Its position in the log.
    pub position: Position,
    /// The time at which it was appended, in milliseconds since 1970-01-01T00:00:00Z. It never decreases from
    /// one record to the next.
    pub time: u64,
    /// Its content.
    pub content: Draft,
}
