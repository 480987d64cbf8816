//! Makes a log of records that were in another one.

use std::path::{Path, PathBuf};

use super::engine::Engine;
use super::lock::lock_folder;
use super::rewrite::Rewrite;
use crate::log::closed::Restoration;
use crate::log::epoch::EpochStart;
use crate::log::{LogId, Position, Progress};
use crate::private;

/// How many bytes of records are written at a time.
const PIECE: usize = 8 << 20;

/// Writes the records of a restoration to a new log in `folder`.
///
/// # Errors
/// A sentence for an operator.
pub(in crate::log) fn restore(
    from: &Restoration<'_>,
    folder: &Path,
    prepare: impl FnOnce(LogId) -> Result<(), String>,
    progress: &mut Progress,
) -> Result<(LogId, PathBuf), String> {
    let path = Engine::file_in(folder);
    // The source has locked its folder itself.
    let is_source = from.log.is_some_and(|log| log.path() == path);
    let _lock = match is_source {
        true => None,
        false => Some(lock_folder(folder).map_err(|error| error.to_string())?),
    };
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let id = LogId::random();
    let rewrite = Rewrite::create(&path, from.base);
    let mut copy = Copy {
        rewrite: rewrite.map_err(|error| failed(&error))?,
        next: from.base.position.next(),
        began: from.base.position,
        last: from.last,
        records: Vec::new(),
        bytes: 0,
        progress,
    };
    for archive in from.needed_archives() {
        let read = archive.read(|position, bytes| copy.push(position, bytes));
        read.map_err(|error| format!("{}: {error}", archive.path.display()))?;
    }
    if let Some(log) = from.log {
        while copy.next <= copy.last {
            let after = Position(copy.next.0 - 1);
            let frames = log.engine().frames(after, usize::MAX, PIECE);
            let frames = frames.map_err(|error| failed(&error))?;
            if frames.is_empty() {
                break;
            }
            for (position, bytes) in frames {
                copy.push(position, bytes).map_err(|error| failed(&error))?;
            }
        }
    }
    copy.flush().map_err(|error| failed(&error))?;
    if copy.next <= copy.last {
        return Err(format!("the record at {} is missing", copy.next));
    }
    let mut epochs = from.log.map_or_else(Vec::new, |log| log.epochs());
    if epochs.is_empty() {
        // Of a log that is lost: only its checkpoint must be recognised.
        epochs.push(EpochStart { epoch: from.of.epoch, after: Position::START });
    }
    prepare(id)?;
    copy.rewrite.finish(id, &epochs, &path).map_err(|error| failed(&error))?;
    private::sync_folder(folder).map_err(|error| failed(&error))?;
    Ok((id, path))
}

struct Copy<'a> {
    rewrite: Rewrite,
    next: Position,
    began: Position,
    last: Position,
    records: Vec<(Position, Vec<u8>)>,
    bytes: usize,
    progress: &'a mut Progress,
}

impl Copy<'_> {
    /// Adds a record if it is the next one.
    fn push(&mut self, position: Position, bytes: Vec<u8>) -> std::io::Result<()> {
        if position != self.next || position > self.last {
            return Ok(());
        }
        self.next = position.next();
        self.bytes += bytes.len();
        self.records.push((position, bytes));
        if self.bytes >= PIECE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.rewrite.push(&self.records).map_err(std::io::Error::other)?;
        self.records.clear();
        self.bytes = 0;
        self.progress.look(self.next.0 - 1 - self.began.0);
        Ok(())
    }
}
