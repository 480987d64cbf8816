//! Makes a back end's checkpoints, and drops or archives the records that they replace.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::deferrals::Deferrals;
use super::docroot::BackEndDocroot;
use super::tail::Tail;
use crate::checkpoint::{
    CheckpointError, Checkpoints, Content, ReplacedRecords, StateHashes, Written, archive_of, tools,
};
use crate::clock::{self, Moment};
use crate::log::{Beginning, Log, Past, Position};
use crate::session::Revocations;
use crate::state::States;

/// The interval between checks whether a checkpoint is due.
const LOOK: Duration = Duration::from_millis(500);
/// The pause after a checkpoint that has failed.
const AGAIN: Duration = Duration::from_secs(60);

/// When checkpoints are made.
#[derive(Debug, Clone, Default)]
pub(crate) struct CheckpointOptions {
    /// After so many bytes of records, but at least as many as the last checkpoint is long; 0 for
    /// no such limit.
    pub bytes: u64,
    /// After so long a time in which records were written; 0 for no such limit.
    pub interval: Duration,
    /// Whether the replaced records are kept.
    pub records: ReplacedRecords,
}

/// The data that is restored at the start and saved later, with its store.
pub(super) struct Saved {
    pub(super) states: Arc<States>,
    pub(super) tail: Arc<Tail>,
    pub(super) deferrals: Arc<Deferrals>,
    pub(super) docroot: Arc<BackEndDocroot>,
    pub(super) revocations: Arc<Mutex<Revocations>>,
    pub(super) checkpoints: Arc<Checkpoints>,
    pub(super) hashes: Arc<StateHashes>,
}

/// Makes the checkpoints of a back end, one at a time.
pub(super) struct Checkpointer {
    saved: Saved,
    options: CheckpointOptions,
    /// The log's folder.
    folder: PathBuf,
    /// Held by a run until its thread has ended, even if the request for it is dropped.
    turn: Arc<tokio::sync::Mutex<()>>,
    stop: Arc<AtomicBool>,
    /// When the last successful run ended.
    made: Mutex<Moment>,
    /// Whether the log still has records that the last checkpoint replaces and that must be
    /// dropped.
    has_replaced: AtomicBool,
    /// The length of the last checkpoint, in bytes.
    length: AtomicU64,
    /// The number of bytes of records when it was made.
    made_at: AtomicU64,
}

/// A checkpoint that was made, for an operator.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Made {
    /// The last record that it replaces.
    pub position: Position,
    /// The length of the file in bytes.
    pub bytes: u64,
    /// The number of items of states in it.
    pub items: u64,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
    /// The last record that is no longer in the log.
    pub base: Position,
    /// The number of records that were removed from the log.
    pub dropped: u64,
    /// The files that still contain older records, if those of the log were dropped.
    pub left: Vec<PathBuf>,
}

impl Saved {
    /// Restores the newest checkpoint of the log, if there is one.
    ///
    /// # Errors
    /// If the log cannot be replayed without the checkpoint.
    pub(super) fn restore(&self, past: &Past) -> Result<Beginning, String> {
        let Some(restored) = self.checkpoints.restore(past, &self.states)? else {
            return Ok(Beginning::default());
        };
        self.hashes.restored(restored.hash.as_ref())?;
        self.states.publish();
        self.deferrals.restore(restored.deferred);
        self.docroot.restore(restored.files);
        *self.revocations.lock().unwrap_or_else(PoisonError::into_inner) = restored.revocations;
        self.tail.begin(restored.beginning.position);
        Ok(restored.beginning)
    }
}

impl Checkpointer {
    pub(super) fn new(saved: Saved, options: CheckpointOptions, folder: PathBuf) -> Checkpointer {
        Checkpointer {
            saved,
            options,
            folder,
            turn: Arc::default(),
            stop: Arc::default(),
            made: Mutex::new(clock::now()),
            has_replaced: AtomicBool::new(false),
            length: AtomicU64::new(0),
            made_at: AtomicU64::new(0),
        }
    }

    /// Returns whether there are no checkpoints at all.
    pub(super) fn is_empty(&self) -> bool {
        self.saved.checkpoints.names().is_ok_and(|names| names.is_empty())
    }

    /// Aborts a checkpoint that is being made, and makes no more.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Returns whether a checkpoint is due when the log has `bytes` bytes of records.
    fn is_due(&self, bytes: u64, now: Moment) -> bool {
        let CheckpointOptions { bytes: limit, interval, .. } = self.options;
        let since = bytes.saturating_sub(self.made_at.load(Ordering::Relaxed));
        let by_bytes = limit > 0 && since >= limit.max(self.length.load(Ordering::Relaxed));
        let is_wanted = since > 0 || self.has_replaced.load(Ordering::Relaxed);
        let by_time = !interval.is_zero() && is_wanted && now.since(*self.made()) >= interval;
        by_bytes || by_time
    }

    /// Makes a checkpoint, while updates and queries continue. Unless records are
    /// [kept](ReplacedRecords::Keep), it makes two and removes older ones, so that the records up
    /// to now are in neither. It continues when the future is dropped.
    ///
    /// # Errors
    /// A sentence for an operator.
    pub(super) async fn checkpoint(
        self: &Arc<Self>,
        log: &Arc<Log>,
        records: ReplacedRecords,
    ) -> Result<Made, String> {
        let number = if records == ReplacedRecords::Keep { 1 } else { 2 };
        if (records, self.options.records) == (ReplacedRecords::Drop, ReplacedRecords::Archive) {
            let base = log.base();
            tracing::warn!(%base, "the records after this position will be missing in the archives");
        }
        self.take_turn(log, records, number).await
    }

    /// Makes so many checkpoints and drops the records that they replace, in a task of its own.
    /// Only one run is active at a time, because two would write to the same files.
    async fn take_turn(
        self: &Arc<Self>,
        log: &Arc<Log>,
        records: ReplacedRecords,
        number: usize,
    ) -> Result<Made, String> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let (this, log) = (Arc::clone(self), Arc::clone(log));
        let run = tokio::spawn(async move {
            let _turn = turn;
            let before = log.base();
            for _ in 1..number {
                this.make(&log).await?;
            }
            let made = this.make(&log).await?;
            // Another one is due later, though nothing may be written until then.
            let replaced = records != ReplacedRecords::Keep && log.base() < made.position;
            this.has_replaced.store(replaced, Ordering::Relaxed);
            this.drop_replaced(&log, records).await?;
            let base = log.base();
            this.has_replaced.store(replaced && base < made.position, Ordering::Relaxed);
            *this.made() = clock::now();
            let left = match records {
                ReplacedRecords::Drop => tools::older_records(&this.folder),
                ReplacedRecords::Keep | ReplacedRecords::Archive => Ok(Vec::new()),
            };
            let left = left.map_err(|error| format!("{}: {error}", this.folder.display()))?;
            Ok(Made { base, dropped: base.0 - before.0, left, ..made })
        });
        run.await.map_err(|error| error.to_string())?
    }

    /// Makes checkpoints whenever they are due, for as long as it is polled.
    pub(super) async fn run(self: &Arc<Self>, log: &Arc<Log>) {
        let mut pause = LOOK;
        loop {
            tokio::time::sleep(pause).await;
            pause = LOOK;
            if !self.is_due(log.bytes(), clock::now()) {
                continue;
            }
            if let Err(reason) = self.take_turn(log, self.options.records, 1).await {
                tracing::error!(%reason, "the checkpoint has failed");
                metrics::counter!("headwater_checkpoint_failures_total").increment(1);
                pause = AGAIN;
            }
        }
    }

    fn made(&self) -> MutexGuard<'_, Moment> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes one checkpoint.
    async fn make(&self, log: &Log) -> Result<Made, String> {
        let (began, grown) = (Instant::now(), log.bytes());
        let Saved { states, deferrals, docroot, revocations, checkpoints, .. } = &self.saved;
        let (states, deferrals) = (Arc::clone(states), Arc::clone(deferrals));
        let (docroot, revocations) = (Arc::clone(docroot), Arc::clone(revocations));
        let content = log.look(move |standing| {
            let revocations = revocations.lock().unwrap_or_else(PoisonError::into_inner).clone();
            Content::of(&standing, &states, deferrals.open(), docroot.manifest(), revocations)
        });
        let content = content.await.map_err(|error| error.to_string())?;
        let position = content.head.position;
        let (checkpoints, stop) = (Arc::clone(checkpoints), Arc::clone(&self.stop));
        let written = on_a_thread(move || checkpoints.write(content, &stop)).await?;
        let written = written.map_err(|error| {
            let reason = format!("the checkpoint was not made: {error}");
            if matches!(error, CheckpointError::Differs(_))
                && !self.saved.hashes.continues_after_difference()
            {
                log.halt(reason.clone());
            }
            reason
        });
        let Written { bytes, items } = written?;
        self.length.store(bytes, Ordering::Relaxed);
        self.made_at.store(grown, Ordering::Relaxed);
        let took = began.elapsed();
        let milliseconds = took.as_millis() as u64;
        tracing::info!(%position, bytes, items, milliseconds, "made a checkpoint");
        metrics::histogram!("headwater_checkpoint_seconds").record(took);
        let (base, dropped, left) = (log.base(), 0, Vec::new());
        Ok(Made { position, bytes, items, milliseconds, base, dropped, left })
    }

    /// Removes the records that both checkpoints replace from the log.
    async fn drop_replaced(&self, log: &Arc<Log>, records: ReplacedRecords) -> Result<(), String> {
        if records == ReplacedRecords::Keep {
            return Ok(());
        }
        let (log, checkpoints) = (Arc::clone(log), Arc::clone(&self.saved.checkpoints));
        let (archive, stop) = (archive_of(&self.folder), Arc::clone(&self.stop));
        let dropping = on_a_thread(move || {
            let base = checkpoints.base().map_err(|error| {
                format!("no records were dropped, because a checkpoint cannot be read: {error}")
            })?;
            let Some(base) = base else { return Ok(()) };
            if records == ReplacedRecords::Archive {
                log.archive(&archive, base.position, &stop)?;
            }
            log.drop_records(base, &stop)?;
            // Data that must be erased is still in the older checkpoints.
            if records == ReplacedRecords::Drop { checkpoints.remove_old() } else { Ok(()) }
        });
        dropping.await.and_then(|dropped| dropped)
    }
}

/// Runs long work on a thread of its own. A node that stops does not wait for it, as it would for a
/// blocking task of the runtime: each piece of the work checks whether it must stop.
async fn on_a_thread<R: Send + 'static>(
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<R, String> {
    let (answer, done) = tokio::sync::oneshot::channel();
    let named = std::thread::Builder::new().name("headwater-saves".to_owned());
    let spawned = named.spawn(move || {
        // The task that waits for the answer may have been dropped.
        let _ = answer.send(work());
    });
    spawned.map_err(|error| format!("its thread cannot be started: {error}"))?;
    done.await.map_err(|_| "its thread has panicked".to_owned())
}

#[cfg(test)]
mod tests;
