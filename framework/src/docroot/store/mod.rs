//! The contents of synchronized files, in a folder of the node.
//!
//! | file | content |
//! |---|---|
//! | `HASH` | a whole content; it never changes |
//! | `HASH.part` | the beginning of a content that is being fetched |
//! | `new-…` | a content of this back end's docroot that is being imported |
//! | `gone-…` | a content that is being removed |
//! | `lock` | locked by the process that uses the folder |
//!
//! A content gets its name by a rename, after it was synced and its hash was verified. So every file with a hash as its
//! name is complete, whenever the process or the machine stopped. The received beginning of a content is kept in its
//! `part` file. It is hashed again before the rest is requested, and damage by a power failure is detected at the
//! latest in the hash of the whole.
//!
//! All operations that access the disk block; [`Store::contains`] does not access it.

mod import;
mod partial;
mod sweep;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::{self, Moment};
use crate::log::ContentId;
use crate::private;

pub(crate) use import::Pin;
pub(crate) use partial::Partial;

/// The contents that a node has stored.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    blobs: HashMap<ContentId, Blob>,
    /// Incomplete contents, by the names of their files.
    partials: HashMap<String, Part>,
    /// Locked as long as this process uses the folder; `None` before the folder exists.
    lock: Option<File>,
    is_closed: bool,
}

/// A complete content in the folder.
#[derive(Debug)]
struct Blob {
    /// The time of the last use.
    used: Moment,
    /// The number of pins, which keep it even if the manifest does not refer to it.
    pins: u32,
}

/// An incomplete content in the folder.
#[derive(Debug)]
struct Part {
    /// The time of the last use.
    used: Moment,
    /// The number of writers that append to it.
    writers: u32,
}

/// Reason why contents could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system returned an error.
    #[error("{}: cannot {action}: {source}", path.display())]
    Access {
        /// The file or folder.
        path: PathBuf,
        /// The operation.
        action: &'static str,
        /// The error of the system.
        source: io::Error,
    },
    /// Another process uses the folder.
    #[error(
        "{}: another process uses this folder; give each node its own name, or another folder \
         (`sync` in `[docroot]` of project.toml)",
        folder.display()
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The node is stopping.
    #[error("the node is stopping and stores no more files")]
    Closed,
    /// The received content is not the requested one.
    #[error("the received content is not {wanted}")]
    Wrong {
        /// The requested hash.
        wanted: String,
    },
    /// The file to import does not exist.
    #[error("there is no such file")]
    Absent,
    /// The path leads to a folder, a pipe, or out of the docroot.
    #[error("it is not a regular file below the docroot")]
    NotAFile,
    /// The file changed during each attempt to read it.
    #[error(
        "the file changes while it is read; write it under another name first, and rename it when \
         it is whole"
    )]
    Changing,
}

impl Store {
    /// Opens the store in `folder`, which is created for the first content.
    ///
    /// # Errors
    /// Fails if the folder exists and cannot be used, or another process uses it.
    pub(crate) fn open(folder: &Path) -> Result<Arc<Store>, StoreError> {
        let store = Store { folder: folder.to_owned(), inner: Mutex::default() };
        if folder.exists() {
            store.prepare()?;
            store.list()?;
        }
        Ok(Arc::new(store))
    }

    /// Returns whether the store contains the content. The content is then kept for the grace period, even if nothing
    /// refers to it. Does not block.
    pub(crate) fn contains(&self, content: ContentId) -> bool {
        let mut inner = self.lock();
        match inner.blobs.get_mut(&content) {
            Some(blob) => {
                blob.used = clock::now();
                true
            }
            None => false,
        }
    }

    /// Opens a content; `None` if the store does not contain it. An open file can be read to its end, even if the
    /// content is removed.
    ///
    /// # Errors
    /// Fails if the content exists and cannot be read.
    pub(crate) fn open_content(&self, content: ContentId) -> Result<Option<File>, StoreError> {
        let path = self.path(content);
        let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((length, file)) if length == content.length => Ok(Some(file)),
            Ok(_) => {
                tracing::error!(file = %path.display(), "a stored file has a wrong length: dropping it");
                self.forget(content);
                Ok(None)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.forget(content);
                Ok(None)
            }
            Err(error) => Err(access(&path, "open the file", error)),
        }
    }

    /// Releases the folder to another process or store. Open files can still be read.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.is_closed = true;
        inner.lock = None;
    }

    /// Notes that the content is no longer in the folder.
    fn forget(&self, content: ContentId) {
        self.lock().blobs.remove(&content);
    }

    /// Creates the folder if necessary, and locks it against other processes.
    fn prepare(&self) -> Result<(), StoreError> {
        let mut inner = self.lock();
        if inner.is_closed {
            return Err(StoreError::Closed);
        }
        if inner.lock.is_some() && self.folder.exists() {
            return Ok(());
        }
        make_folder(&self.folder)?;
        let path = self.folder.join("lock");
        let lock = private::options().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(|error| access(&path, "open the file", error))?;
        match lock.try_lock() {
            Ok(()) => {
                inner.lock = Some(lock);
                Ok(())
            }
            Err(fs::TryLockError::WouldBlock) => {
                Err(StoreError::InUse { folder: self.folder.clone() })
            }
            Err(fs::TryLockError::Error(error)) => Err(access(&path, "lock the file", error)),
        }
    }

    /// Lists the contents of the folder, and removes incomplete files of an earlier process.
    fn list(&self) -> Result<(), StoreError> {
        let failed = |error| access(&self.folder, "list the folder", error);
        let now = clock::now();
        let mut inner = self.lock();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if name.starts_with("new-") || name.starts_with("gone-") {
                let path = entry.path();
                if let Err(error) = fs::remove_file(&path) {
                    tracing::warn!(file = %path.display(), %error, "a leftover file cannot be removed");
                }
            } else if name.ends_with(PART) {
                inner.partials.insert(name.to_owned(), Part { used: now, writers: 0 });
            } else if let Ok(hash) = blake3::Hash::from_hex(name) {
                let length = entry.metadata().map_err(failed)?.len();
                let content = ContentId { hash: *hash.as_bytes(), length };
                inner.blobs.insert(content, Blob { used: now, pins: 0 });
            }
        }
        Ok(())
    }

    fn path(&self, content: ContentId) -> PathBuf {
        self.folder.join(content.hex())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The suffix of the names of incomplete contents.
const PART: &str = ".part";

/// Creates a folder and its missing ancestors durably.
fn make_folder(folder: &Path) -> Result<(), StoreError> {
    let new: Vec<&Path> = folder.ancestors().take_while(|above| !above.exists()).collect();
    private::create_dir_all(folder).map_err(|error| access(folder, "make the folder", error))?;
    // The name of a new folder is stored in its parent, which is the current folder for a relative path of one
    // component.
    for above in new.iter().filter_map(|new| new.parent()) {
        sync_folder(if above.as_os_str().is_empty() { Path::new(".") } else { above })?;
    }
    Ok(())
}

/// Makes the names in a folder durable.
fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| access(folder, "sync the folder", error))?;
    Ok(())
}

fn access(path: &Path, action: &'static str, source: io::Error) -> StoreError {
    StoreError::Access { path: path.to_owned(), action, source }
}

#[cfg(test)]
mod tests;
