//! What a site's controllers are to the rest of the framework.
//!
//! - [`Registration`]: a controller with its name, its steps and what it invalidates; made by the
//!   attribute `#[controller]` or by hand. [`Controllers`] is a list of them, made by
//!   [`controllers!`](crate::controllers).
//! - [`Before`] and [`After`]: steps around a controller. [`Next`]: what a
//!   [wrapper](Registration::wrap) calls.
//! - [`Invalidates`]: what a controller makes wrong in the caches, with the values of its route put
//!   in: `Invalidations`.
//! - [`answer`]: runs it all for one request. A panic becomes an error 500.
//! - [`Site`]: what a request can reach of the back end; [`Resources`] among it.
//!
//! ```text
//! request ── before-steps ── wrappers ── controller ── wrappers ── after-steps ── reply
//!                 └──────────── a step answers by itself ────────────┘
//! ```
//!
//! This room must not know where a controller runs, nor who writes its invalidations.
//!
//! # The attributes
//!
//! ```
//! use headwater::prelude::*;
//!
//! /// Answers by itself when nobody is logged in; otherwise leaves the visitor's name.
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
//! #[controller("stories.update")]
//! #[before(require_login)]
//! #[after(stamp)]
//! #[invalidate("^/blog/", "^/index\\.html$")]
//! #[invalidate(groups = ["stories", "story:{slug}"], when = published)]
//! async fn update(Path(slug): Path<String>) -> Result<Reply> {
//!     Ok(redirect_to(format!("/stories/{slug}")))
//! }
//!
//! let controllers = controllers![update];
//! assert_eq!(controllers.iter().next().unwrap().name(), "stories.update");
//! ```

mod in_memory;
mod invalidates;
mod list;
mod panic;
mod registration;
mod resources;
mod run;
mod site;
mod step;
mod wrap;

pub(crate) use invalidates::Invalidations;
pub use invalidates::{Condition, Invalidates, Piece};
pub use list::Controllers;
pub use registration::{Controller, Handler, Registration};
pub use resources::Resources;
pub use run::answer;
pub use site::Site;
pub use step::{After, AfterFn, AfterFnWithParts, Before, BeforeFn, ViaFn, ViaFnWithParts};
pub use wrap::Next;
