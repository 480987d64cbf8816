//! The controllers of a site, and the types around them.
//!
//! - [`Registration`]: a controller with its name, its steps and what it invalidates; created by the attribute
//!   `#[controller]` or by hand. [`Controllers`] is a list of them, created by [`controllers!`](crate::controllers).
//! - [`Before`] and [`After`]: steps around a controller; [`signed_in`] is one. [`Next`]: the inner handler that a
//!   [wrapper](Registration::wrap) calls.
//! - [`Invalidates`]: the cached content that a controller invalidates; `Invalidations`: the same with the values of a
//!   request's route filled in.
//! - `language`: the controller that every site with a `language_cookie` has.
//! - [`answer`]: runs steps and controller for one request. A panic becomes an error 500.
//! - [`Error`]: the type to which `?` converts any error, and [`OrNotFound`] for values that may be missing; [`file()`]
//!   sends a file.
//!
//! ```text
//! request ── before-steps ── wrappers ── controller ── wrappers ── after-steps ── reply
//!                 └──────────── a step may reply itself ────────────┘
//! ```
//!
//! This module must not depend on where a controller runs, or on how its invalidations are written.
//!
//! # The attributes
//!
//! ```
//! use headwater::prelude::*;
//!
//! /// Redirects visitors who are not logged in; otherwise stores the visitor's name.
//! async fn require_login(request: &mut Request) -> Result<()> {
//!     let Some(name) = request.parts.header("x-visitor")?.cloned() else {
//!         return Err(redirect_to("/login").into());
//!     };
//!     request.parts.extensions.insert(name);
//!     Ok(())
//! }
//!
//! async fn stamp(reply: Reply) -> Reply {
//!     reply.header("x-frame-options", "DENY")
//! }
//!
//! fn published(reply: &Reply) -> bool {
//!     reply.status() == StatusCode::SEE_OTHER
//! }
//!
//! #[controller("reports.update")]
//! #[before(require_login)]
//! #[after(stamp)]
//! #[invalidate("^/blog/", "^/index\\.html$")]
//! #[invalidate(groups = ["reports", "report:{slug}"], when = published)]
//! async fn update(Path(slug): Path<String>) -> Result<Reply> {
//!     Ok(redirect_to(format!("/reports/{slug}")))
//! }
//!
//! let controllers = controllers![update];
//! assert_eq!(controllers.iter().next().unwrap().name(), "reports.update");
//! ```

mod error;
mod file;
mod invalidates;
mod language;
mod list;
mod panic;
mod registration;
mod run;
mod signed_in;
mod step;
mod wrap;

pub use error::{Error, OrNotFound, Result, bad_request, forbidden, not_found};
pub use file::file;
pub(crate) use invalidates::Invalidations;
pub use invalidates::{Condition, Invalidates, Piece};
pub(crate) use language::{LANGUAGE_CONTROLLER, language_controller};
pub use list::Controllers;
pub use registration::{Controller, ControllerFn, Registration};
pub use run::answer;
pub use signed_in::{SignedIn, signed_in};
pub use step::{After, AfterFn, AfterFnWithParts, Before, BeforeFn, ViaFn, ViaFnWithParts};
pub use wrap::Next;
