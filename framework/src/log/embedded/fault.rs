use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::{DatabaseError, StorageError};

use crate::log::OpenError;
use crate::log::applier::panic_message;

/// What `work` returns. redb trusts the structure of its file and may panic where that is damaged;
/// this is an error here like any other.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, redb::Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(redb::Error::Corrupted(format!("redb panicked: {}", panic_message(&*panic))))
    })
}

/// Why a log did not open, from what redb said.
pub(super) fn open_error(path: &Path, error: redb::Error) -> OpenError {
    let path = path.to_owned();
    match error {
        redb::Error::DatabaseAlreadyOpen => OpenError::InUse { path },
        // redb's own verdict on the content comes as an I/O error of this kind.
        redb::Error::Io(source) if source.kind() == io::ErrorKind::InvalidData => {
            OpenError::Corrupt { path, reason: source.to_string() }
        }
        redb::Error::Io(source) => OpenError::Access { path, action: "use the log", source },
        other => OpenError::Corrupt { path, reason: other.to_string() },
    }
}

/// An error of the file under redb.
pub(super) fn storage(error: io::Error) -> DatabaseError {
    DatabaseError::Storage(StorageError::Io(error))
}
