//! Headwater: a web framework for sites that are read far more often than they are written.
//!
//! A site is one program that runs as two kinds of process. *Front ends* dispatch requests, render
//! templates, and serve from a cache in their own memory; they keep nothing else, so there are as
//! many as the load asks for. A *back end* runs the site's controllers and owns its data. Every
//! change is a record in one ordered log, and the record also says which cached content it makes
//! wrong. A write is answered when every front end has forgotten that content, so whoever posts
//! and is redirected sees the post, on whichever front end the redirect lands.
//!
//! # A site
//!
//! Data that changes by updates, controllers, and a `main`:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use headwater::prelude::*;
//!
//! /// What visitors have said, the oldest first.
//! #[derive(Clone, Default)]
//! struct Wall(Vec<String>);
//!
//! impl State for Wall {
//!     type Update = String;
//!     type Output = ();
//!
//!     fn apply(&mut self, line: String, _at: At) {
//!         self.0.push(line);
//!     }
//!
//!     fn invalidates(_line: &String) -> Invalidation {
//!         Invalidation::new().group("wall")
//!     }
//! }
//!
//! #[controller("wall.show")]
//! async fn show(wall: Data<Wall>) -> Reply {
//!     text(wall.query(|wall| wall.0.join("\n")))
//! }
//!
//! #[controller("wall.write")]
//! async fn write(wall: Data<Wall>, line: String) -> Result<Reply> {
//!     wall.update(line).await?;
//!     Ok(redirect_to("/"))
//! }
//!
//! fn main() -> ExitCode {
//!     App::new().state::<Wall>().controllers(controllers![show, write]).run()
//! }
//! ```
//!
//! and a `dispatch.conf` that says which address shows what:
//!
//! ```toml
//! [[route]]
//! path = "/"
//! controller = "wall.show"
//! groups = ["wall"]
//!
//! [[route]]
//! path = "/lines"
//! methods = ["POST"]
//! controller = "wall.write"
//! ```
//!
//! `cargo run -- serve` runs it in one process, `cargo run -- cluster` as a back end and two front
//! ends. The guide is in the repository's `docs/guide/`: first steps, `dispatch.conf`, controllers,
//! caching, running several nodes. What a site's code needs is in [`prelude`].
//!
//! # Layout
//!
//! A room for each concern. Arrows point downwards: a room uses those below it, not those above.
//!
//! | room | what it is |
//! |---|---|
//! | [`app`], [`cli`], [`config`] | put a node together: a site's `main`, its command line, `project.toml` |
//! | [`admin`] | health, readiness, metrics, status |
//! | [`frontend`] | the way of a request from the visitor to the cache, or onwards over the link |
//! | [`backend`] | controllers, members and receipts; the writing half of the law |
//! | [`link`] | what joins the two: calls, the feed of records, leases |
//! | [`cache`] | entries, keys, groups, patterns; the reading half of the law |
//! | [`dispatch`] | `dispatch.conf`: routes, matching, reverse URLs |
//! | [`templates`] | the site's Tera templates |
//! | [`controller`](mod@controller), [`extract`], [`request`], [`reply`] | what a controller is, takes and gives |
//! | [`docroot`] | files that the log puts into every docroot: manifest and contents |
//! | [`state`] | the site's data: in memory, changed by updates in the log |
//! | [`log`](mod@log) | records, positions, the engine that keeps them on disk |
//! | [`http`](mod@http) | the server for visitors and operators: limits, files, graceful stop |
//! | [`body`], [`pieces`], [`packed`], [`clock`], [`problem`], [`units`] | what several rooms share: bodies that stream, content in pieces, values of templates on their way, a clock that counts suspended time, mistakes with their place in a file, durations and sizes |
//!
//! The law that all of it serves is told in [`cache`], and why it holds in [`link`] and [`backend`].

#![deny(missing_docs)]
#![forbid(unsafe_code)]
#![warn(unreachable_pub, clippy::unwrap_used)]

pub mod admin;
pub mod app;
pub mod backend;
pub mod body;
mod budget;
pub mod cache;
mod cache_type;
mod claim;
pub mod cli;
pub mod clock;
mod computation;
pub mod config;
pub mod controller;
pub mod dispatch;
pub mod docroot;
pub mod extract;
pub mod frontend;
#[cfg(test)]
mod guide_tests;
pub mod http;
pub mod link;
pub mod log;
mod media_type;
pub mod packed;
pub mod pieces;
pub mod prelude;
mod private;
pub mod problem;
pub mod reply;
pub mod request;
mod shown;
pub mod state;
pub mod templates;
pub mod units;

pub use ::tera;
pub use headwater_macros::{after, before, controller, invalidate};
