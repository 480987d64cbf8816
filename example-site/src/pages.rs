//! Pages that demonstrate the cache.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use headwater::prelude::*;

/// Shows when it was made and a counter of how often; served from the cache, it is made rarely.
#[controller("pages.normal_cache")]
pub async fn normal_cache() -> Reply {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed) + 1;
    template!("normal_cache.html").with("number", number).with("made", now())
}

/// Invalidates the page above on every front end.
#[controller("pages.forget")]
#[invalidate("^/normal_cache")]
pub async fn forget() -> Reply {
    redirect_to("/normal_cache")
}

/// Shows the time of each request.
#[controller("pages.current_time")]
pub async fn current_time() -> Reply {
    template!("current_time.html").with("now", now())
}

/// Returns the time in milliseconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
