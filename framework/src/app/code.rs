//! The site's code, as a program that runs sees it: whether it is still what the program was built of.

use std::fs;
use std::path::{Path, PathBuf};

use super::watched_paths::{Stamp, WatchedPaths};

/// The code of a site, and what it looked like when the program was started.
pub(super) struct Code {
    paths: WatchedPaths,
    stamp: Stamp,
    /// Where `dev` says what does not compile, if it runs the program.
    compiler: Option<PathBuf>,
}

/// What the code is to the program that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodeState {
    /// What it was when the program was started.
    AsStarted,
    /// Other code.
    Changed,
    /// Other code, of which `dev` makes the next program.
    BeingBuilt,
}

impl Code {
    /// The code below the site's folder. It may block.
    pub(super) fn of(folder: &Path, compiler: Option<PathBuf>) -> Code {
        let paths = WatchedPaths {
            files: vec![folder.join("Cargo.toml"), folder.join("build.rs")],
            folders: vec![folder.join("src")],
            docroot: PathBuf::new(),
        };
        Code { stamp: paths.stamp(), paths, compiler }
    }

    /// What it is now. It may block.
    pub(super) fn state(&self) -> CodeState {
        let compiles = |file: &PathBuf| fs::metadata(file).map_or(true, |file| file.len() == 0);
        match self.paths.stamp() == self.stamp {
            true => CodeState::AsStarted,
            false if self.compiler.as_ref().is_some_and(compiles) => CodeState::BeingBuilt,
            false => CodeState::Changed,
        }
    }
}
