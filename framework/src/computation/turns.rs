//! Turns for code that has been slow: a few computations at a time, while the others wait without
//! a thread. Code that has been quick waits for no turn, however many there are.

use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, ready};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::PollSemaphore;

use super::{Code, cores};

/// Turns of controllers, and of all else: in a single node neither waits for the other.
static CONTROLLERS: LazyLock<Arc<Semaphore>> = LazyLock::new(turns);
static OTHERS: LazyLock<Arc<Semaphore>> = LazyLock::new(turns);

fn turns() -> Arc<Semaphore> {
    Arc::new(Semaphore::new((2 * cores()).max(4)))
}

/// One of them, until it is dropped.
pub(crate) struct Turn(#[expect(dead_code, reason = "it counts")] OwnedSemaphorePermit);

impl Code {
    /// Waits for a turn, if the code has been slow.
    pub(crate) async fn turn(self) -> Option<Turn> {
        match self.is_slow() {
            true => OTHERS.clone().acquire_owned().await.ok().map(Turn),
            false => None,
        }
    }
}

/// A place in the queue for the turns of controllers.
pub(super) struct Queueing(PollSemaphore);

impl Default for Queueing {
    fn default() -> Queueing {
        Queueing(PollSemaphore::new(CONTROLLERS.clone()))
    }
}

impl Queueing {
    pub(super) fn poll_turn(&mut self, task: &mut Context<'_>) -> Poll<Turn> {
        let permit = ready!(self.0.poll_acquire(task));
        Poll::Ready(Turn(permit.expect("the semaphore is never closed")))
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures_util::poll;

    use super::*;

    #[tokio::test]
    async fn code_that_has_become_quick_while_it_queued_keeps_no_turn() {
        let code = Code::controller("turns.rs");
        code.note(3000);
        let all = CONTROLLERS.available_permits() as u32;
        let taken = CONTROLLERS.clone().acquire_many_owned(all).await.unwrap();
        let mut waiting = code.watch(pending::<()>());
        assert!(poll!(&mut waiting).is_pending());
        while code.is_slow() {
            code.note(0);
        }
        drop(taken);
        assert!(poll!(&mut waiting).is_pending(), "it runs, and waits for something else");
        assert_eq!(CONTROLLERS.available_permits(), all as usize);
    }
}
