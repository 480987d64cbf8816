use std::path::{Path, PathBuf};

use super::embedded::{Archive, Engine, restore, unfinished};
use super::epoch::EpochStart;
use super::{Base, LogEpoch, LogId, OpenError, Past, Position, Progress, ReadError, Record};

/// How much of a log is read at a time.
const RECORDS: usize = 4096;
const BYTES: usize = 8 << 20;

/// A log that no back end has open, for an operator's command. It is not replayed. Nothing in its folder is
/// changed, so that may be a backup that cannot be written to.
pub(crate) struct ClosedLog {
    engine: Engine,
}

/// What a log is made of again.
pub(crate) struct Restoration<'a> {
    /// The log that has the records, if it is there.
    pub log: Option<&'a ClosedLog>,
    /// That log as the checkpoint has it, or as it is.
    pub of: LogEpoch,
    /// Records that were moved out of it or another log.
    pub archives: &'a [Archive],
    /// What a checkpoint replaces.
    pub base: Base,
    /// The last record.
    pub last: Position,
}

impl ClosedLog {
    /// Opens the log in a folder, if there is one.
    ///
    /// # Errors
    /// When it cannot be used, as when a node has it open.
    pub(crate) fn open(folder: &Path) -> Result<Option<ClosedLog>, OpenError> {
        if !Engine::file_in(folder).exists() {
            return Ok(None);
        }
        Ok(Some(ClosedLog { engine: Engine::open_closed(folder, 64 << 20)? }))
    }

    /// Whether a process was killed in a folder while it made a log there.
    pub(crate) fn is_unfinished(folder: &Path) -> bool {
        unfinished(&Engine::file_in(folder)).exists()
    }

    /// What it has.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn past(&self) -> Result<Past, OpenError> {
        self.engine.past()
    }

    /// The log's file.
    pub(crate) fn path(&self) -> &Path {
        self.engine.path()
    }

    /// Shows the records behind `after` to `visit`, in order, until it returns `false`.
    ///
    /// # Errors
    /// At the first one that is damaged or missing.
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

    /// The openings that it knows.
    pub(super) fn epochs(&self) -> Vec<EpochStart> {
        self.engine.epochs.starts()
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }
}

impl Restoration<'_> {
    /// Up to where all records behind the base are there.
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

    /// The archives of this log that have records behind the base which the log does not have.
    pub(super) fn needed_archives(&self) -> impl Iterator<Item = &Archive> {
        let base = self.log.map(|log| log.engine.base());
        self.archives.iter().filter(move |archive| {
            archive.log == Some(self.of.id)
                && archive.last > self.base.position
                && archive.first <= self.last
                && base.is_none_or(|base| archive.first <= base)
        })
    }

    /// Makes a log in `folder` that has these records and a new id. `prepare` is called with the id before
    /// the log has its name; where there was another log, it is gone afterwards.
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
