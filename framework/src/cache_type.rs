//! Cache types: the ends of the lifetime of cached content.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units::format_duration;

/// The end of the lifetime of cached content.
///
/// `dispatch.conf` declares it for a route with `cache = …`, a controller for one reply with
/// [`Reply::cache`](crate::reply::Reply::cache).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CacheType {
    /// Lives until it is evicted, invalidated, or the configured lifetime is over.
    Normal,
    /// Lives exactly this long.
    Timeout(Duration),
    /// Lives until it is invalidated, and is evicted last.
    Persistent,
    /// Neither read from nor written to the cache.
    NoCache,
}

/// The form of `dispatch.conf`.
impl fmt::Display for CacheType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CacheType::Normal => f.write_str("normal"),
            CacheType::Timeout(timeout) => write!(f, "timeout {}", format_duration(*timeout)),
            CacheType::Persistent => f.write_str("persistent"),
            CacheType::NoCache => f.write_str("no_cache"),
        }
    }
}
