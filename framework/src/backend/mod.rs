//! A back end: runs controllers, owns the log, and informs the front ends of invalidations.
//!
//! - [`Backend`]: the back end, opened on a log.
//! - [`BackendParts`]: the parts that one is made of.
//! - `call`: the back end's half of a request: wait for the position, run the controller, reply.
//! - `writing`: the records that a controller writes, and their invalidations.
//! - `update_ids`: the ids by which its updates are recognised when the request is sent a second
//!   time.
//! - `checkpointer`: when checkpoints are made, and whether the records that they replace are kept.
//! - `rates`: limits how often visitors call.
//! - `deferrals`: deferred invalidations that are not settled.
//! - [`members`](Members): the front ends that may hold leases, and the writers that wait for them.
//! - `program`: identifies the running program, because another one may make other pages of the
//!   same data.
//! - `docroot`: the files that the log puts into every docroot.
//! - `tail`: the end of the log, as feeds read it.
//! - [`BackendHost`]: implements the link's interface with all of this.
//!
//! This module must not depend on templates or the cache.

mod call;
mod checkpointer;
mod deferrals;
mod docroot;
mod host;
mod members;
mod parts;
mod program;
mod rates;
mod tail;
mod update_ids;
mod writing;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Semaphore;

use crate::budget::Budget;
use crate::checkpoint::{Checkpoints, ReplacedRecords, StateHashes, record_line};
use crate::claim;
use crate::clock;
use crate::controller::Registration;
use crate::log::{
    Appended, Draft, Invalidation, Log, LogId, LogOptions, Membership, Position, Receipt,
    UpdateOutcome,
};
use crate::problem::Problem;
use crate::request::Resources;
use crate::session::Revocations;
use crate::state::{Journal, States, WriteError, Writing, Written};

pub(crate) use checkpointer::CheckpointOptions;
use checkpointer::{Checkpointer, Made};
use deferrals::Deferrals;
use docroot::BackEndDocroot;
pub(crate) use host::BackendHost;
pub(crate) use members::{CallId, Health, MemberStatus, Members};
pub(crate) use parts::BackendParts;
use rates::Rates;
use tail::{Publisher, Tail};
pub(crate) use update_ids::KeyOptions;

/// The interval between checks of members without leases.
const LOOK_AFTER: Duration = Duration::from_millis(500);
/// The interval between sweeps of contents without references.
const SWEEP: Duration = Duration::from_secs(20);

/// How long a request for records waits for the next record.
const LONGEST_FOLLOW: Duration = Duration::from_secs(20);
/// The most records in an answer, and roughly the most bytes of them.
const LINES: usize = 4096;
const LINES_BYTES: usize = 1 << 20;

/// A back end.
pub(crate) struct Backend {
    name: String,
    log: Arc<Log>,
    tail: Arc<Tail>,
    deferrals: Arc<Deferrals>,
    docroot: Arc<BackEndDocroot>,
    revocations: Arc<Mutex<Revocations>>,
    sync_deadline: Duration,
    members: Members,
    expected: Vec<String>,
    membership: tokio::sync::Mutex<()>,
    checkpointer: Arc<Checkpointer>,
    hashes: Arc<StateHashes>,
    claims: PathBuf,
    states: Arc<States>,
    /// The hash that identifies this program.
    program: u64,
    resources: Arc<Resources>,
    sign_in: Option<Arc<str>>,
    controllers: BTreeMap<String, Registration>,
    body_limit: u64,
    fields: usize,
    recorded_groups: usize,
    keys: KeyOptions,
    /// Memory for request bodies that are read as a whole.
    memory: Budget,
    /// Permits for calls without bodies, whether or not their answers are still wanted.
    places: Semaphore,
    /// Permits for calls with bodies.
    upload_places: Semaphore,
    /// The rates of visitors' calls.
    rates: Rates,
}

/// A back end's report of its state.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct BackendReport {
    /// Its log.
    pub log: String,
    /// The position that it has applied.
    pub applied: Position,
    /// The front ends.
    pub members: Vec<MemberStatus>,
}

impl Backend {
    /// Opens the log in `folder`, replays it, and settles the deferrals that a predecessor has left
    /// open. The `bool` is true if the log is new.
    ///
    /// # Errors
    /// If the log cannot be opened; the message contains the remedy.
    pub(crate) async fn open(
        folder: &Path,
        parts: BackendParts,
    ) -> Result<(Arc<Backend>, bool), Problem> {
        let tail = Tail::new();
        let deferrals = Arc::new(Deferrals::default());
        let docroot = Arc::new(BackEndDocroot::new(parts.docroot, parts.store));
        let revocations = Arc::default();
        let publisher = Publisher {
            states: Arc::clone(&parts.states),
            tail: Arc::clone(&tail),
            deferrals: Arc::clone(&deferrals),
            docroot: Arc::clone(&docroot),
            revocations: Arc::clone(&revocations),
            checkpoints: Arc::new(Checkpoints::beside(folder)),
            hashes: Arc::new(StateHashes::new(Arc::clone(&parts.states), parts.on_difference)),
        };
        let hashes = Arc::clone(&publisher.hashes);
        let saved = publisher.saved();
        let checkpointer = Checkpointer::new(saved, parts.checkpoints, folder.to_owned());
        let checkpointer = Arc::new(checkpointer);
        if !Log::is_in(folder) && !checkpointer.is_empty() {
            return Err(Problem::new(format!(
                "{}: there are checkpoints, but the log itself is missing; restore the folder from a backup, make a \
                 log of the newest checkpoint with `data restore --newest`, or move the folder `checkpoints` away to start \
                 with an empty log",
                folder.display()
            )));
        }
        let folder = folder.to_owned();
        let program = tokio::task::spawn_blocking(move || match parts.is_followed {
            true => program::program(),
            false => 0,
        });
        let options = LogOptions { clock: parts.clock, ..LogOptions::default() };
        let opening = tokio::task::spawn_blocking(move || Log::open(&folder, options, publisher));
        let opening = opening.await.expect("opening a log does not panic");
        let (log, opened) = opening.map_err(|error| Problem::new(error.to_string()))?;
        let program = program.await.expect("hashing a file does not panic");
        let members = Members::new(parts.lease);
        let (ended, living): (Vec<_>, Vec<_>) = opened.joined.members().partition(|member| {
            claim::has_ended(&claim::path(&parts.claims, &member.name), member.incarnation)
        });
        for member in living {
            members.presume(member.incarnation, member.name.clone(), member.lease);
        }
        if !opened.untouched && !parts.alone {
            members.presume_nameless();
        }
        let controllers = parts.controllers.into_iter();
        let calls = parts.calls.min(Semaphore::MAX_PERMITS);
        let backend = Arc::new(Backend {
            name: parts.name,
            log: Arc::new(log),
            tail,
            deferrals,
            docroot,
            revocations,
            sync_deadline: parts.sync_deadline,
            members,
            expected: parts.expected,
            membership: tokio::sync::Mutex::default(),
            checkpointer,
            hashes,
            claims: parts.claims,
            states: parts.states,
            program,
            resources: parts.resources,
            sign_in: parts.sign_in,
            controllers: controllers.map(|entry| (entry.name().to_owned(), entry)).collect(),
            body_limit: parts.body_limit,
            fields: parts.fields,
            recorded_groups: parts.recorded_groups,
            keys: parts.keys,
            memory: Budget::new(parts.collected_bodies),
            places: Semaphore::new(calls),
            upload_places: Semaphore::new(calls),
            rates: Rates::default(),
        });
        for member in ended {
            backend.write_left(member.incarnation).await;
        }
        for (position, invalidation) in backend.deferrals.left_over() {
            let draft = Draft { invalidation, settles: Some(position), ..Draft::default() };
            backend.append(draft).await.map_err(|error| {
                let message =
                    format!("cannot settle the deferred invalidation of the record at {position}");
                Problem::new(format!("{message}: {error}"))
            })?;
        }
        Ok((backend, opened.last == Position::START))
    }

    /// Returns the log's id.
    pub(crate) fn log_id(&self) -> LogId {
        self.log.id()
    }

    /// Invalidates, and waits until no front end serves the invalidated content.
    ///
    /// # Errors
    /// If a pattern is not a regular expression or the record cannot be stored; then nothing is
    /// invalidated, unless the error is [`WriteError::InDoubt`].
    pub(crate) async fn invalidate(
        &self,
        invalidation: Invalidation,
    ) -> Result<Receipt, WriteError> {
        let journal: &dyn Journal = self;
        Ok(journal.write_one(Draft { invalidation, ..Draft::default() }).await?.receipt)
    }

    /// Writes a new site's first data in one transaction, before the first front end can connect.
    ///
    /// # Errors
    /// If they cannot be written; then none of them is.
    pub(crate) async fn seed(&self, drafts: Vec<Draft>) -> Result<(), WriteError> {
        drafts.iter().try_for_each(check)?;
        for appended in self.log.append_together(drafts).await? {
            if matches!(appended.applied?, Some(UpdateOutcome::Refused(_))) {
                let message = format!("first update {}, which passed the trial", appended.position);
                return Err(WriteError::Refused { message });
            }
        }
        Ok(())
    }

    /// Maintains the membership and the contents of files for as long as it is polled.
    pub(crate) async fn look_after(self: Arc<Self>) {
        let mut health = BTreeMap::new();
        let mut swept = clock::now();
        loop {
            tokio::time::sleep(LOOK_AFTER).await;
            if clock::now().since(swept) >= SWEEP {
                swept = clock::now();
                self.docroot.sweep().await;
            }
            self.log.probe();
            if let Some(hash) = self.hashes.due() {
                let draft = Draft { hash: Some(hash), ..Draft::default() };
                if let Err(error) = self.append(draft).await {
                    tracing::warn!(%error, "cannot write the hash of the states");
                }
            }
            let _alone = self.membership.lock().await;
            for incarnation in self.members.look_after() {
                self.write_left(incarnation).await;
            }
            for (position, invalidation) in self.deferrals.left_over() {
                tracing::warn!(%position, "settling the deferred invalidation of a call that has ended");
                let draft = Draft { invalidation, settles: Some(position), ..Draft::default() };
                if let Err(error) = self.append(draft).await {
                    tracing::error!(%error, "cannot settle the deferred invalidation of a call");
                }
            }
            self.report_missing(&mut health);
        }
    }

    /// Checks that the back end accepts writes.
    ///
    /// # Errors
    /// The reason, for an operator, if it does not.
    pub(crate) fn ready(&self) -> Result<(), String> {
        if let Some(reason) = self.log.halted() {
            return Err(reason);
        }
        match self.log.trouble() {
            Some(reason) => Err(format!("the log cannot be written: {reason}")),
            None => Ok(()),
        }
    }

    /// Returns why it no longer applies records, if so.
    pub(crate) fn halted(&self) -> Option<String> {
        self.log.halted()
    }

    /// Returns a report of its state.
    pub(crate) fn report(&self) -> BackendReport {
        BackendReport {
            log: self.log_id().to_string(),
            applied: self.tail.applied(),
            members: self.members.status(&self.expected),
        }
    }

    /// Makes a checkpoint; `records` decides whether the records that it replaces are kept.
    ///
    /// # Errors
    /// A sentence for an operator.
    pub(crate) async fn checkpoint(&self, records: ReplacedRecords) -> Result<Made, String> {
        self.checkpointer.checkpoint(&self.log, records).await
    }

    /// Makes checkpoints whenever they are due, for as long as it is polled.
    pub(crate) async fn make_checkpoints(self: Arc<Self>) {
        self.checkpointer.run(&self.log).await;
    }

    /// Returns the records after `after` as lines of JSON, from the log's first one if `after` is
    /// `None`. With `follow`, if there is none yet, it waits a while for the next one.
    ///
    /// # Errors
    /// A sentence for an operator.
    pub(crate) async fn record_lines(
        &self,
        after: Option<Position>,
        follow: bool,
    ) -> Result<String, String> {
        let after = after.unwrap_or(self.log.base());
        if follow {
            let next = self.tail.reach(after.next());
            let _ = tokio::time::timeout(LONGEST_FOLLOW, next).await;
        }
        let log = Arc::clone(&self.log);
        let reading = tokio::task::spawn_blocking(move || {
            let records = log.read(after, LINES, LINES_BYTES).map_err(|error| error.to_string())?;
            let lines = records.iter().map(|record| record_line(record) + "\n");
            Ok::<String, String>(lines.collect())
        });
        reading.await.map_err(|error| error.to_string())?
    }

    /// Accepts no more writes, and closes the log when the accepted ones are done.
    pub(crate) async fn shut_down(&self) {
        self.checkpointer.stop();
        let log = Arc::clone(&self.log);
        let closing = tokio::task::spawn_blocking(move || log.shutdown());
        if let Err(error) = closing.await {
            tracing::error!(%error, "the log was not closed cleanly");
        }
    }

    /// Appends a draft without waiting for front ends.
    async fn append(&self, draft: Draft) -> Result<Appended, WriteError> {
        check(&draft)?;
        self.log.append(draft).await.map_err(WriteError::from)
    }

    /// Appends drafts in one transaction, and waits until no front end serves the content that they
    /// invalidate.
    async fn write_of(
        &self,
        call: Option<CallId>,
        drafts: Vec<Draft>,
    ) -> Result<Vec<Written>, WriteError> {
        drafts.iter().try_for_each(check)?;
        let appended = self.log.append_together(drafts).await?;
        let Some(last) = appended.last() else { return Ok(Vec::new()) };
        let visible = clock::now();
        let acknowledgements = self.members.settled(last.position, call).await;
        let waited = clock::now().since(visible);
        metrics::histogram!("headwater_receipt_seconds").record(waited);
        let log = self.log_id();
        let written = appended.into_iter().map(|Appended { position, applied }| {
            let acknowledgements = acknowledgements.clone();
            Written { receipt: Receipt { log, position, acknowledgements }, applied }
        });
        Ok(written.collect())
    }

    async fn write_left(&self, incarnation: u64) {
        let membership = Some(Membership::Left { incarnation });
        if let Err(error) = self.append(Draft { membership, ..Draft::default() }).await {
            tracing::warn!(%error, "cannot write that a front end has left");
        }
    }

    /// Logs once when an expected front end is not serving, and once when it serves again.
    fn report_missing(&self, known: &mut BTreeMap<String, bool>) {
        let status = self.members.status(&self.expected);
        for name in &self.expected {
            let serving = status
                .iter()
                .any(|member| &member.name == name && matches!(member.health, Health::Serving));
            let before = known.insert(name.clone(), serving).unwrap_or(true);
            match (before, serving) {
                (true, false) => {
                    tracing::warn!(frontend = name, "expected front end is not serving")
                }
                (false, true) => tracing::info!(frontend = name, "expected front end is serving"),
                _ => {}
            }
        }
    }
}

/// Checks that the draft's patterns are regular expressions.
fn check(draft: &Draft) -> Result<(), WriteError> {
    let patterns = draft.invalidation.check().and_then(|()| draft.deferred.check());
    patterns.map_err(|(pattern, reason)| WriteError::Pattern { pattern, reason })
}

impl Journal for Backend {
    fn write(&self, drafts: Vec<Draft>) -> Writing<'_> {
        Box::pin(self.write_of(None, drafts))
    }
}
