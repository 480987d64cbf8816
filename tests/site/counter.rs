//! A number that is incremented whenever its controller runs: two responses with the same number
//! come from one run, so one was cached.

use std::sync::atomic::{AtomicU64, Ordering};

use headwater::prelude::*;
use serde::Deserialize;

static RUNS: AtomicU64 = AtomicU64::new(0);

/// Returns the next number.
#[controller("counter.next")]
pub(crate) async fn next() -> Reply {
    text((RUNS.fetch_add(1, Ordering::Relaxed) + 1).to_string())
}

/// Returns the next number, in a hundred lines.
#[controller("counter.lines")]
pub(crate) async fn lines() -> Reply {
    let number = RUNS.fetch_add(1, Ordering::Relaxed) + 1;
    html((1..=100).map(|line| format!("<li>{line}: {number}</li>\n")).collect::<String>())
}

/// Invalidates the counter.
#[controller("counter.forget")]
#[invalidate("^/counter")]
pub(crate) async fn forget() -> Reply {
    text("forgotten")
}

/// Replies with the status in the path, and invalidates the counter if that is a success.
#[controller("counter.forget_if")]
#[invalidate(groups = ["counter"], when = succeeded)]
pub(crate) async fn forget_if(Path(code): Path<u16>) -> Reply {
    status(code)
}

fn succeeded(reply: &Reply) -> bool {
    reply.status().is_success()
}

/// The requested invalidation.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    pattern: Option<String>,
    #[serde(default)]
    soft: bool,
}

/// Makes the invalidation in the form and shows the receipt.
#[controller("counter.invalidate")]
pub(crate) async fn invalidate(cluster: Cluster, Form(wanted): Form<Wanted>) -> Reply {
    let mut invalidation = Invalidation::new();
    if let Some(group) = wanted.group {
        invalidation = invalidation.group(group);
    }
    if let Some(pattern) = wanted.pattern {
        invalidation = invalidation.pattern(pattern);
    }
    if wanted.soft {
        invalidation = invalidation.soft();
    }
    match cluster.invalidate(invalidation).await {
        Ok(receipt) => json(&receipt),
        Err(error) => text(error.to_string()).with_status(422),
    }
}
