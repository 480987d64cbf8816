//! Detects whether the site's code has changed since the running program was built.

use std::fs;
use std::path::{Path, PathBuf};

use super::watched_paths::{Stamp, WatchedPaths};

/// The code of a site, and its stamp when the program was started.
pub(super) struct Code {
    paths: WatchedPaths,
    stamp: Stamp,
    /// The file with the compiler's errors, if `dev` runs the program.
    compiler: Option<PathBuf>,
}

/// The state of the code, compared to the running program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodeState {
    /// Unchanged since the program was started.
    Unchanged,
    /// Changed.
    Changed,
    /// Changed, and `dev` is building the next program from it.
    BeingBuilt,
}

impl Code {
    /// Stamps the code below the site's folder. May block.
    pub(super) fn of(folder: &Path, compiler: Option<PathBuf>) -> Code {
        let paths = WatchedPaths {
            files: vec![folder.join("Cargo.toml"), folder.join("build.rs")],
            folders: vec![folder.join("src")],
            docroot: PathBuf::new(),
        };
        Code { stamp: paths.stamp(), paths, compiler }
    }

    /// Returns the present state. May block.
    pub(super) fn state(&self) -> CodeState {
        let compiles = |file: &PathBuf| fs::metadata(file).map_or(true, |file| file.len() == 0);
        match self.paths.stamp() == self.stamp {
            true => CodeState::Unchanged,
            false if self.compiler.as_ref().is_some_and(compiles) => CodeState::BeingBuilt,
            false => CodeState::Changed,
        }
    }
}
