use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use super::folder::NewFile;
use super::piece::{Checks, FORMAT, LENGTH, Piece};
use super::{CheckpointError, Content, Head, Written};
use crate::docroot::Manifest;
use crate::log::{Progress, panic_message};
use crate::state::{SavedField, item_hash};

/// The number of bytes after which the file is synced: a sync of the log, which other writers wait for, should
/// find little more than its own data to write.
const SYNCED: usize = 8 << 20;

/// Writes the file of a checkpoint.
pub(super) struct Writer<'a> {
    file: &'a mut dyn NewFile,
    stop: &'a AtomicBool,
    checks: Checks,
    items: u64,
    bytes: u64,
    unsynced: usize,
    /// Items that are not yet written.
    buffer: Vec<u8>,
}

impl<'a> Writer<'a> {
    /// Begins a file.
    ///
    /// # Errors
    /// When it cannot be written, or when `stop` is set; so also for the methods below.
    pub(super) fn begin(
        head: Head,
        file: &'a mut dyn NewFile,
        stop: &'a AtomicBool,
    ) -> Result<Writer<'a>, CheckpointError> {
        let (checks, buffer) = (Checks::default(), Vec::with_capacity(2 * LENGTH));
        let mut writer = Writer { file, stop, checks, items: 0, bytes: 0, unsynced: 0, buffer };
        writer.put(FORMAT)?;
        let seed = head.seed;
        writer.piece(&Piece::Head(head))?;
        writer.checks.seed(seed);
        Ok(writer)
    }

    /// Writes all of `content`, piece by piece.
    pub(super) fn write(&mut self, content: Content) -> Result<(), CheckpointError> {
        self.piece(&Piece::Joined(content.joined))?;
        for (position, invalidation) in content.deferred {
            self.piece(&Piece::Deferred(position, invalidation))?;
        }
        self.files(&content.files)?;
        for piece in content.revocations.to_pieces() {
            self.piece(&Piece::Revocations(piece.to_vec()))?;
        }
        self.piece(&Piece::Hash(content.hash))?;
        let mut progress = Progress::begin("writing a checkpoint, items", 0);
        for state in content.states {
            for field in state.fields {
                self.field(state.name, field, &mut progress)?;
            }
        }
        progress.end(self.items);
        Ok(())
    }

    /// Writes the manifest.
    pub(super) fn files(&mut self, files: &Manifest) -> Result<(), CheckpointError> {
        let mut pieces = files.to_pieces().into_iter();
        pieces.try_for_each(|piece| self.piece(&Piece::Files(piece.to_vec())))
    }

    /// Completes the file, and syncs it.
    pub(super) fn end(mut self) -> Result<Written, CheckpointError> {
        self.flush()?;
        let items = self.items;
        self.piece(&Piece::End { items })?;
        self.file.sync()?;
        Ok(Written { bytes: self.bytes, items })
    }

    /// Writes one field, and checks that its items have its hash.
    fn field(
        &mut self,
        state: &str,
        field: SavedField,
        progress: &mut Progress,
    ) -> Result<(), CheckpointError> {
        let SavedField { name, version, hash: expected, mut items } = field;
        let mut hash: u128 = 0;
        self.begin_field(state, name, version)?;
        loop {
            // This runs the site's `Serialize`.
            let next = catch_unwind(AssertUnwindSafe(|| items.next()));
            let next = next.map_err(|panic| panic_message(&*panic).to_owned());
            let refused = |reason| {
                let what = format!("an item of `{name}` of the state \"{state}\"");
                CheckpointError::Refused(format!("{what} cannot be encoded: {reason}"))
            };
            let Some(item) = next.map_err(refused)? else { break };
            if item.is_empty() {
                let reason = "its `Serialize` fails, or its `Deserialize` does not read what that writes: a field with \
                              `skip_serializing_if` or `skip_serializing` needs `#[serde(default)]`";
                return Err(refused(reason.to_owned()));
            }
            hash = hash.wrapping_add(item_hash(&item));
            self.item(&item)?;
            progress.step(self.items);
        }
        match expected {
            Some(expected) if expected != hash => Err(CheckpointError::Differs(format!(
                "the content of `{name}` of the state \"{state}\" has another hash than its updates have produced. \
                 Something else has changed it: a `Cell` or an atomic in it, a `Serialize` that does not write the \
                 same each time, or the machine's memory, which should be tested"
            ))),
            _ => Ok(()),
        }
    }

    /// Begins the items of this field.
    pub(super) fn begin_field(
        &mut self,
        state: &str,
        field: &str,
        version: u32,
    ) -> Result<(), CheckpointError> {
        self.flush()?;
        let (state, field) = (state.to_owned(), field.to_owned());
        self.piece(&Piece::Field { state, field, version })
    }

    /// Writes an item of the last field.
    pub(super) fn item(&mut self, item: &[u8]) -> Result<(), CheckpointError> {
        self.items += 1;
        self.buffer.extend_from_slice(&(item.len() as u64).to_le_bytes());
        for part in item.chunks(LENGTH) {
            self.buffer.extend_from_slice(part);
            if self.buffer.len() >= LENGTH {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), CheckpointError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let bytes = self.checks.encode_items(&self.buffer);
        self.buffer.clear();
        self.put(&bytes)
    }

    /// Writes a piece.
    pub(super) fn piece(&mut self, piece: &Piece) -> Result<(), CheckpointError> {
        let bytes = self.checks.encode(piece);
        self.put(&bytes)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), CheckpointError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(CheckpointError::Stopping);
        }
        self.file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        self.unsynced += bytes.len();
        if self.unsynced >= SYNCED {
            self.unsynced = 0;
            self.file.sync()?;
        }
        Ok(())
    }
}
