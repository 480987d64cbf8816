use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::applier::panic_message;
use super::embedded::{Engine, Frame, Rewrite, WriteFailure};
use super::time::RecordClock;
use super::{
    AppendError, Appended, Applied, Applier, ApplyError, Draft, Joined, Position, Record, Standing,
};

/// The maximum number of records in one transaction, unless a single group of drafts has more.
pub(super) const BATCH_RECORDS: usize = 4096;

/// The maximum number of bytes that are written to test whether the log can be written again.
const LARGEST_PROBE: usize = 1 << 20;

/// The log's thread: commits queued drafts, applies them, and answers their writers.
pub(super) struct Committer<A> {
    pub(super) engine: Arc<Engine>,
    pub(super) applier: A,
    pub(super) queue: UnboundedReceiver<Command>,
    /// The maximum number of bytes in one transaction, unless a single group of drafts has more.
    pub(super) batch_bytes: usize,
    /// The last record that was applied. Unless the engine is closed, the log has no record behind it.
    pub(super) last: Position,
    /// Its time.
    pub(super) time: u64,
    pub(super) clock: RecordClock,
    /// The front ends that have joined and not left up to `last`.
    pub(super) joined: Joined,
    /// `last`, for readers.
    pub(super) committed: Arc<AtomicU64>,
    /// The number of bytes of the replayed and written records.
    pub(super) bytes: Arc<AtomicU64>,
    pub(super) trouble: Arc<Trouble>,
    /// The reason why no record is applied any more: the site cannot read one, or its data differ.
    pub(super) halted: Arc<OnceLock<String>>,
    /// The number of bytes in the last failed transaction.
    pub(super) failed: usize,
}

/// The reason why the last attempt to write the log failed, if it did.
#[derive(Debug, Default)]
pub(super) struct Trouble(Mutex<Option<String>>);

impl Trouble {
    pub(super) fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set(&self, trouble: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// A closure that inspects the applied state, or receives the reason why it may not.
pub(super) type Look = Box<dyn FnOnce(Result<Standing<'_>, AppendError>) + Send>;

/// A command to the log's thread.
pub(super) enum Command {
    /// Append these drafts in one transaction.
    Append(Vec<Queued>),
    /// Test whether the log can be written again.
    Probe,
    /// Inspect the applied state between two transactions.
    Look(Look),
    /// Replace the log's file by the rewritten one.
    Replace(Rewrite, oneshot::Sender<Result<(), String>>),
    /// Finish earlier commands, and stop.
    Stop,
}

/// A draft on its way into the log.
pub(super) struct Queued {
    pub(super) draft: Draft,
    pub(super) frame: Frame,
    pub(super) waiter: oneshot::Sender<Result<Appended, AppendError>>,
    /// The group's share of the queue, released when all of its drafts are finished.
    pub(super) _room: Arc<OwnedSemaphorePermit>,
}

impl<A: Applier> Committer<A> {
    /// Runs until it is stopped or no log handle is left that could append.
    pub(super) fn run(mut self) {
        let mut held_back = None;
        loop {
            let Some(first) = held_back.take().or_else(|| self.next()) else { break };
            let mut batch: Vec<Queued> = first;
            let mut bytes = bytes_of(&batch);
            while batch.len() < BATCH_RECORDS
                && let Ok(command) = self.queue.try_recv()
            {
                let Some(group) = self.accept(command) else { continue };
                bytes += bytes_of(&group);
                if bytes > self.batch_bytes || batch.len() + group.len() > BATCH_RECORDS {
                    held_back = Some(group);
                    break;
                }
                batch.extend(group);
            }
            self.commit(batch);
        }
        self.engine.close();
    }

    fn next(&mut self) -> Option<Vec<Queued>> {
        loop {
            let command = self.queue.blocking_recv()?;
            if let Some(group) = self.accept(command) {
                return Some(group);
            }
        }
    }

    fn accept(&mut self, command: Command) -> Option<Vec<Queued>> {
        match command {
            Command::Append(group) => Some(group),
            Command::Probe => {
                self.probe();
                None
            }
            Command::Look(look) => {
                // A checkpoint of a log without this opening could not be recognised later as this log's.
                if let Err(reason) = self.note_opening() {
                    look(Err(AppendError::Storage { reason }));
                    return None;
                }
                let (log, joined) = (self.engine.log(), &self.joined);
                look(Ok(Standing { log, position: self.last, time: self.time, joined }));
                None
            }
            Command::Replace(rewrite, answer) => {
                let replaced = match self.halted.get() {
                    // There are records behind the last one that was applied.
                    Some(reason) => {
                        // The unfinished file is removed before the failure is reported.
                        drop(rewrite);
                        Err(reason.clone())
                    }
                    None => self.engine.finish_rewrite(rewrite, self.last),
                };
                self.engine.note_in_lock(self.last);
                // The task that waits for the answer may have ended.
                let _ = answer.send(replaced);
                None
            }
            Command::Stop => {
                self.queue.close();
                None
            }
        }
    }

    fn commit(&mut self, mut batch: Vec<Queued>) {
        if let Some(reason) = self.halted.get() {
            return fail(batch, AppendError::Storage { reason: reason.clone() });
        }
        if let Err(reason) = self.mend() {
            tracing::error!(%reason, "the log's file could not be opened again");
            self.trouble.set(Some(reason.clone()));
            return fail(batch, AppendError::Storage { reason });
        }
        let first = self.last.next();
        let time = self.clock.after(self.time);
        for (queued, position) in batch.iter_mut().zip(first.0..) {
            queued.frame.seal(Position(position), time);
        }
        let began = Instant::now();
        let written = self.engine.write(first, batch.iter().map(|queued| &queued.frame));
        if let Err(failure) = written
            && let Err(error) = self.resolve(failure)
        {
            self.failed = bytes_of(&batch);
            self.trouble.set(Some(error.reason()));
            return fail(batch, error);
        }
        self.trouble.set(None);
        metrics::histogram!("headwater_log_commit_seconds").record(began.elapsed());
        metrics::counter!("headwater_log_records_total").increment(batch.len() as u64);
        self.complete(batch, time);
    }

    /// Stores this opening in the log, if that was not possible at its start.
    fn note_opening(&mut self) -> Result<(), String> {
        if self.engine.is_begun() {
            return Ok(());
        }
        let noted = self.mend().and_then(|()| {
            let Err(failure) = self.engine.begin(self.last) else { return Ok(()) };
            self.engine.reopen(self.last)?;
            // It may be on the disk in spite of the failure.
            if self.engine.is_begun() { Ok(()) } else { Err(failure.to_string()) }
        });
        if noted.is_ok() {
            self.engine.note_in_lock(self.last);
        }
        self.trouble.set(noted.clone().err());
        noted
    }

    /// Tests whether as many bytes as the last failed write had can be written now.
    fn probe(&mut self) {
        if self.trouble.get().is_none() {
            return;
        }
        let probed = self.mend().and_then(|()| self.note_opening()).and_then(|()| {
            let probed = self.engine.probe(self.failed.min(LARGEST_PROBE));
            probed.map_err(|failure| {
                let opened = self.engine.reopen(self.last);
                opened.err().unwrap_or_else(|| failure.to_string())
            })
        });
        if probed.is_ok() {
            tracing::info!("the log can be written again");
        }
        self.trouble.set(probed.err());
    }

    /// Opens the engine again if a failure has left it closed, and applies records in doubt that turn out to be
    /// in the log.
    fn mend(&mut self) -> Result<(), String> {
        if self.engine.is_open() {
            return Ok(());
        }
        if let Some(reason) = self.halted.get() {
            return Err(reason.clone());
        }
        let found = self.engine.reopen(self.last)?;
        if let Some(last) = found.last() {
            tracing::warn!(position = %last.position, "records in doubt turned out to be in the log");
            let (last, time) = (last.position, last.time);
            for record in &found {
                // Its writer was answered that the outcome is not known.
                let (_, halts) = self.apply(record);
                if let Some(reason) = halts {
                    self.end_batch();
                    return Err(reason);
                }
            }
            self.publish(last, time);
            self.end_batch();
        }
        Ok(())
    }

    /// Determines the outcome of a failed transaction; returns `Ok` if it is in the log.
    fn resolve(&mut self, failure: WriteFailure) -> Result<(), AppendError> {
        tracing::error!(reason = %failure, "the log could not be written");
        match (self.engine.reopen(self.last), failure) {
            (Ok(found), _) if !found.is_empty() => Ok(()),
            (Ok(_), failure) => Err(AppendError::Storage { reason: failure.to_string() }),
            (Err(_), failure @ WriteFailure::Before(_)) => {
                Err(AppendError::Storage { reason: failure.to_string() })
            }
            (Err(again), WriteFailure::During(reason)) => {
                let reason = format!("{reason}; opening it again failed: {again}");
                Err(AppendError::InDoubt { reason })
            }
        }
    }

    fn complete(&mut self, batch: Vec<Queued>, time: u64) {
        let first = self.last.next();
        let bytes = bytes_of(&batch) as u64;
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.publish(Position(self.last.0 + batch.len() as u64), time);
        let mut answers = Vec::with_capacity(batch.len());
        let mut batch = batch.into_iter().zip(first.0..);
        while let Some((queued, position)) = batch.next() {
            let Queued { draft, waiter, .. } = queued;
            let record = Record { position: Position(position), time, content: draft };
            let (applied, halts) = self.apply(&record);
            answers.push((waiter, Appended { position: record.position, applied }));
            if let Some(reason) = halts {
                fail(batch.map(|(queued, _)| queued).collect(), AppendError::InDoubt { reason });
                break;
            }
        }
        self.end_batch();
        for (waiter, appended) in answers {
            // A writer that has stopped waiting needs no answer.
            let _ = waiter.send(Ok(appended));
        }
    }

    fn publish(&mut self, last: Position, time: u64) {
        self.engine.note_in_lock(last);
        (self.last, self.time) = (last, time);
        self.committed.store(last.0, Ordering::Release);
    }

    /// Applies a record. If the log halts at it, the record does not count as applied, and the reason is
    /// returned as well. A halt for another reason, from another thread, does not affect this record: all
    /// records of a written transaction are applied.
    fn apply(&mut self, record: &Record) -> (Applied, Option<String>) {
        let applied = apply(&mut self.applier, record);
        if let Err(error) = &applied {
            tracing::error!(position = %record.position, %error, "a record was not applied");
        }
        let message = applied.as_ref().err().and_then(ApplyError::halts);
        let halts = message.map(|message| format!("no record is applied any more: {message}"));
        match &halts {
            Some(reason) => {
                // The first reason stays.
                let _ = self.halted.set(reason.clone());
                // This record is not skipped, and later ones may depend on it.
                self.last = Position(record.position.0 - 1);
                self.committed.store(self.last.0, Ordering::Release);
            }
            None => self.joined.observe(record),
        }
        (applied, halts)
    }

    fn end_batch(&mut self) {
        end_batch(&mut self.applier, self.last);
    }
}

fn bytes_of(group: &[Queued]) -> usize {
    group.iter().map(|queued| queued.frame.bytes().len()).sum()
}

/// Applies a record. A panic that the applier does not catch must not end the log's thread.
pub(super) fn apply(applier: &mut impl Applier, record: &Record) -> Applied {
    catch_unwind(AssertUnwindSafe(|| applier.apply(record))).unwrap_or_else(|panic| {
        Err(ApplyError::Panicked { message: panic_message(&*panic).to_owned() })
    })
}

pub(super) fn end_batch(applier: &mut impl Applier, last: Position) {
    let ended = catch_unwind(AssertUnwindSafe(|| applier.batch_end(last)));
    if let Err(panic) = ended {
        tracing::error!(panic = panic_message(&*panic), "the end of a batch panicked");
    }
}

fn fail(batch: Vec<Queued>, error: AppendError) {
    for queued in batch {
        // A writer that has stopped waiting needs no answer.
        let _ = queued.waiter.send(Err(error.clone()));
    }
}
