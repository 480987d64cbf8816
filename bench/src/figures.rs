//! Summaries of many measurements.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The distribution of many durations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Times {
    /// The 50th percentile in microseconds.
    pub(crate) median_us: f64,
    /// The 99th percentile in microseconds.
    pub(crate) p99_us: f64,
    /// The 99.9th percentile in microseconds.
    pub(crate) p999_us: f64,
}

/// The spread of one figure over the rounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Times {
    /// Returns `None` when nothing was measured.
    pub(crate) fn of(mut times: Vec<Duration>) -> Option<Times> {
        times.sort_unstable();
        let rank = |part: f64| Some(micros(*times.get(rank(times.len(), part)?)?));
        Some(Times { median_us: rank(0.5)?, p99_us: rank(0.99)?, p999_us: rank(0.999)? })
    }
}

impl Times {
    /// Subtracts each figure of `others`.
    pub(crate) fn less(self, others: Times) -> Times {
        Times {
            median_us: self.median_us - others.median_us,
            p99_us: self.p99_us - others.p99_us,
            p999_us: self.p999_us - others.p999_us,
        }
    }

    /// Returns all figures in milliseconds.
    pub(crate) fn millis(self) -> [f64; 3] {
        [self.median_us, self.p99_us, self.p999_us].map(|micros| micros / 1000.0)
    }
}

impl Spread {
    /// Returns `None` when nothing was measured.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_unstable_by(f64::total_cmp);
        let (min, max) = (*figures.first()?, *figures.last()?);
        let middle = figures.len() / 2;
        let median = match figures.len() % 2 {
            0 => f64::midpoint(figures[middle - 1], figures[middle]),
            _ => figures[middle],
        };
        Some(Spread { min, median, max })
    }
}

/// Returns the index of the smallest of `count` sorted figures that `part` of them do not exceed.
fn rank(count: usize, part: f64) -> Option<usize> {
    ((count as f64 * part).ceil() as usize).min(count).checked_sub(1)
}

/// Converts a duration to microseconds.
pub(crate) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_taken_by_the_nearest_rank() {
        let times = (1..=1000).rev().map(Duration::from_micros).collect();
        let Times { median_us, p99_us, p999_us } = Times::of(times).unwrap();
        assert!((median_us - 500.0).abs() < 1e-6 && (p99_us - 990.0).abs() < 1e-6);
        assert!((p999_us - 999.0).abs() < 1e-6);
        let one = Times::of(vec![Duration::from_millis(3)]).unwrap();
        assert_eq!(one, Times { median_us: 3000.0, p99_us: 3000.0, p999_us: 3000.0 });
        assert_eq!(Times::of(Vec::new()), None);
    }

    #[test]
    fn the_median_of_an_even_number_is_between_the_two_in_the_middle() {
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!(spread, Spread { min: 1.0, median: 2.5, max: 4.0 });
        assert_eq!(Spread::of([]), None);
    }
}
