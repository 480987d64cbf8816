//! Turns for code that has been slow: a few computations of it run at a time, while the others wait
//! without a thread. Code that has been fast waits for no turn.
//!
//! Each code has turns of its own, so a page that takes three seconds delays no other page, not
//! even one that counts as slow because its thread was interrupted. All turns together are bounded
//! as well, because each occupies a thread.

use std::sync::{Arc, LazyLock, OnceLock};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::code::CODES;
use super::{Code, MOST_HANDED_OVER, cores};

/// The turns of each code, created when the code has been slow.
static OWN: [OnceLock<Arc<Semaphore>>; CODES] = [const { OnceLock::new() }; CODES];
/// All turns. The remaining threads are for code that needs no turn, as when it has never run.
static ALL: LazyLock<Arc<Semaphore>> =
    LazyLock::new(|| Arc::new(Semaphore::new(MOST_HANDED_OVER * 3 / 4)));

/// A turn, held until this is dropped.
#[derive(Debug)]
pub(crate) struct Turn(#[expect(dead_code, reason = "they count")] [OwnedSemaphorePermit; 2]);

impl Code {
    /// Waits for a turn, if the code has been slow.
    pub(crate) async fn turn(self) -> Option<Turn> {
        if !self.is_slow() {
            return None;
        }
        // In this order, code that waits for its own turns holds none of the others.
        let own = self.turns().acquire_owned().await.ok()?;
        let one_of_all = ALL.clone().acquire_owned().await.ok()?;
        Some(Turn([own, one_of_all]))
    }

    fn turns(self) -> Arc<Semaphore> {
        OWN[self.index()].get_or_init(|| Arc::new(Semaphore::new((2 * cores()).max(4)))).clone()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures_util::{FutureExt, poll};

    use super::*;

    #[tokio::test]
    async fn code_that_has_become_quick_while_it_queued_keeps_no_turn() {
        let code = Code::controller("turns.rs");
        code.note(3000);
        let all = code.turns().available_permits();
        let taken = code.turns().acquire_many_owned(all as u32).await.unwrap();
        let mut waiting = code.watch(pending::<()>());
        assert!(poll!(&mut waiting).is_pending());
        while code.is_slow() {
            code.note(0);
        }
        drop(taken);
        assert!(poll!(&mut waiting).is_pending(), "it runs, and waits for something else");
        assert_eq!(code.turns().available_permits(), all);
    }

    #[tokio::test]
    async fn slow_code_waits_for_no_other_slow_code() {
        let (slow, interrupted) = (Code::template("slow"), Code::template("interrupted"));
        slow.note(3000);
        interrupted.note(3);
        let mut turns = Vec::new();
        while let Some(turn) = slow.turn().now_or_never() {
            turns.push(turn);
        }
        assert!(interrupted.turn().now_or_never().is_some());
    }
}
