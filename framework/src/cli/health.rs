use std::time::Duration;

use super::client::AdminPort;
use super::runtime;
use crate::problem::{Problem, Problems};

/// The time limit for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Checks whether a node is alive, or ready, and returns its answer.
///
/// # Errors
/// Fails when it is not, or cannot be reached.
pub(super) fn run(node: &AdminPort, ready: bool) -> Result<String, Problems> {
    let path = if ready { "/ready" } else { "/health" };
    let answer = runtime()?.block_on(node.get(path, PATIENCE));
    let answer = answer.map_err(|error| Problem::new(error.to_string()))?;
    let said = String::from_utf8_lossy(&answer.body).trim().to_owned();
    match answer.status.is_success() {
        true => Ok(said),
        false => Err(Problem::new(format!("{node}: {said}")).into()),
    }
}
