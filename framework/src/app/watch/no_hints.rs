use std::sync::Arc;

use tokio::sync::Notify;

use crate::app::watched_paths::WatchedPaths;

/// Hints in a program without the feature `watch`: there are none, so files are inspected every half second.
pub(super) struct Hints;

impl Hints {
    /// Returns no hints.
    pub(super) fn none() -> Hints {
        Hints
    }

    /// Returns no hints.
    pub(super) fn new(_: Arc<Notify>) -> Hints {
        Hints
    }

    /// Does nothing.
    pub(super) fn watch(&mut self, _: &WatchedPaths) {}

    /// Returns `false`.
    pub(super) fn are_complete(&self) -> bool {
        false
    }
}
