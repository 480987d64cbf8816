//! Speaking HTTP to browsers: accepting connections, holding them to limits, serving files.
//!
//! - [`Server`] accepts connections and gives each request to a [`Handler`]. `connection` serves
//!   one of them as HTTP/1 or HTTP/2; its `pulse` tells who is keeping whom waiting, `socket` is
//!   what it reads from and writes to, and `stop` ends it when the server ends.
//! - [`Limits`]: all numbers that a connection is held to.
//! - [`limited`]: a request's body that may not be too long or too slow.
//! - [`Files`]: files below a folder, as responses.
//! - [`structured`]: lists of strings in headers.
//! - [`Validators`]: `ETag` and `Last-Modified`, and whether a client has that version already.
//!
//! This room knows neither cache nor link, and not what is behind the handler.

mod connection;
mod files;
mod incoming;
mod limits;
mod pulse;
mod server;
mod socket;
mod stop;
pub mod structured;
mod validators;

pub use connection::Peer;
pub use files::Files;
pub use incoming::limited;
pub use limits::Limits;
pub use server::{Drained, Handler, Server};
pub use validators::Validators;

#[cfg(test)]
mod tests;
