use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::value;

/// `[limits]`: limits on visitors' requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// Size of a request's head in bytes, 8 KiB to 16 MiB. Default 64 KiB.
    #[serde(with = "value::size")]
    pub header_bytes: u64,
    /// Number of a request's header fields. Default 100.
    #[serde(deserialize_with = "value::count")]
    pub headers: usize,
    /// Size of a request's body in bytes, unless the route sets another limit. Default 8 MiB.
    #[serde(with = "value::size")]
    pub body: u64,
    /// Total size in bytes of the bodies that are in memory at the same time: of requests on a back end, of replies
    /// to be cached on a front end. Default 256 MiB.
    #[serde(with = "value::size")]
    pub collected_bodies: u64,
    /// Number of fields of a form, or of a query that a controller takes. Default 1000.
    #[serde(deserialize_with = "value::count")]
    pub fields: usize,
    /// Number of groups of a page's recorded reads, before they are replaced by wider ones. Default 256.
    pub recorded_groups: usize,
    /// Time limit for the whole head. Default 10 s.
    #[serde(with = "value::duration")]
    pub header_timeout: Duration,
    /// Time limit for the next piece of a body, and the interval over which its rate is measured. Default 30 s.
    #[serde(with = "value::duration")]
    pub body_timeout: Duration,
    /// Minimum rate of a body in bytes per second, on average over each `body_timeout`; 0 requires only one piece in
    /// that time. Default 1 KiB.
    #[serde(with = "value::size")]
    pub body_rate: u64,
    /// Time for which a connection may stay open without a request. Default 75 s.
    #[serde(with = "value::duration")]
    pub idle_timeout: Duration,
    /// Time limit for a visitor to accept the next piece of a response. Default 30 s.
    #[serde(with = "value::duration")]
    pub write_timeout: Duration,
    /// Number of concurrent connections. Default 10 000.
    #[serde(deserialize_with = "value::count")]
    pub connections: usize,
    /// Time for which running requests may continue on a node that stops. Default 10 s.
    #[serde(with = "value::duration")]
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            header_bytes: 64 << 10,
            headers: 100,
            body: 8 << 20,
            collected_bodies: 256 << 20,
            fields: 1000,
            recorded_groups: 256,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            body_rate: 1 << 10,
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            connections: 10_000,
            drain: Duration::from_secs(10),
        }
    }
}
