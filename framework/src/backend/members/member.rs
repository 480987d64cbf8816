use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::Moment;
use crate::link::{Holding, Holdings};
use crate::log::Position;

/// What is known of one run of a front end.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    /// The longest lease that the log says it may hold.
    pub(super) longest: Duration,
    /// The feed it follows; none while it is cut off.
    pub(super) feed: Option<FeedId>,
    pub(super) acknowledged: watch::Sender<Position>,
    /// When it last said something in its feed.
    pub(super) last_seen: Moment,
    /// Which contents of files it lacks, by its last report; nothing before the first.
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

/// Names one feed of one front end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FeedId(pub u64);

/// How a front end is.
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
    /// It ought to be there and never came.
    Missing,
}

/// What is known of one front end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MemberStatus {
    /// Its name.
    pub name: String,
    /// Which run of it; 0 when it never came.
    pub incarnation: u64,
    /// How it is.
    pub health: Health,
    /// The last position it acknowledged.
    pub acknowledged: Position,
}

impl Member {
    /// A member without a lease, which has applied everything up to `acknowledged`.
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

    /// What it has of the record at `position`.
    pub(super) fn holding(&self, position: Position) -> Holding<'_> {
        match &self.holdings {
            Some(holdings) if *self.acknowledged.borrow() >= position => holdings.of(position),
            _ => Holding::Lacking,
        }
    }

    /// Whether it cannot store a file that the log puts into the docroot.
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
