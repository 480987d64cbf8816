//! Writes the file anew, without records that are no longer needed. Pages that redb has freed keep their
//! bytes, so what is to be gone must not be in the file at all.
//!
//! The new file is written beside the old one while the log goes on. Then, between two transactions, the
//! log's thread copies what has come meanwhile, syncs the new file, and gives it the log's name. Until
//! that rename is on disk, a crash leaves the old file, and afterwards the new one; each has all records
//! behind the base. A file that was not finished is removed when the attempt fails, or by the next start.

use std::fs::File;
use std::path::Path;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use redb::{Builder, Database, Durability, ReadableDatabase};

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
    /// The last record that it has.
    copied: Position,
}

impl Engine {
    /// Begins to write the file anew, with the records behind `base`, up to `last`.
    ///
    /// # Errors
    /// When it cannot be written; then nothing has changed.
    pub(in crate::log) fn begin_rewrite(
        &self,
        base: Base,
        last: Position,
    ) -> Result<Rewrite, redb::Error> {
        let current = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let Some(current) = &*current else { return Err(not_open()) };
        let mut rewrite = Rewrite::create(self.path(), base)?;
        guarded(|| rewrite.copy(current, last))?;
        Ok(rewrite)
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
    ) -> Result<(), redb::Error> {
        let mut current = self.database.write().unwrap_or_else(PoisonError::into_inner);
        let Some(database) = &*current else { return Err(not_open()) };
        if !self.has_epoch.load(Ordering::Relaxed) {
            // Its checkpoint could not be recognised.
            return Err(
                std::io::Error::other("the log could not be written since its start").into()
            );
        }
        let base = rewrite.base.position;
        guarded(|| rewrite.copy(database, last))?;
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
            let copied = base.position;
            Ok(Rewrite { unfinished, file, database, base, copied })
        })
    }

    /// Copies what `from` has behind what was copied, up to `last`.
    fn copy(&mut self, from: &Database, last: Position) -> Result<(), redb::Error> {
        let table = from.begin_read()?.open_table(RECORDS)?;
        let mut records = table.range(self.copied.next().0..=last.0)?;
        let mut is_done = false;
        while !is_done {
            self.unfinished.has_room(PIECE as u64)?;
            let mut transaction = self.database.begin_write()?;
            // It is synced as a whole, before it gets its name.
            transaction.set_durability(Durability::None)?;
            {
                let mut copies = transaction.open_table(RECORDS)?;
                let mut bytes = 0;
                while bytes < PIECE {
                    let Some(entry) = records.next() else {
                        is_done = true;
                        break;
                    };
                    let (position, value) = entry?;
                    bytes += value.value().len();
                    copies.insert(position.value(), value.value())?;
                    self.copied = Position(position.value());
                }
            }
            transaction.commit()?;
        }
        Ok(())
    }

    /// Adds records, with their bytes.
    pub(super) fn push(&mut self, records: &[(Position, Vec<u8>)]) -> Result<(), redb::Error> {
        guarded(|| {
            self.unfinished.has_room(PIECE as u64)?;
            let mut transaction = self.database.begin_write()?;
            transaction.set_durability(Durability::None)?;
            {
                let mut copies = transaction.open_table(RECORDS)?;
                for (position, bytes) in records {
                    copies.insert(position.0, bytes.as_slice())?;
                }
            }
            Ok(transaction.commit()?)
        })
    }

    /// Gives it the log's name, when it is whole and on disk. The folder is not synced.
    pub(super) fn finish(
        self,
        id: LogId,
        epochs: &[EpochStart],
        path: &Path,
    ) -> Result<(), redb::Error> {
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
