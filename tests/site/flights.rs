//! A slow controller that counts its runs for each name.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use headwater::prelude::*;

static RUNS: LazyLock<Mutex<BTreeMap<String, u64>>> = LazyLock::new(Mutex::default);

/// Returns the number of this run for the name, some milliseconds later.
#[controller("flights.slow")]
pub async fn slow(Path((name, milliseconds)): Path<(String, u64)>) -> Reply {
    let run = {
        let mut runs = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
        let run = runs.entry(name).or_default();
        *run += 1;
        *run
    };
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    text(run.to_string())
}

/// Returns how often the controller above has begun to run for a name.
#[controller("flights.runs")]
pub async fn runs(Path(name): Path<String>) -> Reply {
    let runs = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
    text(runs.get(&name).copied().unwrap_or(0).to_string())
}
