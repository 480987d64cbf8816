//! A lock on a file that proves that a front end has ended.
//!
//! A writer waits until the lease of a killed front end is over, because a front end that does not
//! answer may still be serving. A proof that its process has ended spares the writer this wait.
//!
//! As long as a front end may serve from its cache, it holds an exclusive lock on a file that is
//! named after it, and the file contains its incarnation. Two processes check the lock: a front end
//! that is restarted under the name (it acquires the lock itself, and reports over the feed which
//! incarnation came before it), and a back end that can access the same file when the feed of a
//! front end is cut.
//!
//! # Why it is a proof
//!
//! The lock belongs to the open file description. The kernel releases it when the last descriptor
//! of it is closed, that is, when the process has ended. The file is opened with `O_CLOEXEC`, so a
//! program that the front end starts does not keep the lock; one that did would only delay the
//! proof. A stopped process (SIGSTOP) keeps its lock. An incarnation writes its number only while
//! it holds the lock. So a free lock on a file that contains *i* means that *i* has ended, provided
//! that this is the very file that *i* locked. Therefore the file also contains the boot id of the
//! machine and its own device and inode, and it is accepted only if all three equal the values that
//! the reader finds:
//!
//! - A copy of the file, and a folder that was restored or created again, have another inode. The
//!   inode of a file that a process has open is assigned to no other file.
//! - A file from another machine, or from before a restart of this one, contains another boot id.
//! - A lock can be lost on a network file system while its holder is running, so only file systems
//!   that are known to be local are accepted.
//!
//! The one undetected case is a virtual machine that was copied with its memory while the front end
//! ran: boot id, device and inode are copied too. Such copies must not share a link.
//!
//! If any of this is missing (another operating system, a folder that is not writable), there is no
//! proof, and the writer waits for the lease.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::private;

/// The number of attempts to acquire a lock, and the pause between them: a back end may hold it for
/// a moment to check it.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(2);

/// The greatest length of the file's content, in bytes.
const LONGEST: u64 = 256;

/// The lock of a front end, held until this is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    _file: File,
    predecessor: Option<u64>,
}

/// Returns the path of the file of the front end `name`, in the folder where nodes keep files.
pub(crate) fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.run"))
}

impl Claim {
    /// Acquires the lock at `path` for this incarnation.
    ///
    /// If another process holds it, or if the lock would prove nothing.
    pub(crate) fn take(path: &Path, incarnation: u64) -> io::Result<Claim> {
        if let Some(folder) = path.parent() {
            private::create_dir_all(folder)?;
        }
        let file =
            private::options().create(true).truncate(false).read(true).write(true).open(path);
        let mut file = file?;
        let here = identity(&file)?;
        lock(&file)?;
        let before = content_of(&mut file)?;
        let predecessor = before.split_once(' ').filter(|(_, place)| *place == here);
        let predecessor = predecessor.and_then(|(run, _)| u64::from_str_radix(run, 16).ok());
        // The number is written last: a file that contains this incarnation is locked by it.
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(content_for(incarnation, &here).as_bytes())?;
        Ok(Claim { _file: file, predecessor })
    }

    /// Returns the incarnation that held the lock before, and has ended.
    pub(crate) fn predecessor(&self) -> Option<u64> {
        self.predecessor
    }
}

/// Returns whether the file at `path` proves that this incarnation has ended. Blocks for the time
/// of a few system calls.
pub(crate) fn has_ended(path: &Path, incarnation: u64) -> bool {
    let ended = || -> io::Result<bool> {
        let mut file = File::open(path)?;
        // The lock comes first: while it is held here, the content is that of its last holder.
        file.try_lock()?;
        let here = identity(&file)?;
        Ok(content_of(&mut file)? == content_for(incarnation, &here))
    };
    ended().unwrap_or(false)
}

fn lock(file: &File) -> io::Result<()> {
    for _ in 1..ATTEMPTS {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            other => return Ok(other?),
        }
    }
    Ok(file.try_lock()?)
}

fn content_of(file: &mut File) -> io::Result<String> {
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

fn content_for(incarnation: u64, place: &str) -> String {
    format!("{incarnation:016x} {place}")
}

/// Returns the identity of the file: boot id, device and inode.
#[cfg(target_os = "linux")]
fn identity(file: &File) -> io::Result<String> {
    /// ext2 to ext4, XFS, Btrfs, F2FS, ZFS, overlayfs, tmpfs and ramfs, by their numbers in statfs(2).
    /// Not bcachefs: its subvolumes share a device, so a snapshot has the inode of its original.
    const LOCAL: [u32; 8] = [
        0xef53,
        0x5846_5342,
        0x9123_683e,
        0xf2f5_2010,
        0x2fc1_2fc1,
        0x794c_7630,
        0x0102_1994,
        0x8584_58f6,
    ];
    let kind = rustix::fs::fstatfs(file)?.f_type as u32;
    if !LOCAL.contains(&kind) {
        let message = format!("the file system (type {kind:#x}) is not known to be local");
        return Err(io::Error::new(io::ErrorKind::Unsupported, message));
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let metadata = file.metadata()?;
    Ok(format!("{} {:x} {:x}\n", boot.trim_end(), metadata.dev(), metadata.ino()))
}

#[cfg(not(target_os = "linux"))]
fn identity(_file: &File) -> io::Result<String> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("there is room for temporary files")
    }

    #[test]
    fn an_incarnation_has_ended_when_its_lock_is_free() {
        let folder = folder();
        let path = path(folder.path(), "f1");
        assert!(!has_ended(&path, 7), "there is no file");
        let claim = Claim::take(&path, 7).unwrap();
        assert_eq!(claim.predecessor(), None);
        assert!(!has_ended(&path, 7));
        assert!(Claim::take(&path, 8).is_err(), "one at a time");
        drop(claim);
        assert!(has_ended(&path, 7));
        assert!(!has_ended(&path, 8), "it proves nothing about another incarnation");
    }

    #[test]
    fn a_successor_proves_that_its_predecessor_has_ended() {
        let folder = folder();
        let path = path(folder.path(), "f1");
        drop(Claim::take(&path, u64::MAX).unwrap());
        let claim = Claim::take(&path, 8).unwrap();
        assert_eq!(claim.predecessor(), Some(u64::MAX));
        drop(claim);
        assert!(!has_ended(&path, u64::MAX), "the file no longer contains it");
        assert!(has_ended(&path, 8));
    }

    #[test]
    fn a_copied_file_and_a_recreated_one_prove_nothing() {
        let folder = folder();
        let path = path(folder.path(), "f1");
        let _claim = Claim::take(&path, 7).unwrap();
        let aside = folder.path().join("aside");
        fs::copy(&path, &aside).unwrap();
        assert!(!has_ended(&aside, 7));
        // As in a restored folder: the running process holds its lock on a file without a name.
        fs::rename(&aside, &path).unwrap();
        assert!(!has_ended(&path, 7));
        assert_eq!(Claim::take(&path, 8).unwrap().predecessor(), None);
        assert!(!has_ended(&path, 7));
    }

    #[test]
    fn a_file_of_another_boot_or_a_malformed_one_proves_nothing() {
        let folder = folder();
        let path = path(folder.path(), "f1");
        drop(Claim::take(&path, 7).unwrap());
        let text = fs::read_to_string(&path).unwrap();
        let [incarnation, boot, place @ ..] = &text.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{text}")
        };
        let elsewhere =
            format!("{incarnation} {} {}", boot.replace(|_| true, "0"), place.join(" "));
        for other in [elsewhere.as_str(), "", "\n", &text[..20], "\u{fffd} \u{fffd}"] {
            // In place, so that device and inode stay.
            fs::write(&path, other).unwrap();
            assert!(!has_ended(&path, 7), "{other}");
            let claim = Claim::take(&path, 8).unwrap();
            assert_eq!(claim.predecessor(), None, "{other}");
        }
    }

    #[test]
    fn a_file_system_that_may_be_shared_proves_nothing() {
        let file = File::open("/proc/self/status").unwrap();
        assert_eq!(identity(&file).unwrap_err().kind(), io::ErrorKind::Unsupported);
    }
}
