use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::{DatabaseError, StorageError};

use crate::log::OpenError;
use crate::log::applier::panic_message;

/// Runs `work`, and converts a panic to an error. redb trusts the structure of its file and may panic where it
/// is damaged.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, redb::Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(redb::Error::Corrupted(format!("redb panicked: {}", panic_message(&*panic))))
    })
}

/// Converts an error of redb to the reason why a log did not open.
pub(super) fn open_error(path: &Path, error: redb::Error) -> OpenError {
    let path = path.to_owned();
    match error {
        redb::Error::DatabaseAlreadyOpen => OpenError::InUse { path },
        redb::Error::Io(source) if !is_of_content(&source) => {
            OpenError::Access { path, action: "use the log", source }
        }
        redb::Error::Io(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
            OpenError::Corrupt { path, reason: "it is shorter than before".to_owned() }
        }
        other => OpenError::Corrupt { path, reason: other.to_string() },
    }
}

/// Returns whether the error means that the file's content differs from what was written.
pub(super) fn is_damage(error: &redb::Error) -> bool {
    match error {
        redb::Error::Io(source) => is_of_content(source),
        error => matches!(error, redb::Error::Corrupted(_)),
    }
}

/// redb reports damaged content as an I/O error, and so does a file that ends too early.
fn is_of_content(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

/// An error of the file under redb.
pub(super) fn storage(error: io::Error) -> DatabaseError {
    DatabaseError::Storage(StorageError::Io(error))
}
