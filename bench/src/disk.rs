use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Result;

/// A file by which the disk is measured, without anything else around it.
#[derive(Debug)]
pub(crate) struct Probe {
    file: File,
}

impl Probe {
    /// A probe on the disk that `folder` is on.
    pub(crate) fn new(folder: &Path) -> Result<Probe> {
        let mut probe = Probe { file: File::create(folder.join("probe"))? };
        // From now on the file does not grow, so that its own record on the disk need not be synced.
        probe.sync_time()?;
        Ok(probe)
    }

    /// How long the disk takes to have 4 KiB safely: a write at the same place as before, and
    /// fdatasync(2). Nothing that syncs for each write can be faster.
    pub(crate) fn sync_time(&mut self) -> Result<Duration> {
        self.file.rewind()?;
        let start = Instant::now();
        self.file.write_all(&[b'x'; 4096])?;
        self.file.sync_data()?;
        Ok(start.elapsed())
    }
}
