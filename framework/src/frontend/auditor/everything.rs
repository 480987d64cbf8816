//! An audit of all cached pages, for tests and operators.

use std::sync::Arc;

use super::super::notice::Notice;
use super::super::router::Router;
use super::finding::shown_key;
use super::report::AuditCounts;
use super::{Audit, Auditor, Comparison, Suspicion, confirmed, is_audited};
use crate::cache::Entry;
use crate::clock::{self, Moment};

/// The largest number of findings of an audit: their pages stay in memory until it is settled.
const MOST: usize = 1000;

impl Auditor {
    /// Compares every page that may be served now with a fresh one, one after the other, and stops at `until`. The
    /// fresh pages are requested by the keys of the cached ones.
    pub(in crate::frontend) async fn audit(
        self: &Arc<Self>,
        router: &Router,
        until: Option<Moment>,
    ) -> Audit {
        // The semaphore is never closed.
        let _turn = self.turn.acquire().await;
        let mut audit = Audit::default();
        let mut suspicions: Vec<Suspicion> = Vec::new();
        for entry in self.cache.pages() {
            let now = clock::now();
            if until.is_some_and(|until| now >= until) || suspicions.len() >= MOST {
                audit.is_complete = false;
                break;
            }
            if !self.cache.serves(&entry, now) {
                continue;
            }
            match self.compare_by_key(router, &entry).await {
                None => audit.skipped += 1,
                Some(Comparison::Equal) => {
                    self.reports.equal();
                    audit.checked += 1;
                }
                Some(Comparison::Unclear(why)) => {
                    self.reports.unclear(entry.id(), &why);
                    audit.unclear.push(format!("{}: {why}", shown_key(&entry.key())));
                }
                Some(Comparison::Differs(suspicion)) => suspicions.push(*suspicion),
            }
        }
        if let Some(last) = suspicions.iter().map(|suspicion| suspicion.at).max() {
            let confirmed = confirmed(&self.cache, last).await;
            for suspicion in suspicions {
                match self.settle(suspicion, confirmed) {
                    Ok(finding) => {
                        audit.checked += 1;
                        audit.findings.push(finding);
                    }
                    Err(why) => audit.unclear.push(why),
                }
            }
        }
        audit
    }

    /// Compares a page with one that is made for its key; returns `None` if its route is not audited.
    async fn compare_by_key(&self, router: &Router, entry: &Arc<Entry>) -> Option<Comparison> {
        let Some((order, call)) = router.order_of_key(&entry.key()) else {
            let why = "its variant replaces its URL in the key".to_owned();
            return Some(Comparison::Unclear(why));
        };
        if !is_audited(&order.route.audit, entry) {
            return None;
        }
        Some(self.compare(entry, &order, call).await)
    }

    /// Returns the findings that pages of this edition display.
    pub(in crate::frontend) fn notice(&self, edition: u64) -> Option<Arc<Notice>> {
        self.reports.notice(edition)
    }

    /// Returns the auditor's figures.
    pub(in crate::frontend) fn counts(&self) -> AuditCounts {
        self.reports.counts()
    }
}
