use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::awaited::{CallId, Ticket};
use super::{Inner, Members, Unheld};
use crate::clock::{self, Moment};
use crate::link::Holding;
use crate::log::{Acknowledgement, Outcome, Position};

impl Members {
    /// Begins a call that may write several records.
    pub(crate) fn begin_call(&self) -> CallId {
        self.lock().awaited.begin_call()
    }

    /// Ends a call: it writes no more.
    pub(crate) fn end_call(&self, call: CallId) {
        self.lock().awaited.end_call(call);
    }

    /// Waits until no front end can serve the content that the record at `position` invalidates.
    /// Must be called when the record, which belongs to this call if there is one, is visible to
    /// feeds.
    pub(crate) async fn settled(
        &self,
        position: Position,
        call: Option<CallId>,
    ) -> Vec<Acknowledgement> {
        let visible = clock::now();
        let (waits, _waiting) = self.begin(position, visible, call);
        let waits = waits.into_iter().map(|wait| async move {
            let Wait { frontend, mut acknowledged, lease_until, ended } = wait;
            let applied = acknowledged.wait_for(|acknowledged| *acknowledged >= position);
            let outcome = tokio::select! {
                biased;
                Ok(_) = applied => Outcome::Acknowledged,
                () = ended.cancelled() => Outcome::LeaseExpired,
                () = sleep_until(lease_until) => Outcome::LeaseExpired,
            };
            Acknowledgement { frontend, outcome, took: clock::now().since(visible) }
        });
        let mut acknowledgements = join_all(waits).await;
        acknowledgements.sort_by(|a, b| a.frontend.cmp(&b.frontend));
        acknowledgements
    }

    /// Returns the members that the writer of a record waits for, and registers the wait.
    fn begin(
        &self,
        position: Position,
        visible: Moment,
        call: Option<CallId>,
    ) -> (Vec<Wait>, Waiting<'_>) {
        let mut inner = self.lock();
        let Inner { members, awaited, .. } = &mut *inner;
        let holding = || members.iter().filter(|(_, member)| member.lease_until > visible);
        let waits = holding().map(|(_, member)| Wait {
            frontend: member.name.clone(),
            acknowledged: member.acknowledged.subscribe(),
            lease_until: member.lease_until,
            ended: member.ended.clone(),
        });
        let waits = waits.collect();
        // A lease from a predecessor is no evidence of how its holder answers this back end.
        let ours = holding().filter(|(_, member)| member.has_lease_of_ours);
        let ours = ours.map(|(run, member)| (*run, *member.acknowledged.borrow()));
        let ticket = awaited.begin(position, visible, call, ours);
        (waits, Waiting { members: self, ticket })
    }

    /// Waits until every front end that holds a lease has the contents that the record at
    /// `position` puts into the docroot. Not waited for are:
    ///
    /// - a front end that loses its lease: its visitors wait for the contents that it lacks when it
    ///   gets another one;
    /// - a front end that is silent for half a lease, which could otherwise stop again and again;
    /// - a front end that cannot store a content while another one can: it gets no lease.
    ///
    /// # Errors
    /// The front ends that lack a content when `patience` is over, or that cannot store it when no
    /// other has it.
    pub(crate) async fn held(&self, position: Position, patience: Duration) -> Result<(), Unheld> {
        let deadline = clock::now().after(patience);
        let mut moved = self.moved.subscribe();
        loop {
            moved.mark_unchanged();
            let (lacking, until) = self.lacking(position)?;
            if lacking.is_empty() {
                return Ok(());
            }
            if clock::now() >= deadline {
                return Err(Unheld(lacking));
            }
            tokio::select! {
                // The sender lives as long as `self`.
                _ = moved.changed() => {}
                () = sleep_until(until.min(deadline)) => {}
            }
        }
    }

    /// Returns the lease holders that lack contents of the record at `position`, and the moment
    /// when the first of them needs no longer be waited for.
    ///
    /// # Errors
    /// All lease holders, if none of them can store it.
    fn lacking(&self, position: Position) -> Result<(Vec<String>, Moment), Unheld> {
        let now = clock::now();
        let inner = self.lock();
        let (mut lacking, mut until) = (Vec::new(), Moment::from_nanos(u64::MAX));
        let (mut failing, mut is_held) = (Vec::new(), false);
        for member in inner.members.values().filter(|member| member.lease_until > now) {
            match member.holding(position) {
                Holding::Held => is_held = true,
                Holding::Failing(_) => failing.push(member.name.clone()),
                // A front end asks for a lease four times in each lease time, so this one is
                // silent.
                Holding::Lacking if now.since(member.last_seen) >= self.lease / 2 => {}
                Holding::Lacking => {
                    lacking.push(member.name.clone());
                    until =
                        until.min(member.lease_until).min(member.last_seen.after(self.lease / 2));
                }
            }
        }
        match is_held || !lacking.is_empty() || failing.is_empty() {
            true => Ok((lacking, until)),
            false => Err(Unheld(failing)),
        }
    }
}

/// A front end that a writer waits for.
struct Wait {
    frontend: String,
    acknowledged: watch::Receiver<Position>,
    lease_until: Moment,
    ended: CancellationToken,
}

/// A writer that waits for a record, until this is dropped.
struct Waiting<'a> {
    members: &'a Members,
    ticket: Ticket,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let now = clock::now();
        let mut inner = self.members.lock();
        // Charged before the record is removed, which charging needs.
        for incarnation in inner.awaited.silent(self.ticket) {
            inner.charge(incarnation, now);
        }
        inner.awaited.end(self.ticket, now);
    }
}

/// Sleeps by the clock that leases are measured with.
async fn sleep_until(moment: Moment) {
    loop {
        let left = moment.since(clock::now());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left).await;
    }
}
