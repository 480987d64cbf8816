//! What a site's controllers are to the rest of the framework.
//!
//! - [`Registration`]: a controller with its name, its steps and what it invalidates; made by the
//!   attribute `#[controller]` or by hand. [`Controllers`] is a list of them, made by
//!   [`controllers!`](crate::controllers).
//! - [`Before`] and [`After`]: steps around a controller; [`signed_in`] is one. [`Next`]: what a
//!   [wrapper](Registration::wrap) calls.
//! - [`Invalidates`]: what a controller makes wrong in the caches, with the values of its route put
//!   in: `Invalidations`.
//! - `language`: the controller that every site with a `language_cookie` has.
//! - [`answer`]: runs it all for one request. A panic becomes an error 500.
//! - [`Error`]: what `?` makes of any error, and [`OrNotFound`] for what may not be there; [`file()`] sends
//!   a file.
//!
//! ```text
//! request ── before-steps ── wrappers ── controller ── wrappers ── after-steps ── reply
//!                 └──────────── a step answers by itself ────────────┘
//! ```
//!
//! This module must not know where a controller runs, nor how its invalidations are written.
//!
//! # The attributes
//!
//! ```
//! use headwater::prelude::*;
//!
//! /// Answers by itself when the visitor is not logged in; otherwise leaves the visitor's name.
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
