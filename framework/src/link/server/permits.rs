use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::HEAD_TIMEOUT;
use crate::body::Body;

/// The multiplexed calls of a stream that have not been cancelled.
#[derive(Clone)]
pub(super) struct Permits {
    active: Arc<Mutex<HashMap<u32, Active>>>,
    /// The permits of a peer, on all its streams.
    available: Arc<Semaphore>,
}

struct Active {
    /// Distinguishes calls to which a peer gives the same number.
    permit: Weak<()>,
    /// The held answer, if there is one.
    held: Option<(Arc<HeldAnswers>, u64)>,
    _permit: OwnedSemaphorePermit,
}

/// The permit of a call, until it is dropped or the call is cancelled.
pub(super) struct Permit {
    permits: Permits,
    number: u32,
    identity: Arc<()>,
}

impl Permits {
    /// Creates the permits of a stream without open calls.
    pub(super) fn new(available: Arc<Semaphore>) -> Permits {
        Permits { active: Arc::default(), available }
    }

    /// Returns a permit for the call of this number, if one is available.
    pub(super) fn acquire(&self, number: u32) -> Option<Permit> {
        let permit = self.available.clone().try_acquire_owned().ok()?;
        let identity = Arc::new(());
        let active = Active { permit: Arc::downgrade(&identity), held: None, _permit: permit };
        // This releases the permit of an earlier call with this number, whose answer is then not
        // sent.
        let before = self.active().insert(number, active);
        before.into_iter().for_each(Active::forget);
        Some(Permit { permits: self.clone(), number, identity })
    }

    /// Cancels the call of this number.
    pub(super) fn cancel(&self, number: u32) {
        let active = self.active().remove(&number);
        active.into_iter().for_each(Active::forget);
    }

    /// Cancels all calls.
    pub(super) fn cancel_all(&self) {
        let all = std::mem::take(&mut *self.active());
        all.into_values().for_each(Active::forget);
    }

    /// Records where the answer to a call is held. Returns `false` if the call has been cancelled.
    fn note(&self, number: u32, identity: &Weak<()>, held: (Arc<HeldAnswers>, u64)) -> bool {
        let mut active = self.active();
        let permit = active.get_mut(&number).filter(|active| active.permit.ptr_eq(identity));
        permit.map(|permit| permit.held = Some(held)).is_some()
    }

    fn active(&self) -> MutexGuard<'_, HashMap<u32, Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Active {
    fn forget(self) {
        if let Some((held, ticket)) = self.held {
            drop(held.remove(ticket));
        }
    }
}

impl Permit {
    /// Returns whether the call has been cancelled.
    pub(super) fn is_cancelled(&self) -> bool {
        !self.active_in(&self.permits.active())
    }

    fn active_in(&self, active: &HashMap<u32, Active>) -> bool {
        let of_number = active.get(&self.number);
        of_number.is_some_and(|active| active.permit.ptr_eq(&Arc::downgrade(&self.identity)))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut active = self.permits.active();
        if self.active_in(&active) {
            active.remove(&self.number);
        }
    }
}

/// Answers that are too long to share a stream, or incomplete, until they are fetched.
#[derive(Default)]
pub(super) struct HeldAnswers(Mutex<HashMap<u64, Kept>>);

/// An encoded answer and its body.
type Whole = (Bytes, Body);
/// The tokens that count the call as running, and its stream as open.
type Tokens = (TaskTrackerToken, TaskTrackerToken);

struct Kept {
    whole: Whole,
    tokens: Tokens,
    permit: Permit,
    end: AbortHandle,
}

impl HeldAnswers {
    /// Keeps an answer until it is fetched, its call is cancelled, or its time is over. Returns the
    /// ticket for fetching it.
    pub(super) fn keep(self: &Arc<Self>, permit: Permit, whole: Whole, tokens: Tokens) -> u64 {
        let ticket = rand::random();
        let held = self.clone();
        let end = tokio::spawn(async move {
            tokio::time::sleep(HEAD_TIMEOUT).await;
            drop(held.remove(ticket));
        });
        let (permits, number, identity) =
            (permit.permits.clone(), permit.number, Arc::downgrade(&permit.identity));
        let kept = Kept { whole, tokens, permit, end: end.abort_handle() };
        self.answers().insert(ticket, kept);
        // The call may have been cancelled before the ticket was recorded.
        if !permits.note(number, &identity, (self.clone(), ticket)) {
            drop(self.remove(ticket));
        }
        ticket
    }

    /// Removes an answer and returns it.
    pub(super) fn take(&self, ticket: u64) -> Option<(Whole, Tokens)> {
        let Kept { whole, tokens, permit, end } = self.remove(ticket)?;
        end.abort();
        drop(permit);
        Some((whole, tokens))
    }

    fn remove(&self, ticket: u64) -> Option<Kept> {
        self.answers().remove(&ticket)
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<u64, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
