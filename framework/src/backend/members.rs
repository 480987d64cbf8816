//! The front ends that may serve from their caches, and the writers that wait for them.
//!
//! # Why a receipt is proof
//!
//! A record becomes visible to feeds when it is durable and applied; call that moment T. For every
//! front end one of these holds:
//!
//! - It acknowledges the record: it has applied it, and serves nothing that the record invalidates.
//! - It does not acknowledge the record. Every lease that it holds without having applied the
//!   record was requested before T, because a renewal that arrives after T is answered only behind
//!   the record. The moment until which such a lease can run is noted *before* the answer to the
//!   renewal is sent: the present plus lease plus a margin for the difference between clocks. After
//!   that moment the front end serves nothing from its cache, except old pages under a route's
//!   `stale_if_error` if making them fails, marked as stale.
//! - It is not known here. Either it never joined: its joining is durable before it gets its first
//!   lease. Or it has left, and gave up its lease before. Or it was forgotten, after its lease was
//!   over. In each case it holds no lease of this back end. When a back end starts, it presumes that the front ends in the
//!   log hold leases from its predecessor, all as long as the log declares. Unless the file is
//!   certainly the one that the predecessor left, there may be further front ends, whose joining is
//!   in records that the log no longer has, because it was wiped or restored: they are waited for
//!   as one nameless member.
//! - Its process has ended, as its [`claim`](crate::claim) proves: it serves nothing at all.
//!
//! So a writer waits for each member until the member acknowledges the record, until its process is
//! known to have ended, or until its lease as of T is over, and never longer than lease plus
//! margin. The waits are implemented in [`waiting`].
//!
//! # Front ends whose silence costs too much
//!
//! A front end that stops again and again would make each writer wait for its lease again and
//! again. [`probation`] decides which front ends get no lease for a while, and explains why that
//! costs the site little; [`awaited`] decides which front end was silent in a wait. A renewal is
//! assessed in the same critical section in which a lease is noted, and after all waits up to then
//! were counted against the front end. So a front end that wakes, acknowledges and asks for a lease
//! is penalised before it gets one.

mod awaited;
mod member;
mod probation;
mod unheld;
mod waiting;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::{self, Moment};
use crate::link::{Grant, Holdings};
use crate::log::Position;

use awaited::Awaited;
pub(crate) use awaited::CallId;
use member::Member;
pub(crate) use member::{FeedId, Health, MemberStatus};
use probation::{Asking, Probation};
pub(crate) use unheld::Unheld;

/// A front end that is cut off and without a lease is forgotten after this time.
const FORGET_AFTER: Duration = Duration::from_secs(60);

/// The incarnation of the nameless member: the front ends of a log that may have been here before.
const NAMELESS: u64 = 0;

/// The members of the cluster, as recorded by this back end.
#[derive(Debug)]
pub(crate) struct Members {
    lease: Duration,
    inner: Mutex<Inner>,
    /// Notified when a member's holdings change, or a member leaves.
    moved: watch::Sender<()>,
}

#[derive(Debug)]
struct Inner {
    /// By incarnation.
    members: BTreeMap<u64, Member>,
    feeds: u64,
    awaited: Awaited,
    probation: Probation,
}

impl Members {
    /// Creates an empty membership with leases of this length.
    pub(crate) fn new(lease: Duration) -> Members {
        let probation = Probation::new(lease);
        let awaited = Awaited::new(lease, probation.patience());
        let inner = Inner { members: BTreeMap::new(), feeds: 0, awaited, probation };
        Members { lease, inner: Mutex::new(inner), moved: watch::Sender::new(()) }
    }

    /// Returns the length of leases.
    pub(crate) fn lease(&self) -> Duration {
        self.lease
    }

    /// Presumes that a front end from before this back end's start holds a lease of length `lease`
    /// from now.
    pub(crate) fn presume(&self, incarnation: u64, name: String, lease: Duration) {
        let mut member = Member::new(name, lease, Position::START);
        member.lease_until = bound(clock::now(), lease);
        self.lock().members.insert(incarnation, member);
    }

    /// Presumes that unknown front ends, of a log that was here before, hold leases.
    pub(crate) fn presume_nameless(&self) {
        self.presume(NAMELESS, "(front ends of an earlier log)".to_owned(), self.lease);
    }

    /// Returns whether the log contains this run of a front end, with leases at least as long as
    /// those granted now.
    pub(crate) fn knows(&self, incarnation: u64) -> bool {
        let inner = self.lock();
        inner.members.get(&incarnation).is_some_and(|member| member.longest >= self.lease)
    }

    /// Records that a front end, whose joining is durable, follows the log from `start` on. An
    /// earlier feed of the same run is over. The front end acknowledges `start` itself when it has
    /// applied it.
    pub(crate) fn join(&self, incarnation: u64, name: &str, start: Position) -> FeedId {
        let mut inner = self.lock();
        inner.feeds += 1;
        let feed = FeedId(inner.feeds);
        let new = || Member::new(name.to_owned(), self.lease, start);
        let member = inner.members.entry(incarnation).or_insert_with(new);
        member.feed = Some(feed);
        member.last_seen = clock::now();
        member.asked = None;
        if member.ended.is_cancelled() {
            // A front end that joins is running, whatever was taken for a proof of its end.
            tracing::error!(frontend = name, "a front end that was taken for ended has joined");
            member.ended = CancellationToken::new();
        }
        member.longest = member.longest.max(self.lease);
        tracing::debug!(frontend = name, incarnation, %start, "front end follows the log");
        feed
    }

    /// Records that the front end has applied everything up to `position`.
    pub(crate) fn acknowledge(&self, feed: FeedId, position: Position) {
        let now = clock::now();
        let mut inner = self.lock();
        let Some((incarnation, member)) = inner.following(feed) else { return };
        member.acknowledged.send_if_modified(|acknowledged| {
            let newer = position > *acknowledged;
            if newer {
                *acknowledged = position;
            }
            newer
        });
        inner.charge(incarnation, now);
        inner.awaited.acknowledge(incarnation, position, now);
        self.moved.send_replace(());
    }

    /// Records which contents of files the front end lacks.
    pub(crate) fn report(&self, feed: FeedId, holdings: Holdings) {
        if let Some((_, member)) = self.lock().following(feed) {
            if let Some((position, reason)) = holdings.failing.first()
                && !member.is_failing()
            {
                tracing::warn!(frontend = member.name, %position, reason, "front end cannot store a file");
            }
            member.holdings = Some(holdings);
        }
        self.moved.send_replace(());
    }

    /// Notes until when the lease that is about to be sent can run, unless the lease is withheld: on
    /// probation, while a call that began before is waiting for the front end, or from a front end
    /// that cannot store a file while another one can. Returns [`Grant::Unknown`] if the front end
    /// no longer follows this feed, which ends the feed. The front end asked at `stamp` by its own
    /// clock; `answer_took` is how long its last answer took.
    pub(crate) fn grant(
        &self,
        feed: FeedId,
        stamp: Moment,
        answer_took: Option<Duration>,
    ) -> Grant {
        let now = clock::now();
        let mut inner = self.lock();
        let Some((run, member)) = inner.following(feed) else { return Grant::Unknown };
        let gap = member.asked.replace(stamp).map(|before| stamp.since(before));
        let name = member.name.clone();
        // Writers may be waiting for an earlier run of the same name.
        let runs = inner.runs_of(&name);
        for one in &runs {
            inner.charge(*one, now);
        }
        let is_late = runs.iter().any(|one| inner.awaited.is_late(*one, now));
        inner.probation.asked(&name, Asking { gap, answer_took }, now);
        let withheld = inner.withholds(&name);
        let term = inner.probation.term(&name);
        let cannot_store = inner.cannot_store(run, now);
        let Some(member) = inner.members.get_mut(&run) else { return Grant::Unknown };
        match (std::mem::replace(&mut member.withheld, withheld), withheld) {
            (false, true) => {
                let (punctual, waited) = term.unwrap_or_default();
                tracing::warn!(
                    frontend = name,
                    waited_ms = waited.as_millis(),
                    punctual_ms = punctual.as_millis(),
                    "front end is on probation: writers waited for it, so it serves uncached until \
                     it has answered punctually for a while"
                );
            }
            (true, false) => tracing::info!(frontend = name, "front end's probation is over"),
            _ => {}
        }
        if withheld || is_late || cannot_store {
            return Grant::Withheld;
        }
        member.lease_until = member.lease_until.max(bound(now, self.lease));
        member.has_lease_of_ours = true;
        if std::mem::take(&mut member.fenced) {
            tracing::info!(frontend = name, "front end serves from its cache again");
        }
        Grant::Given
    }

    /// Records that the feed has ended without a goodbye: its last lease may still run. Returns the
    /// front end's incarnation and name if it was a member.
    pub(crate) fn cut(&self, feed: FeedId) -> Option<(u64, String)> {
        let mut inner = self.lock();
        let (incarnation, member) = inner.following(feed)?;
        member.feed = None;
        let name = member.name.clone();
        inner.probation.cut(&name);
        tracing::warn!(frontend = name, "front end is cut off");
        Some((incarnation, name))
    }

    /// Records that the process of the front end has certainly ended, and its lease with it.
    pub(crate) fn end(&self, incarnation: u64, name: &str) {
        let now = clock::now();
        let mut inner = self.lock();
        let member = inner.members.get_mut(&incarnation).filter(|member| member.name == name);
        let Some(member) = member else { return };
        member.feed = None;
        member.lease_until = member.lease_until.min(now);
        member.fenced = true;
        member.ended.cancel();
        inner.charge(incarnation, now);
        inner.awaited.remove(incarnation, now);
        inner.probation.cut(name);
        self.moved.send_replace(());
        tracing::info!(frontend = name, "front end's process has ended, and its lease with it");
    }

    /// Records that the front end has given up its lease and leaves. Returns its incarnation if it
    /// was a member.
    pub(crate) fn leave(&self, feed: FeedId) -> Option<u64> {
        let mut inner = self.lock();
        let (&incarnation, _) =
            inner.members.iter().find(|(_, member)| member.feed == Some(feed))?;
        let now = clock::now();
        inner.charge(incarnation, now);
        inner.awaited.remove(incarnation, now);
        let member = inner.members.remove(&incarnation)?;
        inner.probation.cut(&member.name);
        // It serves nothing any more, so no writer waits for it, whatever the position.
        member.acknowledged.send_replace(Position(u64::MAX));
        self.moved.send_replace(());
        tracing::info!(frontend = member.name, "front end has left");
        Some(incarnation)
    }

    /// Checks members without leases: logs those without one that were not logged before, removes
    /// those that are gone for good, and returns the incarnations of the named ones among these.
    pub(crate) fn look_after(&self) -> Vec<u64> {
        let now = clock::now();
        let mut inner = self.lock();
        inner.probation.expire(now);
        inner.members.retain(|run, member| *run != NAMELESS || member.lease_until > now);
        for member in inner.members.values_mut() {
            if member.lease_until <= now && !std::mem::replace(&mut member.fenced, true) {
                tracing::warn!(frontend = member.name, "front end's lease has run out");
            }
        }
        let following = inner.members.values().filter(|member| member.feed.is_some());
        let following: BTreeSet<String> = following.map(|member| member.name.clone()).collect();
        let gone = inner.members.extract_if(.., |_, member| {
            // A front end that was restarted follows under its name as another run.
            let replaced = following.contains(&member.name);
            let patience = if replaced { Duration::ZERO } else { FORGET_AFTER };
            member.feed.is_none() && member.lease_until.after(patience) <= now
        });
        gone.map(|(incarnation, _)| incarnation).collect()
    }

    /// Returns the status of the members, in the order of their names; `expected` ones are reported
    /// even if they never joined.
    pub(crate) fn status(&self, expected: &[String]) -> Vec<MemberStatus> {
        let now = clock::now();
        let inner = self.lock();
        let mut status: Vec<_> = inner
            .members
            .iter()
            .map(|(incarnation, member)| MemberStatus {
                name: member.name.clone(),
                incarnation: *incarnation,
                health: member.health(now),
                acknowledged: *member.acknowledged.borrow(),
            })
            .collect();
        for name in expected {
            let has_name = |member: &MemberStatus| &member.name == name;
            if !status.iter().any(has_name) {
                let health = Health::Missing;
                let (name, acknowledged) = (name.clone(), Position::START);
                status.push(MemberStatus { name, incarnation: 0, health, acknowledged });
            }
        }
        status.sort_by(|a, b| (&a.name, a.incarnation).cmp(&(&b.name, b.incarnation)));
        status
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Returns the front end of this feed, and records a sign of life.
    fn following(&mut self, feed: FeedId) -> Option<(u64, &mut Member)> {
        let mut members = self.members.iter_mut();
        let (run, member) = members.find(|(_, member)| member.feed == Some(feed))?;
        member.last_seen = clock::now();
        Some((*run, member))
    }

    fn runs_of(&self, name: &str) -> Vec<u64> {
        let runs = self.members.iter().filter(|(_, member)| member.name == name);
        runs.map(|(run, _)| *run).collect()
    }

    /// Charges the front end for the time that writers have waited for it up to now.
    fn charge(&mut self, incarnation: u64, now: Moment) {
        let Some(since) = self.awaited.silent_since(incarnation) else { return };
        if let Some(member) = self.members.get(&incarnation) {
            // After its lease no writer waits for it, though the record may wait for others.
            self.probation.count(&member.name, since, now.min(member.lease_until));
        }
    }

    /// Returns whether the front end cannot store a file that the log puts into the docroot, while
    /// another front end that can serves from its cache. If none can, no lease is withheld: an
    /// upload that fits on no disk must not disable the cache of the whole site.
    fn cannot_store(&self, incarnation: u64, now: Moment) -> bool {
        let fails = self.members.get(&incarnation).is_some_and(Member::is_failing);
        let stores = |member: &Member| member.lease_until > now && !member.is_failing();
        fails && self.members.iter().any(|(run, member)| *run != NAMELESS && stores(member))
    }

    fn withholds(&self, name: &str) -> bool {
        let following = self.members.values().filter(|member| member.feed.is_some());
        self.probation.withholds(name, following.map(|member| member.name.as_str()))
    }
}

/// Returns until when a lease can run that is granted at `now`: clocks may differ in speed by half
/// a percent.
fn bound(now: Moment, lease: Duration) -> Moment {
    now.after(lease).after(lease / 200 + Duration::from_millis(5))
}
