use std::sync::Arc;

use tokio::sync::Notify;

use crate::app::watched_paths::WatchedPaths;

/// Hints in a program without the feature `watch`: there are none, so files are looked at every half a second.
pub(super) struct Hints;

impl Hints {
    /// No hints.
    pub(super) fn none() -> Hints {
        Hints
    }

    /// No hints.
    pub(super) fn new(_: Arc<Notify>) -> Hints {
        Hints
    }

    /// Watches nothing.
    pub(super) fn want(&mut self, _: &WatchedPaths) {}

    /// Never.
    pub(super) fn are_complete(&self) -> bool {
        false
    }
}
