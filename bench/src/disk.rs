use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Result;

/// A file by which the disk is measured, without anything else around it.
#[derive(Debug)]
pub(crate) struct Probe {
    file: File,
    commits: usize,
}

/// Where two commits of the log that followed one another have written, as system calls showed: the head of the file, and
/// seven pages. Each takes pages that the one before it has left.
const PLACES: [[u64; 8]; 2] = [
    [0, 16_384, 20_480, 6_356_992, 6_475_776, 6_488_064, 6_500_352, 6_508_544],
    [0, 8_192, 24_576, 6_352_896, 6_455_296, 6_479_872, 6_483_968, 6_504_448],
];
const HEAD: usize = 320;
const PAGE: usize = 4096;

impl Probe {
    /// A probe on the disk that `folder` is on.
    pub(crate) fn new(folder: &Path) -> Result<Probe> {
        let file = File::create(folder.join("probe"))?;
        // From now on the file does not grow, so that its own record on the disk need not be synced.
        file.write_all_at(&vec![b'x'; 8 << 20], 0)?;
        file.sync_all()?;
        Ok(Probe { file, commits: 0 })
    }

    /// How long the disk takes to have 4 KiB safely: a write at the same place as before, and
    /// fdatasync(2). Nothing that syncs for each write can be faster.
    pub(crate) fn sync_time(&mut self) -> Result<Duration> {
        self.time(&[(0, PAGE)])
    }

    /// How long it takes to have safely what one commit of the log writes, at as many places.
    pub(crate) fn commit_time(&mut self) -> Result<Duration> {
        self.commits += 1;
        let places = PLACES[self.commits % PLACES.len()];
        self.time(&places.map(|place| (place, if place == 0 { HEAD } else { PAGE })))
    }

    fn time(&self, writes: &[(u64, usize)]) -> Result<Duration> {
        let start = Instant::now();
        for (place, length) in writes {
            self.file.write_all_at(&[b'x'; PAGE][..*length], *place)?;
        }
        self.file.sync_data()?;
        Ok(start.elapsed())
    }
}
