use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode};
use notify::{Config, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::OFTEN;
use crate::app::watched_paths::WatchedPaths;

/// The change notifications of the operating system.
pub(super) struct Hints {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeMap<PathBuf, Watched>,
    /// Whether all requested paths are watched.
    complete: bool,
    /// Whether incomplete notifications were reported.
    reported: bool,
}

/// The mode in which a folder is watched, and the identity of the folder: its path may since refer to another one.
#[derive(PartialEq, Eq)]
struct Watched {
    mode: RecursiveMode,
    identity: (u64, u64),
}

impl Hints {
    /// Returns no hints.
    pub(super) fn none() -> Hints {
        Hints { watcher: None, watched: BTreeMap::new(), complete: false, reported: true }
    }

    /// Sends hints to `hint`, if the system supports them.
    pub(super) fn new(hint: Arc<Notify>) -> Hints {
        let on_event = move |event: notify::Result<notify::Event>| {
            // Reading files is an event too.
            let only_looks = event.is_ok_and(|event| match event.kind {
                EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
                kind => kind.is_access(),
            });
            if !only_looks {
                hint.notify_one();
            }
        };
        // A symlink points to a path that is watched itself, or to one that is neither loaded nor sent.
        let watcher =
            RecommendedWatcher::new(on_event, Config::default().with_follow_symlinks(false));
        let mut hints = Hints { reported: false, ..Hints::none() };
        match watcher {
            Ok(watcher) => hints.watcher = Some(watcher),
            Err(error) => hints.report(&error),
        }
        hints
    }

    /// Watches exactly these paths, as far as they exist.
    pub(super) fn watch(&mut self, watched_paths: &WatchedPaths) {
        let Some(watcher) = &mut self.watcher else { return };
        let wanted = wanted(watched_paths);
        self.watched.retain(|path, watched| {
            let stays = wanted.get(path) == Some(watched);
            if !stays {
                // The folder may have been removed, and its watch with it.
                let _ = watcher.unwatch(path);
            }
            stays
        });
        let mut failure = None;
        for (path, watched) in wanted {
            if self.watched.contains_key(&path) {
                continue;
            }
            match watcher.watch(&path, watched.mode) {
                Ok(()) => {
                    self.watched.insert(path, watched);
                }
                // The folder may have been removed just now.
                Err(error) => failure = Some(error).filter(|_| path.exists()),
            }
        }
        self.complete = failure.is_none();
        if let Some(error) = failure {
            self.report(&error);
        }
    }

    /// Returns whether every change gives a hint.
    pub(super) fn are_complete(&self) -> bool {
        self.complete
    }

    fn report(&mut self, error: &notify::Error) {
        if !std::mem::replace(&mut self.reported, true) {
            tracing::warn!(
                %error,
                "the system does not report all changes of the site's files; they are inspected \
                 every {OFTEN:?}"
            );
        }
    }
}

/// Returns the existing folders to watch: the watched ones with everything below them, and the parents of all watched
/// files and folders.
fn wanted(watched_paths: &WatchedPaths) -> BTreeMap<PathBuf, Watched> {
    let mut wanted = BTreeMap::new();
    let mut add = |path: &Path, mode| {
        // The parent of a relative path without a folder is empty.
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        // Watches the target of a symlink, because symlinks are not followed.
        let Ok(path) = path.canonicalize() else { return };
        let Ok(metadata) = path.metadata() else { return };
        if metadata.is_dir() {
            let identity = (metadata.dev(), metadata.ino());
            wanted.insert(path, Watched { mode, identity });
        }
    };
    let folders = || watched_paths.folders.iter().chain([&watched_paths.docroot]);
    for path in watched_paths.files.iter().chain(folders()) {
        if let Some(parent) = path.parent() {
            add(parent, RecursiveMode::NonRecursive);
        }
    }
    for folder in folders() {
        add(folder, RecursiveMode::Recursive);
    }
    wanted
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_target_of_a_symlink_is_watched() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        fs::create_dir_all(top.join("releases/2")).unwrap();
        std::os::unix::fs::symlink("releases/2", top.join("docroot")).unwrap();
        let watched_paths =
            WatchedPaths { docroot: top.join("docroot"), ..WatchedPaths::default() };
        let wanted = wanted(&watched_paths).into_iter().map(|(path, watched)| (path, watched.mode));
        let (links, files) = (RecursiveMode::NonRecursive, RecursiveMode::Recursive);
        assert!(wanted.eq([(top.clone(), links), (top.join("releases/2"), files)]));
    }
}
