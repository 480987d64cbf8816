use std::io;
use std::ops::{Bound, Range};
use std::sync::{Arc, Mutex, PoisonError};

use redb::{BackendError, DatabaseError, StorageBackend};

use super::fault::storage;

/// The file under redb. It keeps track of the written bytes that are not synced yet.
#[derive(Debug)]
pub(super) struct LogFile<F> {
    file: F,
    unsynced: Arc<Unsynced>,
}

/// The byte ranges of the file that were written since the last good sync.
///
/// After a failed sync the system may treat written pages as clean that never reached the disk: they are read
/// as written, later syncs succeed, and after a power cut they are lost. Writing them again makes them dirty
/// again, so that the next successful sync includes them.
///
/// The ranges exist in this process only. Records may be lost if a sync fails, the file cannot be opened again,
/// the process is killed, a new one opens the file, and then the power is cut, in this order.
#[derive(Debug, Default)]
pub(super) struct Unsynced(Mutex<Vec<Range<u64>>>);

/// The number of bytes that are written again at a time.
const PIECE: u64 = 1 << 20;

impl<F: StorageBackend> LogFile<F> {
    /// Opens the file. Everything in it that is not synced, whether from before a failure or from a killed
    /// process, is synced before redb reads anything.
    pub(super) fn open(file: F, unsynced: Arc<Unsynced>) -> Result<LogFile<F>, DatabaseError> {
        unsynced.write_again(&file).map_err(storage)?;
        file.sync_data().map_err(storage)?;
        unsynced.take();
        Ok(LogFile { file, unsynced })
    }
}

impl Unsynced {
    fn note(&self, written: Range<u64>) {
        let mut ranges = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match ranges.last_mut() {
            Some(last) if last.end == written.start => last.end = written.end,
            _ => ranges.push(written),
        }
    }

    fn take(&self) -> Vec<Range<u64>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put_back(&self, ranges: Vec<Range<u64>>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(ranges);
    }

    fn write_again(&self, file: &impl StorageBackend) -> io::Result<()> {
        let ranges = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The file may have become shorter since; ranges behind its end do not matter any more.
        let length = file.len()?;
        for range in ranges.iter() {
            let mut at = range.start;
            while at < range.end.min(length) {
                let end = range.end.min(length).min(at + PIECE);
                let mut bytes = vec![0; (end - at) as usize];
                file.read(at, &mut bytes)?;
                file.write(at, &bytes)?;
                at = end;
            }
        }
        Ok(())
    }
}

impl<F: StorageBackend> StorageBackend for LogFile<F> {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        let ranges = self.unsynced.take();
        let synced = self.file.sync_data();
        if synced.is_err() {
            self.unsynced.put_back(ranges);
        }
        synced
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let written = self.file.write(offset, data);
        // A failed write may have written a part. But if there was no room, this part of the file was not in
        // use before, and writing there again would fail again.
        let no_room = |error: &io::Error| {
            matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        };
        if !written.as_ref().is_err_and(no_room) {
            self.unsynced.note(offset..offset + data.len() as u64);
        }
        written
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
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
