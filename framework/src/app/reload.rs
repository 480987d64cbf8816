use std::sync::{Arc, Mutex, PoisonError};

use metrics::counter;

use super::parts::Parts;
use super::places::{Places, Stamp};
use crate::frontend::{Edition, FrontEnd};
use crate::problem::{Problem, Problems};

/// Loads a site's files anew while the site is served: all of them or none, with the same checks as
/// at the start.
pub(super) struct Reloader {
    parts: Arc<Parts>,
    frontend: Arc<FrontEnd>,
    /// What the files looked like just before they were last read.
    read: Arc<Mutex<Option<Seen>>>,
    /// One at a time, so that the last edition is the newest.
    turn: tokio::sync::Mutex<()>,
}

/// Where files were, and what they looked like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) places: Places,
    pub(super) stamp: Stamp,
}

impl Seen {
    /// Looks at the files. It may block.
    pub(super) fn now(parts: &Parts) -> Seen {
        let places = parts.places();
        Seen { stamp: places.stamp(), places }
    }
}

impl Reloader {
    /// Reloads what `frontend` serves. The files were read before, and looked then as `seen`, if
    /// that is known.
    pub(super) fn new(
        parts: Arc<Parts>,
        frontend: Arc<FrontEnd>,
        seen: Option<Seen>,
    ) -> Arc<Reloader> {
        Arc::new(Reloader {
            parts,
            frontend,
            read: Arc::new(Mutex::new(seen)),
            turn: tokio::sync::Mutex::default(),
        })
    }

    /// Loads the files and serves from them from now on; the number of the new edition. Log and
    /// metrics say how it went.
    ///
    /// # Errors
    /// Everything that is wrong with the files. What was served before is served on.
    pub(super) async fn reload(&self) -> Result<u64, Problems> {
        let _turn = self.turn.lock().await;
        let parts = Arc::clone(&self.parts);
        let read = Arc::clone(&self.read);
        let loading = tokio::task::spawn_blocking(move || {
            // Looked at first: what changes while they are read is another change.
            let seen = Seen::now(&parts);
            *read.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
            parts.load()
        });
        // The site's own additions to templates are part of the loading, and may panic.
        let failed = |error| Problem::new(format!("the files cannot be loaded: {error}"));
        let loaded = loading.await.unwrap_or_else(|error| Err(failed(error).into()));
        loaded.map(|edition| self.publish(edition)).inspect_err(|problems| self.refuse(problems))
    }

    fn publish(&self, edition: Edition) -> u64 {
        let number = self.frontend.publish(edition);
        counter!("headwater_reloads_total", "outcome" => "loaded").increment(1);
        tracing::info!(edition = number, "the site's files are loaded anew");
        number
    }

    fn refuse(&self, problems: &Problems) {
        let sorted = problems.clone().sorted();
        counter!("headwater_reloads_total", "outcome" => "refused").increment(1);
        tracing::error!(
            edition = self.frontend.edition(),
            "the site's files have problems and are not loaded; what was loaded before is served on"
        );
        for problem in sorted.iter() {
            tracing::error!("{problem}");
        }
        self.frontend.show(sorted);
    }

    /// What the files looked like just before they were last read.
    pub(super) fn last_read(&self) -> Option<Seen> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The files that are loaded.
    pub(super) fn parts(&self) -> &Arc<Parts> {
        &self.parts
    }
}
