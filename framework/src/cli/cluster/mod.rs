//! `cluster`: a back end and several front ends on this machine, as processes of the same program.
//!
//! ```text
//! plan        the processes to start, with their variables
//! process     one child: its task owns it, relays its output, and passes signals on
//! supervisor  starts all in order, waits until all are ready, watches them, stops them
//! lock        detects processes of an earlier cluster
//! output      lines on stdout and stderr, with a bounded wait for a slow reader
//! ```
//!
//! The children are not in the terminal's process group, so Ctrl-C reaches only the supervisor, which stops the front
//! ends first. SIGHUP is passed on to all: each reloads the site's files. When the supervisor is killed, the
//! operating system kills the children (`parent`).

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

/// Runs the cluster until it is stopped. Must be called on a thread that lives as long as the children: they are
/// killed when it ends.
pub(super) fn run(
    arguments: &Cluster,
    file: Option<&Path>,
    config: &Config,
) -> Result<(), Problems> {
    let folders = plan::Folders { log: &config.log.path, sync: &config.docroot.sync };
    let plan = plan::Plan::new(arguments.frontends, arguments.port, folders, file);
    let runtime = runtime()?;
    let result = runtime.block_on(supervisor::run(plan, config.limits.drain));
    // A thread may be blocked on a pipe that is not being read.
    runtime.shutdown_background();
    result
}
