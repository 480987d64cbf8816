use std::time::Duration;

/// How the content of a route may be cached, as `dispatch.conf` says it with `cache = …`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CachePolicy {
    /// What ends an entry's life.
    pub kind: CacheType,
    /// For how long after its end, or without a lease, an entry may be served, marked as stale,
    /// when the back end fails. Never past an invalidation. Zero: not at all.
    pub stale_if_error: Duration,
}

/// What ends the life of cached content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
