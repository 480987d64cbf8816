//! Visitors for a site's own tests: pages opened, forms filled in, links followed, against the site itself.
//!
//! - [`Site`]: a site that runs in the test's process, as a single node or as a cluster: `nodes`, and `worker`, the
//!   threads that it has to itself.
//! - [`Visitor`]: a client with cookies. `form`: what a browser sends for a form; `label`: which field a label
//!   names; `address`: where a link of a page leads to.
//! - [`Page`]: what came back; `outline`: a page as text, for messages and snapshots.
//! - `links`: whether every link of the site leads somewhere.
//!
//! All of it blocks: a test needs no runtime, and may have one. What does not hold panics at the line of the test, and
//! says what was there instead.
//!
//! ```
//! use headwater::prelude::*;
//! use headwater::test::Site;
//!
//! #[controller("hello")]
//! async fn hello() -> Reply {
//!     html("<h1>Hello!</h1>")
//! }
//!
//! fn app() -> App {
//!     App::new().controllers(controllers![hello])
//! }
//!
//! # let folder = tempfile::tempdir()?;
//! # let routes = "[[route]]\npath = \"/\"\ncontroller = \"hello\"\n";
//! # std::fs::write(folder.path().join("dispatch.conf"), routes)?;
//! # let folder = folder.path();
//! let site = Site::in_folder(folder).of(app());
//! let mut visitor = site.visitor();
//! visitor.open("/").page().has("h1", "Hello!");
//! assert!(visitor.open("/").page().was_hit());
//! site.audit();
//! # Ok::<(), std::io::Error>(())
//! ```

mod address;
mod form;
mod label;
mod links;
mod nodes;
mod outline;
mod page;
mod site;
mod visitor;
mod worker;

pub use page::Page;
pub use site::{Site, SiteFolder};
pub use visitor::Visitor;
