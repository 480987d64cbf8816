//! The admin port of a node: health, readiness, metrics, status, and invalidation by hand.
//!
//! | request | answer |
//! |---|---|
//! | `GET /health` | 200 while the process answers requests |
//! | `GET /ready` | 200 when the node can do its work, otherwise 503, to an operator with the reason |
//! | `GET /metrics` | figures in the text format of Prometheus |
//! | `GET /status` | the node's own view of itself and of the cluster, as JSON |
//! | `POST /invalidate` | on a back end: `{"groups": […], "patterns": […]}`; the answer is the receipt |
//! | `POST /checkpoint` | on a back end: makes a checkpoint; `{"records": "archive"}` or `"drop"` removes the records that it replaces from the log |
//! | `GET /log` | on a back end: records after the position `after`, as lines of JSON; with `follow=true` it waits for the next one |
//! | `POST /audit` | on a front end: compares all cached pages with fresh ones; the answer is the result |
//! | `POST /reload` | reloads the site's files, on a back end the texts; the answer is the edition's number, or all problems |
//!
//! `guard` decides which requests are answered at all.
//!
//! This module does not depend on the parts of a node, which implements [`Node`].

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

/// The operations of a node that the admin port needs.
pub(crate) trait Node: Send + Sync + 'static {
    /// Returns `Ok` when the node can do its work.
    ///
    /// # Errors
    /// The reason why it cannot, as a sentence for an operator.
    fn ready(&self) -> Result<(), String>;

    /// Returns the node's view of itself and of the cluster.
    fn status(&self) -> serde_json::Value;

    /// Sets the gauges and counters whose values the node keeps itself.
    fn publish(&self);

    /// Reloads the site's files.
    fn reload(&self) -> Reloading<'_>;

    /// Compares all cached pages with fresh ones, if this node has a cache.
    fn audit(&self) -> Option<Auditing<'_>>;

    /// Makes a checkpoint, if this node is a back end.
    fn checkpoint(&self, records: ReplacedRecords) -> Option<Checkpointing<'_>>;

    /// Reads records after a position as lines of JSON, if this node is a back end; without a position, from the first
    /// record. With `follow`, it waits a while for the next record.
    fn log(&self, after: Option<Position>, follow: bool) -> Option<Reading<'_>>;

    /// Appends an invalidation, if this node is a back end.
    fn invalidate(&self, invalidation: Invalidation) -> Option<Invalidating<'_>>;
}

/// A reload in progress, which returns the number of the new edition.
pub(crate) type Reloading<'a> = Pin<Box<dyn Future<Output = Result<u64, Problems>> + Send + 'a>>;

/// An audit in progress, which returns its result.
pub(crate) type Auditing<'a> = Pin<Box<dyn Future<Output = serde_json::Value> + Send + 'a>>;

/// A checkpoint in progress, which returns a description of it, or an error for an operator.
pub(crate) type Checkpointing<'a> =
    Pin<Box<dyn Future<Output = Result<serde_json::Value, String>> + Send + 'a>>;

/// A read of records in progress, which returns lines of JSON, or an error for an operator.
pub(crate) type Reading<'a> = Pin<Box<dyn Future<Output = Result<String, String>> + Send + 'a>>;

/// An invalidation in progress.
pub(crate) type Invalidating<'a> =
    Pin<Box<dyn Future<Output = Result<Receipt, WriteError>> + Send + 'a>>;
