//! Waits for a client to stop sending after its last response.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// The maximum time.
const LONGEST: Duration = Duration::from_secs(30);

/// The maximum time without received bytes.
const SILENCE: Duration = Duration::from_secs(5);

/// The remaining time when the server wants to end the connection.
const LAST: Duration = Duration::from_secs(1);

/// The time for which bytes of a client are read and dropped. Their number is not limited here: a
/// client that may send a file of some GiB reads the response after it has sent the file.
pub(super) struct Linger {
    end: Instant,
    last_read: Instant,
    /// Created when the client is first waited for.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Linger {
    /// Starts now.
    pub(super) fn begin() -> Linger {
        let now = Instant::now();
        Linger { end: now + LONGEST, last_read: now, timer: None }
    }

    /// Notes that bytes were received.
    pub(super) fn note_read(&mut self) {
        self.last_read = Instant::now();
    }

    /// Shortens the time, because the server wants to end the connection.
    pub(super) fn hurry(&mut self) {
        self.end = self.end.min(Instant::now() + LAST);
    }

    /// Returns whether the time is over.
    pub(super) fn is_over(&self) -> bool {
        self.next() <= Instant::now()
    }

    /// Polls for the end of the time.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let next = self.next();
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(next)));
        if timer.deadline() != next {
            timer.as_mut().reset(next);
        }
        timer.as_mut().poll(context)
    }

    /// Returns the end of the time if no further bytes arrive.
    fn next(&self) -> Instant {
        self.end.min(self.last_read + SILENCE)
    }
}
