//! From `dispatch.conf` and the files that it names to a table.
//!
//! [`files`] reads one file after the other and follows `include` and `delegate`; [`entry`] reads
//! the keys of one `[[route]]` or `[[error]]`; [`kind`] lists the kinds of routes; [`route`], [`target`],
//! [`caching`], [`control`] and [`audit`] say what they mean together. [`reach`] makes a level ready for matching and makes sure that no route hides
//! another; [`names`] looks at the whole: names that occur twice, aliases that lead nowhere.
//! Nothing stops at the first problem.

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

/// The table that `path` and the files it names describe, as far as they can be understood.
pub(super) fn from_file(path: &Path) -> (Table, Problems) {
    let mut loader = files::Loader::default();
    loader.read(path);
    loader.finish()
}

/// The table that `text`, the content of `file`, and the files it names describe, as far as they can
/// be understood.
#[cfg(any(test, feature = "internals"))]
pub(super) fn from_text(text: &str, file: &Path) -> (Table, Problems) {
    let mut loader = files::Loader::default();
    loader.take(text, file);
    loader.finish()
}
