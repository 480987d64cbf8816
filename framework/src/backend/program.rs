use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

/// Returns a hash of this process's program file. If the file cannot be read, each process counts
/// as another program.
pub(super) fn program() -> u64 {
    // The running file, even if another file has its name by now.
    let running = PathBuf::from("/proc/self/exe");
    let path = if running.exists() { Ok(running) } else { std::env::current_exe() };
    path.and_then(|path| hash(&path)).unwrap_or_else(|error| {
        tracing::warn!(%error, "the program's own file cannot be read, so front ends will not keep their caches when it restarts");
        rand::random()
    })
}

fn hash(path: &Path) -> io::Result<u64> {
    let (mut file, mut hash) = (File::open(path)?, Xxh3::new());
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(hash.digest()),
            Ok(length) => hash.update(&piece[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
