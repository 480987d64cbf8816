//! The admin port of a node: health, readiness, metrics, status, and invalidating by hand.
//!
//! | request | answer |
//! |---|---|
//! | `GET /health` | 200 while the process can answer at all |
//! | `GET /ready` | 200 when the node can do its work, otherwise 503, and to an operator why not |
//! | `GET /metrics` | figures in the text format of Prometheus |
//! | `GET /status` | the node's own view of itself and of the cluster, as JSON |
//! | `POST /invalidate` | on a back end: `{"groups": […], "patterns": […]}`; the answer is the receipt |
//! | `POST /checkpoint` | on a back end: makes a checkpoint; `{"records": "archive"}` or `"drop"` takes the records that it replaces out of the log |
//! | `GET /log` | on a back end: records as lines of JSON, behind the position `after`; with `follow=true` it waits for the next one |
//! | `POST /audit` | on a front end: compares all cached pages with fresh ones; the answer is what was found |
//! | `POST /reload` | loads the site's files anew, on a back end the texts; the answer is the edition's number, or all problems |
//!
//! `guard` says which requests are answered at all.
//!
//! This module does not know what a node is made of: the node answers for itself as [`Node`].

mod answer;
mod guard;
#[cfg_attr(not(feature = "prometheus"), path = "no_metrics.rs")]
mod metrics;

pub(crate) use answer::answer;
pub(crate) use guard::Guard;
pub(crate) use metrics::Metrics;

use std::future::Future;
use std::pin::Pin;

use crate::checkpoint::ReplacedRecords;
use crate::log::{Invalidation, Position, Receipt};
use crate::problem::Problems;
use crate::state::WriteError;

/// What the admin port asks of its node.
pub(crate) trait Node: Send + Sync + 'static {
    /// Whether the node can do its work; otherwise why not.
    ///
    /// # Errors
    /// A sentence for an operator.
    fn ready(&self) -> Result<(), String>;

    /// The node's view of itself.
    fn status(&self) -> serde_json::Value;

    /// Sets the gauges and counters whose values the node keeps itself.
    fn publish(&self);

    /// Loads the site's files anew.
    fn reload(&self) -> Reloading<'_>;

    /// Compares all cached pages with fresh ones, if this node has a cache.
    fn audit(&self) -> Option<Auditing<'_>>;

    /// Makes a checkpoint, if this node is a back end.
    fn checkpoint(&self, records: ReplacedRecords) -> Option<Checkpointing<'_>>;

    /// Records behind a position as lines of JSON, if this node is a back end: the first that there are if
    /// none is named. It waits a while for the next one if it is to `follow`.
    fn log(&self, after: Option<Position>, follow: bool) -> Option<Reading<'_>>;

    /// Invalidates, if this node is a back end.
    fn invalidate(&self, invalidation: Invalidation) -> Option<Invalidating<'_>>;
}

/// A reload under way: the number of the edition that it comes to.
pub(crate) type Reloading<'a> = Pin<Box<dyn Future<Output = Result<u64, Problems>> + Send + 'a>>;

/// An audit under way: what it comes to.
pub(crate) type Auditing<'a> = Pin<Box<dyn Future<Output = serde_json::Value> + Send + 'a>>;

/// A checkpoint under way: what was made, or a sentence for an operator.
pub(crate) type Checkpointing<'a> =
    Pin<Box<dyn Future<Output = Result<serde_json::Value, String>> + Send + 'a>>;

/// Records that are read, or a sentence for an operator.
pub(crate) type Reading<'a> = Pin<Box<dyn Future<Output = Result<String, String>> + Send + 'a>>;

/// An invalidation under way.
pub(crate) type Invalidating<'a> =
    Pin<Box<dyn Future<Output = Result<Receipt, WriteError>> + Send + 'a>>;
