//! The journal of one call: the records that its controller writes, and the invalidations that it
//! declares.
//!
//! # An update and its invalidations are one record
//!
//! The invalidations of `#[invalidate(…)]` without a condition are included in every record that
//! the controller writes. For a controller that writes none, a record of its own is written after
//! it has replied or panicked: its effects outside the log may have made pages wrong.
//!
//! A condition (`when = …`) depends on the reply, which is made after the update. Were its
//! invalidation only written afterwards, a back end that is killed in between would leave old pages
//! for ever. So the record carries it as *deferred*, and a later record *settles* it: with the
//! invalidation if the condition holds, without it if not. Invalidations that a call has left
//! unsettled are made soon after the call has ended, or at the next start.
//!
//! # Invalidations that an unsafe request implies
//!
//! RFC 9111, section 4.4: when a request with an unsafe method is answered without an error, the
//! cached content of its own URL is invalid. The front end names that page ([`Call::own_url`]), and
//! its group is included in every record that the call writes, as if `#[invalidate(…)]` had named
//! it. For a controller that writes nothing and replies without an error, a record of its own is
//! written for it.
//!
//! The groups that the reply names in `Cache-Group-Invalidation` (RFC 9875, section 3) are
//! available only with the reply, when the controller's own records are durable already. They are
//! included in the record that is written then anyway, or in one of their own; the visitor gets the
//! answer after that. A back end that is killed in between has not answered. If that is not
//! sufficient, `At::invalidate` names them in `apply`.
//!
//! # A refused update
//!
//! A refused update has changed nothing, so its record invalidates nothing and defers nothing,
//! whatever it contains: every node that applies the record finds the refusal. The call continues
//! as if it had not written that record.
//!
//! # A repeated update
//!
//! When a request is sent twice (`update_ids`), the records of its second run change nothing and
//! invalidate nothing. The unconditional invalidations of the first run were in its records.
//! Conditions, and the groups that the reply names, are evaluated again, because the first run may
//! have ended before it did so; otherwise this costs a fill.
//!
//! [`Call::own_url`]: crate::link::Call

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use http::StatusCode;
use tokio_util::task::TaskTracker;

use super::update_ids::UpdateIds;
use super::{Backend, CallId};
use crate::controller::Invalidations;
use crate::log::{Draft, Invalidation, Position, UpdateOutcome, is_made};
use crate::reply::{self, Reply};
use crate::state::{Journal, WriteError, Writing, Written};

pub(super) struct CallJournal {
    backend: Arc<Backend>,
    /// Set when the call first writes; most calls do not.
    call: OnceLock<CallId>,
    invalidations: Invalidations,
    /// The invalidation of the request's own URL, which applies unless it is answered with an
    /// error.
    own: Invalidation,
    /// The ids of its updates, if the request may be sent twice.
    ids: Option<UpdateIds>,
    progress: Arc<Mutex<Progress>>,
    /// Writes in progress, whether or not the controller still waits for them.
    under_way: TaskTracker,
}

#[derive(Default)]
struct Progress {
    /// The records that were written, which must be settled if they have deferred something.
    carriers: Vec<Position>,
    /// Whether an update repeated one of an earlier run of the request. The record of that one has
    /// the unconditional invalidations.
    has_repeated: bool,
    /// Whether the controller has replied. A record that is written later, by a task or a body that
    /// the controller left behind, is never settled, so it cannot defer anything.
    has_replied: bool,
    /// The last record that has ended sessions.
    revoked: Position,
}

impl CallJournal {
    pub(super) fn new(
        backend: Arc<Backend>,
        invalidations: Invalidations,
        own: Invalidation,
        ids: Option<UpdateIds>,
    ) -> CallJournal {
        CallJournal {
            call: OnceLock::new(),
            backend,
            invalidations,
            own,
            ids,
            progress: Arc::default(),
            under_way: TaskTracker::new(),
        }
    }

    /// Returns the position after which a session that the reply begins is issued, if the
    /// controller ran from `as_of` on.
    pub(super) fn issue(&self, as_of: Position) -> Position {
        as_of.max(self.progress().revoked)
    }

    /// Waits for the writes that the controller has begun, whether or not it waited for them.
    pub(super) async fn finish(&self) {
        self.progress().has_replied = true;
        self.under_way.close();
        self.under_way.wait().await;
    }

    /// Returns the invalidations that depend on the reply: the groups that it names itself, and
    /// those of the conditions that hold.
    pub(super) fn due(&self, reply: &Reply, named: Invalidation) -> Invalidation {
        let mut due = named;
        for (invalidation, condition) in &self.invalidations.conditional {
            // A condition that panics counts as true: it cannot rule the invalidation out.
            let holds = catch_unwind(AssertUnwindSafe(|| condition(reply)));
            if holds.unwrap_or(true) {
                due.merge(invalidation);
            }
        }
        due
    }

    /// Writes the remaining invalidations, after a reply with this status. If there are none, as
    /// after most calls, the future contains no write that would have to be moved.
    pub(super) async fn close(
        &self,
        mut due: Invalidation,
        status: StatusCode,
    ) -> Result<(), WriteError> {
        let (carriers, has_repeated) = {
            let progress = self.progress();
            (progress.carriers.clone(), progress.has_repeated)
        };
        if !carriers.is_empty() && self.invalidations.is_conditional() {
            return Box::pin(self.settle(&carriers, &due)).await;
        }
        if carriers.is_empty() && !has_repeated {
            due.merge(&self.invalidations.always);
            if !status.is_client_error() && !status.is_server_error() {
                due.merge(&self.own);
            }
        }
        if !due.is_empty() {
            let draft = Draft { invalidation: due, ..Draft::default() };
            Box::pin(self.backend.write_of(Some(self.call()), vec![draft])).await?;
        }
        Ok(())
    }

    /// Returns the reply after [`close`](CallJournal::close) has failed: the message for the
    /// visitor, and the cause.
    pub(super) fn unclosed(&self, error: &WriteError) -> Reply {
        let carriers = self.progress().carriers.clone();
        let cause = if carriers.is_empty() {
            format!(
                "the controller has replied, but the pages that the request changes could not be \
                 invalidated, so cached pages may stay old: {error}"
            )
        } else {
            let positions: Vec<String> = carriers.iter().map(Position::to_string).collect();
            format!(
                "the controller's updates are stored, at position {}; only the invalidations that \
                 depend on its reply failed. Those of `#[invalidate(…, when = …)]` are made when the \
                 log can be written, those of `Cache-Group-Invalidation` are not: {error}",
                positions.join(", ")
            )
        };
        let message = match carriers.is_empty() {
            true => "Your request was carried out, but some pages may not show it yet.",
            false => "Your change was stored, but some pages may not show it yet.",
        };
        reply::error(StatusCode::INTERNAL_SERVER_ERROR).message(message).cause(cause)
    }

    fn call(&self) -> CallId {
        *self.call.get_or_init(|| self.backend.members.begin_call())
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn settle(&self, carriers: &[Position], due: &Invalidation) -> Result<(), WriteError> {
        let Some((last, others)) = carriers.split_last() else { return Ok(()) };
        let settling = |carrier: &Position, invalidation: Invalidation| Draft {
            invalidation,
            settles: Some(*carrier),
            ..Draft::default()
        };
        // The last one invalidates for all of them, so that there is one wait. If the back end is
        // killed before it, the last one is left over, and it has deferred everything that the
        // others have.
        for carrier in others {
            self.backend.append(settling(carrier, Invalidation::new())).await?;
        }
        if due.is_empty() {
            // Nothing is invalidated, so no front end must acknowledge it.
            self.backend.append(settling(last, Invalidation::new())).await?;
        } else {
            let settling = vec![settling(last, due.clone())];
            self.backend.write_of(Some(self.call()), settling).await?;
        }
        Ok(())
    }
}

async fn write(
    backend: Arc<Backend>,
    call: CallId,
    progress: Arc<Mutex<Progress>>,
    drafts: Vec<Draft>,
) -> Result<Vec<Written>, WriteError> {
    let revokes: Vec<bool> = drafts.iter().map(|draft| !draft.revocations.is_empty()).collect();
    let written = backend.write_of(Some(call), drafts).await?;
    let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
    for (Written { receipt, applied }, revokes) in written.iter().zip(revokes) {
        if is_made(applied) {
            progress.carriers.push(receipt.position);
        }
        if revokes {
            progress.revoked = receipt.position;
        }
        if matches!(applied, Ok(Some(UpdateOutcome::Repeated { .. }))) {
            progress.has_repeated = true;
            metrics::counter!("headwater_updates_repeated_total").increment(1);
        }
    }
    Ok(written)
}

impl Drop for CallJournal {
    fn drop(&mut self) {
        if let Some(call) = self.call.get() {
            self.backend.members.end_call(*call);
        }
    }
}

impl Journal for CallJournal {
    fn write(&self, mut drafts: Vec<Draft>) -> Writing<'_> {
        Box::pin(async move {
            let write = {
                let progress = self.progress();
                for draft in &mut drafts {
                    if let (Some(update), Some(ids)) = (&mut draft.update, &self.ids) {
                        update.id = Some(ids.next());
                    }
                    draft.invalidation.merge(&self.invalidations.always);
                    draft.invalidation.merge(&self.own);
                    for (invalidation, _) in &self.invalidations.conditional {
                        match progress.has_replied {
                            false => draft.deferred.merge(invalidation),
                            true => draft.invalidation.merge(invalidation),
                        }
                    }
                }
                // A controller that stops waiting must not leave an unsettled record. The task is
                // counted before the reply can become known.
                self.under_way.spawn(write(
                    Arc::clone(&self.backend),
                    self.call(),
                    Arc::clone(&self.progress),
                    drafts,
                ))
            };
            write.await.unwrap_or_else(|error| {
                Err(WriteError::InDoubt { reason: format!("the write was broken off: {error}") })
            })
        })
    }
}
