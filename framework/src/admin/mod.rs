//! The admin port of a node: health, readiness, metrics, status, and invalidating by hand.
//!
//! | request | answer |
//! |---|---|
//! | `GET /health` | 200 while the process can answer at all |
//! | `GET /ready` | 200 when the node can do its work, otherwise 503 and why not |
//! | `GET /metrics` | figures in the text format of Prometheus |
//! | `GET /status` | the node's own view of itself and of the cluster, as JSON |
//! | `POST /invalidate` | on a back end: `{"groups": […], "patterns": […]}`; the answer is the receipt |
//!
//! This room does not know what a node is made of: the node answers for itself as [`Node`].

mod answer;
mod metrics;

pub use answer::answer;
pub use metrics::Metrics;

use std::future::Future;
use std::pin::Pin;

use crate::log::{Invalidation, Receipt};
use crate::state::WriteError;

/// What the admin port asks of its node.
pub trait Node: Send + Sync + 'static {
    /// Whether the node can do its work; otherwise why not.
    ///
    /// # Errors
    /// A sentence for an operator.
    fn ready(&self) -> Result<(), String>;

    /// The node's view of itself.
    fn status(&self) -> serde_json::Value;

    /// Sets the gauges and counters whose values the node keeps itself.
    fn publish(&self);

    /// Invalidates, if this node is a back end.
    fn invalidate(&self, invalidation: Invalidation) -> Option<Invalidating<'_>>;
}

/// An invalidation under way.
pub type Invalidating<'a> = Pin<Box<dyn Future<Output = Result<Receipt, WriteError>> + Send + 'a>>;
