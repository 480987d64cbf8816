//! Hashes of file contents.

use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use moka::sync::Cache;
use xxhash_rust::xxh3::Xxh3;

use crate::http::validators::SETTLED;

/// The maximum number of files whose hashes are cached.
const MOST_KEPT: u64 = 10_000;

/// The number of bytes that are hashed at a time.
const PIECE: usize = 128 * 1024;

/// A hash of content: xxh3-128. It need not resist forgery, because an attacker who can write two
/// files with the same hash can as well write one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ContentHash(pub(super) u128);

/// Formats 32 hexadecimal digits.
impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Identifies a version of a file by its file system metadata.
///
/// Programs cannot set `changed`, so it distinguishes versions that have the same date because of
/// `touch`, `tar`, or a build that gives all files the same date. The inode distinguishes a file
/// from its replacement within one tick of the file system's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    length: u64,
    /// Seconds and nanoseconds since 1970.
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Identity {
    pub(super) fn of(metadata: &Metadata) -> Identity {
        Identity {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Returns whether the last change is old enough that another one would be visible. Clocks of
    /// file systems advance in ticks, so two changes within a tick look the same.
    pub(super) fn is_settled(&self, now: SystemTime) -> bool {
        let changed = u64::try_from(self.changed.0).unwrap_or_default();
        UNIX_EPOCH
            .checked_add(Duration::from_secs(changed + 1) + SETTLED)
            .is_some_and(|settled| settled <= now)
    }

    /// Returns a hash of this metadata. It is stable while the file is not changed, and valid on
    /// this machine only.
    pub(super) fn to_hash(self) -> ContentHash {
        let mut hasher = Xxh3::new();
        for number in [self.device, self.inode, self.length] {
            hasher.update(&number.to_le_bytes());
        }
        for (seconds, nanoseconds) in [self.modified, self.changed] {
            hasher.update(&seconds.to_le_bytes());
            hasher.update(&nanoseconds.to_le_bytes());
        }
        ContentHash(hasher.digest128())
    }
}

/// The hashes of files that were already read.
#[derive(Clone)]
pub(super) struct Hashes(Cache<Identity, ContentHash>);

impl fmt::Debug for Hashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hashes").field(&self.0.entry_count()).finish()
    }
}

impl Hashes {
    pub(super) fn new() -> Hashes {
        Hashes(Cache::new(MOST_KEPT))
    }

    pub(super) fn known(&self, identity: &Identity) -> Option<ContentHash> {
        self.0.get(identity)
    }

    /// Returns the hash of the content of `file`, whose metadata is `identity`. Reads the file if
    /// necessary, which blocks.
    pub(super) fn of(&self, file: &File, identity: &Identity) -> io::Result<ContentHash> {
        if let Some(known) = self.known(identity) {
            return Ok(known);
        }
        let now = SystemTime::now();
        let hash = read(file)?;
        self.keep(file, identity, hash, now)?;
        Ok(hash)
    }

    /// Returns the hash of `bytes`, read after `now` from `file`, whose metadata was `identity`
    /// before.
    pub(super) fn of_bytes(
        &self,
        bytes: &[u8],
        file: &File,
        identity: &Identity,
        now: SystemTime,
    ) -> io::Result<ContentHash> {
        let hash = ContentHash(xxhash_rust::xxh3::xxh3_128(bytes));
        self.keep(file, identity, hash, now)?;
        Ok(hash)
    }

    /// Caches a hash, if the metadata of the file were the same before and after it was read, and
    /// had been settled.
    fn keep(
        &self,
        file: &File,
        identity: &Identity,
        hash: ContentHash,
        now: SystemTime,
    ) -> io::Result<()> {
        if identity.is_settled(now) && Identity::of(&file.metadata()?) == *identity {
            self.0.insert(*identity, hash);
        }
        Ok(())
    }
}

fn read(file: &File) -> io::Result<ContentHash> {
    let (mut hasher, mut piece, mut offset) = (Xxh3::new(), vec![0; PIECE], 0);
    loop {
        match file.read_at(&mut piece, offset) {
            Ok(0) => return Ok(ContentHash(hasher.digest128())),
            Ok(read) => {
                hasher.update(&piece[..read]);
                offset += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn open(path: &std::path::Path) -> (File, Identity) {
        let file = File::open(path).unwrap();
        let identity = Identity::of(&file.metadata().unwrap());
        (file, identity)
    }

    #[test]
    fn equal_content_has_equal_hashes_however_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let content: Vec<u8> = (0..3 * PIECE + 17).map(|i| (i % 251) as u8).collect();
        fs::write(&path, &content).unwrap();
        let (file, identity) = open(&path);
        let hashes = Hashes::new();
        let hash = hashes.of(&file, &identity).unwrap();
        let now = SystemTime::now();
        assert_eq!(hashes.of_bytes(&content, &file, &identity, now).unwrap(), hash);
        assert_eq!(hash.to_string().len(), 32);
    }

    #[test]
    fn the_hash_of_a_file_that_has_just_changed_is_not_cached() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "one").unwrap();
        let (file, identity) = open(&path);
        let hashes = Hashes::new();
        let one = hashes.of(&file, &identity).unwrap();
        assert_eq!(hashes.known(&identity), None);
        // A minute later, the file is settled.
        let later = SystemTime::now() + Duration::from_secs(60);
        hashes.keep(&file, &identity, one, later).unwrap();
        assert_eq!(hashes.known(&identity), Some(one));
        fs::write(&path, "three").unwrap();
        let (file, changed) = open(&path);
        hashes.keep(&file, &identity, one, later).unwrap();
        assert_ne!(hashes.of(&file, &changed).unwrap(), one);
        assert_ne!(changed.to_hash(), identity.to_hash());
    }

    #[test]
    fn a_date_set_by_hand_does_not_make_two_versions_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let date = UNIX_EPOCH + Duration::from_secs(1);
        let version = |text| {
            fs::write(&path, text).unwrap();
            let file = File::options().write(true).open(&path).unwrap();
            file.set_modified(date).unwrap();
            Identity::of(&file.metadata().unwrap())
        };
        let (one, start) = (version("one"), std::time::Instant::now());
        // Within one tick of the file system's clock they are equal.
        while version("two").to_hash() == one.to_hash() {
            assert!(start.elapsed() < Duration::from_secs(5));
        }
    }
}
