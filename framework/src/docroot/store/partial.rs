use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::{Blob, PART, Part, Store, StoreError, access};
use crate::clock;
use crate::log::ContentId;
use crate::private;

/// The number of bytes that are read at a time for hashing.
const PIECE: usize = 256 * 1024;

/// A content that is being received. Its beginning is kept, so that another attempt can continue
/// from there.
pub(crate) struct Partial {
    store: Arc<Store>,
    content: ContentId,
    path: PathBuf,
    file: File,
    hasher: blake3::Hasher,
    length: u64,
    _writer: Writer,
}

/// Keeps an incomplete content in the folder until this is dropped.
struct Writer {
    store: Arc<Store>,
    name: String,
}

impl Writer {
    fn begin(store: &Arc<Store>, name: String) -> Writer {
        let mut inner = store.lock();
        let part = Part { used: clock::now(), writers: 0 };
        inner.partials.entry(name.clone()).or_insert(part).writers += 1;
        Writer { store: Arc::clone(store), name }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(part) = self.store.lock().partials.get_mut(&self.name) {
            part.writers = part.writers.saturating_sub(1);
            part.used = clock::now();
        }
    }
}

impl Store {
    /// Continues the transfer of a content, whose beginning may already be stored. There must be
    /// only one of these per content at a time.
    ///
    /// # Errors
    /// Fails if the folder cannot be written to.
    pub(crate) fn resume(self: &Arc<Self>, content: ContentId) -> Result<Partial, StoreError> {
        self.prepare()?;
        let name = content.hex() + PART;
        let path = self.folder.join(&name);
        // Before the file is opened, because it could be removed in between.
        let writer = Writer::begin(self, name);
        let failed = |error| access(&path, "open the file", error);
        let file =
            private::options().create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = file.map_err(failed)?;
        let mut length = file.metadata().map_err(failed)?.len();
        if length > content.length {
            file.set_len(0).map_err(failed)?;
            length = 0;
        }
        let mut hasher = blake3::Hasher::new();
        let mut piece = vec![0; PIECE];
        let mut rest = (&mut file).take(length);
        loop {
            match rest.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => drop(hasher.update(&piece[..read])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(access(&path, "read the file", error)),
            }
        }
        file.seek(SeekFrom::Start(length)).map_err(failed)?;
        let store = Arc::clone(self);
        Ok(Partial { store, content, path, file, hasher, length, _writer: writer })
    }
}

impl Partial {
    /// Returns the number of bytes received so far.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Returns whether all bytes were received.
    pub(crate) fn is_whole(&self) -> bool {
        self.length == self.content.length
    }

    /// Appends the next bytes.
    ///
    /// # Errors
    /// Fails if they cannot be written, or exceed the length of the content.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        if self.length + bytes.len() as u64 > self.content.length {
            return Err(self.wrong());
        }
        let mut left = bytes;
        while !left.is_empty() {
            match self.file.write(left) {
                Ok(0) => return Err(self.failed(io::ErrorKind::WriteZero.into())),
                Ok(written) => {
                    // The bytes that were written count, even if the next ones cannot be.
                    self.hasher.update(&left[..written]);
                    self.length += written as u64;
                    left = &left[written..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(())
    }

    /// Verifies the content and gives it its name.
    ///
    /// # Errors
    /// Fails if its hash is not the requested one: then it is discarded and must be fetched from
    /// the beginning. Also fails if the folder cannot be written to.
    pub(crate) fn finish(self) -> Result<(), StoreError> {
        if !self.is_whole() || *self.hasher.finalize().as_bytes() != self.content.hash {
            return Err(self.wrong());
        }
        if let Err(error) = self.file.sync_all() {
            // A later sync could succeed although data of this one are lost.
            let _ = self.file.set_len(0);
            return Err(self.failed(error));
        }
        let mut inner = self.store.lock();
        if inner.is_closed {
            return Err(StoreError::Closed);
        }
        let path = self.store.path(self.content);
        fs::rename(&self.path, &path).map_err(|error| self.failed(error))?;
        inner.partials.remove(&(self.content.hex() + PART));
        let blob = Blob { used: clock::now(), pins: 0 };
        inner.blobs.entry(self.content).or_insert(blob).used = clock::now();
        Ok(())
    }

    fn wrong(&self) -> StoreError {
        // If this fails, the next attempt detects the same error again.
        let _ = self.file.set_len(0);
        StoreError::Wrong { wanted: self.content.hex() }
    }

    fn failed(&self, error: io::Error) -> StoreError {
        access(&self.path, "write the file", error)
    }
}

impl std::fmt::Debug for Partial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {:?}", self.length, self.content)
    }
}
