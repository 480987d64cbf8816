//! The HTTP server: accepts connections, holds them to limits, and hands requests to a handler.
//!
//! - [`Server`] (`listener`) accepts connections; `connection` serves one of them as HTTP/1 or HTTP/2, by
//!   hyper, until it ends, breaks a limit, or the server stops (`stop`).
//! - [`Handler`]: what answers requests. `service` takes each request from hyper to it: `admission` says
//!   which ones are refused before. [`Refusal`]: what the server answers by itself; [`finish`]: the headers of
//!   every response.
//! - [`Limits`]: all numbers that a connection is held to. `timers` counts for how long it waits, with
//!   one timer for each connection; `exchange` is a request and its response as they are counted there.
//! - `socket`: what a connection reads from and writes to, which notes its progress in the timers;
//!   `frames` finds out how much of that is content over HTTP/2.
//! - `linger`: for how long a client is read after its last response; `unread`: what becomes of a
//!   request body that was answered before it was read.
//! - `work`: how much may be under way for one connection, whatever its client has reset.
//! - [`limited`]: a request body that may not be too long or too slow.
//!
//! This module must know neither the cache nor the link, nor what the handler does.

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
