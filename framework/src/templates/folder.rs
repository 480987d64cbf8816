//! Reads the files of a folder of templates.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::problem::{Problem, Problems};

/// The limit on the number of files. A folder with more is not a folder of templates.
const MOST_FILES: usize = 10_000;

/// A template file on disk.
#[derive(Debug)]
pub(super) struct Source {
    /// The path below the folder, with `/` on every system.
    pub(super) name: String,
    /// The file's content.
    pub(super) text: String,
}

/// Reads all files below `folder`, sorted by name. Names that begin with a dot are skipped, and symlinks may point to
/// files of the same folder only.
pub(super) fn read(folder: &Path, problems: &mut Problems) -> Vec<Source> {
    let mut sources = Vec::new();
    match folder.canonicalize() {
        Ok(root) => {
            let mut reader = Reader { folder, root, sources: &mut sources, problems };
            reader.folder(String::new());
        }
        Err(error) => problems.push(unreadable(folder, &error)),
    }
    sources.sort_by(|one, other| one.name.cmp(&other.name));
    sources
}

struct Reader<'a> {
    folder: &'a Path,
    root: PathBuf,
    sources: &'a mut Vec<Source>,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    /// Reads this folder and those below it.
    fn folder(&mut self, top: String) {
        let mut waiting = vec![top];
        while let Some(folder) = waiting.pop() {
            let path = self.folder.join(&folder);
            let entries =
                fs::read_dir(&path).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
            let entries = match entries {
                Ok(entries) => entries,
                Err(error) => {
                    self.problems.push(unreadable(&path, &error));
                    continue;
                }
            };
            for entry in entries {
                let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
                    let message = "the name of a template must be UTF-8";
                    self.problems.push(Problem::in_file(entry.path(), message));
                    continue;
                };
                if name.starts_with('.') {
                    continue;
                }
                let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => waiting.push(name),
                    Ok(kind) => self.file(name, &entry.path(), kind.is_symlink()),
                    Err(error) => self.problems.push(unreadable(&entry.path(), &error)),
                }
                if self.sources.len() > MOST_FILES {
                    let message = format!(
                        "there are more than {MOST_FILES} files in this folder; is it the folder of templates?"
                    );
                    self.problems.push(Problem::in_file(self.folder, message));
                    return;
                }
            }
        }
    }

    fn file(&mut self, name: String, path: &Path, link: bool) {
        let target = match path.canonicalize() {
            Ok(target) => target,
            Err(error) => return self.problems.push(unreadable(path, &error)),
        };
        if link && !(target.starts_with(&self.root) && target.is_file()) {
            let message = "a link among the templates must lead to a file of the same folder; put the file itself here";
            return self.problems.push(Problem::in_file(path, message));
        }
        if !target.is_file() {
            return;
        }
        match fs::read_to_string(&target) {
            Ok(text) => self.sources.push(Source { name, text }),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                self.problems.push(Problem::in_file(path, "a template must be UTF-8 text"));
            }
            Err(error) => self.problems.push(unreadable(path, &error)),
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem::in_file(path, format!("cannot be read: {error}"))
}
