use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::Moment;
use crate::link::{Holding, Holdings};
use crate::log::Position;

/// The state of one run of a front end.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    /// The longest lease that it may hold according to the log.
    pub(super) longest: Duration,
    /// The feed it follows; none while it is cut off.
    pub(super) feed: Option<FeedId>,
    pub(super) acknowledged: watch::Sender<Position>,
    /// When it last sent a message in its feed.
    pub(super) last_seen: Moment,
    /// The contents of files that it lacks according to its last report; `None` before the first.
    pub(super) holdings: Option<Holdings>,
    /// Until when it may hold a lease, margin included.
    pub(super) lease_until: Moment,
    /// Whether its lease has been reported as run out since it was last granted.
    pub(super) fenced: bool,
    /// Whether this back end, and not only a predecessor, has granted it a lease.
    pub(super) has_lease_of_ours: bool,
    /// When it asked for its last lease in this feed, by its own clock.
    pub(super) asked: Option<Moment>,
    /// Whether its last renewal was answered without a lease.
    pub(super) withheld: bool,
    /// Cancelled when its process has ended, and its lease with it.
    pub(super) ended: CancellationToken,
}

/// Identifies one feed of one front end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FeedId(pub u64);

/// The health of a front end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Health {
    /// It follows the log and may serve from its cache.
    Serving,
    /// It follows the log but holds no lease: it has not asked for one in time.
    Fenced,
    /// It follows the log but gets no lease: writers had to wait for it.
    Probation,
    /// It does not follow the log, but its last lease may still run.
    Cut,
    /// It does not follow the log and holds no lease.
    Gone,
    /// It is expected and has never joined.
    Missing,
}

/// The status of one front end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MemberStatus {
    /// Its name.
    pub name: String,
    /// The run; 0 if it never joined.
    pub incarnation: u64,
    /// Its health.
    pub health: Health,
    /// The last position it acknowledged.
    pub acknowledged: Position,
}

impl Member {
    /// Creates a member without a lease, which has applied everything up to `acknowledged`.
    pub(super) fn new(name: String, longest: Duration, acknowledged: Position) -> Member {
        Member {
            name,
            longest,
            feed: None,
            acknowledged: watch::channel(acknowledged).0,
            last_seen: Moment::EARLIEST,
            holdings: None,
            lease_until: Moment::EARLIEST,
            fenced: false,
            has_lease_of_ours: false,
            asked: None,
            withheld: false,
            ended: CancellationToken::new(),
        }
    }

    /// Returns which contents it has of the record at `position`.
    pub(super) fn holding(&self, position: Position) -> Holding<'_> {
        match &self.holdings {
            Some(holdings) if *self.acknowledged.borrow() >= position => holdings.of(position),
            _ => Holding::Lacking,
        }
    }

    /// Returns whether it cannot store a file that the log puts into the docroot.
    pub(super) fn is_failing(&self) -> bool {
        self.holdings.as_ref().is_some_and(|holdings| !holdings.failing.is_empty())
    }

    pub(super) fn health(&self, now: Moment) -> Health {
        match (self.feed.is_some(), self.lease_until > now) {
            (true, _) if self.withheld => Health::Probation,
            (true, true) => Health::Serving,
            (true, false) => Health::Fenced,
            (false, true) => Health::Cut,
            (false, false) => Health::Gone,
        }
    }
}
