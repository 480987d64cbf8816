use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use redb::backends::FileBackend;
use redb::{
    Builder, Database, DatabaseError, Durability, ReadableDatabase, ReadableTable, TableDefinition,
    WriteTransaction,
};

use super::fault::{guarded, is_damage, open_error, storage};
use super::file::{LogFile, Unsynced};
use super::frame::{Bad, Frame, decode};
use crate::log::epoch::{Beginning, Epochs, KEPT};
use crate::log::{Epoch, LogEpoch, LogId, OpenError, Position, ReadError, Record};
use crate::private;

pub(super) const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");
/// The log's openings, numbered.
const EPOCHS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("epochs");
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

const FORMAT: u32 = 3;

/// The engine's file, open except while a failure is not mended.
pub(in crate::log) struct Engine {
    path: PathBuf,
    open_database: OpenDatabase,
    pub(super) database: RwLock<Option<Database>>,
    id: LogId,
    epochs: Epochs,
    /// Whether the present epoch is in the file.
    has_epoch: AtomicBool,
    /// Locked until the engine is closed, also while the file is opened again. It names the file, its
    /// last opening and its last record.
    lock: File,
    /// What the lock named when it was found.
    found_mark: String,
    /// Whether that was the file as it was found.
    untouched: bool,
}

/// Opens the database in the file at a path.
pub(super) type OpenDatabase = Box<dyn Fn(&Path) -> Result<Database, DatabaseError> + Send + Sync>;

/// Why frames were not written.
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
    /// Whether the file is damaged.
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
    /// Opens the log in the folder; there is an empty one afterwards where there was none.
    /// `cache_bytes` is how much of the file redb may keep in memory.
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

    pub(super) fn open_with(
        folder: &Path,
        open_database: OpenDatabase,
    ) -> Result<Engine, OpenError> {
        let path = folder.join("log.redb");
        private::create_dir_all(folder).map_err(access(folder, "create the folder"))?;
        let mut lock = lock(folder, &path)?;
        if !path.try_exists().map_err(access(&path, "look for the log"))? {
            create(folder, &path)?;
        }
        private::warn_of(&path);
        let database = guarded(|| Ok(open_database(&path)?)).map_err(|e| open_error(&path, e))?;
        let id = read_meta(&path, &database)?;
        let epochs = read_epochs(&database).map_err(|error| open_error(&path, error))?;
        let database = RwLock::new(Some(database));
        let (epochs, has_epoch) = (Epochs::new(epochs), AtomicBool::new(false));
        let mut found_mark = String::new();
        if lock.read_to_string(&mut found_mark).is_err() {
            found_mark.clear();
        }
        let untouched = false;
        Ok(Engine {
            path,
            open_database,
            database,
            id,
            epochs,
            has_epoch,
            lock,
            found_mark,
            untouched,
        })
    }

    /// The log's id and this opening of it.
    pub(in crate::log) fn log(&self) -> LogEpoch {
        let present = self.epochs.last().expect("an engine whose records were replayed has begun");
        LogEpoch { id: self.id, epoch: present.epoch }
    }

    /// Begins this opening's epoch, behind the last record. It is stored with the next that is written.
    pub(super) fn begin_epoch(&mut self, last: Position) {
        let mark = mark_of(&self.path, &self.epochs, last);
        self.untouched = mark.is_some_and(|mark| mark == self.found_mark);
        self.epochs.begin(last);
    }

    /// Whether the file is the one that the last opening has left, as far as the lock can say.
    pub(in crate::log) fn is_untouched(&self) -> bool {
        self.untouched
    }

    /// Lets the lock name the file, this opening, which is stored, and the last record, before that
    /// record can be seen. The mark is not synced: one that a power cut takes back names an earlier
    /// record, and then the next opening takes the file for one that was restored.
    pub(in crate::log) fn mark_lock(&self, last: Position) {
        let marked = || {
            let mut lock = &self.lock;
            lock.rewind()?;
            // All marks are of one length.
            lock.write_all(mark_of(&self.path, &self.epochs, last).unwrap_or_default().as_bytes())
        };
        // Without it the next opening takes the file for one that was restored.
        if let Err(error) = marked() {
            tracing::warn!(file = %self.path.display(), %error, "cannot mark the log's lock");
        }
    }

    /// Whether the log, which ends with `last`, has all that could be seen in `epoch` up to `position`.
    pub(in crate::log) fn includes(
        &self,
        epoch: Epoch,
        position: Position,
        last: Position,
    ) -> bool {
        self.epochs.include(epoch, position, last)
    }

    /// The log's file.
    pub(in crate::log) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file is open. It is not after a failure that could not be mended.
    pub(in crate::log) fn is_open(&self) -> bool {
        self.database.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Writes sealed frames at consecutive positions from `first` on, and syncs.
    ///
    /// After an error the engine takes no writes until it is [opened again](Engine::reopen).
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

    /// Stores this opening's epoch, before anything can be seen that it writes. It is the first write,
    /// so it finds damage where the file is written only.
    ///
    /// After an error the engine takes no writes until it is [opened again](Engine::reopen).
    pub(in crate::log) fn begin(&self, last: Position) -> Result<(), WriteFailure> {
        self.write(last.next(), std::iter::empty())
    }

    /// Writes so many bytes and takes them out again.
    ///
    /// After an error the engine takes no writes until it is [opened again](Engine::reopen).
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

    /// Why the log does not open, when it cannot be written because it is damaged.
    pub(in crate::log) fn open_error(&self, failure: WriteFailure) -> OpenError {
        let (WriteFailure::Before(error) | WriteFailure::During(error)) = failure;
        open_error(&self.path, error)
    }

    /// Opens the file again after a failure and returns the records behind `last`: they are on
    /// disk, whatever was said when they were written.
    pub(in crate::log) fn reopen(&self, last: Position) -> Result<Vec<Record>, String> {
        let mut current = self.database.write().unwrap_or_else(PoisonError::into_inner);
        let former = current.take();
        let reopened = guarded(|| {
            drop(former);
            // An engine that made a new file here would forget the log.
            fs::metadata(&self.path)?;
            Ok((self.open_database)(&self.path)?)
        });
        let database = reopened.map_err(|error| error.to_string())?;
        let id = read_meta(&self.path, &database).map_err(|error| error.to_string())?;
        // With the last known record in front, to see that it is there.
        let after = Position(last.0.saturating_sub(1));
        let (mut found, bad) =
            read(&database, after, usize::MAX, usize::MAX).map_err(|error| error.to_string())?;
        if let Some(bad) = bad {
            return Err(bad.to_string());
        }
        let known = if last == Position::START { 0 } else { 1 };
        let epochs = read_epochs(&database).map_err(|error| error.to_string())?;
        let has_epoch = self.epochs.last().is_some_and(|present| epochs.contains(&present));
        let lost_epoch = self.has_epoch.load(Ordering::Relaxed) && !has_epoch;
        if id != self.id || found.len() < known || lost_epoch {
            return Err("the log's file has been replaced by another".to_owned());
        }
        self.has_epoch.store(has_epoch, Ordering::Relaxed);
        found.drain(..known);
        *current = Some(database);
        Ok(found)
    }

    /// Up to `records` records behind `after`, but not more than together have `bytes` bytes; at
    /// least one if there is one.
    #[cfg_attr(not(test), allow(dead_code, reason = "it is what the log's tests look at"))]
    pub(in crate::log) fn read(
        &self,
        after: Position,
        records: usize,
        bytes: usize,
    ) -> Result<Vec<Record>, ReadError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let Some(database) = &*database else {
            return Err(ReadError::Storage { reason: "the log's file is not open".to_owned() });
        };
        match read(database, after, records, bytes)? {
            // The records before the damage can be used; the next read gets the error.
            (found, Some(error)) if found.is_empty() => Err(error),
            (found, _) => Ok(found),
        }
    }

    /// Cuts off all records from `first` on.
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

    /// Closes the file for good.
    pub(in crate::log) fn close(&self) {
        let database = self.database.write().unwrap_or_else(PoisonError::into_inner).take();
        // What could not be written is done when the file is opened the next time.
        let _ = guarded(|| {
            drop(database);
            Ok(self.lock.unlock()?)
        });
    }
}

/// What the lock says of a file: a copy of it has another inode, an older state another last epoch or
/// another last record.
#[cfg(unix)]
fn mark_of(path: &Path, epochs: &Epochs, last: Position) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let (file, Epoch(epoch)) = (fs::metadata(path).ok()?, epochs.last()?.epoch);
    Some(format!("{epoch:016x} {:016x} {:016x} {:016x}\n", last.0, file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn mark_of(_: &Path, _: &Epochs, _: Position) -> Option<String> {
    None
}

fn access<'a>(path: &'a Path, action: &'static str) -> impl Fn(io::Error) -> OpenError + 'a {
    move |source| OpenError::Access { path: path.to_owned(), action, source }
}

/// Takes the folder for this process. redb locks its file too, but not while it is created or
/// opened again.
fn lock(folder: &Path, log: &Path) -> Result<File, OpenError> {
    let path = folder.join("log.lock");
    let mut options = private::options();
    let opened = options.create(true).truncate(false).read(true).write(true).open(&path);
    let lock = opened.map_err(access(&path, "open"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: log.to_owned() }),
        // Some network file systems have no locks.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(lock),
        Err(TryLockError::Error(error)) => Err(access(&path, "lock")(error)),
    }
}

/// Makes the file of an empty log. It gets its name only when it is complete, so that a process
/// that is killed meanwhile leaves nothing that looks like a damaged log.
fn create(folder: &Path, path: &Path) -> Result<(), OpenError> {
    let unfinished = folder.join("log.redb.new");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(access(&unfinished, "remove")(error));
        }
        _ => {}
    }
    guarded(|| {
        // It takes an empty file for a new one, and would make it with another mode.
        private::options()
            .create_new(true)
            .write(true)
            .open(&unfinished)
            .map_err(redb::Error::Io)?;
        let database = Database::create(&unfinished)?;
        let transaction = database.begin_write()?;
        transaction.open_table(RECORDS)?;
        write_meta(&transaction, LogId::random())?;
        Ok(transaction.commit()?)
    })
    .map_err(|error| open_error(&unfinished, error))?;
    fs::rename(&unfinished, path).map_err(access(path, "create"))?;
    sync_folder(folder).map_err(access(folder, "sync the folder"))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

fn write_meta(transaction: &WriteTransaction, id: LogId) -> Result<(), redb::Error> {
    let mut meta = transaction.open_table(META)?;
    meta.insert("format", FORMAT.to_le_bytes().as_slice())?;
    meta.insert("id", id.0.to_le_bytes().as_slice())?;
    Ok(())
}

/// The log's id, when the file is a log of this build's format.
fn read_meta(path: &Path, database: &Database) -> Result<LogId, OpenError> {
    let corrupt =
        |reason: &str| OpenError::Corrupt { path: path.to_owned(), reason: reason.to_owned() };
    let read = guarded(|| {
        let meta = database.begin_read()?.open_table(META)?;
        let bytes = |key| Ok::<_, redb::Error>(meta.get(key)?.map(|value| value.value().to_vec()));
        Ok((bytes("format")?, bytes("id")?))
    });
    let (format, id) = match read {
        Ok(read) => read,
        Err(redb::Error::TableDoesNotExist(_)) => {
            return Err(corrupt("it is a redb file, but not a log"));
        }
        Err(error) => return Err(open_error(path, error)),
    };
    let format = format.and_then(|format| format.try_into().ok()).map(u32::from_le_bytes);
    let id = id.and_then(|id| id.try_into().ok()).map(u128::from_le_bytes);
    match (format, id) {
        (Some(FORMAT), Some(id)) => Ok(LogId(id)),
        (Some(found), _) if found != FORMAT => {
            Err(OpenError::Format { path: path.to_owned(), found, known: FORMAT })
        }
        _ => Err(corrupt("its table `meta` is not that of a log")),
    }
}

/// The openings that are stored in the file, the oldest first.
fn read_epochs(database: &Database) -> Result<Vec<Beginning>, redb::Error> {
    guarded(|| {
        let table = match database.begin_read()?.open_table(EPOCHS) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            table => table?,
        };
        let mut epochs = Vec::new();
        for entry in table.iter()? {
            // One that cannot be read is one that the log does not have.
            epochs.extend(Beginning::from_bytes(entry?.1.value()));
        }
        Ok(epochs)
    })
}

fn store_epoch(transaction: &WriteTransaction, began: Beginning) -> Result<(), redb::Error> {
    let mut epochs = transaction.open_table(EPOCHS)?;
    let number = epochs.last()?.map_or(0, |(number, _)| number.value() + 1);
    epochs.insert(number, began.to_bytes().as_slice())?;
    epochs.retain_in(..(number + 1).saturating_sub(KEPT as u64), |_, _| false)?;
    Ok(())
}

fn stage<'a>(
    database: &Database,
    began: Option<Beginning>,
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

/// The good records behind `after` within the bounds, and the error that ends them, if any.
type ReadSoFar = (Vec<Record>, Option<ReadError>);

fn read(
    database: &Database,
    after: Position,
    records: usize,
    bytes: usize,
) -> Result<ReadSoFar, ReadError> {
    guarded(|| {
        let mut found: Vec<Record> = Vec::new();
        let mut read_bytes = 0;
        let mut expected = after;
        for entry in database.begin_read()?.open_table(RECORDS)?.range(after.next().0..)? {
            let (position, value) = entry?;
            let (position, value) = (Position(position.value()), value.value());
            expected = expected.next();
            read_bytes += value.len();
            if found.len() == records || (!found.is_empty() && read_bytes > bytes) {
                break;
            }
            let decoded = if position == expected {
                decode(position, value)
            } else {
                Err(Bad::Damaged("the record is missing".to_owned()))
            };
            match decoded {
                Ok(record) => found.push(record),
                Err(Bad::Damaged(reason) | Bad::Unknown(reason)) => {
                    return Ok((found, Some(ReadError::Damaged { position: expected, reason })));
                }
            }
        }
        Ok((found, None))
    })
    .map_err(|error| ReadError::Storage { reason: error.to_string() })
}
