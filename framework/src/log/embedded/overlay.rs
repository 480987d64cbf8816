//! A file that is only read: everything that redb writes to it stays in memory. So a backup on a read-only disk
//! can be read, and a snapshot of a log that was in use can be repaired without being changed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::backends::FileBackend;
use redb::{BackendError, DatabaseError, StorageBackend};

use super::fault::storage;

const BLOCK: usize = 4096;

/// The file, and the data that were written over it.
#[derive(Debug)]
pub(super) struct Overlay {
    file: FileBackend,
    written: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    length: u64,
    /// The length of the part of the file that is still valid.
    kept: u64,
    /// The blocks by their numbers; a repair writes few.
    blocks: BTreeMap<u64, [u8; BLOCK]>,
}

impl Overlay {
    pub(super) fn open(file: File) -> Result<Overlay, DatabaseError> {
        let file = FileBackend::new(file)?;
        let length = file.len().map_err(storage)?;
        let written = Written { length, kept: length, blocks: BTreeMap::new() };
        Ok(Overlay { file, written: Mutex::new(written) })
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads bytes from the file, without the written blocks.
    fn read_file(&self, kept: u64, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let inside = kept.saturating_sub(offset).min(out.len() as u64) as usize;
        self.file.read(offset, &mut out[..inside])?;
        out[inside..].fill(0);
        Ok(())
    }
}

/// Splits a range into blocks: the start and end of each within the range, the block's number, and the start
/// within the block.
fn parts(offset: u64, length: usize) -> impl Iterator<Item = (usize, usize, u64, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let place = offset + at as u64;
        let within = (place % BLOCK as u64) as usize;
        let (start, end) = (at, length.min(at + BLOCK - within));
        at = end;
        (start < end).then_some((start, end, place / BLOCK as u64, within))
    })
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.written().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let written = self.written();
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > written.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read_file(written.kept, offset, out)?;
        for (start, end, block, within) in parts(offset, out.len()) {
            if let Some(block) = written.blocks.get(&block) {
                out[start..end].copy_from_slice(&block[within..within + end - start]);
            }
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut written = self.written();
        (written.length, written.kept) = (length, written.kept.min(length));
        let last = length / BLOCK as u64;
        written.blocks.split_off(&(last + 1));
        if let Some(block) = written.blocks.get_mut(&last) {
            block[(length % BLOCK as u64) as usize..].fill(0);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let written = &mut *self.written();
        for (start, end, number, within) in parts(offset, data.len()) {
            if !written.blocks.contains_key(&number) {
                let mut block = [0; BLOCK];
                self.read_file(written.kept, number * BLOCK as u64, &mut block)?;
                written.blocks.insert(number, block);
            }
            let block = written.blocks.entry(number).or_insert([0; BLOCK]);
            block[within..within + end - start].copy_from_slice(&data[start..end]);
        }
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    // A file that is open for reading only can only be locked as shared. That excludes writers.

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_overlay_reads_like_a_written_file_and_leaves_the_file_unchanged(
            before in prop::collection::vec(any::<u8>(), 0..20_000),
            steps in prop::collection::vec((0..20_000usize, 0..9000usize, any::<bool>()), 1..12),
        ) {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&before).unwrap();
            let overlay = Overlay::open(File::open(file.path()).unwrap()).unwrap();
            let mut model = before.clone();
            for (number, (offset, length, is_write)) in steps.into_iter().enumerate() {
                match is_write {
                    true => {
                        let offset = offset.min(model.len());
                        let data = vec![number as u8 + 1; length.min(model.len() - offset)];
                        overlay.write(offset as u64, &data).unwrap();
                        model[offset..offset + data.len()].copy_from_slice(&data);
                    }
                    false => {
                        overlay.set_len(offset as u64).unwrap();
                        model.resize(offset, 0);
                    }
                }
                prop_assert_eq!(overlay.len().unwrap(), model.len() as u64);
                let mut read = vec![0; model.len()];
                overlay.read(0, &mut read).unwrap();
                prop_assert!(read == model);
                let middle = model.len() / 3;
                let mut read = vec![0; middle];
                overlay.read(middle as u64, &mut read).unwrap();
                prop_assert!(read == model[middle..middle * 2]);
            }
            prop_assert!(std::fs::read(file.path()).unwrap() == before);
        }
    }
}
