//! Rewrites the file without records that are no longer needed. Pages that redb has freed keep their bytes, so
//! a new file is needed to remove the records completely.
//!
//! The new file is written beside the old one, a piece at a time, while the log can be used. Then, between two
//! transactions, the log's thread copies the records that were appended meanwhile, syncs the new file, and
//! gives it the log's name. Before that rename is on disk, a crash leaves the old file, afterwards the new one;
//! each has all records behind the base. An unfinished file is removed when the attempt fails, or by the next
//! start.

use std::fs::File;
use std::path::Path;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use redb::{Builder, Database, Durability};

use super::engine::{Engine, RECORDS};
use super::fault::guarded;
use super::lock::unfinished;
use super::meta::{read_epochs, write_base, write_epochs, write_meta};
use crate::log::epoch::EpochStart;
use crate::log::past::Base;
use crate::log::{LogId, Position};
use crate::private::{self, Unfinished};

/// The number of bytes that one transaction copies.
const PIECE: usize = 8 << 20;

/// A new file that will replace the log's file.
#[derive(Debug)]
pub(in crate::log) struct Rewrite {
    unfinished: Unfinished,
    /// The file of `database`.
    file: File,
    database: Database,
    base: Base,
    /// The next record to be added.
    next: Position,
    /// Records that are not yet in the file.
    records: Vec<(Position, Vec<u8>)>,
    bytes: usize,
}

impl Engine {
    /// Begins to rewrite the file, with the records behind `base`, up to `last`. The log can be used meanwhile.
    /// `go_on` receives the record before the next piece and may cancel the operation.
    ///
    /// # Errors
    /// When the file cannot be written, and when `go_on` fails; then nothing has changed.
    pub(in crate::log) fn begin_rewrite(
        &self,
        base: Base,
        last: Position,
        go_on: impl FnMut(Position) -> Result<(), String>,
    ) -> Result<Rewrite, String> {
        let rewrite = Rewrite::create(self.path(), base);
        let mut rewrite = rewrite.map_err(|error| error.to_string())?;
        self.copy(&mut rewrite, last, go_on)?;
        Ok(rewrite)
    }

    /// Adds the records up to `last` to a rewrite, and checks each of them.
    pub(super) fn copy(
        &self,
        rewrite: &mut Rewrite,
        last: Position,
        mut go_on: impl FnMut(Position) -> Result<(), String>,
    ) -> Result<(), String> {
        while rewrite.next <= last {
            let after = Position(rewrite.next.0 - 1);
            go_on(after)?;
            let left = usize::try_from(last.0 - after.0).unwrap_or(usize::MAX);
            let frames = self.frames(after, left, PIECE).map_err(|error| error.to_string())?;
            if frames.is_empty() {
                return Err(format!("the record at {} is missing", rewrite.next));
            }
            for (position, frame) in frames {
                rewrite.push(position, frame).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    /// Replaces the log's file by the new one, after adding all records up to `last`, which is the last one.
    /// Nothing may be written meanwhile. After an error the engine may not be open any more.
    ///
    /// # Errors
    /// When the file cannot be written or renamed.
    pub(in crate::log) fn finish_rewrite(
        &self,
        mut rewrite: Rewrite,
        last: Position,
    ) -> Result<(), String> {
        if !self.is_begun() {
            // The checkpoint of such an opening could not be recognised.
            return Err("the log could not be written since its start".to_owned());
        }
        self.copy(&mut rewrite, last, |_| Ok(()))?;
        self.replace(rewrite).map_err(|error| error.to_string())
    }

    fn replace(&self, rewrite: Rewrite) -> Result<(), redb::Error> {
        let mut current = self.database.write().unwrap_or_else(PoisonError::into_inner);
        let Some(database) = &*current else { return Err(not_open()) };
        let base = rewrite.base.position;
        let epochs = read_epochs(database)?;
        rewrite.finish(self.log().id, &epochs, self.path())?;
        // The folder names the new file from here on, so nothing may be written to the old one.
        drop(current.take());
        self.unsynced_folder.store(true, Ordering::Release);
        self.path().parent().map_or(Ok(()), private::sync_folder)?;
        self.unsynced_folder.store(false, Ordering::Release);
        *current = Some(guarded(|| Ok((self.open_database)(self.path())?))?);
        self.set_base(base);
        Ok(())
    }
}

impl Rewrite {
    /// Creates a new file without records that will replace the log's file at `path`. The folder must be
    /// locked.
    pub(super) fn create(path: &Path, base: Base) -> Result<Rewrite, redb::Error> {
        guarded(|| {
            let (unfinished, file) = Unfinished::create(unfinished(path))?;
            let mut builder = Builder::new();
            let database = builder.set_cache_size(16 << 20).create_file(file.try_clone()?)?;
            let (next, records) = (base.position.next(), Vec::new());
            Ok(Rewrite { unfinished, file, database, base, next, records, bytes: 0 })
        })
    }

    /// Returns the position of the next record to be added.
    pub(super) fn next(&self) -> Position {
        self.next
    }

    /// Adds a record, if it is the next one.
    pub(super) fn push(&mut self, position: Position, bytes: Vec<u8>) -> Result<(), redb::Error> {
        if position != self.next {
            return Ok(());
        }
        self.next = position.next();
        self.bytes += bytes.len();
        self.records.push((position, bytes));
        if self.bytes >= PIECE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), redb::Error> {
        guarded(|| {
            self.unfinished.has_room(self.bytes as u64)?;
            let mut transaction = self.database.begin_write()?;
            // The file is synced as a whole, before it gets its name.
            transaction.set_durability(Durability::None)?;
            {
                let mut copies = transaction.open_table(RECORDS)?;
                for (position, bytes) in self.records.drain(..) {
                    copies.insert(position.0, bytes.as_slice())?;
                }
            }
            self.bytes = 0;
            Ok(transaction.commit()?)
        })
    }

    /// Gives the file the log's name, after it is complete and on disk. The folder is not synced.
    pub(super) fn finish(
        mut self,
        id: LogId,
        epochs: &[EpochStart],
        path: &Path,
    ) -> Result<(), redb::Error> {
        self.flush()?;
        guarded(|| {
            let mut transaction = self.database.begin_write()?;
            transaction.set_durability(Durability::Immediate)?;
            write_meta(&transaction, id)?;
            if self.base != Base::default() {
                write_base(&transaction, self.base)?;
            }
            write_epochs(&transaction, epochs)?;
            transaction.open_table(RECORDS)?;
            transaction.commit()?;
            drop(self.database);
            // The name may refer to another file; this handle is of the one that was written.
            self.file.sync_all()?;
            Ok(self.unfinished.rename(path)?)
        })
    }
}

fn not_open() -> redb::Error {
    std::io::Error::other("the log's file is not open").into()
}
