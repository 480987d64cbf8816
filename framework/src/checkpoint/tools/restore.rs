use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{PUT_ASIDE, archives};
use crate::checkpoint::{Checkpoints, Head};
use crate::log::{Archive, Base, ClosedLog, Epoch, LogEpoch, LogId, Past, Position, Restoration};
use crate::private;

/// A log that was restored.
#[derive(Debug)]
pub(crate) struct Restored {
    /// Its id, which no other log has.
    pub id: LogId,
    /// Its last record.
    pub position: Position,
    /// The position behind which it begins: 0, or that of a checkpoint.
    pub base: Position,
    /// The folder with the former log, for another restore.
    pub before: Option<PathBuf>,
}

/// Restores the log in `folder` to an earlier position, or to the newest available one, from the folder `from`:
/// from its log file, checkpoints, and archives. The content of `from` stays; the former content of `folder` is
/// kept in a folder of its own.
///
/// The new log has its own id. So a front end that has followed the old one drops its cache, and no checkpoint
/// or archive of the old log passes for one of the new log.
///
/// # Errors
/// A sentence for an operator. Then `folder` still has its former log.
pub(crate) fn restore(
    from: &Path,
    folder: &Path,
    at: impl Into<Option<Position>>,
) -> Result<Restored, String> {
    // Both paths may lead to the same folder.
    let from = from.canonicalize().map_err(|error| format!("{}: {error}", from.display()))?;
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let log = ClosedLog::open(&from).map_err(|error| error.to_string())?;
    let past = log.as_ref().map(ClosedLog::past).transpose().map_err(|error| error.to_string())?;
    let sources = Checkpoints::beside(&from);
    let archives = archives(&from)?;
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
    wholes
        .retain(|(head, _)| past.as_ref().is_none_or(|past| past.holds(head.of(), head.position)));
    // The newest checkpoint is tried first, a replay of all records last.
    wholes.reverse();
    let of = match (&past, wholes.first()) {
        (Some(past), _) => LogEpoch { id: past.id(), epoch: Epoch(0) },
        (None, Some((head, _))) => head.of(),
        (None, None) => return Err(format!("{}: there is no log or checkpoint", from.display())),
    };
    let at = at.into();
    let mut found: Option<(Restoration<'_>, Option<&String>)> = None;
    for candidate in wholes.iter().map(Some).chain([None]) {
        let base = candidate.map_or(Base::default(), |(head, _)| head.base());
        let of = candidate.map_or(of, |(head, _)| head.of());
        let last = at.unwrap_or(Position(u64::MAX));
        let restoration = Restoration { log: log.as_ref(), of, archives: &archives, base, last };
        let reached = restoration.reach().map_err(|error| error.to_string())?;
        let is_better = match &found {
            _ if at.is_some_and(|at| base.position > at || reached < at) => false,
            Some((best, _)) => at.is_none() && reached > best.last,
            None => true,
        };
        if is_better {
            let last = at.unwrap_or(reached);
            found = Some((Restoration { last, ..restoration }, candidate.map(|(_, name)| name)));
        }
    }
    let Some((restoration, checkpoint)) = found else {
        let what = restorable(past.as_ref(), of, &archives, &wholes);
        let at = at.unwrap_or_default();
        return Err(format!(
            "{}: position {at} cannot be restored; there are {what}",
            from.display()
        ));
    };
    let target = Checkpoints::beside(&folder);
    let mut before = None;
    let written = restoration.write(&folder, |id| {
        before = keep_former(&folder)?;
        if let Some(name) = checkpoint {
            sources.copy_as(name, id, &target).map_err(|error| error.to_string())?;
        }
        Ok(())
    });
    let (id, _) = written.inspect_err(|_| {
        if let Some(before) = &before
            && is_in_place(before, &folder)
            && let Err(error) = fs::remove_dir_all(before)
        {
            tracing::warn!(folder = %before.display(), %error, "cannot remove second names of files");
        }
    })?;
    let Restoration { base, last: position, .. } = restoration;
    Ok(Restored { id, position, base: base.position, before })
}

/// Returns whether the log that was put aside is still the one in the folder.
fn is_in_place(former: &Path, folder: &Path) -> bool {
    let inode = |folder: &Path| fs::metadata(folder.join("log.redb")).map(|file| file.ino());
    let former = inode(former);
    former.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
        || matches!((former, inode(folder)), (Ok(former), Ok(present)) if former == present)
}

/// Returns a description of the available records and checkpoints.
fn restorable(
    past: Option<&Past>,
    of: LogEpoch,
    archives: &[Archive],
    checkpoints: &[(Head, String)],
) -> String {
    let archives = archives.iter().filter(|archive| archive.log == Some(of.id));
    let mut ranges: Vec<_> = archives.map(|archive| (archive.first, archive.last)).collect();
    ranges.extend(past.map(|past| (past.base().next(), past.last())));
    ranges.sort();
    ranges.dedup_by(|next, range| {
        let is_joined = next.0 <= range.1.next();
        if is_joined {
            range.1 = range.1.max(next.1);
        }
        is_joined
    });
    ranges.retain(|(first, last)| first <= last);
    let ranges = ranges.iter().map(|(first, last)| format!("records {first} to {last}"));
    let mut positions: Vec<_> = checkpoints.iter().map(|(head, _)| head.position).collect();
    positions.sort();
    positions.dedup();
    let positions: Vec<String> = positions.iter().map(Position::to_string).collect();
    let checkpoints = match &positions[..] {
        [] => "no checkpoints".to_owned(),
        positions => format!("checkpoints at {}", positions.join(", ")),
    };
    ranges.chain([checkpoints]).collect::<Vec<_>>().join(" and ")
}

/// Creates hard links to the log, its checkpoints and archives in a new folder, which keep them.
fn keep_former(folder: &Path) -> Result<Option<PathBuf>, String> {
    let log = folder.join("log.redb");
    let checkpoints = Checkpoints::beside(folder);
    let failed =
        |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let names = checkpoints.names().map_err(|error| failed(folder, &error))?;
    if !log.exists() && names.is_empty() {
        return Ok(None);
    }
    let former = (1..).map(|number| folder.join(format!("{PUT_ASIDE}{number}")));
    let former = former.into_iter().find(|former| !former.exists()).unwrap_or_default();
    let mut files: Vec<PathBuf> = names.iter().map(|name| checkpoints.path(name)).collect();
    files.extend(Some(log).filter(|log| log.exists()));
    let link = |file: &Path| {
        let linked = former.join(file.strip_prefix(folder).unwrap_or(file));
        linked.parent().map_or(Ok(()), private::create_dir_all)?;
        fs::hard_link(file, &linked)
    };
    for file in &files {
        link(file).map_err(|error| failed(file, &error))?;
    }
    for archive in archives(folder)? {
        // The folder of archives may be on another disk.
        if let Err(error) = link(&archive.path) {
            tracing::warn!(file = %archive.path.display(), %error, "cannot put an archive aside");
        }
    }
    Ok(Some(former))
}
