use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use redb::backends::FileBackend;
use redb::{
    Builder, Database, DatabaseError, Durability, ReadableDatabase, ReadableTable, TableDefinition,
    WriteTransaction,
};

use super::fault::{guarded, is_damage, open_error, storage};
use super::file::{LogFile, Unsynced};
use super::frame::Frame;
use super::lock::{lock_folder, lock_if_there, note_of, unfinished};
use super::meta::{META, read_base, read_epochs, read_meta, store_epoch, write_meta};
use super::overlay::Overlay;
use super::replay::read;
use crate::log::epoch::{EpochStart, Epochs};
use crate::log::past::Past;
use crate::log::{Epoch, LogEpoch, LogId, OpenError, Position, ReadError, Record};
use crate::private::{self, Unfinished};

/// The reason for cancelling a long operation.
pub(in crate::log) const STOPPING: &str = "the node is stopping";

pub(super) const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");

/// The engine's file, open except after a failure until it is repaired.
pub(in crate::log) struct Engine {
    path: PathBuf,
    pub(super) open_database: OpenDatabase,
    pub(super) database: RwLock<Option<Database>>,
    id: LogId,
    /// The last record that was dropped.
    base: AtomicU64,
    pub(in crate::log) epochs: Epochs,
    /// Whether the present epoch is in the file.
    has_epoch: AtomicBool,
    /// Whether the folder's entry for the present file may not be synced yet.
    pub(super) unsynced_folder: AtomicBool,
    /// Locked until the engine is closed, also while the file is opened again. It contains a note of the file,
    /// its last opening and its last record. A log that is only read may have none.
    lock: Option<File>,
    /// The note in the lock when it was opened.
    found_note: String,
    /// Whether that note matched the file.
    untouched: bool,
}

/// Opens the database in the file at a path.
pub(super) type OpenDatabase = Box<dyn Fn(&Path) -> Result<Database, DatabaseError> + Send + Sync>;

/// The reason why frames were not written.
#[derive(Debug, thiserror::Error)]
pub(in crate::log) enum WriteFailure {
    /// They are not in the file.
    #[error("{0}")]
    Before(redb::Error),
    /// All of them are in the file, or none.
    #[error("{0}")]
    During(redb::Error),
}

impl WriteFailure {
    /// Returns whether the file is damaged.
    pub(in crate::log) fn is_damage(&self) -> bool {
        let (WriteFailure::Before(error) | WriteFailure::During(error)) = self;
        is_damage(error)
    }
}

fn not_open() -> WriteFailure {
    let error = io::Error::other("the log's file is not open");
    WriteFailure::Before(redb::Error::Io(error))
}

impl Engine {
    /// Opens the log in the folder, or creates an empty one. `cache_bytes` is the part of the file that redb
    /// may keep in memory.
    pub(in crate::log) fn open(folder: &Path, cache_bytes: usize) -> Result<Engine, OpenError> {
        let unsynced = Arc::new(Unsynced::default());
        Engine::open_with(
            folder,
            Box::new(move |path| {
                let file = File::options().read(true).write(true).open(path).map_err(storage)?;
                let file = LogFile::open(FileBackend::new(file)?, unsynced.clone())?;
                Builder::new().set_cache_size(cache_bytes).create_with_backend(file)
            }),
        )
    }

    /// Returns the path of the log's file in a folder.
    pub(in crate::log) fn file_in(folder: &Path) -> PathBuf {
        folder.join("log.redb")
    }

    /// Opens the log in the folder for reading, without changing anything.
    pub(in crate::log) fn open_closed(
        folder: &Path,
        cache_bytes: usize,
    ) -> Result<Engine, OpenError> {
        let open = move |path: &Path| {
            let file = Overlay::open(File::open(path).map_err(storage)?)?;
            Builder::new().set_cache_size(cache_bytes).create_with_backend(file)
        };
        Engine::start(Engine::file_in(folder), lock_if_there(folder)?, Box::new(open))
    }

    pub(super) fn open_with(
        folder: &Path,
        open_database: OpenDatabase,
    ) -> Result<Engine, OpenError> {
        let path = Engine::file_in(folder);
        let lock = lock_folder(folder)?;
        if !path.try_exists().map_err(access(&path, "look for the log"))? {
            create(folder, &path)?;
        }
        private::warn_of(&path);
        Engine::start(path, Some(lock), open_database)
    }

    fn start(
        path: PathBuf,
        lock: Option<File>,
        open_database: OpenDatabase,
    ) -> Result<Engine, OpenError> {
        let database = guarded(|| Ok(open_database(&path)?)).map_err(|e| open_error(&path, e))?;
        let id = read_meta(&path, &database)?;
        let epochs = read_epochs(&database).map_err(|error| open_error(&path, error))?;
        let base = read_base(&database).map_err(|error| open_error(&path, error))?;
        let database = RwLock::new(Some(database));
        let (epochs, has_epoch) = (Epochs::new(epochs), AtomicBool::new(false));
        let mut found_note = String::new();
        if lock.as_ref().is_some_and(|mut lock| lock.read_to_string(&mut found_note).is_err()) {
            found_note.clear();
        }
        let untouched = false;
        Ok(Engine {
            path,
            open_database,
            database,
            id,
            base: AtomicU64::new(base.position.0),
            epochs,
            has_epoch,
            unsynced_folder: AtomicBool::new(false),
            lock,
            found_note,
            untouched,
        })
    }

    /// Returns the log's id and this opening of it.
    pub(in crate::log) fn log(&self) -> LogEpoch {
        let present = self.epochs.last().expect("an engine whose records were replayed has begun");
        LogEpoch { id: self.id, epoch: present.epoch }
    }

    /// Returns the stored openings, the present one last.
    pub(in crate::log) fn openings(&self) -> Vec<EpochStart> {
        self.epochs.starts()
    }

    /// Returns the extent of the log before it is replayed.
    pub(in crate::log) fn past(&self) -> Result<Past, OpenError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let database = database.as_ref().expect("an engine that was just opened is open");
        let base = self.base();
        let last = guarded(|| {
            let records = database.begin_read()?.open_table(RECORDS)?;
            Ok(records.last()?.map_or(base, |(position, _)| Position(position.value())))
        });
        let last = last.map_err(|error| open_error(&self.path, error))?;
        Ok(Past { id: self.id, epochs: self.epochs.clone(), base, last })
    }

    /// Returns the position of the last record that was dropped.
    pub(in crate::log) fn base(&self) -> Position {
        Position(self.base.load(Ordering::Acquire))
    }

    /// Sets the position behind which the file begins.
    pub(super) fn set_base(&self, base: Position) {
        self.base.store(base.0, Ordering::Release);
    }

    /// Begins this opening's epoch, behind the last record. The next write stores it.
    pub(super) fn begin_epoch(&mut self, last: Position) {
        let note = note_of(&self.path, &self.epochs, last);
        self.untouched = note.is_some_and(|note| note == self.found_note);
        self.epochs.begin(last);
    }

    /// Returns whether the file is the one that the last opening has left, as far as the lock's note shows.
    pub(in crate::log) fn is_untouched(&self) -> bool {
        self.untouched
    }

    /// Notes the file, this opening, which is stored, and the last record in the lock, before that record can
    /// be seen. The note is not synced: if a power cut reverts it to an earlier record, the next opening treats
    /// the file as a restored one.
    pub(in crate::log) fn note_in_lock(&self, last: Position) {
        let noted = || {
            let Some(mut lock) = self.lock.as_ref() else { return Ok(()) };
            lock.rewind()?;
            // All notes have the same length.
            lock.write_all(note_of(&self.path, &self.epochs, last).unwrap_or_default().as_bytes())
        };
        // Without the note the next opening treats the file as a restored one.
        if let Err(error) = noted() {
            tracing::warn!(file = %self.path.display(), %error, "cannot write to the log's lock");
        }
    }

    /// Returns whether the log, which ends with `last`, has everything that could be seen in `epoch` up to
    /// `position`.
    pub(in crate::log) fn includes(
        &self,
        epoch: Epoch,
        position: Position,
        last: Position,
    ) -> bool {
        self.epochs.include(epoch, position, last)
    }

    /// Returns the log's id.
    pub(super) fn id(&self) -> LogId {
        self.id
    }

    /// Returns the path of the log's file.
    pub(in crate::log) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether it has locked the folder.
    pub(super) fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// Returns whether the file is open. It is not after a failure that could not be repaired.
    pub(in crate::log) fn is_open(&self) -> bool {
        self.database.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Writes sealed frames at consecutive positions from `first` on, and syncs.
    ///
    /// After an error the engine rejects writes until it is [opened again](Engine::reopen).
    pub(in crate::log) fn write<'a>(
        &self,
        first: Position,
        frames: impl Iterator<Item = &'a Frame>,
    ) -> Result<(), WriteFailure> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let Some(database) = &*database else {
            return Err(not_open());
        };
        let began = self.epochs.last().filter(|_| !self.has_epoch.load(Ordering::Relaxed));
        let transaction =
            guarded(|| stage(database, began, first, frames)).map_err(WriteFailure::Before)?;
        guarded(|| Ok(transaction.commit()?)).map_err(WriteFailure::During)?;
        self.has_epoch.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Stores this opening's epoch, before any record of the opening can be seen. Being the first write, it
    /// also detects damage that only a write finds.
    ///
    /// After an error the engine rejects writes until it is [opened again](Engine::reopen).
    pub(in crate::log) fn begin(&self, last: Position) -> Result<(), WriteFailure> {
        self.write(last.next(), std::iter::empty())
    }

    /// Returns whether this opening is stored in the file.
    pub(in crate::log) fn is_begun(&self) -> bool {
        self.has_epoch.load(Ordering::Relaxed)
    }

    /// Writes this many bytes and removes them again.
    ///
    /// After an error the engine rejects writes until it is [opened again](Engine::reopen).
    pub(in crate::log) fn probe(&self, bytes: usize) -> Result<(), WriteFailure> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let Some(database) = &*database else { return Err(not_open()) };
        let probe = || {
            let transaction = database.begin_write()?;
            transaction.open_table(META)?.insert("probe", vec![0; bytes].as_slice())?;
            transaction.commit()?;
            let transaction = database.begin_write()?;
            transaction.open_table(META)?.remove("probe")?;
            Ok(transaction.commit()?)
        };
        guarded(probe).map_err(WriteFailure::During)
    }

    /// Returns the reason why the log does not open, if it cannot be written because of damage.
    pub(in crate::log) fn open_error(&self, failure: WriteFailure) -> OpenError {
        let (WriteFailure::Before(error) | WriteFailure::During(error)) = failure;
        open_error(&self.path, error)
    }

    /// Opens the file again after a failure and returns the records behind `last`: they are on disk, in spite
    /// of an error when they were written.
    pub(in crate::log) fn reopen(&self, last: Position) -> Result<Vec<Record>, String> {
        let mut current = self.database.write().unwrap_or_else(PoisonError::into_inner);
        let former = current.take();
        let reopened = guarded(|| {
            drop(former);
            // An engine that created a new file here would lose the log.
            fs::metadata(&self.path)?;
            if self.unsynced_folder.load(Ordering::Acquire) {
                self.path.parent().map_or(Ok(()), private::sync_folder)?;
                self.unsynced_folder.store(false, Ordering::Release);
            }
            Ok((self.open_database)(&self.path)?)
        });
        let database = reopened.map_err(|error| error.to_string())?;
        let id = read_meta(&self.path, &database).map_err(|error| error.to_string())?;
        // The last known record is read as well, to check that it is there.
        let base = read_base(&database).map_err(|error| error.to_string())?.position;
        let known = usize::from(last > base);
        let after = Position(last.0 - known as u64);
        let (mut found, bad) = read(&database, after, usize::MAX, usize::MAX, |record, _| record)
            .map_err(|error| error.to_string())?;
        if let Some(bad) = bad {
            return Err(bad.to_string());
        }
        let epochs = read_epochs(&database).map_err(|error| error.to_string())?;
        let has_epoch = self.epochs.last().is_some_and(|present| epochs.contains(&present));
        let lost_epoch = self.has_epoch.load(Ordering::Relaxed) && !has_epoch;
        if id != self.id || found.len() < known || lost_epoch {
            return Err("the log's file has been replaced by another".to_owned());
        }
        self.has_epoch.store(has_epoch, Ordering::Relaxed);
        self.set_base(base);
        found.drain(..known);
        *current = Some(database);
        Ok(found)
    }

    /// Returns up to `records` records behind `after`, with at most `bytes` bytes in total, but at least one if
    /// there is one.
    pub(in crate::log) fn read(
        &self,
        after: Position,
        records: usize,
        bytes: usize,
    ) -> Result<Vec<Record>, ReadError> {
        self.read_with(after, records, bytes, |record, _| record)
    }

    /// Like [`read`](Engine::read), but returns the bytes in the file.
    pub(super) fn frames(
        &self,
        after: Position,
        records: usize,
        bytes: usize,
    ) -> Result<Vec<(Position, Vec<u8>)>, ReadError> {
        self.read_with(after, records, bytes, |record, frame| (record.position, frame.to_vec()))
    }

    fn read_with<T>(
        &self,
        after: Position,
        records: usize,
        bytes: usize,
        take: impl Fn(Record, &[u8]) -> T,
    ) -> Result<Vec<T>, ReadError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let Some(database) = &*database else {
            return Err(ReadError::Storage { reason: "the log's file is not open".to_owned() });
        };
        if after < self.base() {
            return Err(ReadError::Dropped { base: self.base() });
        }
        match read(database, after, records, bytes, take)? {
            // The records before the damage can be used; the next read returns the error.
            (found, Some(error)) if found.is_empty() => Err(error),
            (found, _) => Ok(found),
        }
    }

    /// Removes all records from `first` on.
    pub(super) fn cut(&mut self, first: Position) -> Result<(), OpenError> {
        let database = self.database.get_mut().unwrap_or_else(PoisonError::into_inner);
        let database = database.as_ref().expect("an engine that was just opened is open");
        guarded(|| {
            let transaction = database.begin_write()?;
            transaction.open_table(RECORDS)?.retain_in(first.0.., |_, _| false)?;
            Ok(transaction.commit()?)
        })
        .map_err(|error| open_error(&self.path, error))
    }

    /// Closes the file finally.
    pub(in crate::log) fn close(&self) {
        let database = self.database.write().unwrap_or_else(PoisonError::into_inner).take();
        // Work that fails here is done when the file is opened the next time.
        let _ = guarded(|| {
            drop(database);
            Ok(self.lock.as_ref().map_or(Ok(()), File::unlock)?)
        });
    }
}

pub(super) fn access<'a>(
    path: &'a Path,
    action: &'static str,
) -> impl Fn(io::Error) -> OpenError + 'a {
    move |source| OpenError::Access { path: path.to_owned(), action, source }
}

/// Creates the file of an empty log. It gets its name only when it is complete, so that a process that is
/// killed meanwhile leaves nothing that looks like a damaged log.
fn create(folder: &Path, path: &Path) -> Result<(), OpenError> {
    let created = unfinished(path);
    let created = Unfinished::create(created.clone()).map_err(access(&created, "create"));
    let (unfinished, file) = created?;
    guarded(|| {
        let database = Builder::new().create_file(file)?;
        let transaction = database.begin_write()?;
        transaction.open_table(RECORDS)?;
        write_meta(&transaction, LogId::random())?;
        Ok(transaction.commit()?)
    })
    .map_err(|error| open_error(unfinished.path(), error))?;
    unfinished.rename(path).map_err(access(path, "create"))?;
    private::sync_folder(folder).map_err(access(folder, "sync the folder"))
}

fn stage<'a>(
    database: &Database,
    began: Option<EpochStart>,
    first: Position,
    frames: impl Iterator<Item = &'a Frame>,
) -> Result<WriteTransaction, redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    if let Some(began) = began {
        store_epoch(&transaction, began)?;
    }
    {
        let mut records = transaction.open_table(RECORDS)?;
        for (frame, position) in frames.zip(first.0..) {
            records.insert(position, frame.bytes())?;
        }
    }
    Ok(transaction)
}
