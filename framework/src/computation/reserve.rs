//! A worker of the runtime that is held back while others are left to wait for I/O.
//!
//! To hold it back, a task runs on it and waits for the watch. tokio counts it as busy meanwhile,
//! and shares no work with it, so it costs nothing. An active additional worker would cost a page
//! that is made a third more CPU on two cores: workers wake one another without need.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;

use super::vacate_slot;

static STATE: Mutex<State> = Mutex::new(State::Absent);
static CHANGED: Condvar = Condvar::new();

enum State {
    /// No runtime has a reserve.
    Absent,
    /// It works like the others.
    Free(Handle),
    /// The task that holds it back is spawned.
    Called,
    Held(Handle),
}

/// Owns the reserve, which exists until this is dropped: a runtime does not end before its workers
/// are free.
pub(super) struct Reserve(());

impl Reserve {
    /// Makes one of this runtime's workers the reserve. It is held back once the watch has ticked.
    pub(super) fn of(runtime: &Handle) -> Reserve {
        *state() = State::Free(runtime.clone());
        Reserve(())
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        *state() = State::Absent;
        CHANGED.notify_all();
    }
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn exists() -> bool {
    !matches!(*state(), State::Absent)
}

/// Releases the reserve.
pub(super) fn release() {
    let mut state = state();
    if let State::Held(runtime) = &*state {
        *state = State::Free(runtime.clone());
        CHANGED.notify_all();
    }
}

/// Holds the reserve back once a worker has nothing to do: tasks in the queue of the worker that is
/// held back would wait until the others have done all of theirs.
pub(super) fn hold() {
    let mut state = state();
    if let State::Free(runtime) = &*state
        && sleeps(runtime)
    {
        let runtime = runtime.clone();
        *state = State::Called;
        drop(runtime.clone().spawn(async move { hold_here(runtime) }));
    }
}

fn sleeps(runtime: &Handle) -> bool {
    let metrics = runtime.metrics();
    // The count is odd while the worker sleeps.
    (0..metrics.num_workers()).any(|it| metrics.worker_park_unpark_count(it) % 2 == 1)
}

fn hold_here(runtime: Handle) {
    vacate_slot();
    let mut state = state();
    if let State::Called = *state {
        *state = State::Held(runtime);
        let waiting = CHANGED.wait_while(state, |state| matches!(state, State::Held(_)));
        drop(waiting);
    }
}
