//! The paths of a site's files, and a stamp that detects changes without reading the files.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::hash::Hasher;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

/// The limit on the number of files. Further files are ignored.
const MOST_FILES: usize = 200_000;

/// The paths of a site's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct WatchedPaths {
    /// Single files. They need not exist.
    pub(super) files: Vec<PathBuf>,
    /// Folders with everything below them, except names that begin with a dot. They need not exist.
    pub(super) folders: Vec<PathBuf>,
    /// A folder of which only the existence counts.
    pub(super) docroot: PathBuf,
}

/// A hash of the names, sizes and times of all files of some [`WatchedPaths`]. It changes when a file is changed,
/// added, removed, renamed or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(u128);

impl WatchedPaths {
    /// Returns the present stamp. Reads folders, so it may block.
    pub(super) fn stamp(&self) -> Stamp {
        let mut sum = Sum { hasher: Xxh3::new(), left: MOST_FILES };
        for file in &self.files {
            sum.add(file, fs::metadata(file).ok());
        }
        for folder in &self.folders {
            sum.add(folder, fs::metadata(folder).ok());
            sum.folder(folder.clone());
        }
        sum.add(&self.docroot, fs::metadata(&self.docroot).ok());
        Stamp(sum.hasher.digest128())
    }
}

struct Sum {
    hasher: Xxh3,
    left: usize,
}

impl Sum {
    fn folder(&mut self, top: PathBuf) {
        let mut waiting = vec![top];
        while let Some(folder) = waiting.pop() {
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            // Ignored like in loading templates: editors use hidden files for copies.
            let shown = entries.filter(|entry| !is_hidden(&entry.file_name()));
            let mut paths: Vec<PathBuf> = shown.map(|entry| entry.path()).collect();
            paths.sort_unstable();
            for path in paths {
                let Some(left) = self.left.checked_sub(1) else { return };
                self.left = left;
                // A symlink counts by its target, but no folder is visited twice because of it.
                let is_link = path.is_symlink();
                let metadata = fs::metadata(&path).ok();
                let is_folder = metadata.as_ref().is_some_and(Metadata::is_dir);
                self.add(&path, metadata);
                if is_folder && !is_link {
                    waiting.push(path);
                }
            }
        }
    }

    fn add(&mut self, path: &Path, metadata: Option<Metadata>) {
        let name = path.as_os_str().as_encoded_bytes();
        self.hasher.write_usize(name.len());
        self.hasher.write(name);
        let Some(metadata) = metadata else { return self.hasher.write_u8(0) };
        self.hasher.write_u8(if metadata.is_dir() { 1 } else { 2 });
        if metadata.is_dir() {
            // The entries of a folder contain everything that its times and size show.
            return;
        }
        self.hasher.write_u64(metadata.dev());
        self.hasher.write_u64(metadata.ino());
        self.hasher.write_u64(metadata.size());
        for (seconds, nanos) in [
            (metadata.mtime(), metadata.mtime_nsec()),
            // Unlike `mtime`, which archivers set back, `ctime` cannot be set.
            (metadata.ctime(), metadata.ctime_nsec()),
        ] {
            self.hasher.write_i64(seconds);
            self.hasher.write_i64(nanos);
        }
    }
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_of_a_file_changes_the_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| fs::write(path(name), text).unwrap();
        fs::create_dir(path("templates")).unwrap();
        write("dispatch.conf", "");
        write("templates/a.html", "a");
        let watched_paths = WatchedPaths {
            files: vec![path("dispatch.conf"), path("missing.conf")],
            folders: vec![path("templates")],
            docroot: path("docroot"),
        };
        let mut before = watched_paths.stamp();
        assert_eq!(before, watched_paths.stamp());
        let mut changed = |what: &str| {
            let now = watched_paths.stamp();
            assert_ne!(before, now, "{what}");
            assert_eq!(now, watched_paths.stamp(), "{what}");
            before = now;
        };
        write("dispatch.conf", "#");
        changed("a file is longer");
        write("missing.conf", "");
        changed("a file is there");
        fs::rename(path("templates/a.html"), path("templates/b.html")).unwrap();
        changed("a file has another name");
        write("templates/new", "b");
        changed("a file is new");
        fs::rename(path("templates/new"), path("templates/b.html")).unwrap();
        changed("a file was put in the place of another");
        fs::create_dir_all(path("templates/deep/er")).unwrap();
        changed("folders are new");
        write("templates/deep/er/c.html", "");
        changed("a file in them is new");
        fs::create_dir(path("docroot")).unwrap();
        changed("a folder is there");
        std::os::unix::fs::symlink(path("templates"), path("templates/deep/loop")).unwrap();
        changed("a link leads around");
        fs::remove_dir_all(path("templates")).unwrap();
        changed("a folder is gone");
        fs::create_dir(path("templates")).unwrap();
        changed("it is there again");
        for other in ["elsewhere", "docroot/new.png", "templates/.b.html.swp"] {
            write(other, "");
            assert_eq!(before, watched_paths.stamp(), "{other} does not count");
        }
    }
}
