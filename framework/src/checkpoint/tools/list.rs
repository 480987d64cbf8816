use std::fs;
use std::path::Path;

use super::archives;
use crate::checkpoint::Checkpoints;
use crate::log::{ClosedLog, OpenError};

/// Returns a line for each checkpoint, log and archive. It reads only the beginnings of files, so it is quick;
/// [`verify`](super::verify()) finds damage further in.
///
/// # Errors
/// A sentence for an operator.
pub(crate) fn list(folder: &Path) -> Result<Vec<String>, String> {
    let mut lines = Vec::new();
    let checkpoints = Checkpoints::beside(folder);
    let names = checkpoints.names();
    for name in names.map_err(|error| format!("{}: {error}", checkpoints.path("").display()))? {
        let file = checkpoints.path(&name);
        let bytes = fs::metadata(&file).map_or(0, |metadata| metadata.len());
        let line = match checkpoints.reader(&name) {
            Ok(reader) => format!("position {}, {bytes} bytes", reader.head().position),
            Err(error) => error.to_string(),
        };
        lines.push(format!("{}: {line}", file.display()));
    }
    match ClosedLog::open(folder) {
        Ok(None) => {}
        Ok(Some(log)) => {
            let past = log.past().map_err(|error| error.to_string())?;
            let (base, last) = (past.base(), past.last());
            let line = match base < last {
                true => format!("records {} to {last}", base.next()),
                false => format!("no records behind {base}"),
            };
            lines.push(format!("{}: {line}", log.path().display()));
        }
        Err(OpenError::InUse { path }) => {
            lines.push(format!("{}: a node has the log open", path.display()));
        }
        Err(error) => lines.push(error.to_string()),
    }
    for archive in archives(folder)? {
        let (first, last) = (archive.first, archive.last);
        lines.push(format!("{}: records {first} to {last}", archive.path.display()));
    }
    Ok(lines)
}
