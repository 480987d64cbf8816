//! Loads a table from `dispatch.conf` and the files that it names.
//!
//! - [`files`] reads one file after the other and follows `include` and `delegate`.
//! - [`entry`] reads the keys of one `[[route]]` or `[[error]]`.
//! - [`kind`] lists the kinds of routes; [`route`], [`target`], [`caching`], [`control`], [`guard`] and [`audit`]
//!   interpret their keys.
//! - [`reach`] prepares a level for matching and checks that no route hides another.
//! - [`names`] checks the whole table: duplicate names, aliases without a target.
//!
//! Loading does not stop at the first problem.

mod audit;
mod caching;
mod control;
mod entry;
mod files;
mod guard;
mod kind;
mod names;
mod reach;
mod route;
mod target;

use std::path::Path;

use super::table::Table;
use crate::problem::Problems;

/// Loads the table of `path` and the files that it names, without the parts that cannot be parsed.
pub(super) fn from_file(path: &Path) -> (Table, Problems) {
    let mut loader = files::Loader::default();
    loader.read(path);
    loader.finish()
}

/// Loads the table of `text`, the content of `file`, and the files that it names, without the parts that cannot be
/// parsed.
#[cfg(any(test, feature = "internals"))]
pub(super) fn from_text(text: &str, file: &Path) -> (Table, Problems) {
    let mut loader = files::Loader::default();
    loader.take(text, file);
    loader.finish()
}
