use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::cache::Cache;
use crate::clock::{self, Moment};
use crate::link::{FeedRecord, Follower, Welcome};
use crate::log::{Invalidation, LogId, Position};

/// Lets the feed tell the cache what has become wrong, and until when it may be served from.
#[derive(Debug)]
pub struct CacheFollower {
    cache: Arc<Cache>,
    lease: Mutex<Duration>,
}

impl CacheFollower {
    /// Follows on behalf of `cache`.
    pub fn new(cache: Arc<Cache>) -> CacheFollower {
        CacheFollower { cache, lease: Mutex::default() }
    }
}

impl Follower for CacheFollower {
    fn followed(&self) -> Option<(LogId, Position)> {
        self.cache.position().map(|origin| (origin.log, origin.as_of))
    }

    fn welcomed(&self, welcome: &Welcome) {
        *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = welcome.lease;
        if !welcome.resumed {
            self.cache.follow(welcome.log, welcome.start);
        }
    }

    fn apply(&self, records: &[FeedRecord], through: Position) {
        let decoded: Option<Vec<(Position, Invalidation)>> = records
            .iter()
            .map(|record| Some((record.position, Invalidation::from_bytes(&record.payload)?)))
            .collect();
        match decoded {
            Some(decoded) => {
                let records =
                    decoded.iter().map(|(position, invalidation)| (*position, invalidation));
                self.cache.apply(records, through, clock::now());
            }
            None => {
                // Anything may be wrong now, and forgetting everything is always right.
                tracing::error!(%through, "cannot read a record of the feed: dropping the cache");
                if let Some(origin) = self.cache.position() {
                    self.cache.follow(origin.log, through);
                }
            }
        }
    }

    fn renewed(&self, stamp: Moment) {
        let lease = *self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        self.cache.renew(stamp, lease);
    }

    fn cut(&self) {
        // The lease runs out by itself, and the link reports the cut.
    }
}
