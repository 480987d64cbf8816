//! Headwater is a web framework for sites that are read far more often than they are written: news,
//! shops, forums, documentation.
//!
//! A site is one program, which runs as two kinds of process:
//!
//! - **Front ends** dispatch requests, render templates, and serve pages from a cache in their own
//!   memory. They own no data, so any number of them may run.
//! - A **back end** runs the site's controllers and owns its data. Every change is a record in one
//!   ordered log.
//!
//! The cache is coherent. The framework records the data that each controller reads, so every change
//! invalidates the cached pages that depend on it; a site's code names neither keys nor tags. A write
//! completes only when no front end serves an outdated page any more. A visitor who posts a form and is
//! redirected therefore sees the result, whichever front end answers the second request.
//!
//! # Example
//!
//! A site needs data that updates change, controllers, and a `main`:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use headwater::prelude::*;
//! use serde::{Deserialize, Serialize};
//!
//! /// A line that a visitor has written.
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
//! The file `dispatch.conf` maps requests to controllers:
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
//! `cargo run -- serve` runs the site in one process, `cargo run -- cluster` as a back end and two front
//! ends. `/` is served from the cache, because replies to `GET` are cached unless their route declares
//! otherwise. A post to `/lines` invalidates it: `show` has read the lines.
//!
//! The guide in the repository's `docs/guide/` begins with a tutorial and has a chapter for each topic.
//! `docs/architecture.md` describes how the framework works inside.
//!
//! # Where to find things
//!
//! A site's code begins with `use headwater::prelude::*;`. The [`prelude`] lists all that it usually needs.
//!
//! | to | see |
//! |---|---|
//! | put a site together and run it | [`App`](app::App) |
//! | write a controller, or steps around it | [`controller`](mod@controller) |
//! | read the path, the query, the body, headers, cookies | [`extract`], [`request`] |
//! | reply with a template, a redirect, JSON | [`reply`] |
//! | declare data, read it and change it | [`state`] |
//! | declare a form's rules once, for browser and controller | [`form`] |
//! | show a long list in pages | [`paging`] |
//! | sign visitors in and out | [`session`] |
//! | serve several versions of a page at one address | [`Variant`](struct@Variant) |
//! | invalidate cached pages explicitly | [`Invalidation`], [`invalidate`] |
//!
//! # Cargo features
//!
//! All features except `test` are enabled by default.
//!
//! | feature | adds |
//! |---|---|
//! | `brotli` | the content coding `br` for pages and synchronized files |
//! | `zstd` | the content coding `zstd` for pages and synchronized files |
//! | `prometheus` | `/metrics` on the admin port |
//! | `watch` | in development, file changes are reported by the operating system instead of being polled for every half second |
//! | `test` | the module `test`, with visitors for the site's own tests; enable it in `[dev-dependencies]` |

#![deny(missing_docs)]
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]
// Without the feature, items that only benches and tests use are unreachable.
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
