//! A lock that all processes of a cluster hold, so that the next cluster detects whether any of them is left.
//!
//! When a log is new, front ends of an earlier log may still be serving from their caches, so the first write has to
//! wait for one lease. The wait is unnecessary if all front ends of the earlier log were children of a `cluster` and
//! have ended.
//!
//! The lock is a name in the abstract namespace of Unix sockets, derived from the path of the log's folder. The
//! kernel binds a name to one socket at a time, and releases it when no process holds the socket: the supervisor and
//! all its children inherit it. Unlike a lock on a file, it survives the removal or replacement of the log's folder,
//! which is how a log becomes new.
//!
//! The lock does not cover front ends that were started one by one. Suppose that one has followed an earlier log at
//! this path, that this log was replaced, and that `cluster` was started, all within one lease: then a reader of this
//! front end could miss the first write. Nor does the lock work across network namespaces (containers). Each of them
//! has a loopback interface of its own, and the links of a cluster are on a single one.

use std::path::Path;

/// The lock, held by this process and those that it starts later.
#[derive(Debug)]
pub(super) struct Lock {
    #[cfg(target_os = "linux")]
    _socket: std::os::unix::net::UnixListener,
}

impl Lock {
    /// Takes the lock for the log in this folder; `None` if it is held, or on systems without abstract sockets.
    #[cfg(target_os = "linux")]
    pub(super) fn take(log: &Path) -> Option<Lock> {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::ffi::OsStrExt;
        use std::os::unix::net::{SocketAddr, UnixListener};

        let hash = blake3::hash(real(log).as_os_str().as_bytes()).to_hex();
        let name = format!("headwater cluster {}", &hash[..32]);
        let socket = UnixListener::bind_addr(&SocketAddr::from_abstract_name(name).ok()?).ok()?;
        // Lets child processes inherit it.
        rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::empty()).ok()?;
        Some(Lock { _socket: socket })
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn take(_log: &Path) -> Option<Lock> {
        None
    }
}

/// Returns the path without symlinks, whether or not the folder exists.
#[cfg(target_os = "linux")]
fn real(path: &Path) -> std::path::PathBuf {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Ok(path), ..) => path,
        (Err(_), Some(parent), Some(name)) => real(parent).join(name),
        (Err(_), ..) => path.to_owned(),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn the_lock_is_free_when_all_processes_that_inherited_it_have_ended() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let lock = Lock::take(&log).unwrap();
        assert!(Lock::take(&log).is_none());
        assert!(Lock::take(&folder.path().join("other")).is_some());
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        drop(lock);
        assert!(Lock::take(&log).is_none(), "the child has it");
        drop(child.stdin.take());
        child.wait().unwrap();
        // Processes that other tests have started meanwhile have inherited it too.
        let start = Instant::now();
        while Lock::take(&log).is_none() {
            assert!(start.elapsed() < Duration::from_secs(30));
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_folder_has_one_lock_under_all_its_names_whether_or_not_it_exists() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("link")).unwrap();
        let _lock = Lock::take(&folder.path().join("link/log")).unwrap();
        assert!(Lock::take(&folder.path().join("log")).is_none());
        std::fs::create_dir(folder.path().join("log")).unwrap();
        assert!(Lock::take(&folder.path().join("log")).is_none());
    }
}
