//! `cluster`: a back end and several front ends on this machine, as processes of this very program.
//!
//! ```text
//! plan        who is started, with which variables
//! process     one child: its task owns it, relays what it says, and passes signals on
//! supervisor  brings all up in order, waits until all are ready, minds them, stops them
//! lock        whether processes of an earlier cluster are still running
//! output      what is said on stdout and stderr, never waiting long for who reads it
//! ```
//!
//! The children are not in the terminal's process group, so Ctrl-C reaches only the supervisor,
//! which stops the front ends first. SIGHUP is passed on to all: each loads the site's files
//! anew. When the supervisor is killed, the operating system kills the
//! children (`parent`).

mod lock;
mod output;
mod plan;
mod process;
mod supervisor;

use std::path::Path;

use super::args::Cluster;
use super::runtime;
use crate::config::Config;
use crate::problem::Problems;

/// Runs the cluster until it is told to stop. Has to be called on a thread that lives as long as
/// the children: their lives hang on it.
pub(super) fn run(
    arguments: &Cluster,
    file: Option<&Path>,
    config: &Config,
) -> Result<(), Problems> {
    let folders = plan::Folders { log: &config.log.path, sync: &config.docroot.sync };
    let plan = plan::Plan::new(arguments.frontends, arguments.port, folders, file);
    let runtime = runtime()?;
    let result = runtime.block_on(supervisor::run(plan, config.limits.drain));
    // A thread may be stuck writing to somebody who does not read.
    runtime.shutdown_background();
    result
}
