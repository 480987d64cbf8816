//! Pages whose content visitors change without an invalidation.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use headwater::prelude::*;

#[derive(Default)]
struct Page {
    runs: u64,
    mood: String,
}

static PAGES: LazyLock<Mutex<BTreeMap<String, Page>>> = LazyLock::new(Mutex::default);

fn with<T>(name: String, change: impl FnOnce(&mut Page) -> T) -> T {
    change(PAGES.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default())
}

/// Returns the number of this run for the name, in the form of its mood.
#[controller("moods.show")]
pub async fn show(Path(name): Path<String>) -> Reply {
    let (run, mood) = with(name, |page| {
        page.runs += 1;
        (page.runs.to_string(), page.mood.clone())
    });
    match mood.as_str() {
        "failing" => error(500),
        "missing" => error(404).message(run),
        "moved" => redirect_with(301, format!("/{run}")),
        "private" => {
            tokio::time::sleep(Duration::from_millis(300)).await;
            text(run).append_header("set-cookie", "who=you")
        }
        "persistent" => text(run).cache(CacheType::Persistent),
        "never" => text(run).cache(CacheType::NoCache),
        _ => text(run),
    }
}

/// Sets the mood of a name.
#[controller("moods.set")]
pub async fn set(Path((name, mood)): Path<(String, String)>) -> Reply {
    with(name, |page| page.mood = mood);
    status(204)
}
