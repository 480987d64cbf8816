use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::time::sleep;

/// The interval between inspections.
const LOOK: Duration = Duration::from_millis(250);

/// The time for which files must be unchanged before the program is built.
const SETTLE: Duration = Duration::from_millis(100);

/// The limit on the number of files. Further files are ignored.
const MOST: usize = 20_000;

/// The files that a site's program is built from, or reads only at its start.
#[derive(Debug)]
pub(super) struct Sources {
    folder: PathBuf,
    seen: Seen,
}

type Seen = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

impl Sources {
    /// Inspects the sources of the site in `folder`.
    pub(super) fn of(folder: &Path) -> Sources {
        Sources { folder: folder.to_owned(), seen: seen(folder) }
    }

    /// Waits until the files have changed and are stable again.
    pub(super) async fn changed(&mut self) {
        loop {
            sleep(LOOK).await;
            let mut now = seen(&self.folder);
            if now == self.seen {
                continue;
            }
            loop {
                sleep(SETTLE).await;
                let then = seen(&self.folder);
                if then == now {
                    break;
                }
                now = then;
            }
            self.seen = now;
            return;
        }
    }
}

fn seen(folder: &Path) -> Seen {
    let mut seen = Seen::new();
    for name in ["Cargo.toml", "build.rs", "project.toml", ".env"] {
        add(&mut seen, folder.join(name));
    }
    let mut waiting = vec![folder.join("src")];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if hidden || seen.len() >= MOST {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => waiting.push(entry.path()),
                _ => add(&mut seen, entry.path()),
            }
        }
    }
    seen
}

fn add(seen: &mut Seen, path: PathBuf) {
    let Ok(metadata) = fs::metadata(&path) else { return };
    seen.insert(path, (Metadata::modified(&metadata).ok(), metadata.len()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_files_are_detected_and_hidden_files_are_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("src/deep")).unwrap();
        fs::write(path("src/main.rs"), "fn main() {}").unwrap();
        let mut before = seen(folder.path());
        let mut changed = |what: &str| {
            let now = seen(folder.path());
            assert_ne!(before, now, "{what}");
            before = now;
        };
        fs::write(path("src/main.rs"), "fn main() { }").unwrap();
        changed("a file is longer");
        fs::write(path("src/deep/a.rs"), "").unwrap();
        changed("a file is new");
        fs::remove_file(path("src/deep/a.rs")).unwrap();
        changed("a file is gone");
        fs::write(path(".env"), "A=1").unwrap();
        changed("a variable");
        fs::write(path("src/.main.rs.swp"), "").unwrap();
        fs::write(path("README.md"), "").unwrap();
        assert_eq!(before, seen(folder.path()));
    }
}
