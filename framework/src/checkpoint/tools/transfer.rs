use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::closed;
use crate::checkpoint::json::{Item, unhex};
use crate::checkpoint::reader::Part;
use crate::checkpoint::writer::Writer;
use crate::checkpoint::{CheckpointError, Checkpoints, Head};
use crate::docroot::{Manifest, check_path};
use crate::log::{
    Base, ClosedLog, ContentId, Epoch, FileChange, Log, LogEpoch, LogId, Position, Progress,
    Restoration,
};

/// The greatest position that an export may have.
const LAST: u64 = u64::MAX / 2;

/// The content of the first line.
#[derive(Debug, Serialize, Deserialize)]
struct First {
    headwater_export: u32,
    log: LogId,
    position: Position,
    time: u64,
    fingerprint: u64,
}

/// Any other line.
enum Line {
    Item(ItemLine),
    File(FileLine),
}

/// An item of a field of a state.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemLine {
    state: String,
    field: String,
    version: u32,
    item: Item,
}

/// A file that the log has put into the docroot, or has removed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileLine {
    file: String,
    position: Position,
    blake3: Option<String>,
    length: Option<u64>,
}

impl FileLine {
    /// Adds the file to those of an export at position `last`.
    ///
    /// # Errors
    /// When an export at that position cannot contain this line.
    fn add_to(self, files: &mut Manifest, last: Position) -> Result<(), String> {
        let FileLine { file: path, position, blake3, length } = self;
        check_path(&path).map_err(|reason| format!("the path {path:?} is none: {reason}"))?;
        if position > last {
            return Err(format!(
                "the file {path:?} has position {position}, and the export ends with {last}"
            ));
        }
        let content = match (blake3, length) {
            (None, None) => None,
            (Some(hash), Some(length)) => {
                let hash = unhex(&hash)?.try_into().map_err(|_| "it is not a hash of BLAKE3")?;
                Some(ContentId { hash, length })
            }
            _ => {
                return Err(format!("of the file {path:?} either `blake3` or `length` is missing"));
            }
        };
        if files.get(&path).is_some() {
            return Err(format!("there is another line of the file {path:?} above"));
        }
        // It is the first line of this path.
        let _ = files.apply(position, &FileChange { path, content });
        Ok(())
    }
}

impl Line {
    /// Parses a line according to its kind, so that an error describes the fault of that kind of line.
    fn parse(text: &str) -> Result<Line, serde_json::Error> {
        #[derive(Deserialize)]
        struct Kind {
            file: Option<IgnoredAny>,
        }
        let item = match serde_json::from_str(text) {
            Ok(item) => return Ok(Line::Item(item)),
            Err(error) => error,
        };
        match serde_json::from_str(text) {
            Ok(Kind { file: Some(_) }) => serde_json::from_str(text).map(Line::File),
            _ => Err(item),
        }
    }
}

/// Writes a checkpoint as lines of JSON: the newest complete one of the log in `folder`, or the named one. A
/// node may be running.
///
/// # Errors
/// A sentence for an operator.
pub(crate) fn export(folder: &Path, name: Option<&str>, out: &mut dyn Write) -> Result<(), String> {
    let checkpoints = Checkpoints::beside(folder);
    let names = match name {
        Some(name) => vec![name.to_owned()],
        None => checkpoints.names().map_err(|error| format!("{}: {error}", folder.display()))?,
    };
    for name in names.iter().rev() {
        let file = checkpoints.path(name);
        // Written lines cannot be withdrawn, so the checkpoint is read completely before.
        match checkpoints.verify(name) {
            Ok(_) => {
                let exported = write_lines(&checkpoints, name, out);
                return exported.map_err(|error| format!("{}: {error}", file.display()));
            }
            Err(error) if names.len() == 1 => return Err(format!("{}: {error}", file.display())),
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "a checkpoint is not used");
            }
        }
    }
    let what = "there is no checkpoint that is whole; let the running node make one with `data checkpoint`";
    Err(format!("{}: {what}", checkpoints.path("").display()))
}

fn write_lines(
    checkpoints: &Checkpoints,
    name: &str,
    out: &mut dyn Write,
) -> Result<(), CheckpointError> {
    let mut reader = checkpoints.reader(name)?;
    let Head { log, position, time, fingerprint, .. } = *reader.head();
    let first = First { headwater_export: 1, log, position, time, fingerprint };
    write_line(out, &first).or_else(closed)?;
    let (mut place, mut files) = (None, Vec::new());
    while let Some(part) = reader.next()? {
        match part {
            // Ended sessions belong to one log, and its sessions are not valid where this is imported.
            Part::Joined(_) | Part::Deferred(..) | Part::Revocations(_) | Part::Hash(_) => {}
            Part::Files(piece) => files.push(piece.into()),
            Part::Field { state, field, version } => place = Some((state, field, version)),
            Part::Item(item) => {
                let Some((state, field, version)) = &place else { continue };
                let (state, field, version) = (state.clone(), field.clone(), *version);
                let line = ItemLine { state, field, version, item: Item::decode(item) };
                if let Err(error) = write_line(out, &line) {
                    return Ok(closed(error)?);
                }
            }
        }
    }
    let manifest = Manifest::from_pieces(&files).unwrap_or_default();
    for (path, entry) in manifest.iter() {
        let (blake3, length) =
            (entry.content.map(|it| it.hex()), entry.content.map(|it| it.length));
        let file = FileLine { file: path.to_owned(), position: entry.position, blake3, length };
        write_line(out, &file).or_else(closed)?;
    }
    Ok(out.flush().or_else(closed)?)
}

fn write_line(out: &mut dyn Write, line: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

/// Makes a log in `folder` with the data that [`export`] wrote, which have `length` bytes. The folder must not
/// contain a log yet.
///
/// # Errors
/// A sentence for an operator, with the number of the wrong line.
pub(crate) fn import(
    lines: impl BufRead,
    length: u64,
    folder: &Path,
) -> Result<(LogId, Position), String> {
    let checkpoints = Checkpoints::beside(folder);
    let is_empty = checkpoints.names().is_ok_and(|names| names.is_empty());
    // A killed import may have left its checkpoint.
    if Log::is_in(folder) || !(is_empty || ClosedLog::is_unfinished(folder)) {
        return Err(format!("{}: there is a log already; name another folder", folder.display()));
    }
    let mut lines = lines.lines().zip(1u64..);
    let (first, _) = lines.next().ok_or("line 1: there is nothing to import")?;
    let first = first.map_err(|error| format!("line 1: {error}"))?;
    let First { headwater_export: format, position, time, fingerprint, .. } =
        serde_json::from_str(&first).map_err(|error| format!("line 1: {error}"))?;
    if format != 1 {
        return Err(format!("line 1: the export has format {format}, and this build reads 1 only"));
    }
    if position.0 > LAST {
        return Err(format!("line 1: position {position} is too great: no log gets there"));
    }
    let epoch = Epoch::random();
    let base = Base { position, time, epoch };
    let of = LogEpoch { id: LogId(0), epoch };
    let restoration = Restoration { log: None, of, archives: &[], base, last: position };
    let (id, _) = restoration.write(folder, |id| {
        let head = Head { log: id, epoch, position, time, fingerprint, seed: rand::random() };
        let stop = AtomicBool::new(false);
        let written = checkpoints
            .write_with(head, &stop, |writer| read_lines(lines, length, position, writer));
        written.map(|_| ()).map_err(|error| error.to_string())
    })?;
    Ok((id, position))
}

/// Writes the content of the lines behind the first, which are of an export at position `last`.
fn read_lines(
    lines: impl Iterator<Item = (std::io::Result<String>, u64)>,
    length: u64,
    last: Position,
    writer: &mut Writer<'_>,
) -> Result<(), CheckpointError> {
    let mut place = None;
    let mut files = Manifest::default();
    let mut progress = Progress::begin("importing, in bytes", length);
    let mut bytes = 0;
    for (line, number) in lines {
        let wrong = |reason: String| CheckpointError::Refused(format!("line {number}: {reason}"));
        let line = line?;
        bytes += line.len() as u64 + 1;
        progress.step(bytes);
        let line = Line::parse(&line).map_err(|error| wrong(error.to_string()))?;
        match line {
            Line::Item(ItemLine { state, field, version, item }) => {
                let next = Some((state, field, version));
                if next != place {
                    place = next;
                    let Some((state, field, version)) = &place else { continue };
                    writer.begin_field(state, field, *version)?;
                }
                writer.item(&item.encode().map_err(wrong)?)?;
            }
            Line::File(line) => line.add_to(&mut files, last).map_err(wrong)?,
        }
    }
    progress.end(bytes);
    writer.files(&files)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = r#"{"headwater_export":1,"log":"00000000000000000000000000000001","position":7,"time":9,"fingerprint":3}"#;

    /// Imports an export with these lines of files.
    fn imported(files: &[&str]) -> Result<Position, String> {
        let folder = tempfile::tempdir().unwrap();
        let text = [&[FIRST], files].concat().join("\n");
        let imported = import(text.as_bytes(), text.len() as u64, &folder.path().join("log"));
        imported.map(|(_, position)| position)
    }

    fn line(path: &str, position: u64, rest: &str) -> String {
        format!(r#"{{"file":"{path}","position":{position},{rest}}}"#)
    }

    #[test]
    fn wrong_lines_of_files_are_refused_with_their_number() {
        let hash = "0".repeat(64);
        let whole = format!(r#""blake3":"{hash}","length":3"#);
        let removed = r#""blake3":null,"length":null"#;
        let first = line("a.png", 5, &whole);
        let second = line("b.png", 7, removed);
        assert_eq!(imported(&[&first, &second]), Ok(Position(7)));
        let half = format!(r#""blake3":"{hash}""#);
        for (wrong, expected) in [
            (line("a.png", 3, &whole), "there is another line of the file"),
            (line("a.png", 6, &whole), "there is another line of the file"),
            (line("b.png", 8, &whole), "has position 8, and the export ends with 7"),
            (line("../b.png", 3, &whole), "it has `.` or `..` in it"),
            (line("/etc/passwd", 3, removed), "it must start at the docroot"),
            (line("b.png", 3, &half), "either `blake3` or `length` is missing"),
            (line("b.png", 3, r#""blake3":"00","length":3"#), "it is not a hash of BLAKE3"),
        ] {
            let error = imported(&[&first, &wrong]).unwrap_err();
            assert!(error.contains("line 3: ") && error.contains(expected), "{error}");
        }
    }
}
