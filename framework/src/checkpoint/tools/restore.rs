use std::fs;
use std::path::{Path, PathBuf};

use super::archives;
use crate::checkpoint::{Checkpoints, Head};
use crate::log::{Base, ClosedLog, Epoch, LogEpoch, LogId, Position, Restoration};

/// A log that was restored.
#[derive(Debug)]
pub(crate) struct Restored {
    /// Its id, which no other log has.
    pub id: LogId,
    /// Its last record.
    pub position: Position,
    /// Where it begins: with the first record or with a checkpoint.
    pub base: Position,
    /// Where the log is now that was in the folder before.
    pub before: Option<PathBuf>,
}

/// Makes the log in `folder` that of an earlier `position`, from what is in the folder `from`: the log's
/// file, checkpoints, and archives. What is in `from` stays; a log in `folder` gets another name.
///
/// The new log has an id of its own. So a front end that has followed the old one drops its cache, and no
/// checkpoint or archive of the old one is taken for one of the new.
///
/// # Errors
/// A sentence for an operator. Then `folder` has the log that it had.
pub(crate) fn restore(from: &Path, folder: &Path, position: Position) -> Result<Restored, String> {
    let log = ClosedLog::open(from).map_err(|error| error.to_string())?;
    let past = log.as_ref().map(ClosedLog::past).transpose().map_err(|error| error.to_string())?;
    let sources = Checkpoints::beside(from);
    let archives = archives(from)?;
    let names = sources.names().map_err(|error| format!("{}: {error}", from.display()))?;
    let mut wholes: Vec<(Head, String)> = Vec::new();
    for name in names {
        match sources.verify(&name) {
            Ok((head, _)) => wholes.push((head, name)),
            Err(error) => {
                let file = sources.path(&name);
                tracing::warn!(file = %file.display(), %error, "a checkpoint is not used");
            }
        }
    }
    wholes.retain(|(head, _)| {
        let belongs = past.as_ref().is_none_or(|past| past.holds(head.of(), head.position));
        belongs && head.position <= position
    });
    // The newest checkpoint first, then all records.
    wholes.reverse();
    let of = match (&past, wholes.first()) {
        (Some(past), _) => LogEpoch { id: past.id(), epoch: Epoch(0) },
        (None, Some((head, _))) => head.of(),
        (None, None) => return Err(format!("{}: there is no log or checkpoint", from.display())),
    };
    let candidates = wholes.iter().map(Some).chain([None]);
    let mut found = None;
    for candidate in candidates {
        let base = candidate.map_or(Base::default(), |(head, _)| head.base());
        let of = candidate.map_or(of, |(head, _)| head.of());
        let log = log.as_ref();
        let restoration = Restoration { log, of, archives: &archives, base, last: position };
        if restoration.is_complete().map_err(|error| error.to_string())? {
            found = Some((restoration, candidate));
            break;
        }
    }
    let Some((restoration, candidate)) = found else {
        return Err(format!(
            "{}: position {position} cannot be restored: neither all records up to it nor a checkpoint and \
             the records behind that are there",
            from.display()
        ));
    };
    let target = Checkpoints::beside(folder);
    let mut before = None;
    let (id, _) = restoration.write(folder, |id| {
        if let Some((_, name)) = candidate {
            sources.copy_as(name, id, &target).map_err(|error| error.to_string())?;
        }
        before = keep_former(folder)?;
        Ok(())
    })?;
    Ok(Restored { id, position, base: restoration.base.position, before })
}

/// Gives the log's file a second name, under which it stays.
fn keep_former(folder: &Path) -> Result<Option<PathBuf>, String> {
    let file = folder.join("log.redb");
    if !file.exists() {
        return Ok(None);
    }
    let mut number = 1;
    loop {
        let former = folder.join(format!("log.redb.before-restore-{number}"));
        match fs::hard_link(&file, &former) {
            Ok(()) => return Ok(Some(former)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(format!("{}: {error}", former.display())),
        }
    }
}
