//! Waiting for a client to stop sending after its last response.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// How long a client is listened to at most.
const LONGEST: Duration = Duration::from_secs(30);

/// How long nothing may come from it.
const SILENCE: Duration = Duration::from_secs(5);

/// How long it is listened to when the server wants to end the connection.
const LAST: Duration = Duration::from_secs(1);

/// The time for which what a client still sends is read and dropped. How much that is does not
/// matter: a client that may send a file of some GiB reads the response when it has sent the file.
pub(super) struct Linger {
    end: Instant,
    last_read: Instant,
    /// Made when the client is first waited for.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Linger {
    /// From now on.
    pub(super) fn begin() -> Linger {
        let now = Instant::now();
        Linger { end: now + LONGEST, last_read: now, timer: None }
    }

    /// Something came.
    pub(super) fn note_read(&mut self) {
        self.last_read = Instant::now();
    }

    /// The server wants to end the connection.
    pub(super) fn hurry(&mut self) {
        self.end = self.end.min(Instant::now() + LAST);
    }

    /// Whether the time is over.
    pub(super) fn is_over(&self) -> bool {
        self.next() <= Instant::now()
    }

    /// Ready when the time is over.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let next = self.next();
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(next)));
        if timer.deadline() != next {
            timer.as_mut().reset(next);
        }
        timer.as_mut().poll(context)
    }

    /// When the time is over, if nothing comes until then.
    fn next(&self) -> Instant {
        self.end.min(self.last_read + SILENCE)
    }
}
