//! The harness of the end-to-end tests: real nodes as child processes, and what is done to them.
//!
//! - [`Site`]: a folder with a site's files. [`Site::test_site`] has those of `test-site`, the
//!   site in `site/` that is made to be tested.
//! - [`Node`]: a process of a site. It is started, asked whether it is ready, stopped, killed,
//!   paused and started again; its [`Messages`] are shown when a test fails.
//! - [`Cluster`]: a back end and front ends, each linked through its own [`Relay`], which can cut
//!   the link and keeps one address when nodes change theirs.
//! - [`Shared`]: a cluster that the tests of one file share.
//! - [`Client`]: a visitor. [`raw`]: a visitor that breaks the rules of HTTP.
//! - [`Browser`]: Chromium, with what it complains of and what axe-core finds in a page.
//! - [`Printed`]: what a command of the site, such as `check`, prints. [`copy_files`]: a backup of its data.
//! - [`until`]: waits for what is to come about. [`Seed`]: what decides a test's random choices.
//!
//! All ports are free ones, and nothing outlives its test. A test of this package names the
//! program itself, because only tests know where it is:
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
