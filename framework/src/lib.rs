//! Headwater: a web framework for sites that are read far more often than they are written.
//!
//! A site is one program that runs as two kinds of process. *Front ends* dispatch requests, render
//! templates, and serve from a cache in their own memory; they keep nothing else, so there are as
//! many as the load asks for. A *back end* runs the site's controllers and owns its data. Every
//! change is a record in one ordered log. What a controller reads is recorded, so the cached content
//! that a change makes wrong is known. A write is answered when every front end has dropped that
//! content, so a visitor who posts and is redirected sees the post, on whichever front end the
//! redirect lands.
//!
//! # A site
//!
//! Data that changes by updates, controllers, and a `main`:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use headwater::prelude::*;
//! use serde::{Deserialize, Serialize};
//!
//! /// What a visitor has said.
//! #[derive(Clone, Serialize, Deserialize, Row)]
//! struct Line {
//!     #[row(key)]
//!     id: u64,
//!     text: String,
//! }
//!
//! #[derive(Clone, Default, State)]
//! struct Wall {
//!     lines: Table<Line>,
//! }
//!
//! impl Updates for Wall {
//!     type Update = String;
//!     type Output = ();
//!     type Refusal = Violation;
//!
//!     fn apply(&mut self, text: String, at: &mut At) -> Result<(), Violation> {
//!         self.lines.insert(Line { id: at.position.0, text })
//!     }
//! }
//!
//! #[controller("wall.show")]
//! async fn show(wall: Data<Wall>) -> Reply {
//!     let lines = wall.lines.by_key().newest(50).into_iter();
//!     text(lines.map(|line| line.text.clone() + "\n").collect::<String>())
//! }
//!
//! #[controller("wall.write")]
//! async fn write(mut wall: DataMut<Wall>, line: String) -> Result<Reply> {
//!     wall.update(line).await??;
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
//!
//! [[route]]
//! path = "/lines"
//! methods = ["POST"]
//! controller = "wall.write"
//! ```
//!
//! `cargo run -- serve` runs it in one process, `cargo run -- cluster` as a back end and two front
//! ends. The guide is in the repository's `docs/guide/`: first steps, `dispatch.conf`, controllers,
//! data, caching, running several nodes. What a site's code needs is in [`prelude`].
//!
//! # Modules
//!
//! - [`app`]: a site's `main`, and a site as a service in a test.
//! - [`controller`](mod@controller): controllers, the steps around them, and what they invalidate.
//! - [`extract`], [`request`]: what a controller takes.
//! - [`form`]: forms whose rules are declared once, for browser and controller.
//! - [`reply`]: what it gives.
//! - [`paging`]: lists in pages.
//! - [`state`]: the site's data: in memory, changed by updates in the log.
//!
//! How the framework works inside is described in the repository's `docs/architecture.md`.
//!
//! # Cargo features
//!
//! All but the last are on by default.
//!
//! | feature | what is missing without it |
//! |---|---|
//! | `brotli` | the content coding `br`, of pages and of synchronized files |
//! | `zstd` | the content coding `zstd` likewise |
//! | `prometheus` | `/metrics` on the admin port |
//! | `watch` | in development, hints of the operating system that files have changed; they are looked at every half a second |
//! | `test` | visitors for the site's own tests: a feature for `[dev-dependencies]` |

#![deny(missing_docs)]
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]
// Without the feature, what only benches and tests reach is unreachable.
#![cfg_attr(feature = "internals", warn(unreachable_pub))]

extern crate self as headwater;

mod admin;
pub mod app;
mod backend;
mod body;
mod budget;
mod cache;
mod cache_type;
mod catalogues;
mod checkpoint;
mod claim;
mod cli;
mod clock;
mod computation;
mod config;
pub mod controller;
mod dispatch;
mod docroot;
mod encoded;
pub mod extract;
mod files;
pub mod form;
mod frontend;
#[cfg(test)]
#[cfg(all(feature = "brotli", feature = "zstd"))]
mod guide_tests;
mod http;
mod inline;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
mod link;
mod log;
mod media_type;
mod packed;
pub mod paging;
mod pieces;
pub mod prelude;
mod private;
mod problem;
mod raw;
pub mod reply;
pub mod request;
mod request_values;
mod server;
pub mod session;
mod shown;
mod slug;
pub mod state;
mod templates;
#[cfg(feature = "test")]
pub mod test;
mod units;
mod zoned;

pub use ::tera;
pub use docroot::SyncError;
pub use frontend::{Variant, Visitor};
pub use headwater_macros::{Variant, after, before, controller, invalidate};
pub use http::{Languages, Origin, Scheme};
pub use log::{Acknowledgement, Invalidation, Outcome, Position, Receipt};
pub use problem::{Problem, Problems};
pub use slug::{slug, slugs};
