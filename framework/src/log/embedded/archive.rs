//! Files of records that were moved out of the log, one for each move.
//!
//! A file is named after its first and last position and the log's id. It begins with eight bytes that identify
//! the format, and the log's id (16). Each record consists of its length (4 bytes), its position (8) and its
//! bytes as in the log, with their checksum; a length of 0 with the last position ends the file. A file gets
//! its name when it is complete, on disk, and has been read back. Only then are its records dropped from the
//! log.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::engine::{Engine, STOPPING};
use super::frame::{Bad, LIMIT, decode};
use crate::log::{LogId, Position, Progress};
use crate::private::{self, Unfinished};

const FORMAT: &[u8; 8] = b"HWRECS01";
/// The number of bytes of records that are read from the log at a time.
const PIECE: usize = 8 << 20;

impl Engine {
    /// Writes the records up to `through` to a file in `folder`.
    ///
    /// # Errors
    /// A sentence for an operator.
    pub(in crate::log) fn archive(
        &self,
        folder: &Path,
        through: Position,
        stop: &AtomicBool,
    ) -> Result<(), String> {
        let first = self.base().next();
        if through < first {
            return Ok(());
        }
        // A restored log has other records at the same positions.
        let id = (self.id().0 >> 96) as u32;
        let path = folder.join(format!("{:020}-{:020}-{id:08x}.records", first.0, through.0));
        let written = self.write_archive(folder, &path, (first, through), stop);
        written.map_err(|error| format!("{}: {error}", path.display()))?;
        tracing::info!(file = %path.display(), "records were archived");
        Ok(())
    }

    fn write_archive(
        &self,
        folder: &Path,
        path: &Path,
        (first, through): (Position, Position),
        stop: &AtomicBool,
    ) -> io::Result<()> {
        private::create_dir_all(folder)?;
        let unfinished = folder.join("records.new");
        // A killed process may have left this file.
        private::remove(&unfinished)?;
        let (unfinished, file) = Unfinished::create(unfinished)?;
        let mut file = BufWriter::with_capacity(1 << 20, file);
        file.write_all(FORMAT)?;
        file.write_all(&self.id().0.to_le_bytes())?;
        let mut last = Position(first.0 - 1);
        let total = through.0 - last.0;
        let mut progress = Progress::begin("archiving records", total);
        while last < through {
            if stop.load(Ordering::Relaxed) {
                return Err(io::Error::other(STOPPING));
            }
            let left = usize::try_from(through.0 - last.0).unwrap_or(usize::MAX);
            let frames = self.frames(last, left, PIECE).map_err(io::Error::other)?;
            if frames.is_empty() {
                return Err(io::Error::other(format!("the record at {} is missing", last.next())));
            }
            unfinished.has_room(PIECE as u64)?;
            for (position, frame) in frames {
                file.write_all(&(frame.len() as u32).to_le_bytes())?;
                file.write_all(&position.0.to_le_bytes())?;
                file.write_all(&frame)?;
                last = position;
            }
            progress.look(total - (through.0 - last.0));
        }
        file.write_all(&0u32.to_le_bytes())?;
        file.write_all(&through.0.to_le_bytes())?;
        file.into_inner().map_err(|error| error.into_error())?.sync_all()?;
        // It will soon be the only copy of these records.
        let path_now = unfinished.path().to_owned();
        Archive { log: None, first, last: through, path: path_now }.verify()?;
        unfinished.rename(path)?;
        private::sync_folder(folder)?;
        folder.parent().map_or(Ok(()), private::sync_folder)
    }
}

/// A file of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Archive {
    /// The log to which it belongs, unless its beginning cannot be read.
    pub log: Option<LogId>,
    /// The position of the first record.
    pub first: Position,
    /// The position of the last record.
    pub last: Position,
    /// The file.
    pub path: PathBuf,
}

impl Archive {
    /// Returns the archives in a folder, in the order of their positions.
    pub(crate) fn all_in(folder: &Path) -> io::Result<Vec<Archive>> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        let archive = |path: PathBuf| {
            let name = path.file_name()?.to_str()?.strip_suffix(".records")?;
            let mut parts = name.split('-');
            let mut position = || Some(Position(parts.next()?.parse().ok()?));
            let (first, last) = (position()?, position()?);
            let head = File::open(&path).and_then(|mut file| read_head(&mut file));
            Some(Archive { log: head.ok(), first, last, path })
        };
        let mut archives: Vec<Archive> = paths.into_iter().filter_map(archive).collect();
        archives.sort_by_key(|archive| (archive.first, archive.last));
        Ok(archives)
    }

    /// Reads the file to check that it is complete.
    ///
    /// # Errors
    /// When it is incomplete or damaged.
    pub(crate) fn verify(&self) -> io::Result<()> {
        self.read(|_, _| Ok(()))
    }

    /// Passes each record's position and bytes to `visit`, in order.
    ///
    /// # Errors
    /// When the file is incomplete or damaged, and when `visit` fails.
    pub(in crate::log) fn read(
        &self,
        mut visit: impl FnMut(Position, Vec<u8>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut file = BufReader::with_capacity(1 << 20, File::open(&self.path)?);
        read_head(&mut file)?;
        let mut expected = self.first;
        loop {
            let length = u32::from_le_bytes(take(&mut file)?);
            let position = u64::from_le_bytes(take(&mut file)?);
            let position = Position(position);
            if length == 0 && position == self.last && expected == self.last.next() {
                return Ok(());
            }
            let length = length as usize;
            if position != expected || length == 0 || length > LIMIT + 1024 {
                return Err(damaged(format!("the record at {expected} is missing")));
            }
            let mut bytes = vec![0; length];
            file.read_exact(&mut bytes).map_err(torn)?;
            decode(position, &bytes).map_err(|bad| {
                let (Bad::Damaged(reason) | Bad::Unknown(reason)) = bad;
                damaged(format!("the record at {position}: {reason}"))
            })?;
            visit(position, bytes)?;
            expected = position.next();
        }
    }
}

/// Reads the beginning of a file, and returns the id of its log.
fn read_head(file: &mut impl Read) -> io::Result<LogId> {
    if take(file)? != *FORMAT {
        return Err(damaged("it does not begin as an archive of records does".to_owned()));
    }
    Ok(LogId(u128::from_le_bytes(take(file)?)))
}

fn take<const N: usize>(file: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes).map_err(torn)?;
    Ok(bytes)
}

fn damaged(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// Converts the error of a file that is too short.
fn torn(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged("it ends before its last record".to_owned()),
        _ => error,
    }
}
