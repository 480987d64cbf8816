//! A number that grows whenever its controller runs: two responses with the same number came from
//! one run, so from a cache.

use std::sync::atomic::{AtomicU64, Ordering};

use headwater::prelude::*;
use serde::Deserialize;

static RUNS: AtomicU64 = AtomicU64::new(0);

/// The next number.
#[controller("counter.next")]
pub(crate) async fn next() -> Reply {
    text((RUNS.fetch_add(1, Ordering::Relaxed) + 1).to_string())
}

/// The next number, in a hundred lines.
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

/// Invalidates the counter if it succeeds, which the caller decides.
#[controller("counter.forget_if")]
#[invalidate(groups = ["counter"], when = succeeded)]
pub(crate) async fn forget_if(Path(code): Path<u16>) -> Reply {
    status(code)
}

fn succeeded(reply: &Reply) -> bool {
    reply.status().is_success()
}

/// What is to be invalidated.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    pattern: Option<String>,
    #[serde(default)]
    soft: bool,
}

/// Invalidates what the form says, and shows the receipt.
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
