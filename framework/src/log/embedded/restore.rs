//! Makes a log of the records of another one.

use std::path::{Path, PathBuf};

use super::engine::Engine;
use super::lock::{lock_folder, remove_unfinished};
use super::rewrite::Rewrite;
use crate::log::closed::{ClosedLog, Restoration};
use crate::log::epoch::EpochStart;
use crate::log::{LogId, Position, Progress};
use crate::private;

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
    // The source may have locked this folder itself.
    let is_locked = |log: &ClosedLog| log.path() == path && log.engine().is_locked();
    let lock = match from.log.is_some_and(is_locked) {
        true => remove_unfinished(&path).map(|()| None),
        false => lock_folder(folder).map(Some),
    };
    let _lock = lock.map_err(|error| error.to_string())?;
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let id = LogId::random();
    let rewrite = Rewrite::create(&path, from.base);
    let mut rewrite = rewrite.map_err(|error| failed(&error))?;
    let base = from.base.position.0;
    for archive in from.needed_archives() {
        let read = archive.read(|position, bytes| {
            progress.step(position.0.saturating_sub(base));
            match position <= from.last {
                true => rewrite.push(position, bytes).map_err(std::io::Error::other),
                false => Ok(()),
            }
        });
        read.map_err(|error| format!("{}: {error}", archive.path.display()))?;
    }
    if let Some(log) = from.log {
        let mut look = |position: Position| {
            progress.look(position.0 - base);
            Ok(())
        };
        let copied = log.engine().copy(&mut rewrite, from.last, &mut look);
        copied.map_err(|error| failed(&error))?;
    }
    if rewrite.next() <= from.last {
        return Err(format!("the record at {} is missing", rewrite.next()));
    }
    let mut epochs = from.log.map_or_else(Vec::new, |log| log.epochs());
    if epochs.is_empty() {
        // The log is lost: only its checkpoint must be recognised.
        epochs.push(EpochStart { epoch: from.of.epoch, after: Position::START });
    }
    prepare(id)?;
    rewrite.finish(id, &epochs, &path).map_err(|error| failed(&error))?;
    private::sync_folder(folder).map_err(|error| failed(&error))?;
    Ok((id, path))
}
