use std::time::{Duration, Instant};

/// The time after which an operation is reported, and the interval of later reports.
const EVERY: Duration = Duration::from_secs(5);
/// The number of steps between two readings of the clock.
const STEPS: u32 = 1024;

/// Reports the progress of a long operation, and its remaining time.
#[derive(Debug)]
pub(crate) struct Progress {
    operation: &'static str,
    /// 0 if it is not known.
    total: u64,
    began: Instant,
    reported: Instant,
    steps: u32,
}

impl Progress {
    /// Begins an operation. `total` is its amount of work, in any unit; 0 if it is not known.
    pub(crate) fn begin(operation: &'static str, total: u64) -> Progress {
        let now = Instant::now();
        Progress { operation, total, began: now, reported: now, steps: 0 }
    }

    /// Counts a step, after which `done` of the total is done.
    pub(crate) fn step(&mut self, done: u64) {
        self.steps += 1;
        if self.steps >= STEPS {
            self.look(done);
        }
    }

    /// Reads the clock at once, for steps that take long each.
    pub(crate) fn look(&mut self, done: u64) {
        self.steps = 0;
        let now = Instant::now();
        if now - self.reported < EVERY {
            return;
        }
        self.reported = now;
        let (operation, total) = (self.operation, self.total);
        match remaining(now - self.began, done, total) {
            Some(left) => tracing::info!(
                done,
                total,
                percent = done.saturating_mul(100) / total,
                left = format!("about {} s", left.as_secs().max(1)),
                "{operation}"
            ),
            None => tracing::info!(done, "{operation}"),
        }
    }

    /// Ends the operation, successfully.
    pub(crate) fn end(self, done: u64) {
        let took = self.began.elapsed();
        if self.reported != self.began {
            tracing::info!(
                done,
                took = format!("{} s", took.as_secs()),
                "{}: done",
                self.operation
            );
        }
    }
}

/// Returns the remaining time at the present speed.
fn remaining(elapsed: Duration, done: u64, total: u64) -> Option<Duration> {
    if done == 0 || total < done {
        return None;
    }
    Some(elapsed.mul_f64((total - done) as f64 / done as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remaining_time_is_proportional_to_the_work_left() {
        let elapsed = Duration::from_secs(10);
        assert_eq!(remaining(elapsed, 25, 100), Some(Duration::from_secs(30)));
        assert_eq!(remaining(elapsed, 100, 100), Some(Duration::ZERO));
        assert_eq!(remaining(elapsed, 0, 100), None);
        assert_eq!(remaining(elapsed, 5, 0), None, "the total is not known");
    }
}
