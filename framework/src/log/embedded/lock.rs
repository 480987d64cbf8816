use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::engine::{Engine, access};
use crate::log::epoch::Epochs;
use crate::log::{Epoch, OpenError, Position};
use crate::private;

/// Creates a folder and locks it for this process. An unfinished file of a killed process is removed.
pub(super) fn lock_folder(folder: &Path) -> Result<File, OpenError> {
    private::create_dir_all(folder).map_err(access(folder, "create the folder"))?;
    let path = Engine::file_in(folder);
    let lock = lock(folder, private::options().create(true).truncate(false).write(true))?;
    remove_unfinished(&path)?;
    Ok(lock)
}

/// Locks a folder that may be read-only for this process. If it has no lock, no process has the log open.
pub(super) fn lock_if_there(folder: &Path) -> Result<Option<File>, OpenError> {
    match lock(folder, &mut OpenOptions::new()) {
        Err(OpenError::Access { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        lock => lock.map(Some),
    }
}

/// Removes the unfinished file of a killed process.
pub(super) fn remove_unfinished(path: &Path) -> Result<(), OpenError> {
    let unfinished = unfinished(path);
    private::remove(&unfinished).map_err(access(&unfinished, "remove"))
}

/// Returns the path at which a log's file is written before it gets its name.
pub(in crate::log) fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("redb.new")
}

/// Locks the folder for this process. redb locks its file too, but not while it is created or opened again.
fn lock(folder: &Path, options: &mut OpenOptions) -> Result<File, OpenError> {
    let path = folder.join("log.lock");
    let lock = options.read(true).open(&path).map_err(access(&path, "open"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: Engine::file_in(folder) }),
        // Some network file systems do not support locks.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(lock),
        Err(TryLockError::Error(error)) => Err(access(&path, "lock")(error)),
    }
}

/// Returns the note that the lock contains about a file: a copy of the file has another inode, an older state
/// of it another last epoch or another last record.
#[cfg(unix)]
pub(super) fn note_of(path: &Path, epochs: &Epochs, last: Position) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let (file, Epoch(epoch)) = (fs::metadata(path).ok()?, epochs.last()?.epoch);
    Some(format!("{epoch:016x} {:016x} {:016x} {:016x}\n", last.0, file.dev(), file.ino()))
}

#[cfg(not(unix))]
pub(super) fn note_of(_: &Path, _: &Epochs, _: Position) -> Option<String> {
    None
}
