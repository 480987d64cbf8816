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
    /// closed. The timeouts see to it that places become free; when few are left, a connection
    /// without a request is closed after the shortest time that is kept, not after `idle_timeout`.
    pub connections: usize,
    /// How many more connections may be open to be refused with that 503: beyond them connections
    /// just close.
    pub refusals: usize,
    /// The most requests at a time on a connection over HTTP/2.
    pub streams: u32,
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
            refusals: 256,
            streams: 200,
            drain: Duration::from_secs(10),
        }
    }
}
