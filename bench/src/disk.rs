use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Result;

/// A file with which the plain speed of the disk is measured.
#[derive(Debug)]
pub(crate) struct Probe {
    file: File,
    commits: usize,
}

/// The offsets of the writes of two successive commits of the log, taken from a trace of system calls: the header of
/// the file, and seven pages. Each commit uses pages that the previous one has freed.
const PLACES: [[u64; 8]; 2] = [
    [0, 16_384, 20_480, 6_356_992, 6_475_776, 6_488_064, 6_500_352, 6_508_544],
    [0, 8_192, 24_576, 6_352_896, 6_455_296, 6_479_872, 6_483_968, 6_504_448],
];
const HEAD: usize = 320;
const PAGE: usize = 4096;

impl Probe {
    /// Creates a probe on the disk of `folder`.
    pub(crate) fn new(folder: &Path) -> Result<Probe> {
        let file = File::create(folder.join("probe"))?;
        // The file does not grow from now on, so its metadata need not be synced.
        file.write_all_at(&vec![b'x'; 8 << 20], 0)?;
        file.sync_all()?;
        Ok(Probe { file, commits: 0 })
    }

    /// Measures the time until 4 KiB are durable: a write at the same offset as before, and fdatasync(2). No program
    /// that syncs each write can be faster.
    pub(crate) fn sync_time(&mut self) -> Result<Duration> {
        self.time(&[(0, PAGE)])
    }

    /// Measures the time until the writes of one commit of the log are durable, at the same number of offsets.
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
