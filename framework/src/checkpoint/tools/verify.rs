use std::path::Path;

use super::archives;
use crate::checkpoint::Checkpoints;
use crate::log::{ClosedLog, OpenError, Position, Progress};

/// The note on files that a restored log has left.
const NOT_USED: &str = "; not of this log, so it is not used";

/// Reads all checkpoints, records and archives. Returns a line for each, and whether all are complete and the
/// log can be opened with them. Files of another log are marked as such. While a node has the log open its
/// records cannot be read, and a line states that.
pub(crate) fn verify(folder: &Path) -> (Vec<String>, bool) {
    let (mut lines, mut is_whole) = (Vec::new(), true);
    let mut report = |line: String, good: bool| {
        lines.push(line);
        is_whole &= good;
    };
    let log = match ClosedLog::open(folder) {
        Ok(log) => log,
        Err(OpenError::InUse { path }) => {
            let unread = "a node has the log open, so its records were not read";
            report(format!("{}: {unread}", path.display()), true);
            None
        }
        Err(error) => {
            report(error.to_string(), false);
            None
        }
    };
    let past = match log.as_ref().map(ClosedLog::past).transpose() {
        Ok(past) => past,
        Err(error) => {
            report(error.to_string(), false);
            None
        }
    };

    let checkpoints = Checkpoints::beside(folder);
    let mut beginnings = vec![Position::START];
    match checkpoints.names() {
        Ok(names) => {
            for name in names {
                let file = checkpoints.path(&name);
                let file = file.display();
                match checkpoints.verify(&name) {
                    Ok((head, written)) => {
                        let is_used = past
                            .as_ref()
                            .is_none_or(|past| past.includes(head.of(), head.position));
                        beginnings.extend(is_used.then_some(head.position));
                        let (position, items) = (head.position, written.items);
                        let not_used = if is_used { "" } else { NOT_USED };
                        let whole = "whole, position";
                        report(
                            format!("{file}: {whole} {position}, {items} items{not_used}"),
                            true,
                        );
                    }
                    Err(error) => report(format!("{file}: {error}"), false),
                }
            }
        }
        Err(error) => report(format!("{}: {error}", checkpoints.path("").display()), false),
    }
    if let (Some(log), Some(past)) = (&log, &past) {
        let (base, mut last) = (past.base(), past.base());
        let path = log.path().display();
        let total = past.last().0.saturating_sub(base.0);
        let mut progress = Progress::begin("reading records", total);
        let read = log.read(base, |record| {
            last = record.position;
            progress.step(last.0 - base.0);
            true
        });
        match read {
            Ok(()) if last == base => report(format!("{path}: no records behind {base}"), true),
            Ok(()) => report(format!("{path}: whole, records {} to {last}", base.next()), true),
            Err(error) => report(format!("{path}: {error}"), false),
        }
        if base > Position::START && !beginnings.iter().any(|beginning| *beginning >= base) {
            report(
                format!("{path}: records up to {base} are in checkpoints only, and none is whole"),
                false,
            );
        }
    }
    match archives(folder) {
        Ok(archives) => {
            for archive in archives {
                let file = archive.path.display();
                match archive.verify() {
                    Ok(()) => {
                        let (first, last) = (archive.first, archive.last);
                        let is_used = past.as_ref().is_none_or(|it| archive.log == Some(it.id()));
                        let not_used = if is_used { "" } else { NOT_USED };
                        report(format!("{file}: whole, records {first} to {last}{not_used}"), true);
                    }
                    Err(error) => report(format!("{file}: {error}"), false),
                }
            }
        }
        Err(error) => report(error, false),
    }
    (lines, is_whole)
}
