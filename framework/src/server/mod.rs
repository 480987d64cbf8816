//! The HTTP server: accepts connections, enforces limits, and passes requests to a handler.
//!
//! - [`Server`] (`listener`) accepts connections; `connection` serves one of them as HTTP/1 or HTTP/2, by hyper, until
//!   it ends, exceeds a limit, or the server stops (`stop`).
//! - [`Handler`]: answers requests. `service` passes each request from hyper to it, after `admission` has checked it.
//!   [`Refusal`]: the responses of the server itself; [`finish`]: the headers of every response.
//! - [`Limits`]: the limits of a connection. `timers` measures its waits, with one timer per connection; `exchange` is
//!   a request and its response, as they are counted there.
//! - `socket`: the stream of a connection, which notes its progress in the timers; `frames` determines how much of it
//!   is content over HTTP/2.
//! - `linger`: how long a client is read after its last response; `unread`: the rest of a request body that was not
//!   read before the response.
//! - `work`: limits the work in progress for one connection, including requests that its client has reset.
//! - [`limited`]: limits the size and the minimum speed of a request body.
//!
//! This module must depend neither on the cache nor on the link, nor on the handler's behaviour.

mod admission;
mod connection;
mod exchange;
mod finish;
mod frames;
mod handler;
mod incoming;
mod lent;
mod limits;
mod linger;
mod listener;
mod refusal;
mod service;
mod socket;
mod stop;
mod timers;
mod unread;
mod work;

pub(crate) use finish::finish;
pub use handler::{Handler, Peer};
pub(crate) use incoming::{Pace, limited};
pub use limits::Limits;
pub use listener::Server;
pub(crate) use refusal::Refusal;
pub use work::Work;

#[cfg(test)]
mod tests;
