use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Semaphore, oneshot};

use super::committer::{Command, Committer, Queued, Trouble};
use super::embedded::{Engine, Frame, Replayed, STOPPING};
use super::replay::replay;
use super::time::RecordClock;
use super::{
    AppendError, Applied, Applier, Base, Draft, Epoch, Joined, LogEpoch, LogId, OpenError,
    Position, Progress, ReadError, Record, Standing,
};

/// The resources that a log may use.
#[derive(Debug, Clone)]
pub(crate) struct LogOptions {
    /// The number of bytes of its file that it keeps in memory.
    pub cache_bytes: usize,
    /// The number of bytes of drafts that may wait for their transaction; writers of further drafts wait.
    pub queue_bytes: usize,
    /// The number of bytes of records in one transaction; a larger record has a transaction of its own.
    pub batch_bytes: usize,
    /// The clock that its records' times are read from.
    pub clock: RecordClock,
}

impl Default for LogOptions {
    fn default() -> LogOptions {
        LogOptions {
            cache_bytes: 64 << 20,
            queue_bytes: 64 << 20,
            batch_bytes: 8 << 20,
            clock: RecordClock::default(),
        }
    }
}

/// The log of this back end.
///
/// Dropping it finishes appended drafts, as [`shutdown`](Log::shutdown) does.
pub(crate) struct Log {
    engine: Arc<Engine>,
    committed: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
    trouble: Arc<Trouble>,
    halted: Arc<OnceLock<String>>,
    queue: UnboundedSender<Command>,
    /// Counts the free KiB of the queue.
    room: Arc<Semaphore>,
    queue_bytes: usize,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// The content of a log when it was opened.
#[derive(Debug)]
#[cfg_attr(not(test), allow(dead_code, reason = "only the log's tests read `log` and `cut`"))]
pub(crate) struct Opened {
    /// The log with this opening.
    pub log: LogEpoch,
    /// Its last record.
    pub last: Position,
    /// The tail that had to be cut off.
    pub cut: Option<CutTail>,
    /// Whether the file is the one that the previous opening has left in this folder, with all records. A new,
    /// copied or restored file is not, nor is a file that has lost its end. The exception is a file whose
    /// content was put back in place together with that of `log.lock`.
    pub untouched: bool,
    /// The front ends that may hold leases.
    pub joined: Joined,
}

/// Damaged records that were cut off at the end of the log. They had been acknowledged, unless the process was
/// killed while it wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CutTail {
    /// The first of them; the next record gets its position.
    pub position: Position,
    /// Their number.
    pub records: u64,
    /// The damage of the first one.
    pub reason: String,
}

/// A draft that has become a durable record and was applied.
#[derive(Debug)]
pub(crate) struct Appended {
    /// The record's position.
    pub position: Position,
    /// The result of applying it.
    pub applied: Applied,
}

impl Log {
    /// Opens the log in a folder, which is created if necessary, and passes every record to the applier, except
    /// those that its checkpoint [replaces](Applier::begin). It returns after that, so call it where blocking
    /// is allowed.
    ///
    /// # Errors
    ///
    /// When the file cannot be used, is damaged, or contains a record that the applier cannot read.
    pub(crate) fn open(
        folder: &Path,
        options: LogOptions,
        applier: impl Applier,
    ) -> Result<(Log, Opened), OpenError> {
        let folder = folder.to_owned();
        let cache_bytes = options.cache_bytes;
        Log::start(options, applier, move || Engine::open(&folder, cache_bytes))
    }

    /// Returns whether the folder contains a log.
    pub(crate) fn is_in(folder: &Path) -> bool {
        Engine::file_in(folder).exists()
    }

    pub(super) fn start(
        options: LogOptions,
        mut applier: impl Applier,
        open: impl FnOnce() -> Result<Engine, OpenError> + Send + 'static,
    ) -> Result<(Log, Opened), OpenError> {
        let (queue, drafts) = tokio::sync::mpsc::unbounded_channel();
        let (report, reported) = mpsc::sync_channel(1);
        let LogOptions { batch_bytes, queue_bytes, clock, .. } = options;
        let work = move || {
            let troubles = Arc::new(Trouble::default());
            let replayed = open().and_then(|engine| replay(engine, &mut applier, &troubles));
            let (engine, joined, Replayed { last, time, cut, bytes }) = match replayed {
                Ok(replayed) => replayed,
                Err(error) => return drop(report.send(Err(error))),
            };
            let untouched = engine.is_untouched();
            let bytes = Arc::new(AtomicU64::new(bytes));
            let halted = Arc::new(OnceLock::new());
            let opened = Opened { log: engine.log(), last, cut, untouched, joined: joined.clone() };
            let engine = Arc::new(engine);
            let committed = Arc::new(AtomicU64::new(last.0));
            // The receiver is missing only if the opener is, and then the queue is closed as well.
            let shared = Log {
                engine: engine.clone(),
                committed: committed.clone(),
                bytes: bytes.clone(),
                trouble: troubles.clone(),
                halted: halted.clone(),
                queue,
                room: Arc::new(Semaphore::new(kibibytes(queue_bytes) as usize)),
                queue_bytes,
                thread: Mutex::default(),
            };
            let shared = (shared, opened);
            let _ = report.send(Ok(shared));
            let (trouble, failed) = (troubles, 0);
            let committer = Committer {
                engine,
                applier,
                queue: drafts,
                batch_bytes,
                last,
                time,
                clock,
                joined,
                committed,
                bytes,
                trouble,
                halted,
                failed,
            };
            committer.run();
        };
        let access = |source| OpenError::Access {
            path: "headwater-log".into(),
            action: "run the log's thread",
            source,
        };
        let named = thread::Builder::new().name("headwater-log".to_owned());
        let thread = named.spawn(work).map_err(access)?;
        let (log, opened) = reported
            .recv()
            .map_err(|_| access(std::io::Error::other("it ended while it opened the log")))??;
        *log.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok((log, opened))
    }

    /// Returns the log's id.
    pub(crate) fn id(&self) -> LogId {
        self.engine.log().id
    }

    /// Returns the log with this opening.
    pub(crate) fn epoch(&self) -> LogEpoch {
        self.engine.log()
    }

    /// Returns whether this log has all records up to `position` that could be seen in the opening `log`, and
    /// so is no fork of it.
    pub(crate) fn includes(&self, log: LogEpoch, position: Position) -> bool {
        log.id == self.id() && self.engine.includes(log.epoch, position, self.committed())
    }

    /// Returns the openings that the log keeps, each with the last position when it began; the present one
    /// last.
    pub(crate) fn openings(&self) -> Vec<(Epoch, Position)> {
        let starts = self.engine.openings().into_iter();
        starts.map(|start| (start.epoch, start.after)).collect()
    }

    /// Returns the position of the last durable record.
    pub(crate) fn committed(&self) -> Position {
        Position(self.committed.load(Ordering::Acquire))
    }

    /// Returns the reason why the log cannot be written, according to the last attempt, or to the last
    /// [`probe`](Log::probe) since.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.get()
    }

    /// Returns the reason why no record is applied or written any more: the site cannot read a record, or its
    /// data differ from those that a record describes. Only another version of the site can continue.
    pub(crate) fn halted(&self) -> Option<String> {
        self.halted.get().cloned()
    }

    /// Stops applying and writing records, for a reason that is not in a record.
    pub(crate) fn halt(&self, reason: String) {
        // An earlier reason stays.
        let _ = self.halted.set(reason);
    }

    /// Returns the position of the last record that was dropped.
    pub(crate) fn base(&self) -> Position {
        self.engine.base()
    }

    /// Returns the number of bytes of records that this opening has replayed and written.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Calls `look` when the applier has applied all records up to a position, and none is being applied. No
    /// record is written meanwhile, so it must be quick. This opening of the log is stored in its file before
    /// that.
    ///
    /// # Errors
    /// When the opening could not be stored; [`AppendError::Stopping`] when the log's thread has ended.
    pub(crate) async fn look<R: Send + 'static>(
        &self,
        look: impl FnOnce(Standing<'_>) -> R + Send + 'static,
    ) -> Result<R, AppendError> {
        let (answer, seen) = oneshot::channel();
        let looking = move |standing: Result<Standing<'_>, AppendError>| {
            // The task that waits for the answer may have ended.
            let _ = answer.send(standing.map(look));
        };
        let sent = self.queue.send(Command::Look(Box::new(looking)));
        sent.map_err(|_| AppendError::Stopping)?;
        seen.await.map_err(|_| AppendError::Stopping)?
    }

    /// Copies the records up to `through` to a file in `folder`, unless `stop` is set. Call it where blocking
    /// is allowed.
    ///
    /// # Errors
    /// A sentence for an operator.
    pub(crate) fn archive(
        &self,
        folder: &Path,
        through: Position,
        stop: &AtomicBool,
    ) -> Result<(), String> {
        self.engine.archive(folder, through, stop)
    }

    /// Drops the records up to `base`, which a checkpoint replaces, and rewrites the file, so that nothing of
    /// them is left in it. The log can be used meanwhile. Setting `stop` cancels this. It takes time, so call
    /// it where blocking is allowed.
    ///
    /// # Errors
    /// A sentence for an operator. The records are still in the log, unless the failure was that of syncing the
    /// folder.
    pub(crate) fn drop_records(&self, base: Base, stop: &AtomicBool) -> Result<(), String> {
        if base.position <= self.base() {
            return Ok(());
        }
        let last = self.committed();
        let total = last.0.saturating_sub(base.position.0);
        let mut progress = Progress::begin("rewriting the log, records", total);
        let rewrite = self.engine.begin_rewrite(base, last, |copied| {
            progress.look(copied.0 - base.position.0);
            if stop.load(Ordering::Relaxed) { Err(STOPPING.to_owned()) } else { Ok(()) }
        })?;
        progress.end(total);
        let (answer, replaced) = oneshot::channel();
        let stopping = |_| AppendError::Stopping.to_string();
        self.queue.send(Command::Replace(rewrite, answer)).map_err(|_| stopping(()))?;
        replaced.blocking_recv().map_err(|_| stopping(()))?
    }

    /// Tests, if the log could not be written, whether it can be written now. Does not wait for the result.
    pub(crate) fn probe(&self) {
        if self.trouble().is_some() {
            // Sending fails when the log is stopping.
            let _ = self.queue.send(Command::Probe);
        }
    }

    /// Appends a draft and waits until it is durable and applied. While the queue is full it first waits for
    /// room.
    ///
    /// Dropping the future while it waits for room discards the draft; later it has no effect on the draft.
    ///
    /// # Errors
    ///
    /// See [`AppendError`]. Except with [`AppendError::InDoubt`], the draft is not in the log.
    pub(crate) async fn append(&self, draft: Draft) -> Result<Appended, AppendError> {
        let mut appended = self.append_together(vec![draft]).await?;
        Ok(appended.pop().expect("each draft becomes a record"))
    }

    /// Appends drafts in one transaction, in their order: either all of them become durable, or none. Otherwise
    /// like [`append`](Log::append).
    ///
    /// # Errors
    ///
    /// See [`AppendError`]; the error applies to all of them.
    pub(crate) async fn append_together(
        &self,
        drafts: Vec<Draft>,
    ) -> Result<Vec<Appended>, AppendError> {
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        let frames = drafts.iter().map(Frame::new).collect::<Result<Vec<_>, _>>()?;
        let bytes: usize = frames.iter().map(|frame| frame.bytes().len()).sum();
        let share = kibibytes(bytes.min(self.queue_bytes));
        let room = self.room.clone().acquire_many_owned(share).await;
        let room = Arc::new(room.map_err(|_| AppendError::Stopping)?);
        let (mut group, mut answers) = (Vec::new(), Vec::new());
        for (draft, frame) in drafts.into_iter().zip(frames) {
            let (waiter, answer) = oneshot::channel();
            answers.push(answer);
            group.push(Queued { draft, frame, waiter, _room: Arc::clone(&room) });
        }
        drop(room);
        self.queue.send(Command::Append(group)).map_err(|_| AppendError::Stopping)?;
        let mut appended = Vec::with_capacity(answers.len());
        for answer in answers {
            // The log's thread answers every draft that it has received, unless it panics.
            let lost = || AppendError::InDoubt { reason: "the log's thread has ended".to_owned() };
            appended.push(answer.await.map_err(|_| lost())??);
        }
        Ok(appended)
    }

    /// Returns the records behind `after`, in order: at most `records`, and at most `bytes` bytes in total, but
    /// at least one if there is one. It reads a file, so call it where blocking is allowed.
    ///
    /// # Errors
    ///
    /// When the first of them is damaged, or the file cannot be read.
    pub(crate) fn read(
        &self,
        after: Position,
        records: usize,
        bytes: usize,
    ) -> Result<Vec<Record>, ReadError> {
        // Behind `committed` there may be records that are durable but not yet confirmed.
        let visible = self.committed().0.saturating_sub(after.0);
        let records = records.min(usize::try_from(visible).unwrap_or(usize::MAX));
        if records == 0 {
            return Ok(Vec::new());
        }
        self.engine.read(after, records, bytes)
    }

    /// Finishes appended drafts, then closes the file. It waits for that, so call it where blocking is allowed.
    /// Appending fails with [`AppendError::Stopping`] from now on.
    pub(crate) fn shutdown(&self) {
        self.room.close();
        // Sending fails when the thread has ended.
        let _ = self.queue.send(Command::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.thread().id() != thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the log's thread panicked");
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.shutdown();
    }
}

fn kibibytes(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX).max(1)
}
