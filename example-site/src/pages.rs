//! Pages that let one see what the cache does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use headwater::prelude::*;

/// Says when it was made and which one it is; with the cache in front, it is made rarely.
#[controller("pages.normal_cache")]
pub async fn normal_cache() -> Reply {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed) + 1;
    template!("normal_cache.html").with("number", number).with("made", now())
}

/// Makes every front end forget the page above.
#[controller("pages.forget")]
#[invalidate("^/normal_cache")]
pub async fn forget() -> Reply {
    redirect_to("/normal_cache")
}

/// Says what time it is, each time anew.
#[controller("pages.current_time")]
pub async fn current_time() -> Reply {
    template!("current_time.html").with("now", now())
}

/// Milliseconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
