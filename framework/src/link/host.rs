use std::fmt;
use std::time::Duration;

use super::feed::{FeedRecord, Holdings, Open, SnapshotPiece};
use super::files::{FileLookup, FoundFiles};
use super::message::{Answer, Call};
use crate::body::Body;
use crate::clock::Moment;
use crate::log::{ContentId, Epoch, LogEpoch, LogId, Position};

/// What the link asks of a back end.
///
/// None of the functions may block their thread; those that reach a disk are async. The order in
/// which the functions of the feed are called is the module's argument.
pub(crate) trait Host: Send + Sync + 'static {
    /// The name and the log of this back end, for front ends that want to send calls here.
    fn greeting(&self) -> Greeting;

    /// Answers a forwarded request.
    ///
    /// This runs in a task of its own and to its end, even when the front end has gone: a
    /// controller that has begun to write must not be dropped in the middle. When it panics the
    /// front end gets an error and nothing else suffers.
    fn call(&self, call: Call, body: Body) -> impl Future<Output = (Answer, Body)> + Send;

    /// Admits a front end to the feed, once its joining is durable.
    ///
    /// # Errors
    /// When it cannot be admitted now. The front end tries again, here and elsewhere.
    fn admit(&self, open: Open) -> impl Future<Output = Result<Admission, BackEndRefusal>> + Send;

    /// The last position that is committed: every writer that has looked at the members' leases
    /// did so with a position up to this.
    fn committed(&self) -> Position;

    /// Returns when more than `position` is committed. May be dropped at any time.
    fn wait_beyond(&self, position: Position) -> impl Future<Output = ()> + Send;

    /// The run of the log after `after`, at most up to `through`, with about `max_bytes` of
    /// payload at most; but one record at least, however long.
    ///
    /// # Errors
    /// When the log cannot be read there, or no longer goes back so far. The feed is cut; the
    /// front end asks again to be admitted.
    fn records(
        &self,
        after: Position,
        through: Position,
        max_bytes: usize,
    ) -> impl Future<Output = Result<FeedBatch, BackEndRefusal>> + Send;

    /// The member has applied everything up to `position`.
    fn acknowledged(&self, member: MemberId, position: Position);

    /// The member asks for a lease from `stamp` on, a moment of its own clock, and says how long the
    /// answer took that came since it asked before. When it is [`Grant::Given`], the member
    /// may from now on hold a lease for the admission's lease time.
    fn granted(&self, member: MemberId, stamp: Moment, answer_took: Option<Duration>) -> Grant;

    /// The member has these contents of the files that the log put into the docroot.
    fn holds(&self, member: MemberId, holdings: Holdings);

    /// What the log says about files now.
    ///
    /// # Errors
    /// When this back end is not as far as the front end, and does not get there in time.
    fn lookup(
        &self,
        lookup: FileLookup,
    ) -> impl Future<Output = Result<FoundFiles, BackEndRefusal>> + Send;

    /// A content from `offset` on; `None` when it is not here.
    ///
    /// # Errors
    /// When it is here and cannot be read.
    fn content(
        &self,
        content: ContentId,
        offset: u64,
    ) -> impl Future<Output = Result<Option<Body>, BackEndRefusal>> + Send;

    /// The member's feed has ended. Called once for each admission.
    fn left(&self, member: MemberId, how: How);
}

/// How a back end identifies itself at the other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Greeting {
    /// The back end's name.
    pub backend: String,
    /// Its log.
    pub log: LogId,
}

/// Names one admission. A front end that comes back is another member to the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MemberId(pub u64);

/// What becomes of a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    /// It was noted that the member may hold a lease.
    Given,
    /// The member gets no lease now, and may ask again.
    Withheld,
    /// This is not a member, or it follows another feed: this one ends.
    Unknown,
}

/// What a back end grants a front end that opens a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Admission {
    /// What the host calls the member.
    pub member: MemberId,
    /// The log, and its opening.
    pub log: LogEpoch,
    /// How the host derives what records invalidate.
    pub fingerprint: u64,
    /// How long a lease lasts.
    pub lease: Duration,
    /// The feed begins with the record after this one.
    pub start: Position,
    /// Whether the feed goes on where the front end was: the log includes all that the front end has
    /// seen. Then `start` is the position the front end has applied.
    pub resumed: bool,
    /// The back end's name.
    pub backend: String,
    /// What a front end that does not resume has to know of the log up to `start`, in pieces of
    /// bounded length.
    pub snapshot: Vec<SnapshotPiece>,
    /// The log's openings, each with the log's last position when it began.
    pub openings: Vec<(Epoch, Position)>,
}

/// A run of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeedBatch {
    /// The records that say something to front ends, in order.
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
pub(crate) enum How {
    /// The front end said that it leaves: it holds no lease any more.
    Goodbye,
    /// In any other way: the front end may hold the lease that it was granted last.
    Cut,
}
