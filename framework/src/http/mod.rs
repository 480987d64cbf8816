//! Speaking HTTP to browsers: accepting connections, holding them to limits, serving files.
//!
//! - [`Server`] accepts connections and gives each request to a [`Handler`]. `connection` serves
//!   one of them as HTTP/1 or HTTP/2; its `pulse` tells who is keeping whom waiting, `socket` is
//!   what it reads from and writes to, and `stop` ends it when the server ends.
//! - [`Limits`]: all numbers that a connection is held to.
//! - [`limited`]: a request's body that may not be too long or too slow.
//! - [`Files`]: files below a folder, as responses.
//! - [`Validators`]: `ETag` and `Last-Modified`.
//! - [`conditions`]: whether a request is to be carried out with the version that there is: 304, 412.
//! - [`ranges`]: which bytes a request asks for: 206, 416, and multipart bodies.
//! - [`negotiation`]: which content codings a client takes; [`encoding`]: content in them.
//! - [`structured`]: lists of strings in headers.
//!
//! This room knows neither cache nor link, and not what is behind the handler.

pub mod conditions;
mod connection;
pub mod encoding;
mod files;
mod incoming;
mod limits;
pub mod negotiation;
mod pulse;
pub mod ranges;
mod server;
mod socket;
mod stop;
pub mod structured;
pub mod validators;

pub use conditions::Precondition;
pub use connection::Peer;
pub use files::Files;
pub use incoming::limited;
pub use limits::Limits;
pub use negotiation::{Coding, Preferences};
pub use server::{Drained, Handler, Server};
pub use validators::Validators;

#[cfg(test)]
mod tests;
