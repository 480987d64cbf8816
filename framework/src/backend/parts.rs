//! The parts of a back end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{CheckpointOptions, KeyOptions};
use crate::checkpoint::OnDifference;
use crate::controller::Registration;
use crate::docroot::Store;
use crate::log::RecordClock;
use crate::request::Resources;
use crate::state::States;

/// The parts of a back end.
pub(crate) struct BackendParts {
    /// The node's name.
    pub name: String,
    /// The length of leases.
    pub lease: Duration,
    /// The names of the expected front ends.
    pub expected: Vec<String>,
    /// The site's data.
    pub states: Arc<States>,
    /// The resources that the site's constructors have built.
    pub resources: Arc<Resources>,
    /// The path where visitors sign in, if the site has sessions.
    pub sign_in: Option<Arc<str>>,
    /// The site's controllers.
    pub controllers: Vec<Registration>,
    /// The longest request body that a controller reads as a whole, in bytes.
    pub body_limit: u64,
    /// The most fields of a form or a query.
    pub fields: usize,
    /// The most groups that a page has for the data that its controller has read, before they
    /// become wider.
    pub recorded_groups: usize,
    /// The number of bytes that all request bodies which controllers read as a whole may take
    /// together.
    pub collected_bodies: u64,
    /// The number of calls that run at a time; those with bodies and those without are counted
    /// separately.
    pub calls: usize,
    /// The folder with the files that can be synchronized.
    pub docroot: PathBuf,
    /// The store of the contents of synchronized files.
    pub store: Arc<Store>,
    /// How long a call waits until every front end has a file.
    pub sync_deadline: Duration,
    /// The folder where front ends of this machine keep their claims.
    pub claims: PathBuf,
    /// When checkpoints are made.
    pub checkpoints: CheckpointOptions,
    /// The options for `Idempotency-Key`.
    pub keys: KeyOptions,
    /// The reaction to states whose hash differs from the log's.
    pub on_difference: OnDifference,
    /// The clock of records.
    pub clock: RecordClock,
    /// Whether no front end that has followed an earlier log can still be running, except those of
    /// this process.
    pub alone: bool,
    /// Whether front ends of other processes follow it, which may have followed another program
    /// before.
    pub is_followed: bool,
}
