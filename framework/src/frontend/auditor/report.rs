//! The destinations of findings: the log, the metrics and, in development, the site's pages.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::super::notice::Notice;
use super::finding::Finding;
use crate::shown::shown;

/// The number of reported pages to remember, so that each is logged once. Beyond that, the list is cleared.
const MOST: usize = 1000;

/// The auditor's results so far.
#[derive(Debug, Default)]
pub(super) struct Reports {
    checked: AtomicU64,
    stale: AtomicU64,
    unclear: AtomicU64,
    known: Mutex<Known>,
}

/// The auditor's figures at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct AuditCounts {
    /// Pages that were compared with fresh ones.
    pub checked: u64,
    /// Of these, stale pages.
    pub stale: u64,
    /// Pages that could not be compared.
    pub unclear: u64,
}

/// The pages that were reported since the site's files were loaded.
#[derive(Debug, Default)]
struct Known {
    edition: u64,
    pages: HashSet<(String, String)>,
    findings: Vec<String>,
    notice: Option<Arc<Notice>>,
}

impl Reports {
    /// Counts a page that equals a fresh one.
    pub(super) fn equal(&self) {
        self.checked.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts and logs a page that could not be compared.
    pub(super) fn unclear(&self, id: &str, why: &str) {
        self.unclear.fetch_add(1, Ordering::Relaxed);
        let id = &*shown(id);
        tracing::debug!(id, why, "a cached page could not be compared with a fresh one");
    }

    /// Reports a page that differs from one that this edition makes now. If `is_shown`, pages display the finding
    /// until the site's files are reloaded.
    pub(super) fn found(&self, finding: &Finding, edition: u64, is_shown: bool) {
        match finding.differs_each_time {
            false => {
                self.checked.fetch_add(1, Ordering::Relaxed);
                self.stale.fetch_add(1, Ordering::Relaxed);
            }
            true => {
                self.unclear.fetch_add(1, Ordering::Relaxed);
            }
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.edition != edition || known.pages.len() >= MOST {
            *known = Known { edition, ..Known::default() };
        }
        let is_new = known.pages.insert((finding.route.clone(), finding.key.clone()));
        if is_new && is_shown {
            known.findings.push(finding.to_string());
            known.notice = Some(Arc::new(Notice::of_findings(&known.findings)));
        }
        drop(known);
        let Finding { route, key, difference, as_of, fresh_as_of, differs_each_time, .. } = finding;
        let (place, cached, fresh) = (&difference.place, &difference.cached, &difference.fresh);
        let (groups, new_groups) = (finding.in_groups(), finding.new_groups.join(", "));
        let message = "a cached page differs from a fresh one, and no record explains it";
        match is_new {
            true => tracing::warn!(
                %route, %key, %place, cached, fresh, %groups, %new_groups, %as_of, %fresh_as_of,
                differs_each_time, "{message}"
            ),
            false => tracing::debug!(%route, %key, %place, cached, fresh, "{message}, again"),
        }
    }

    /// Returns the findings that pages of this edition display.
    pub(super) fn notice(&self, edition: u64) -> Option<Arc<Notice>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.notice.clone().filter(|_| known.edition == edition)
    }

    /// Returns the current figures.
    pub(super) fn counts(&self) -> AuditCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        AuditCounts {
            checked: read(&self.checked),
            stale: read(&self.stale),
            unclear: read(&self.unclear),
        }
    }
}
