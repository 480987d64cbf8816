//! Files and folders of the node, which no other user of the machine may read.
//!
//! Their modes are set on creation, so they do not depend on the umask. An existing file or folder
//! keeps its mode: an operator may have granted a group access, for backups. A file that is
//! readable by all is reported in the log.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The number of bytes of a disk that a long copy leaves to other writers. It is small, because
/// dropping records may be what frees space.
const RESERVE: u64 = 4 << 20;

/// Creates a folder, and the missing ones above it.
pub(crate) fn create_dir_all(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Returns options for opening a file that may be created.
pub(crate) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// A file that is written under a temporary name, and renamed when it is complete and on disk. If
/// it is not renamed, it is removed when this is dropped. The file of a process that was killed is
/// [removed](remove) by the next one that locks the folder.
#[derive(Debug)]
pub(crate) struct Unfinished {
    path: PathBuf,
    is_renamed: bool,
}

impl Unfinished {
    /// Creates the file, open for reading and writing. It must not exist: it could be another
    /// writer's.
    pub(crate) fn create(path: PathBuf) -> io::Result<(Unfinished, File)> {
        let file = options().create_new(true).read(true).write(true).open(&path)?;
        Ok((Unfinished { path, is_renamed: false }, file))
    }

    /// Returns its present path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Renames it to its final name. The folder is not synced.
    pub(crate) fn rename(mut self, name: &Path) -> io::Result<()> {
        fs::rename(&self.path, name)?;
        self.is_renamed = true;
        Ok(())
    }

    /// Checks that so many more bytes leave some space on the disk, so that others can write while
    /// this is being written.
    ///
    /// If they do not. If the free space cannot be determined, the check succeeds.
    pub(crate) fn has_room(&self, bytes: u64) -> io::Result<()> {
        let Ok(disk) = rustix::fs::statvfs(&self.path) else { return Ok(()) };
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free >= bytes.saturating_add(RESERVE) {
            return Ok(());
        }
        let message = format!("there is too little room on the disk: {free} bytes are free");
        Err(io::Error::new(io::ErrorKind::StorageFull, message))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.is_renamed {
            return;
        }
        if let Err(error) = remove(&self.path) {
            tracing::warn!(file = %self.path.display(), %error, "cannot remove an unfinished file");
        }
    }
}

/// Removes a file, if it exists.
pub(crate) fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Warns about a file that every user of the machine may read or write.
pub(crate) fn warn_of(file: &Path) {
    let mode = file.metadata().map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o006 != 0 {
        let mode = format!("{:o}", mode & 0o777);
        tracing::warn!(
            file = %file.display(),
            mode,
            "every user of this machine can read the site's data: `chmod o= FILE`"
        );
    }
}

/// Syncs the names in a folder to the disk.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Syncs the names in a folder to the disk.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_file_is_removed_and_a_finished_one_has_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let (new, name) = (folder.path().join("new"), folder.path().join("name"));
        let (unfinished, _) = Unfinished::create(new.clone()).unwrap();
        assert!(Unfinished::create(new.clone()).is_err(), "it is another writer's");
        drop(unfinished);
        assert!(!new.exists());
        let (unfinished, _) = Unfinished::create(new.clone()).unwrap();
        unfinished.rename(&name).unwrap();
        assert!(name.exists() && !new.exists());
    }

    #[test]
    fn a_copy_leaves_room_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let (unfinished, _) = Unfinished::create(folder.path().join("new")).unwrap();
        unfinished.has_room(0).unwrap();
        let refused = unfinished.has_room(u64::MAX).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
    }
}
