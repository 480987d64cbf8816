use std::time::Duration;

const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// The time between two attempts: 50 ms at first, doubled after each failure, up to a second. A
/// random part of it keeps front ends that lost the same back end from reconnecting all at once.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(super) fn new() -> Backoff {
        Backoff { next: SHORTEST }
    }

    /// Resets the time after a success.
    pub(super) fn reset(&mut self) {
        self.next = SHORTEST;
    }

    pub(super) async fn wait(&mut self) {
        tokio::time::sleep(self.take(rand::random_range(0.5..=1.0))).await;
    }

    fn take(&mut self, share: f64) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(LONGEST);
        whole.mul_f64(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backoff_doubles_up_to_a_second_and_can_be_reset() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..7).map(|_| backoff.take(1.0).as_millis()).collect();
        assert_eq!(waits, [50, 100, 200, 400, 800, 1000, 1000]);
        backoff.reset();
        assert_eq!(backoff.take(0.5).as_millis(), 25);
    }
}
