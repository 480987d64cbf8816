use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::advice::Advice;
use super::docroot::Docroot;
use super::sessions::Sessions;
use crate::cache::Cache;
use crate::clock::{self, Moment};
use crate::link::{FeedRecord, Followed, Follower, Holdings, SnapshotPiece, Welcome};
use crate::log::{Position, RecordNotice};

/// Applies the feed to the cache (invalidations and leases), the docroot (files) and the sessions (revocations).
#[derive(Debug)]
pub(crate) struct CacheFollower {
    cache: Arc<Cache>,
    docroot: Arc<Docroot>,
    sessions: Arc<Sessions>,
    advice: Arc<Advice>,
    terms: Mutex<Terms>,
}

/// The terms of the last welcome.
#[derive(Debug, Clone, Copy, Default)]
struct Terms {
    lease: Duration,
    fingerprint: u64,
}

impl CacheFollower {
    /// Creates a follower that updates these.
    pub(crate) fn new(
        cache: Arc<Cache>,
        docroot: Arc<Docroot>,
        sessions: Arc<Sessions>,
        advice: Arc<Advice>,
    ) -> CacheFollower {
        CacheFollower { cache, docroot, sessions, advice, terms: Mutex::default() }
    }

    fn terms(&self) -> MutexGuard<'_, Terms> {
        self.terms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Follower for CacheFollower {
    fn followed(&self) -> Option<Followed> {
        let (origin, seen) = self.cache.seen()?;
        let Terms { fingerprint, .. } = *self.terms();
        Some(Followed { log: origin.log, fingerprint, applied: origin.as_of, seen })
    }

    fn welcomed(&self, welcome: &Welcome, resumed: Option<Followed>, snapshot: &[SnapshotPiece]) {
        *self.terms() = Terms { lease: welcome.lease, fingerprint: welcome.fingerprint };
        let ended = resumed.is_none().then_some(snapshot);
        self.sessions.welcomed(welcome.log.id, &welcome.openings, ended);
        match resumed {
            Some(followed) => self.cache.resume(welcome.log, followed.seen),
            None => {
                self.cache.follow(welcome.log, welcome.start);
                self.docroot.begin(snapshot.iter().filter_map(|piece| match piece {
                    SnapshotPiece::Files(piece) => Some(piece),
                    SnapshotPiece::Revocations(_) => None,
                }));
            }
        }
    }

    fn apply(&self, records: &[FeedRecord], through: Position) {
        let decoded: Option<Vec<(Position, RecordNotice)>> = records
            .iter()
            .map(|record| Some((record.position, RecordNotice::from_bytes(&record.payload)?)))
            .collect();
        match decoded {
            Some(decoded) => {
                // Before the cache, whose position must not be ahead of them.
                for (position, notice) in &decoded {
                    self.docroot.apply(*position, &notice.files);
                    self.sessions.apply(*position, &notice.revocations);
                    self.advice.invalidated(&notice.invalidation);
                }
                let records =
                    decoded.iter().map(|(position, notice)| (*position, &notice.invalidation));
                self.cache.apply(records, through, clock::now());
            }
            None => {
                // Any entry may be stale now, and clearing the cache is always correct.
                tracing::error!(%through, "cannot read a record of the feed: dropping the cache");
                self.docroot.distrust();
                self.sessions.distrust();
                if let Some(origin) = self.cache.position() {
                    self.cache.follow(origin.log, through);
                }
            }
        }
    }

    fn holdings(&self) -> watch::Receiver<Holdings> {
        self.docroot.holdings()
    }

    fn renewed(&self, stamp: Moment) {
        let Terms { lease, .. } = *self.terms();
        self.cache.renew(stamp, lease);
    }

    fn cut(&self) {
        // The lease expires without further action, and the link logs the cut.
    }
}
