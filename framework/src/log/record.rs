use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{FileChange, Invalidation, Position, Revocation, UpdateId};

/// What is appended to the log: everything of a [`Record`] but its position and time, which the
/// log gives it. All of a draft becomes durable together or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Draft {
    /// A change of the site's data.
    pub update: Option<StateUpdate>,
    /// What the record makes wrong in the caches.
    pub invalidation: Invalidation,
    /// What the record will make wrong unless a later record [settles](Draft::settles) it: an
    /// invalidation whose condition is known only after the controller has replied.
    pub deferred: Invalidation,
    /// The earlier record whose deferred invalidation this record decides. Where the condition
    /// held, this record's own `invalidation` repeats it.
    pub settles: Option<Position>,
    /// A front end that joins or leaves.
    pub membership: Option<Membership>,
    /// What becomes of files of the docroot. Their contents are stored before the record is.
    pub files: Vec<FileChange>,
    /// Which sessions have ended.
    pub revocations: Vec<Revocation>,
    /// What the records up to an earlier position have come to.
    pub hash: Option<StateHash>,
}

/// An update of one of the site's states, as bytes only that state can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StateUpdate {
    /// The name of the state.
    pub state: String,
    /// The version of the update's type.
    pub version: u32,
    /// The update, encoded.
    pub update: Bytes,
    /// What the numbers that `apply` draws at random begin with.
    pub seed: u64,
    /// Where the request that makes it may be sent twice: what the update is recognised by.
    pub id: Option<UpdateId>,
}

/// What states were like at a position, by so little that it can be compared at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StateHash {
    /// The last record that was applied.
    pub after: Position,
    /// Which types the states had. Hashes of others mean nothing to each other.
    pub fingerprint: u64,
    /// The hash of each field, where it has one.
    pub fields: Vec<Option<u128>>,
}

/// A front end that may hold a lease, or no longer does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Membership {
    /// From here on this front end may be given leases.
    Joined {
        /// The process: a front end that is started again has another incarnation.
        incarnation: u64,
        /// The front end's name.
        name: String,
        /// The longest lease it may hold, so that a back end that is started again with another
        /// configuration knows how long to wait for it.
        lease: Duration,
    },
    /// It holds no lease and will get none.
    Left {
        /// The process.
        incarnation: u64,
    },
}

/// One record of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Where it stands.
    pub position: Position,
    /// When it was appended, in milliseconds since 1970-01-01T00:00:00Z. It never goes back from
    /// one record to the next.
    pub time: u64,
    /// What it says.
    pub content: Draft,
}
