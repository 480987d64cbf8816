//! Visitors for a site's own tests. They open pages, fill in forms and follow links of the real site.
//!
//! - [`Site`]: a site that runs in the test's process, as a single node or as a cluster. `nodes`: its nodes; `worker`:
//!   its threads.
//! - [`TestVisitor`]: a client with cookies. `form`: the request that a browser sends for a form; `label`: finds a field by
//!   its label; `address`: resolves a link of a page.
//! - [`Page`]: a response; `outline`: a page as text, for messages and snapshots.
//! - `links`: checks that no link of the site is broken.
//!
//! All functions block: a test needs no runtime, and may have one. A failed expectation panics at the line of the test
//! with a message that shows the actual page.
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
pub use visitor::TestVisitor;
