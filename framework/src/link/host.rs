use std::fmt;
use std::time::Duration;

use super::feed::{FeedRecord, Holdings, Open, SnapshotPiece};
use super::files::{FileLookup, FoundFiles};
use super::message::{Answer, Call};
use crate::body::Body;
use crate::clock::Moment;
use crate::log::{ContentId, Epoch, LogEpoch, LogId, Position};

/// The interface of a back end to the link.
///
/// None of the functions may block their thread; those that access a disk are async. The argument
/// of the feed (see the module documentation) relies on the order in which the feed's functions are
/// called.
pub(crate) trait Host: Send + Sync + 'static {
    /// Returns the name and the log of this back end, for front ends that connect.
    fn greeting(&self) -> Greeting;

    /// Answers a forwarded request.
    ///
    /// It runs in a task of its own and to its end, even after the front end has disconnected: a
    /// controller that has begun to write must not be dropped in the middle. If it panics, the
    /// front end receives an error, and no other call is affected.
    fn call(&self, call: Call, body: Body) -> impl Future<Output = (Answer, Body)> + Send;

    /// Admits a front end to the feed, once its joining is durable.
    ///
    /// # Errors
    /// If it cannot be admitted now. The front end tries again, here and elsewhere.
    fn admit(&self, open: Open) -> impl Future<Output = Result<Admission, BackEndRefusal>> + Send;

    /// Returns the last committed position: every writer that has checked the members' leases did
    /// so with a position up to this.
    fn committed(&self) -> Position;

    /// Waits until a position after `position` is committed. Cancel-safe.
    fn wait_beyond(&self, position: Position) -> impl Future<Output = ()> + Send;

    /// Returns the run of the log after `after`, at most up to `through` and with about `max_bytes`
    /// of payload; but at least one record, however long.
    ///
    /// # Errors
    /// If the log cannot be read at that position, or no longer contains it. The feed is cut; the
    /// front end asks for admission again.
    fn records(
        &self,
        after: Position,
        through: Position,
        max_bytes: usize,
    ) -> impl Future<Output = Result<FeedBatch, BackEndRefusal>> + Send;

    /// Records that the member has applied everything up to `position`.
    fn acknowledge(&self, member: MemberId, position: Position);

    /// Decides on a renewal. The member asks for a lease from `stamp` on, a moment of its own
    /// clock; `answer_took` is how long the answer to its previous renewal took. After
    /// [`Grant::Given`] the member may hold a lease for the admission's lease time.
    fn grant(&self, member: MemberId, stamp: Moment, answer_took: Option<Duration>) -> Grant;

    /// Records which contents the member has of the files that the log put into the docroot.
    fn report(&self, member: MemberId, holdings: Holdings);

    /// Returns the present state of files according to the log.
    ///
    /// # Errors
    /// If this back end has not reached the front end's position, and does not reach it in time.
    fn lookup(
        &self,
        lookup: FileLookup,
    ) -> impl Future<Output = Result<FoundFiles, BackEndRefusal>> + Send;

    /// Returns a content from `offset` on; `None` if this back end does not have it.
    ///
    /// # Errors
    /// If this back end has the content and cannot read it.
    fn content(
        &self,
        content: ContentId,
        offset: u64,
    ) -> impl Future<Output = Result<Option<Body>, BackEndRefusal>> + Send;

    /// Records that the member's feed has ended. Called once for each admission.
    fn leave(&self, member: MemberId, departure: Departure);
}

/// The identity that a back end reports to a front end.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Greeting {
    /// The back end's name.
    pub backend: String,
    /// Its log.
    pub log: LogId,
}

/// Identifies one admission. A front end that reconnects is a new member to the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MemberId(pub u64);

/// The decision on a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    /// The host has recorded that the member may hold a lease.
    Given,
    /// The member gets no lease now, and may ask again.
    Withheld,
    /// This is not a member, or it follows another feed: the present feed ends.
    Unknown,
}

/// The terms of an admission to the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Admission {
    /// The host's id of the member.
    pub member: MemberId,
    /// The log, and its opening.
    pub log: LogEpoch,
    /// The fingerprint of the rules by which the host derives invalidations from records.
    pub fingerprint: u64,
    /// How long a lease lasts.
    pub lease: Duration,
    /// The feed begins with the record after this one.
    pub start: Position,
    /// Whether the feed continues at the front end's position: the log includes all that the front
    /// end has seen. Then `start` is the position that the front end has applied.
    pub resumed: bool,
    /// The back end's name.
    pub backend: String,
    /// The state of the log up to `start`, in pieces of bounded length, for a front end that does
    /// not resume.
    pub snapshot: Vec<SnapshotPiece>,
    /// The log's openings, each with the log's last position when it began.
    pub openings: Vec<(Epoch, Position)>,
}

/// A run of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeedBatch {
    /// The records that concern front ends, in order.
    pub records: Vec<FeedRecord>,
    /// The run's last position, whether it is among the records or not.
    pub through: Position,
}

/// Why a back end cannot serve a feed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BackEndRefusal {
    /// A message for the logs of both ends.
    pub message: String,
}

impl fmt::Display for BackEndRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// How a feed ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Departure {
    /// The front end has announced that it leaves: it no longer holds a lease.
    Goodbye,
    /// In any other way: the front end may hold the lease that it was granted last.
    Cut,
}
