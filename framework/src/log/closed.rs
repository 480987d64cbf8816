use std::path::{Path, PathBuf};

use super::embedded::{Archive, Engine, restore, unfinished};
use super::epoch::EpochStart;
use super::{Base, LogEpoch, LogId, OpenError, Past, Position, Progress, ReadError, Record};

/// The maximum numbers of records and bytes that are read at a time.
const RECORDS: usize = 4096;
const BYTES: usize = 8 << 20;

/// A log that no back end has open, for an operator's command. It is not replayed. Nothing in its folder is
/// changed, so the folder may be a backup that cannot be written to.
pub(crate) struct ClosedLog {
    engine: Engine,
}

/// The sources from which a log is restored.
pub(crate) struct Restoration<'a> {
    /// The log that has the records, if it exists.
    pub log: Option<&'a ClosedLog>,
    /// The log and opening of the checkpoint, or of the log itself.
    pub of: LogEpoch,
    /// Records that were moved out of this log or another one.
    pub archives: &'a [Archive],
    /// The last record that a checkpoint replaces.
    pub base: Base,
    /// The last record.
    pub last: Position,
}

impl ClosedLog {
    /// Opens the log in a folder; returns `None` if there is none.
    ///
    /// # Errors
    /// When it cannot be used, for example because a node has it open.
    pub(crate) fn open(folder: &Path) -> Result<Option<ClosedLog>, OpenError> {
        if !Engine::file_in(folder).exists() {
            return Ok(None);
        }
        Ok(Some(ClosedLog { engine: Engine::open_closed(folder, 64 << 20)? }))
    }

    /// Returns whether a process was killed in the folder while it created a log there.
    pub(crate) fn is_unfinished(folder: &Path) -> bool {
        unfinished(&Engine::file_in(folder)).exists()
    }

    /// Returns the log's id, openings, and first and last positions.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(crate) fn past(&self) -> Result<Past, OpenError> {
        self.engine.past()
    }

    /// The log's file.
    pub(crate) fn path(&self) -> &Path {
        self.engine.path()
    }

    /// Passes the records behind `after` to `visit`, in order, until it returns `false`.
    ///
    /// # Errors
    /// At the first record that is damaged or missing.
    pub(crate) fn read(
        &self,
        after: Position,
        mut visit: impl FnMut(Record) -> bool,
    ) -> Result<(), ReadError> {
        let mut after = after;
        loop {
            let records = self.engine.read(after, RECORDS, BYTES)?;
            let Some(last) = records.last() else { return Ok(()) };
            after = last.position;
            if !records.into_iter().all(&mut visit) {
                return Ok(());
            }
        }
    }

    /// Returns the openings that the log has stored.
    pub(super) fn epochs(&self) -> Vec<EpochStart> {
        self.engine.epochs.starts()
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }
}

impl Restoration<'_> {
    /// Returns the last position up to which all records behind the base are available.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub(crate) fn reach(&self) -> Result<Position, OpenError> {
        let past = self.log.map(ClosedLog::past).transpose()?;
        let mut ranges: Vec<(Position, Position)> =
            self.needed_archives().map(|archive| (archive.first, archive.last)).collect();
        ranges.extend(past.map(|past| (past.base().next(), past.last())));
        ranges.sort();
        let mut have = self.base.position;
        for (first, last) in ranges {
            if first <= have.next() {
                have = have.max(last);
            }
        }
        Ok(have)
    }

    /// Returns the archives of this log with records behind the base that the log does not have.
    pub(super) fn needed_archives(&self) -> impl Iterator<Item = &Archive> {
        let base = self.log.map(|log| log.engine.base());
        self.archives.iter().filter(move |archive| {
            archive.log == Some(self.of.id)
                && archive.last > self.base.position
                && archive.first <= self.last
                && base.is_none_or(|base| archive.first <= base)
        })
    }

    /// Makes a log in `folder` with these records and a new id. `prepare` is called with the id before the file
    /// gets its name; a log that was there before is replaced.
    ///
    /// # Errors
    /// A sentence for an operator.
    pub(crate) fn write(
        &self,
        folder: &Path,
        prepare: impl FnOnce(LogId) -> Result<(), String>,
    ) -> Result<(LogId, PathBuf), String> {
        let mut progress = Progress::begin("restoring records", self.last.0 - self.base.position.0);
        let written = restore(self, folder, prepare, &mut progress)?;
        progress.end(self.last.0 - self.base.position.0);
        Ok(written)
    }
}
