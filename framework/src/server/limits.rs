//! The limits of a client's connection.

use std::time::Duration;

/// The limits of a [`Server`](super::Server). Timeouts are precise to a quarter of the shortest of
/// the three timeouts (at most 5 seconds), and no connection is ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The maximum size of a request's head, in bytes: request line and headers. Beyond it: 431.
    pub header_bytes: usize,
    /// The maximum number of headers of a request. Beyond it: 431.
    pub headers: usize,
    /// The time within which the head of a request must arrive. After it, the connection is closed,
    /// with 408 if the head has begun to arrive.
    pub header_timeout: Duration,
    /// The time for which a connection may be open without a request. After it, the connection is
    /// closed.
    pub idle_timeout: Duration,
    /// The time for which a client may receive none of the data that wait for it. After it, the
    /// connection is cut.
    pub write_timeout: Duration,
    /// The maximum number of connections. Beyond it: 503 with `Retry-After`, and the connection is
    /// closed. The timeouts ensure that connections end; when few are left, a connection without a
    /// request is closed after the shortest time that can be measured, instead of `idle_timeout`.
    pub connections: usize,
    /// The maximum number of further connections that may be open to be refused with that 503:
    /// beyond them connections are closed without a response.
    pub refusals: usize,
    /// The maximum number of concurrent requests on an HTTP/2 connection.
    pub streams: u32,
    /// The time for which a stopping server waits for requests in progress. After it, their
    /// connections are cut.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            header_bytes: 64 * 1024,
            headers: 100,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            connections: 10_000,
            refusals: 256,
            streams: 200,
            drain: Duration::from_secs(10),
        }
    }
}
