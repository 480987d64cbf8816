//! Files and folders of the node's own, which no other user of the machine may read.
//!
//! Their modes are given when they are made, so they do not depend on the umask. What is there
//! already keeps its mode: an operator may have let a group in, for backups. A file that is
//! readable by all is reported in the log.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Makes a folder, and those above it that are not there.
pub(crate) fn create_dir_all(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// How a file is opened that may be made.
pub(crate) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Warns of a file that every user of the machine may read or write.
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

/// Brings the names in a folder to the disk.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

/// Brings the names in a folder to the disk.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
