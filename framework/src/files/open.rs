//! Limits the number of files that are open for responses.
//!
//! A client determines how long its response keeps a file open: it may open no window, or read slowly. So a process has
//! a fixed number of permits for such files. A file beyond them is refused with the error of the operating system
//! (`EMFILE`), only earlier: the remaining descriptors are reserved for connections, the link, the log and the admin
//! port.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::io::Errno;

/// The permits of this process. Descriptors are limited per process, so all its servers share the permits.
static PERMITS: OpenFilePermits = OpenFilePermits::new(1024);

/// Sets the maximum number of files that may be open for responses.
pub(crate) fn allow(files: usize) {
    PERMITS.most.store(files, Ordering::Relaxed);
}

/// Returns whether a file could not be opened because there are too many open files.
pub(crate) fn is_exhaustion(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE))
}

/// A permit for a file that is open for a response, returned on drop.
#[derive(Debug)]
struct OpenFilePermit(&'static OpenFilePermits);

impl Drop for OpenFilePermit {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct OpenFilePermits {
    taken: AtomicUsize,
    most: AtomicUsize,
}

impl OpenFilePermits {
    const fn new(most: usize) -> OpenFilePermits {
        OpenFilePermits { taken: AtomicUsize::new(0), most: AtomicUsize::new(most) }
    }

    fn take(&'static self) -> Option<OpenFilePermit> {
        let most = self.most.load(Ordering::Relaxed);
        let next = |taken: usize| (taken < most).then_some(taken + 1);
        let taken = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        taken.ok().map(|_| OpenFilePermit(self))
    }
}

/// A file that is open for a response.
#[derive(Debug)]
pub(crate) struct OpenFile {
    file: File,
    _permit: OpenFilePermit,
}

impl OpenFile {
    /// Acquires a permit for the file.
    ///
    /// # Errors
    /// Fails if no permit is free.
    pub(crate) fn new(file: File) -> Result<OpenFile, NoPermit> {
        match PERMITS.take() {
            Some(permit) => Ok(OpenFile { file, _permit: permit }),
            None => Err(NoPermit(file)),
        }
    }
}

/// A file for which no permit is free. Converted to an [`io::Error`], it is `EMFILE`.
#[derive(Debug)]
pub(crate) struct NoPermit(pub(super) File);

impl From<NoPermit> for io::Error {
    fn from(_: NoPermit) -> io::Error {
        Errno::MFILE.into()
    }
}

impl Deref for OpenFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_beyond_the_most_is_refused_until_another_is_closed() {
        assert!(is_exhaustion(&NoPermit(tempfile::tempfile().unwrap()).into()));
        static TWO: OpenFilePermits = OpenFilePermits::new(2);
        let first = TWO.take().unwrap();
        let _second = TWO.take().unwrap();
        assert!(TWO.take().is_none());
        drop(first);
        let _third = TWO.take().unwrap();
        assert!(TWO.take().is_none());
    }
}
