use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::value;

/// `[limits]`: what a visitor may ask of the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// Bytes of a request's head, 8 KiB to 16 MiB. Default 64 KiB.
    #[serde(with = "value::size")]
    pub header_bytes: u64,
    /// Number of a request's header fields. Default 100.
    #[serde(deserialize_with = "value::count")]
    pub headers: usize,
    /// Bytes of a request's body, where the route does not say otherwise. Default 8 MiB.
    #[serde(with = "value::size")]
    pub body: u64,
    /// Bytes of the bodies that are in memory as a whole at the same time: of requests on a back end,
    /// of replies that are to be cached on a front end. Default 256 MiB.
    #[serde(with = "value::size")]
    pub collected_bodies: u64,
    /// Number of fields of a form, or of a query that a controller takes. Default 1000.
    #[serde(deserialize_with = "value::count")]
    pub fields: usize,
    /// Groups that a page has for what its controller has read, before they become wider. Default 256.
    pub recorded_groups: usize,
    /// Longest wait for the whole head. Default 10 s.
    #[serde(with = "value::duration")]
    pub header_timeout: Duration,
    /// Longest wait for the next piece of a body, and the time over which its rate is counted.
    /// Default 30 s.
    #[serde(with = "value::duration")]
    pub body_timeout: Duration,
    /// Bytes of a body that must arrive in a second, on average over each `body_timeout`; 0 for a
    /// piece in that time. Default 1 KiB.
    #[serde(with = "value::size")]
    pub body_rate: u64,
    /// How long a connection may stay open without a request. Default 75 s.
    #[serde(with = "value::duration")]
    pub idle_timeout: Duration,
    /// Longest wait for a visitor to take the next piece of a response. Default 30 s.
    #[serde(with = "value::duration")]
    pub write_timeout: Duration,
    /// Number of connections open at once. Default 10 000.
    #[serde(deserialize_with = "value::count")]
    pub connections: usize,
    /// How long a node that stops lets running requests go on. Default 10 s.
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
