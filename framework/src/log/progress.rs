use std::time::{Duration, Instant};

/// How long an operation runs before it is reported, and how often afterwards.
const EVERY: Duration = Duration::from_secs(5);
/// How many steps pass between two looks at the clock.
const STEPS: u32 = 1024;

/// Reports of an operation that takes long how far it is, and for how long it will go on.
#[derive(Debug)]
pub(crate) struct Progress {
    what: &'static str,
    /// 0 where it is not known.
    total: u64,
    began: Instant,
    reported: Instant,
    steps: u32,
}

impl Progress {
    /// `total` is what the operation has to do, in any unit; 0 where that is not known.
    pub(crate) fn begin(what: &'static str, total: u64) -> Progress {
        let now = Instant::now();
        Progress { what, total, began: now, reported: now, steps: 0 }
    }

    /// A step was made; `done` of the total are.
    pub(crate) fn step(&mut self, done: u64) {
        self.steps += 1;
        if self.steps >= STEPS {
            self.look(done);
        }
    }

    /// The same for steps that take long each.
    pub(crate) fn look(&mut self, done: u64) {
        self.steps = 0;
        let now = Instant::now();
        if now - self.reported < EVERY {
            return;
        }
        self.reported = now;
        let (what, total) = (self.what, self.total);
        match remaining(now - self.began, done, total) {
            Some(left) => tracing::info!(
                done,
                total,
                percent = done.saturating_mul(100) / total,
                left = format!("about {} s", left.as_secs().max(1)),
                "{what}"
            ),
            None => tracing::info!(done, "{what}"),
        }
    }

    /// The operation has ended, successfully.
    pub(crate) fn end(self, done: u64) {
        let took = self.began.elapsed();
        if self.reported != self.began {
            tracing::info!(done, took = format!("{} s", took.as_secs()), "{}: done", self.what);
        }
    }
}

/// How long the rest takes if it goes on as before.
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
    fn the_rest_takes_as_long_as_what_was_done_took() {
        let elapsed = Duration::from_secs(10);
        assert_eq!(remaining(elapsed, 25, 100), Some(Duration::from_secs(30)));
        assert_eq!(remaining(elapsed, 100, 100), Some(Duration::ZERO));
        assert_eq!(remaining(elapsed, 0, 100), None);
        assert_eq!(remaining(elapsed, 5, 0), None, "the total is not known");
    }
}
