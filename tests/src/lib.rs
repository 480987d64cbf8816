//! The harness of the end-to-end tests: real nodes as child processes, and the operations on them.
//!
//! - [`Site`]: a folder with a site's files. [`Site::test_site`] has those of `test-site`, the site in `site/` for
//!   these tests.
//! - [`Node`]: a process of a site. A test can start it, wait until it is ready, stop, kill, pause and restart it; its
//!   [`Messages`] are shown when a test fails.
//! - [`Cluster`]: a back end and front ends, each linked through its own [`Relay`], which can cut the link and keeps
//!   its address when a node's address changes.
//! - [`Shared`]: a cluster that the tests of one file share.
//! - [`Client`]: a visitor. [`raw`]: a visitor that violates HTTP.
//! - [`Browser`]: Chromium, with its complaints and the findings of axe-core.
//! - [`Printed`]: the output of a command of the site, such as `check`. [`copy_files`]: a backup of its data.
//! - [`until`]: waits for a condition. [`Seed`]: the seed of a test's random choices.
//!
//! All ports are chosen by the operating system, and no process outlives its test. A test of this package names the
//! program itself, because cargo gives its path only to tests:
//!
//! ```ignore
//! const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");
//!
//! #[tokio::test]
//! async fn a_page_is_served() {
//!     let cluster = Cluster::start(Site::test_site(PROGRAM), 2).await;
//!     let response = Client::new(cluster.frontends[0].http()).get("/page/1").await.unwrap();
//!     assert_eq!(response.text(), "0");
//! }
//! ```

mod browser;
mod client;
mod cluster;
mod command;
mod devtools;
mod files;
mod gauges;
mod messages;
mod node;
pub mod raw;
mod relay;
mod seed;
mod shared;
mod site;
mod until;
mod visitor;

pub use browser::Browser;
pub use client::{Client, Failed, Response};
pub use cluster::Cluster;
pub use command::Printed;
pub use files::copy_files;
pub use headwater::internals::config::Mode;
pub use messages::Messages;
pub use node::{Ended, Launch, Node};
pub use relay::{Cut, Relay};
pub use seed::Seed;
pub use shared::{Borrowed, Shared};
pub use site::Site;
pub use until::{PATIENCE, until};
