//! What a back end is made of.

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

/// What a back end is made of.
pub(crate) struct BackendParts {
    /// The node's name.
    pub name: String,
    /// How long leases are.
    pub lease: Duration,
    /// The names of the front ends that ought to be there.
    pub expected: Vec<String>,
    /// The site's data.
    pub states: Arc<States>,
    /// What the site's constructors have built.
    pub resources: Arc<Resources>,
    /// Where visitors sign in, if the site has sessions.
    pub sign_in: Option<Arc<str>>,
    /// The site's controllers.
    pub controllers: Vec<Registration>,
    /// The longest request body that a controller reads as a whole, in bytes.
    pub body_limit: u64,
    /// The most fields of a form or a query.
    pub fields: usize,
    /// The most groups that a page has for what its controller has read, before they become wider.
    pub recorded_groups: usize,
    /// How many bytes the request bodies may take that controllers read as a whole, all together.
    pub collected_bodies: u64,
    /// How many calls run at a time, those with bodies and those without counted apart.
    pub calls: usize,
    /// The folder with the files that can be synchronized.
    pub docroot: PathBuf,
    /// Where the contents of synchronized files are kept.
    pub store: Arc<Store>,
    /// How long a call waits until every front end has a file.
    pub sync_deadline: Duration,
    /// Where front ends of this machine keep their claims.
    pub claims: PathBuf,
    /// When checkpoints are made.
    pub checkpoints: CheckpointOptions,
    /// What is made of `Idempotency-Key`.
    pub keys: KeyOptions,
    /// What becomes of states that have another hash than the log says.
    pub on_difference: OnDifference,
    /// Where the time of records comes from.
    pub clock: RecordClock,
    /// Whether no front end that has followed an earlier log can still be running, but for those of
    /// this process.
    pub alone: bool,
    /// Whether front ends of other processes follow it, which may have followed another program before.
    pub is_followed: bool,
}
