use std::time::Duration;

use super::client::AdminPort;
use super::runtime;
use crate::problem::{Problem, Problems};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks a node whether it is alive, or can do its work: what it answers.
///
/// # Errors
/// When it is not, or cannot.
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
