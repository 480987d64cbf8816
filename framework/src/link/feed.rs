use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::log::{LogId, Position};

/// What a front end says in the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Up {
    /// The first message, once.
    Open(Open),
    /// Asks for a lease from this point of the front end's own clock, in nanoseconds.
    Renew { stamp: u64 },
    /// Everything up to here has been applied.
    Ack { position: Position },
    /// The front end holds no lease any more and wants none.
    Leave,
}

/// What a back end says in the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Down {
    /// The first message when the front end is admitted.
    Welcome(Welcome),
    /// The only message when it is not.
    Refused { message: String },
    /// The next run of the log, up to and including `through`. Positions that are not among the
    /// records have nothing to say to a front end.
    Records { records: Vec<FeedRecord>, through: Position },
    /// Answers the renewal with this stamp, behind the records.
    Renewed { stamp: u64 },
    /// The last message: the back end stops, or answers a `Leave`.
    Goodbye,
}

/// How a front end introduces itself to a back end whose feed it wants to follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// The front end's name.
    pub name: String,
    /// The process: a front end that is started again has another incarnation.
    pub incarnation: u64,
    /// What it has followed so far: the log and the last position that it has applied.
    pub followed: Option<(LogId, Position)>,
}

/// What a front end learns when it is admitted to a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The back end's log.
    pub log: LogId,
    /// How long a lease lasts from the stamp of its renewal.
    pub lease: Duration,
    /// The back end's name.
    pub backend: String,
    /// The feed begins with the record after this one.
    pub start: Position,
    /// Whether the feed goes on where the front end was. Otherwise the front end must drop its
    /// cache and any lease it holds; its position becomes `start`.
    pub resumed: bool,
}

/// One record as front ends get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedRecord {
    /// Where it stands in the log.
    pub position: Position,
    /// What it says to front ends.
    pub payload: Bytes,
}
