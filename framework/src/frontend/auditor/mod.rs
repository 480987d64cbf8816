//! The auditor: makes a sample of hits anew beside the client's response, and reports cached pages that
//! are not as they would be made now though no record says so.
//!
//! # What is here
//!
//! - [`Auditor`]: takes hits for its sample, one at a time, and makes their pages anew.
//! - `comparison`: what of two pages is compared, and where they first differ.
//! - `finding`: what is said of it; [`Audit`], what an audit of all pages came to (`everything`).
//! - `report`: where findings go: log, figures, and in development the pages.
//!
//! A fresh page is made as one that was not in the cache, by the router's order, the maker and a back
//! end, and nothing of it is kept. Its fragments are evaluated, not taken from the cache, where one may be
//! stale. Parts are places in a page: what stands there is a page of its own, looked up by itself, and so
//! audited by itself.
//!
//! # What may be held against a page
//!
//! Let an entry *E* of the cache be from `as_of` *a*, and a fresh page *F* from *q*. That is a position from
//! before its controller ran, so *F* may contain any record up to the position *r* ≥ *q* that the
//! back end had come to when the controller ended. The same holds for *E*: a record after *a* may be
//! in it. Let the two differ. That is a finding only if *E* may not be as it is at *r*:
//!
//! - *a* ≤ *q*, and both are of one log. Otherwise *F* may be from before *E*.
//! - No record after *a* and up to *r* invalidates *E*, be it hard or soft. By the law such a record explains
//!   the difference. It is not enough to look up to *q*: a record between *q* and *r* may be in *F*.
//!   Nor is it enough to look when *F* has arrived: its records may come over the feed after
//!   the answer.
//!
//! *r* is not known here, but an upper bound is. A lease confirms, for the moment *t* when it was
//! asked for, that everything was applied here that the back end had shown to its controllers at *t*:
//! the answer stands in the feed behind the records (`link/mod.rs`, "The argument of the feed"). If
//! *t* is after *F* has arrived, that includes *r*. So a difference waits for such a lease; then
//! *E* must still be valid ([`Cache::is_valid`]). What has come after *r* may invalidate it
//! too: then a stale page is missed this time, and no page that is right is reported. An entry that is dead stays dead, so
//! looking once is enough, however late. If *E* is valid then, the law lets it be served as the page
//! of every position from *a* to *r*, and *F* is the page of one of them, and another.
//!
//! The back end shows a batch of records to controllers and then, in the next statement, to the feed
//! (`backend/tail.rs`). A lease that was asked for in between would be one batch behind. It is
//! asked for after an answer has come from there, so this would take a thread that stands still
//! between the two statements for longer than that; [`SETTLING`] makes it three seconds.
//!
//! *Invalidations that come in a record of their own.* Where a controller changes something and invalidates
//! after that, pages are as the law says until the second record: `#[invalidate(…)]` over data that is
//! not in the log, `when = …`, [`Cluster::invalidate`](crate::extract::Cluster::invalidate). The writer has no answer
//! before. A sampled difference therefore waits for a lease that was asked for [`SETTLING`] after the fresh page. A
//! controller that takes longer between the two is reported, and the report is right in that a page
//! is wrong for as long. An audit of all pages, as in tests, waits for no time: what it is asked after was
//! answered.
//!
//! *Time.* Content whose author has said for how long it may be old (`cache = { timeout = … }`, a status
//! with a time of its own, a fragment of type `timeout`) differs from a fresh one as a matter of
//! course. It is not audited unless its route says `audit = true`; of a page that holds such a fragment
//! the rest is. The lifetime of the type `normal` is the site's bound for memory and says nothing
//! of a page, so it is no excuse. What is stale on purpose (`stale_while_revalidate`, `stale_if_error`, soft
//! invalidations) is not a hit, or a record explains it.
//!
//! *What differs from itself.* A page with a clock or a random number differs from every other. Before a difference is
//! settled the page is made once more: if the two fresh ones differ, the finding says so, and does not
//! count as stale.
//!
//! *The site's files.* A reload begins a new generation of entries, and one of an earlier generation is not valid: so a
//! difference that comes of other templates is none.
//!
//! # What it costs
//!
//! While it is off a hit costs a comparison of two numbers; otherwise a multiplication besides, of a number that is
//! counted anyway. One page is made at a time, and after that none for [`REST`] times as long: a tenth
//! of a core here, and as much of a back end. A hit that is sampled meanwhile is let go, and so is one whose task
//! comes late, or that comes while long computations occupy the workers: then the machine has more to do than it can.

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

/// How long after a fresh page everything has to be confirmed that the difference of a sampled hit may come
/// of.
const SETTLING: Duration = Duration::from_secs(3);

/// How long everything may take to be confirmed then, as long as there is a lease to be had.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked for that.
const LOOK: Duration = Duration::from_millis(5);

/// How many times as long as it has worked the auditor rests.
const REST: u32 = 9;

/// How late the task of a sampled hit may come.
const LATE: Duration = Duration::from_millis(20);

/// Holds cached pages against fresh ones.
pub(super) struct Auditor {
    settings: Arc<Settings>,
    cache: Arc<Cache>,
    maker: Arc<Maker>,
    /// Held while pages are compared.
    turn: Arc<Semaphore>,
    /// Until when it rests.
    resting: AtomicU64,
    reports: Reports,
}

/// The permission to compare one sampled hit.
pub(super) struct Turn {
    _permit: OwnedSemaphorePermit,
    taken: Moment,
}

/// What comparing a page with a fresh one came to.
enum Comparison {
    /// They are equal.
    Equal,
    /// They differ, at first sight.
    Differs(Box<Suspicion>),
    /// They cannot be compared: why.
    Unclear(String),
}

/// A difference that may be explained by a record that is not known here yet.
struct Suspicion {
    entry: Arc<Entry>,
    finding: Finding,
    /// When the fresh page was there.
    at: Moment,
    /// The edition that it was made of.
    edition: u64,
}

impl Auditor {
    /// An auditor of the pages in `cache`, which `maker` makes.
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

    /// Whether the hit with this number is one of the sample, and there is a turn for it.
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

    /// Compares the page of a sampled hit with one that is made by this order, beside the response.
    pub(super) fn examine(
        self: &Arc<Self>,
        turn: Turn,
        entry: Arc<Entry>,
        (order, call): (Order, Call),
    ) {
        let auditor = Arc::clone(self);
        // The client's connection is not held to it.
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

    /// Holds an entry against what the order comes to now.
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

    /// What an order comes to now.
    ///
    /// # Errors
    /// Why it cannot be compared with anything.
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
            return Err("made again it may be old for a time".to_owned());
        }
        let Made { status, headers, content, .. } = made;
        let content = match content {
            MadeContent::Rendered { content, .. } => content,
            MadeContent::Body(body) => {
                let limit = self.settings.largest_entry;
                let body = tokio::time::timeout(self.settings.deadline, body.collect(limit)).await;
                let body = body.map_err(|_| "its body is not whole in time".to_owned())?;
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

    /// Makes a finding of a difference that no record explains, now that all are known, or are not.
    ///
    /// # Errors
    /// Of which page there is none, and why.
    fn settle(&self, suspicion: Suspicion, confirmed: bool) -> Result<Finding, String> {
        let Suspicion { entry, finding, edition, .. } = suspicion;
        let why = match (confirmed, self.cache.is_valid(&entry)) {
            (true, true) => {
                self.reports.found(&finding, edition, self.settings.development);
                return Ok(finding);
            }
            (true, false) => "a record explains the difference",
            (false, _) => "no back end has confirmed that all records are known",
        };
        self.reports.unclear(entry.id(), why);
        Err(format!("{}: {why}", finding.key))
    }
}

/// What was made for a comparison.
struct Fresh {
    compared: Compared,
    groups: Vec<String>,
    origin: Option<LogOrigin>,
}

/// Whether the route wants the content of this entry compared.
fn is_audited(policy: &AuditPolicy, entry: &Entry) -> bool {
    match policy.audited {
        Audited::Nothing => false,
        Audited::Untimed => !entry.is_timed(),
        Audited::All => true,
    }
}

/// Waits until everything is applied in `cache` that was in the log at `since`; whether that came to be.
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
    async fn a_difference_waits_for_a_lease_that_was_asked_for_after_the_fresh_page() {
        const LEASE: Duration = Duration::from_secs(60);
        let limits =
            CacheLimits { bytes: 1 << 10, persistent_bytes: 1 << 10, groups: 1, patterns: 1 };
        let cache = Arc::new(Cache::new(limits));
        let at = clock::now();
        // The answer to an earlier question may come late, and says nothing of the fresh page.
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
