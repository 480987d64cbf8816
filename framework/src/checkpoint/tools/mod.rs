//! An operator's commands for the data of a back end that is not running.
//!
//! - [`list()`]: lists checkpoints, records and archives.
//! - [`verify()`]: reads everything, and reports damage.
//! - [`restore()`]: restores the log of an earlier position.
//! - [`export`], [`import`]: a checkpoint as lines of JSON, and back.
//! - [`log`]: the records as lines of JSON.
//!
//! Each of them receives the folder of the log, and returns errors as a sentence.

mod list;
mod restore;
mod transfer;
mod verify;

pub(crate) use list::list;
pub(crate) use restore::{Restored, restore};
pub(crate) use transfer::{export, import};
pub(crate) use verify::verify;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::record_line;
use crate::log::{Archive, ClosedLog, OpenError, Position};

/// The beginning of the name of a log that was put aside.
const PUT_ASIDE: &str = "before-restore-";

/// Returns the folder of the records that were moved out of the log in `folder`.
pub(crate) fn archive_of(folder: &Path) -> PathBuf {
    folder.join("archive")
}

/// Returns the files in a log's folder that contain older records, whatever the log itself contains: archives,
/// finished or not, and logs that [`restore()`] has put aside.
pub(crate) fn older_records(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let names = |folder: &Path| match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>(),
    };
    let mut files = names(&archive_of(folder))?;
    let put_aside = |file: &PathBuf| {
        let name = file.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(PUT_ASIDE))
    };
    files.extend(names(folder)?.into_iter().filter(put_aside));
    files.sort();
    Ok(files)
}

fn archives(folder: &Path) -> Result<Vec<Archive>, String> {
    let folder = archive_of(folder);
    Archive::all_in(&folder).map_err(|error| format!("{}: {error}", folder.display()))
}

/// Writes the records behind `after` as lines of JSON, or from the first available one on if `after` is `None`.
///
/// # Errors
/// When a record is damaged or missing, and when a node has the log open: then nothing was written.
pub(crate) fn log(
    folder: &Path,
    after: Option<Position>,
    out: &mut dyn Write,
) -> Result<(), LogError> {
    let Some(log) = ClosedLog::open(folder)? else {
        return Err(LogError::Other(format!("{}: there is no log", folder.display())));
    };
    let after = match after {
        Some(after) => after,
        None => log.past()?.base(),
    };
    let mut written = Ok(());
    let read = log.read(after, |record| {
        written = writeln!(out, "{}", record_line(&record));
        written.is_ok()
    });
    written.and_then(|()| out.flush()).or_else(closed)?;
    read.map_err(|error| LogError::Other(format!("{}: {error}", log.path().display())))
}

/// The reason why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    /// It cannot be opened.
    #[error("{0}")]
    Open(#[from] OpenError),
    /// Its lines cannot be written to stdout.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Ignores the error of a closed pipe, whose reader wants no more output.
fn closed(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    }
}
