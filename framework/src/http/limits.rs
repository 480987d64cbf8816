//! The numbers that a client's connection is held to.

use std::time::Duration;

/// What a [`Server`](super::Server) allows. Times are kept to within a quarter of the shortest of
/// the three timeouts (at most 5 seconds), and no connection is ended too early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The longest head of a request, in bytes: request line and headers. Beyond it: 431.
    pub header_bytes: usize,
    /// The most headers of a request. Beyond it: 431.
    pub headers: usize,
    /// How long the head of a request may take to arrive. Then: 408 if it has begun to arrive, and
    /// the connection is closed.
    pub header_timeout: Duration,
    /// How long a connection may be open without a request. Then it is closed.
    pub idle_timeout: Duration,
    /// How long a client may take nothing of what is there for it. Then the connection is cut.
    pub write_timeout: Duration,
    /// The most connections at a time. Beyond it: 503 with `Retry-After`, and the connection is
    /// closed. The timeouts see to it that places become free.
    pub connections: usize,
    /// How long a stop waits for the requests that are being answered. Then they are cut.
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
            drain: Duration::from_secs(10),
        }
    }
}
