use std::fs::Metadata;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Blob, Store, StoreError, access, sync_folder};
use crate::clock;
use crate::files::open_without_links;
use crate::log::ContentId;
use crate::private::Unfinished;

/// The number of bytes that are copied at a time.
const PIECE: usize = 256 * 1024;
/// The number of attempts to read a file that changes.
const ATTEMPTS: usize = 3;

/// Keeps a content in the store until this is dropped.
#[derive(Debug)]
pub(crate) struct Pin {
    store: Arc<Store>,
    content: ContentId,
}

impl Store {
    /// Imports the file at `relative`, a checked path below `root`. When this returns, the content
    /// is durable.
    ///
    /// # Errors
    /// Returns [`StoreError::Absent`] if the file does not exist, and other errors if it cannot be
    /// imported.
    pub(crate) fn import(self: &Arc<Self>, root: &Path, relative: &str) -> Result<Pin, StoreError> {
        let found = resolve(root, relative)?;
        self.prepare()?;
        for _ in 0..ATTEMPTS {
            if let Some(pin) = self.copy(&found)? {
                return Ok(pin);
            }
        }
        Err(StoreError::Changing)
    }

    /// Imports a resolved file; `None` if it changed meanwhile.
    pub(super) fn copy(self: &Arc<Self>, found: &Resolved) -> Result<Option<Pin>, StoreError> {
        let path = &*found.root.join(&found.inside);
        let open = || match open_without_links(&found.root, &found.inside) {
            Ok(file) => Ok(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::Absent),
            Err(error) => Err(access(path, "open the file", error)),
        };
        let unreadable = |error| access(path, "read the file", error);
        let mut source = open()?;
        let before = source.metadata().map_err(unreadable)?;
        if !before.is_file() {
            return Err(StoreError::NotAFile);
        }
        let copy = self.folder.join(format!("new-{:016x}", rand::random::<u64>()));
        let failed = |error| access(&copy, "write the file", error);
        let (unfinished, mut target) = Unfinished::create(copy.clone()).map_err(failed)?;
        let mut hasher = blake3::Hasher::new();
        let mut length = 0;
        let mut piece = vec![0; PIECE];
        loop {
            match source.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => {
                    hasher.update(&piece[..read]);
                    length += read as u64;
                    target.write_all(&piece[..read]).map_err(failed)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(error)),
            }
        }
        // The current file at the path, which may have replaced the one that was read.
        let after = open()?.metadata().map_err(unreadable)?;
        if length != after.len() || !is_same(&before, &after) {
            return Ok(None);
        }
        let content = ContentId { hash: *hasher.finalize().as_bytes(), length };
        // Even if the content already exists, because the existing file may be damaged or not
        // durable yet.
        target.sync_all().map_err(failed)?;
        {
            let mut inner = self.lock();
            unfinished.rename(&self.path(content)).map_err(failed)?;
            let blob = inner.blobs.entry(content);
            blob.or_insert(Blob { used: clock::now(), pins: 0 }).pins += 1;
        }
        let pin = Pin { store: Arc::clone(self), content };
        sync_folder(&self.folder)?;
        Ok(Some(pin))
    }
}

impl Pin {
    /// Returns the content.
    pub(crate) fn content(&self) -> ContentId {
        self.content
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        if let Some(blob) = self.store.lock().blobs.get_mut(&self.content) {
            blob.pins = blob.pins.saturating_sub(1);
            blob.used = clock::now();
        }
    }
}

/// A path after all links were resolved.
pub(super) struct Resolved {
    root: PathBuf,
    inside: PathBuf,
}

/// Resolves the links of a path, which must lead to a regular file below `root`.
pub(super) fn resolve(root: &Path, relative: &str) -> Result<Resolved, StoreError> {
    let root = root.canonicalize().map_err(|error| access(root, "find the docroot", error))?;
    let path = root.join(relative);
    let path = match path.canonicalize() {
        Ok(resolved) => resolved,
        Err(error) => {
            use io::ErrorKind::{NotADirectory, NotFound};
            return Err(match error.kind() {
                NotFound | NotADirectory => StoreError::Absent,
                _ => access(&path, "find the file", error),
            });
        }
    };
    let inside = path.strip_prefix(&root).map(Path::to_owned);
    match inside {
        Ok(inside) if path.is_file() => Ok(Resolved { root, inside }),
        _ => Err(StoreError::NotAFile),
    }
}

/// Returns whether the file was not modified in between.
fn is_same(before: &Metadata, after: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if (before.dev(), before.ino()) != (after.dev(), after.ino()) {
            return false;
        }
    }
    before.len() == after.len() && before.modified().ok() == after.modified().ok()
}
