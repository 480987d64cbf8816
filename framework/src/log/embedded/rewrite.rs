//! Writes the file anew, without records that are no longer needed. Pages that redb has freed keep their
//! bytes, so what is to be gone must not be in the file at all.
//!
//! The new file is written beside the old one, a piece at a time, while the log goes on. Then, between two transactions, the
//! log's thread copies what has come meanwhile, syncs the new file, and gives it the log's name. Until
//! that rename is on disk, a crash leaves the old file, and afterwards the new one; each has all records
//! behind the base. A file that was not finished is removed when the attempt fails, or by the next start.

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

/// How much one transaction copies, in bytes.
const PIECE: usize = 8 << 20;

/// A file that is to take the place of the log's.
#[derive(Debug)]
pub(in crate::log) struct Rewrite {
    unfinished: Unfinished,
    /// The same as `database` has.
    file: File,
    database: Database,
    base: Base,
    /// The record that it lacks next.
    next: Position,
    /// Records that are not yet in the file.
    records: Vec<(Position, Vec<u8>)>,
    bytes: usize,
}

impl Engine {
    /// Begins to write the file anew, with the records behind `base`, up to `last`. The log can be used
    /// meanwhile. `go_on` gets the record before the next piece and may end it.
    ///
    /// # Errors
    /// When it cannot be written, and what `go_on` returns; then nothing has changed.
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

    /// Adds the records up to `last` to a rewrite, each checked.
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

    /// Puts the new file in the place of the log's, with all records up to `last`, which is the last one.
    /// Nothing may be written meanwhile. When it fails, the engine may not be open any more.
    ///
    /// # Errors
    /// When it cannot be written or put in place.
    pub(in crate::log) fn finish_rewrite(
        &self,
        mut rewrite: Rewrite,
        last: Position,
    ) -> Result<(), String> {
        if !self.is_begun() {
            // Its checkpoint could not be recognised.
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
    /// A new file, with no records, for the place of the log's at `path`. The folder must be locked.
    pub(super) fn create(path: &Path, base: Base) -> Result<Rewrite, redb::Error> {
        guarded(|| {
            let (unfinished, file) = Unfinished::create(unfinished(path))?;
            let mut builder = Builder::new();
            let database = builder.set_cache_size(16 << 20).create_file(file.try_clone()?)?;
            let (next, records) = (base.position.next(), Vec::new());
            Ok(Rewrite { unfinished, file, database, base, next, records, bytes: 0 })
        })
    }

    /// The record that it lacks next.
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
            // It is synced as a whole, before it gets its name.
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

    /// Gives it the log's name, when it is whole and on disk. The folder is not synced.
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
            // What the name leads to may be another file; this is the one that was written.
            self.file.sync_all()?;
            Ok(self.unfinished.rename(path)?)
        })
    }
}

fn not_open() -> redb::Error {
    std::io::Error::other("the log's file is not open").into()
}
