use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::HEAD_TIMEOUT;
use crate::body::Body;

/// The calls of a bundle that somebody waits for.
#[derive(Clone)]
pub(super) struct Places {
    taken: Arc<Mutex<HashMap<u32, Taken>>>,
    /// As many as a peer may have, in all its bundles.
    free: Arc<Semaphore>,
}

struct Taken {
    /// Tells two calls apart that a peer gives the same number.
    place: Weak<()>,
    /// Where its answer is parked, if it is.
    parked: Option<(Arc<Parked>, u64)>,
    _permit: OwnedSemaphorePermit,
}

/// One of them, until this is dropped or nobody waits any more.
pub(super) struct Place {
    places: Places,
    number: u32,
    own: Arc<()>,
}

impl Places {
    /// Nobody waits.
    pub(super) fn new(free: Arc<Semaphore>) -> Places {
        Places { taken: Arc::default(), free }
    }

    /// A place for the call of this number, if there is one.
    pub(super) fn take(&self, number: u32) -> Option<Place> {
        let permit = self.free.clone().try_acquire_owned().ok()?;
        let own = Arc::new(());
        let taken = Taken { place: Arc::downgrade(&own), parked: None, _permit: permit };
        // It frees the place of another one with this number, whose answer is then not sent.
        let before = self.taken().insert(number, taken);
        before.into_iter().for_each(Taken::forget);
        Some(Place { places: self.clone(), number, own })
    }

    /// Nobody waits for the call of this number any more.
    pub(super) fn withdraw(&self, number: u32) {
        let taken = self.taken().remove(&number);
        taken.into_iter().for_each(Taken::forget);
    }

    /// Nobody waits for any of them.
    pub(super) fn give_up(&self) {
        let all = std::mem::take(&mut *self.taken());
        all.into_values().for_each(Taken::forget);
    }

    /// Notes where the answer to a call is parked. `false` if nobody waits for it.
    fn note(&self, number: u32, own: &Weak<()>, parked: (Arc<Parked>, u64)) -> bool {
        let mut taken = self.taken();
        let place = taken.get_mut(&number).filter(|taken| taken.place.ptr_eq(own));
        place.map(|place| place.parked = Some(parked)).is_some()
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<u32, Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn forget(self) {
        if let Some((parked, ticket)) = self.parked {
            drop(parked.remove(ticket));
        }
    }
}

impl Place {
    /// Whether nobody waits for the call any more.
    pub(super) fn is_withdrawn(&self) -> bool {
        !self.taken_by(&self.places.taken())
    }

    fn taken_by(&self, taken: &HashMap<u32, Taken>) -> bool {
        let of_number = taken.get(&self.number);
        of_number.is_some_and(|taken| taken.place.ptr_eq(&Arc::downgrade(&self.own)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        if self.taken_by(&taken) {
            taken.remove(&self.number);
        }
    }
}

/// Answers that are too long for a bundle, or not whole, until they are fetched.
#[derive(Default)]
pub(super) struct Parked(Mutex<HashMap<u64, Kept>>);

/// An encoded answer and its body.
type Whole = (Bytes, Body);
/// What counts the call as running, and its bundle as not at its end.
type Tokens = (TaskTrackerToken, TaskTrackerToken);

struct Kept {
    whole: Whole,
    tokens: Tokens,
    place: Place,
    end: AbortHandle,
}

impl Parked {
    /// Keeps an answer until it is fetched, nobody waits for it any more, or its time is over.
    /// Returns the ticket to fetch it with.
    pub(super) fn keep(self: &Arc<Self>, place: Place, whole: Whole, tokens: Tokens) -> u64 {
        let ticket = rand::random();
        let parked = self.clone();
        let end = tokio::spawn(async move {
            tokio::time::sleep(HEAD_TIMEOUT).await;
            drop(parked.remove(ticket));
        });
        let (places, number, own) =
            (place.places.clone(), place.number, Arc::downgrade(&place.own));
        let kept = Kept { whole, tokens, place, end: end.abort_handle() };
        self.answers().insert(ticket, kept);
        // It may have been withdrawn meanwhile, by somebody who did not yet see where it is.
        if !places.note(number, &own, (self.clone(), ticket)) {
            drop(self.remove(ticket));
        }
        ticket
    }

    /// Hands over an answer.
    pub(super) fn take(&self, ticket: u64) -> Option<(Whole, Tokens)> {
        let Kept { whole, tokens, place, end } = self.remove(ticket)?;
        end.abort();
        drop(place);
        Some((whole, tokens))
    }

    fn remove(&self, ticket: u64) -> Option<Kept> {
        self.answers().remove(&ticket)
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<u64, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
