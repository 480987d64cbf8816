//! The journal of one call: what its controller writes, and what it said it would invalidate.
//!
//! # An update and its invalidations are one record
//!
//! What `#[invalidate(…)]` names without a condition goes into every record that the controller
//! writes. A controller that writes none gets a record of its own for it, after it has replied, or
//! panicked: whatever it did outside the log may have made pages wrong.
//!
//! A condition (`when = …`) looks at the reply, which comes after the update. Were its invalidation
//! written afterwards only, a back end killed in between would leave old pages for ever. So the
//! record carries it as *deferred*, and a later record *settles* it: with the invalidation if the
//! condition holds, without if not. What a call has left unsettled is invalidated soon after the call has ended, or at the
//! next start.
//!
//! # What an unsafe request makes wrong by itself
//!
//! RFC 9111, section 4.4: when a request with an unsafe method is answered without an error, what
//! is cached for its own URL is wrong. The front end says which page that is ([`Call::own_url`]),
//! and its group goes into every record that the call writes, as if `#[invalidate(…)]` had named
//! it. A controller that writes nothing and replies with no error gets a record of its own for it.
//!
//! The groups that the reply names in `Cache-Group-Invalidation` (RFC 9875, section 3) are known
//! only with the reply, when the controller's own records are durable already. They go into the
//! record that is written then anyway, or into one of their own; the visitor gets the answer after
//! it. A back end that is killed in between has not answered. Where that is not enough, `At::invalidate` names them
//! in `apply`.
//!
//! # A refused update
//!
//! It has changed nothing, so its record invalidates nothing and defers nothing, whatever was written into it: every
//! node that applies it finds the refusal. The call goes on as if it had not written that record.
//!
//! # A repeated update
//!
//! When a request is sent twice (`update_ids`), the records of its second run change nothing and carry nothing. What the
//! first run has invalidated without a condition was in its records. Conditions, and the groups that the reply names, are
//! looked at again, for the first run may have ended before it did so: it costs a fill where it did not.
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
    /// Once it writes: most calls do not.
    call: OnceLock<CallId>,
    invalidations: Invalidations,
    /// What the request makes wrong unless it is answered with an error.
    own: Invalidation,
    /// What its updates are recognised by if the request is sent twice.
    ids: Option<UpdateIds>,
    progress: Arc<Mutex<Progress>>,
    /// Writes that are under way, whether or not the controller still waits for them.
    under_way: TaskTracker,
}

#[derive(Default)]
struct Progress {
    /// The records that were written, to be settled if something was deferred.
    carriers: Vec<Position>,
    /// Whether an update repeated one of an earlier run of the request, whose record has what the controller and the request
    /// make wrong without a condition.
    has_repeated: bool,
    /// Whether the reply is there. What is written later, by a task or a body that the controller
    /// left behind, is never settled, so it cannot defer anything.
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

    /// Behind which record a session is issued that the reply begins, when the controller ran from `as_of` on.
    pub(super) fn issue(&self, as_of: Position) -> Position {
        as_of.max(self.progress().revoked)
    }

    /// Waits for the writes that the controller has begun, whether or not it waited for them.
    pub(super) async fn finish(&self) {
        self.progress().has_replied = true;
        self.under_way.close();
        self.under_way.wait().await;
    }

    /// What becomes wrong now that the reply is there: what it names itself, and what the
    /// conditions that hold say.
    pub(super) fn due(&self, reply: &Reply, named: Invalidation) -> Invalidation {
        let mut due = named;
        for (invalidation, condition) in &self.invalidations.conditional {
            // A condition that panics cannot say that nothing is wrong.
            let holds = catch_unwind(AssertUnwindSafe(|| condition(reply)));
            if holds.unwrap_or(true) {
                due.merge(invalidation);
            }
        }
        due
    }

    /// Writes what remains to be written, after a reply with this status. Where that is nothing, as
    /// after most calls, there is no future of a write to be moved about.
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

    /// What holds after [`close`](CallJournal::close) has failed: for the visitor, and why.
    pub(super) fn unclosed(&self, error: &WriteError) -> Reply {
        let carriers = self.progress().carriers.clone();
        let cause = if carriers.is_empty() {
            format!(
                "the controller has replied, but what the request makes wrong could not be \
                 invalidated, so cached pages may stay old: {error}"
            )
        } else {
            let positions: Vec<String> = carriers.iter().map(Position::to_string).collect();
            format!(
                "what the controller has written is stored, at position {}; only what depends on \
                 its reply could not be invalidated. What `#[invalidate(…, when = …)]` names is \
                 invalidated when the log can be written, what `Cache-Group-Invalidation` names is \
                 not: {error}",
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
        // The last one invalidates for all of them, so that there is one wait. Were the back end killed
        // before it, the last one would be left over, and it has deferred all that the others have.
        for carrier in others {
            self.backend.append(settling(carrier, Invalidation::new())).await?;
        }
        if due.is_empty() {
            // Nothing becomes wrong, so no front end has to acknowledge it.
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
