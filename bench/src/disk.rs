use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::time::Instant;

use crate::Result;
use crate::figures::Times;

/// How long the disk takes to have 4 KiB safely: a write and fdatasync(2), again and again at the
/// same place of a file in `folder`. Nothing that syncs for each write can be faster.
pub(crate) fn sync_times(folder: &Path, samples: u32) -> Result<Times> {
    let path = folder.join("sync");
    let mut file = File::create(&path)?;
    let block = [b'x'; 4096];
    let mut times = Vec::new();
    for _ in 0..samples {
        file.rewind()?;
        let start = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    drop(file);
    std::fs::remove_file(&path)?;
    Times::of(times).ok_or_else(|| "the disk was not measured".into())
}
