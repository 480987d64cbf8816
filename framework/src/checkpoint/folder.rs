use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::PathBuf;

use crate::private;

/// The folder of the checkpoints, with the operations of a file system that they need, so that tests can
/// simulate failures.
pub(super) trait Folder: Send + Sync {
    /// Returns the names of the files in it; none if the folder is missing.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Creates a file, or replaces one of that name.
    fn create(&self, name: &str) -> io::Result<Box<dyn NewFile>>;

    /// Opens a file, and returns its length in bytes.
    fn open(&self, name: &str) -> io::Result<(Box<dyn Read + Send>, u64)>;

    /// Renames a file. The new name is on disk after [`sync`](Folder::sync).
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Syncs the names of the files to the disk.
    fn sync(&self) -> io::Result<()>;
}

/// A file that is being written.
pub(super) trait NewFile: Write + Send {
    /// Syncs the written data to the disk.
    fn sync(&mut self) -> io::Result<()>;
}

/// A folder of the file system, which is created with its first file.
#[derive(Debug)]
pub(super) struct DiskFolder(pub(super) PathBuf);

impl Folder for DiskFolder {
    fn names(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
        names.filter_map(io::Result::transpose).collect()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn NewFile>> {
        private::create_dir_all(&self.0)?;
        let path = self.0.join(name);
        let mut options = private::options();
        Ok(Box::new(options.create(true).truncate(true).write(true).open(path)?))
    }

    fn open(&self, name: &str) -> io::Result<(Box<dyn Read + Send>, u64)> {
        let file = File::open(self.0.join(name))?;
        let length = file.metadata()?.len();
        Ok((Box::new(file), length))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    fn sync(&self) -> io::Result<()> {
        // The folder itself may be new, too.
        for folder in [Some(&*self.0), self.0.parent()].into_iter().flatten() {
            private::sync_folder(folder)?;
        }
        Ok(())
    }
}

impl NewFile for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}
