//! Headwater: a web framework for sites that are read far more often than they are written.
//!
//! A site runs as stateless *front ends* (dispatch, templates, a cache in memory) and *back ends*
//! (controllers and data). After a write, every front end has forgotten the old pages before the
//! writer gets an answer.

#![deny(missing_docs)]
#![forbid(unsafe_code)]
#![warn(unreachable_pub)]

pub mod admin;
pub mod app;
pub mod backend;
pub mod body;
pub mod cache;
pub mod cli;
pub mod clock;
pub mod config;
pub mod controller;
pub mod dispatch;
pub mod extract;
pub mod frontend;
pub mod http;
pub mod link;
pub mod log;
pub mod prelude;
pub mod problem;
pub mod reply;
pub mod request;
pub mod state;
pub mod templates;
pub mod units;

pub use headwater_macros::{after, before, controller, invalidate};
