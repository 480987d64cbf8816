//! The auditor: makes the pages of a sample of hits again, beside the client's response, and reports cached pages that
//! differ from a fresh one although no record explains the difference.
//!
//! # Contents
//!
//! - [`Auditor`]: samples hits, one at a time, and makes their pages again.
//! - `comparison`: compares two pages and finds their first difference.
//! - `finding`: a reported difference; [`Audit`]: the result of an audit of all pages (`everything`).
//! - `report`: the destinations of findings: the log, the metrics and, in development, the pages.
//!
//! A fresh page is made like one that is not in the cache, by the router's order, the maker and a back end, and
//! nothing of it is stored. Its fragments are evaluated, not read from the cache, where they might be stale. Parts are
//! compared as placeholders only: the page that a part inserts has its own entry, is looked up by itself, and is
//! therefore audited by itself.
//!
//! # When a difference is a finding
//!
//! Let an entry *E* of the cache have the `as_of` *a*, and a fresh page *F* the `as_of` *q*. *q* is a position from
//! before *F*'s controller ran, so *F* may contain any record up to the position *r* ≥ *q* that the back end had
//! reached when the controller returned. Likewise, *E* may contain records after *a*. If the two differ, the
//! difference is a finding only if the law does not permit *E* at *r*:
//!
//! - *a* ≤ *q*, and both are of one log. Otherwise *F* may be older than *E*.
//! - No record after *a* and up to *r* invalidates *E*, be it hard or soft. By the law such a record explains the
//!   difference. Checking the records up to *q* is not enough: a record between *q* and *r* may be in *F*. Nor is it
//!   enough to check when *F* has arrived: its records may arrive over the feed after the answer.
//!
//! *r* is unknown to the front end, but an upper bound is known. A lease that was requested at the moment *t* confirms
//! that the front end has applied everything that the back end had shown to its controllers at *t*: in the feed, the
//! lease follows the records (`link/mod.rs`, "The argument of the feed"). If *t* is after the arrival of *F*, that
//! includes *r*. So a difference waits for such a lease; then *E* must still be valid ([`Cache::is_valid`]). A record
//! after *r* may have invalidated it too: then a stale page is missed this time, but no correct page is reported. An
//! entry that is dead stays dead, so checking once is enough, however late. If *E* is valid then, the law permits
//! serving it as the page of every position from *a* to *r*, whereas *F* is the page of one of them and differs.
//!
//! The back end shows a batch of records to controllers and then, in the next statement, to the feed
//! (`backend/tail.rs`). A lease that was requested between the two would be one batch behind. But the lease is
//! requested after an answer of that back end has arrived, so the thread would have to pause between the two
//! statements for longer than that; [`SETTLING`] makes it three seconds.
//!
//! *Invalidations in a record of their own.* Where a controller changes data and invalidates pages afterwards, old
//! pages conform to the law until the second record. That is so for `#[invalidate(…)]` over data that is not in the
//! log, for `when = …`, and for [`Cluster::invalidate`](crate::extract::Cluster::invalidate). The writer has no answer
//! before the second record. A sampled difference therefore waits for a lease that was requested [`SETTLING`] after
//! the fresh page. A controller that takes longer between the two is reported, and rightly, because the page is wrong
//! for that long. An audit of all pages, as in tests, does not wait for this time: the writes before it have been
//! answered.
//!
//! *Time.* Content with an age that its author permits (`cache = { timeout = … }`, a status with a lifetime of its
//! own, a fragment of type `timeout`) normally differs from fresh content. It is not audited unless its route declares
//! `audit = true`; of a page with such a fragment, the rest is audited. The lifetime of the type `normal` is the
//! site's bound for memory and permits no difference. Content that is stale on purpose (`stale_while_revalidate`,
//! `stale_if_error`, soft invalidations) is not a hit, or a record explains the difference.
//!
//! *Pages that always differ.* A page with a clock or a random number differs from every other. Before a difference is
//! settled, the page is made once more: if the two fresh ones differ, the finding contains that fact and does not
//! count as stale.
//!
//! *The site's files.* A reload begins a new generation of entries, and an entry of an earlier generation is not
//! valid: a difference caused by changed templates is therefore not a finding.
//!
//! # Cost
//!
//! While auditing is off, a hit costs a comparison of two numbers; otherwise also a multiplication, of a number that
//! is counted anyway. One page is made at a time, followed by a rest of [`REST`] times its duration: a tenth of a core
//! here, and as much of a back end. A hit that is sampled meanwhile is skipped. So is a hit whose task starts late, or
//! that is sampled while long computations occupy the workers: then the machine is overloaded.

mod comparison;
mod everything;
mod finding;
mod report;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::counters::Counters;
use super::maker::{Made, MadeContent, Maker};
use super::router::Order;
use super::settings::Settings;
use crate::cache::{Cache, Entry, LogOrigin};
use crate::clock::{self, Moment};
use crate::computation;
use crate::dispatch::{AuditPolicy, Audited, CacheType};
use crate::link::Call;

use comparison::Compared;
pub use finding::{Audit, Difference, Finding};
pub(crate) use report::AuditCounts;
use report::Reports;

/// The time after a fresh page for which a sampled difference waits before it requires a confirming lease.
const SETTLING: Duration = Duration::from_secs(3);

/// The longest wait for that confirmation.
const PATIENCE: Duration = Duration::from_secs(10);

/// The interval between checks for it.
const LOOK: Duration = Duration::from_millis(5);

/// The auditor's rest after a comparison, as a multiple of the comparison's duration.
const REST: u32 = 9;

/// The longest delay between sampling a hit and the start of its task.
const LATE: Duration = Duration::from_millis(20);

/// Compares cached pages with fresh ones.
pub(super) struct Auditor {
    settings: Arc<Settings>,
    cache: Arc<Cache>,
    maker: Arc<Maker>,
    /// Held while pages are compared.
    turn: Arc<Semaphore>,
    /// The end of the current rest, in nanoseconds.
    resting: AtomicU64,
    reports: Reports,
}

/// The permission to compare one sampled hit.
pub(super) struct Turn {
    _permit: OwnedSemaphorePermit,
    taken: Moment,
}

/// The result of comparing a cached page with a fresh one.
enum Comparison {
    /// They are equal.
    Equal,
    /// They differ, and a record may still explain it.
    Differs(Box<Suspicion>),
    /// They cannot be compared, for this reason.
    Unclear(String),
}

/// A difference that a record may explain which this front end has not received yet.
struct Suspicion {
    entry: Arc<Entry>,
    finding: Finding,
    /// When the last fresh page was complete.
    at: Moment,
    /// The number of the edition that the fresh page was made with.
    edition: u64,
}

impl Auditor {
    /// Creates an auditor of the pages in `cache`, which `maker` makes.
    pub(super) fn new(
        (settings, cache, _): (Arc<Settings>, Arc<Cache>, Arc<Counters>),
        maker: Arc<Maker>,
    ) -> Auditor {
        Auditor {
            settings,
            cache,
            maker,
            turn: Arc::new(Semaphore::new(1)),
            resting: AtomicU64::new(0),
            reports: Reports::default(),
        }
    }

    /// Returns the permission to compare the hit with this number, if it is in the sample and the auditor is free.
    pub(super) fn takes(
        &self,
        hit: u64,
        policy: &AuditPolicy,
        entry: &Entry,
        now: Moment,
    ) -> Option<Turn> {
        if !self.settings.audit_sample.takes(hit) {
            return None;
        }
        let is_resting = now.as_nanos() < self.resting.load(Ordering::Relaxed);
        if is_resting || !is_audited(policy, entry) {
            return None;
        }
        let permit = Arc::clone(&self.turn).try_acquire_owned().ok()?;
        Some(Turn { _permit: permit, taken: now })
    }

    /// Compares the page of a sampled hit with one that is made by this order, in a task of its own.
    pub(super) fn examine(
        self: &Arc<Self>,
        turn: Turn,
        entry: Arc<Entry>,
        (order, call): (Order, Call),
    ) {
        let auditor = Arc::clone(self);
        // The comparison must not occupy a place of the client's connection.
        let order = Order { work: None, ..order };
        tokio::spawn(async move {
            let begun = clock::now();
            if begun.since(turn.taken) > LATE || computation::is_crowded() {
                return;
            }
            let compared = auditor.compare(&entry, &order, call).await;
            let ended = clock::now();
            let resting = ended.after(ended.since(begun) * REST);
            auditor.resting.store(resting.as_nanos(), Ordering::Relaxed);
            match compared {
                Comparison::Equal => auditor.reports.equal(),
                Comparison::Unclear(why) => auditor.reports.unclear(entry.id(), &why),
                Comparison::Differs(suspicion) => {
                    let confirmed = confirmed(&auditor.cache, suspicion.at.after(SETTLING)).await;
                    let _ = auditor.settle(*suspicion, confirmed);
                }
            }
            drop(turn);
        });
    }

    /// Compares an entry with the page that the order produces now.
    async fn compare(&self, entry: &Arc<Entry>, order: &Order, call: Call) -> Comparison {
        let policy = &order.route.audit;
        let fresh = match self.fresh(order, call.clone()).await {
            Ok(fresh) => fresh,
            Err(why) => return Comparison::Unclear(why),
        };
        let page = entry.page().expect("only pages are audited");
        let cached = Compared::of_page(page, policy);
        let Some(difference) = cached.difference(&fresh.compared) else { return Comparison::Equal };
        let Some(origin) = fresh.origin.filter(|origin| self.cache.is_comparable(entry, *origin))
        else {
            return Comparison::Unclear("the fresh page is of another log, or older".to_owned());
        };
        let again = self.fresh(order, call).await;
        let at = clock::now();
        let differs_each_time =
            again.is_ok_and(|again| fresh.compared.difference(&again.compared).is_some());
        let (groups, unnamed_groups) = self.cache.groups_among(entry, &fresh.groups);
        let is_new = |group: &&String| !groups.contains(&group.as_str());
        let finding = Finding {
            route: order.route.label().to_owned(),
            key: finding::shown_key(&entry.key()),
            difference,
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            unnamed_groups,
            new_groups: fresh.groups.iter().filter(is_new).cloned().collect(),
            as_of: entry.as_of(),
            fresh_as_of: origin.as_of,
            differs_each_time,
        };
        let entry = Arc::clone(entry);
        Comparison::Differs(Suspicion { entry, finding, at, edition: order.edition.number }.into())
    }

    /// Makes the page of an order again.
    ///
    /// # Errors
    /// The reason why there is no page to compare with.
    async fn fresh(&self, order: &Order, call: Call) -> Result<Fresh, String> {
        let policy = &order.route.audit;
        let language = order.language(&call, &self.settings.languages).map(str::to_owned);
        let made = self.maker.make_afresh(order, call, policy.audited).await;
        let (made, caching, is_error_page) = match made {
            Ok((made, caching)) => (made, Some(caching), false),
            Err(failure) if failure.status.is_server_error() => {
                let cause = failure.cause.unwrap_or(failure.message);
                return Err(format!("it cannot be made again ({}): {cause}", failure.status));
            }
            Err(failure) => {
                let failed = order.failed(failure);
                let language = language.as_deref();
                let (made, mut groups) =
                    self.maker.silent_error_page(&order.edition, &failed, language);
                let mut caching = failed.failure.keeping.map(|caching| *caching);
                caching.iter_mut().for_each(|caching| caching.groups.append(&mut groups));
                (made, caching, true)
            }
        };
        if made.status.is_server_error() {
            return Err(format!("it cannot be made again ({})", made.status));
        }
        let cache = caching.as_ref().and_then(|caching| caching.cache);
        let kind = cache.unwrap_or(order.route.cache.kind);
        let is_timed = matches!(kind, CacheType::Timeout(_)) && made.status == StatusCode::OK;
        if is_timed && policy.audited != Audited::All {
            return Err("a fresh page may itself be old for a time".to_owned());
        }
        let Made { status, headers, content, .. } = made;
        let content = match content {
            MadeContent::Rendered { content, .. } => content,
            MadeContent::Body(body) => {
                let limit = self.settings.largest_entry;
                let body = tokio::time::timeout(self.settings.deadline, body.collect(limit)).await;
                let body = body.map_err(|_| "its body is not complete in time".to_owned())?;
                body.map_err(|error| error.to_string())?.into()
            }
        };
        let mut groups = order.groups.clone();
        let mut origin = None;
        if let Some(caching) = caching {
            groups.extend(caching.groups);
            groups.extend(caching.recorded.unwrap_or_default());
            origin = caching.origin;
        }
        groups.sort_unstable();
        groups.dedup();
        let compared = Compared::new(status, &headers, &content, policy);
        let compared = if is_error_page { compared.without_request_id() } else { compared };
        Ok(Fresh { compared, groups, origin })
    }

    /// Turns a difference into a finding if no record explains it. `confirmed` means that all records up to the fresh
    /// page have been applied.
    ///
    /// # Errors
    /// The page's key, and the reason why it is not a finding.
    fn settle(&self, suspicion: Suspicion, confirmed: bool) -> Result<Finding, String> {
        let Suspicion { entry, finding, edition, .. } = suspicion;
        let why = match (confirmed, self.cache.is_valid(&entry)) {
            (true, true) => {
                self.reports.found(&finding, edition, self.settings.development);
                return Ok(finding);
            }
            (true, false) => "a record explains the difference",
            (false, _) => "no back end has confirmed that all records have been applied",
        };
        self.reports.unclear(entry.id(), why);
        Err(format!("{}: {why}", finding.key))
    }
}

/// A page that was made for a comparison.
struct Fresh {
    compared: Compared,
    groups: Vec<String>,
    origin: Option<LogOrigin>,
}

/// Returns whether the route's policy includes this entry.
fn is_audited(policy: &AuditPolicy, entry: &Entry) -> bool {
    match policy.audited {
        Audited::Nothing => false,
        Audited::Untimed => !entry.is_timed(),
        Audited::All => true,
    }
}

/// Waits until `cache` has applied everything that was in the log at `since`; returns whether that happened in time.
async fn confirmed(cache: &Cache, since: Moment) -> bool {
    let until = since.after(PATIENCE);
    while cache.confirmed_at() < since {
        if clock::now() > until {
            return false;
        }
        tokio::time::sleep(LOOK).await;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::CacheLimits;

    #[tokio::test]
    async fn a_difference_waits_for_a_lease_requested_after_the_fresh_page() {
        const LEASE: Duration = Duration::from_secs(60);
        let limits =
            CacheLimits { bytes: 1 << 10, persistent_bytes: 1 << 10, groups: 1, patterns: 1 };
        let cache = Arc::new(Cache::new(limits));
        let at = clock::now();
        // A lease that was requested earlier may arrive late, and does not cover the fresh page.
        cache.renew(Moment::from_nanos(at.as_nanos() - 1), LEASE);
        let waiting = tokio::spawn({
            let cache = Arc::clone(&cache);
            async move { confirmed(&cache, at).await }
        });
        tokio::time::sleep(20 * LOOK).await;
        assert!(!waiting.is_finished());
        cache.renew(at, LEASE);
        assert!(waiting.await.unwrap());
    }
}
