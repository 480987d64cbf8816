//! The stop of a server, signalled to all its connections.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Context;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Whether the server is stopping. Checking costs a connection one read of shared memory that
/// hardly ever changes.
#[derive(Debug, Default)]
pub(super) struct Stop {
    stopping: AtomicBool,
    wake: Notify,
}

impl Stop {
    /// Stops, and wakes every waiting task.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake.notify_waiters();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Returns as soon as the server stops.
    pub(super) async fn stopping(&self) {
        let mut wake = pin!(self.wake.notified());
        wake.as_mut().enable();
        if !self.is_stopping() {
            wake.await;
        }
    }

    /// Creates an alarm, which is not yet in the list of waiters.
    pub(super) fn alarm(&self) -> Alarm<'_> {
        Alarm { wake: Some(Box::pin(self.wake.notified())), set: false }
    }
}

/// Wakes one task when the server stops.
///
/// All connections share one list of waiters behind a lock. So a connection enters the list once
/// and does not poll again: it stays in the same task, so the waker remains valid.
pub(super) struct Alarm<'a> {
    wake: Option<Pin<Box<Notified<'a>>>>,
    set: bool,
}

impl Alarm<'_> {
    /// Registers the task of `context` to be woken.
    pub(super) fn set(&mut self, context: &mut Context<'_>) {
        if self.set {
            return;
        }
        self.set = true;
        if let Some(wake) = &mut self.wake
            && wake.as_mut().poll(context).is_ready()
        {
            self.wake = None;
        }
    }
}
