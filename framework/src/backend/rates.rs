//! Limits how often visitors call.
//!
//! For each visitor of each route with a rate, one moment is stored: when its allowance is full
//! again. A call advances the moment by the period divided by the number of requests, and is
//! refused if the moment would then be more than a period ahead. This is the generic cell rate
//! algorithm: the declared number of requests may arrive at once, and then one at a time as the
//! period makes room. A moment that has passed carries no information and need not be stored.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Moment;
use crate::link::CallRate;

/// The greatest number of visitors whose allowance is stored. They take about 10 MiB.
const MOST: usize = 1 << 16;

/// The number of visitors below which passed moments are not swept.
const FEW: usize = 1 << 10;

/// The allowances of visitors.
#[derive(Debug, Default)]
pub(super) struct Rates(Mutex<Buckets>);

#[derive(Debug, Default)]
struct Buckets {
    /// When each allowance is full again, in nanoseconds of the clock.
    full_at: HashMap<Box<str>, u64>,
    /// The number of entries from which on they are swept.
    sweep_at: usize,
}

impl Rates {
    /// Counts a call.
    ///
    /// # Errors
    /// The time until there is room for the call, if there is none now. The call is not counted
    /// then.
    pub(super) fn take(&self, rate: &CallRate, now: Moment) -> Result<(), Duration> {
        let now = now.as_nanos();
        let period = rate.period.saturating_mul(1_000_000);
        let interval = period / u64::from(rate.requests.max(1));
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = buckets.full_at.get(&*rate.bucket).copied().unwrap_or_default().max(now);
        let after = before.saturating_add(interval);
        let latest = now.saturating_add(period);
        if after > latest {
            return Err(Duration::from_nanos(after - latest));
        }
        if buckets.full_at.len() >= buckets.sweep_at.max(FEW) {
            buckets.sweep(now);
        }
        buckets.full_at.insert(rate.bucket.as_str().into(), after);
        Ok(())
    }
}

impl Buckets {
    /// Drops the moments that have passed. If that is too little, the half that would pass soonest
    /// is dropped too: an attacker with that many addresses need not wait for any of them.
    fn sweep(&mut self, now: u64) {
        self.full_at.retain(|_, full_at| *full_at > now);
        if self.full_at.len() >= MOST {
            let mut moments: Vec<u64> = self.full_at.values().copied().collect();
            let half = moments.len() / 2;
            let (_, middle, _) = moments.select_nth_unstable(half);
            let middle = *middle;
            self.full_at.retain(|_, full_at| *full_at > middle);
        }
        self.sweep_at = (2 * self.full_at.len()).min(MOST);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn rate(bucket: &str, requests: u32, period: u64) -> CallRate {
        CallRate { bucket: bucket.to_owned(), requests, period: period * 1000 }
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_nanos(seconds * SECOND)
    }

    #[test]
    fn a_whole_allowance_may_be_used_at_once_and_then_one_call_at_a_time() {
        let rates = Rates::default();
        let rate = rate("a", 10, 180);
        for _ in 0..10 {
            assert_eq!(rates.take(&rate, at(1000)), Ok(()));
        }
        assert_eq!(rates.take(&rate, at(1000)), Err(Duration::from_secs(18)));
        assert_eq!(rates.take(&rate, at(1017)), Err(Duration::from_secs(1)));
        assert_eq!(rates.take(&rate, at(1018)), Ok(()));
        assert_eq!(rates.take(&rate, at(1018)), Err(Duration::from_secs(18)));
        let all = (0..10).all(|_| rates.take(&rate, at(1018 + 180)).is_ok());
        assert!(all && rates.take(&rate, at(1018 + 180)).is_err());
    }

    #[test]
    fn visitors_do_not_use_up_the_allowance_of_others() {
        let rates = Rates::default();
        assert_eq!(rates.take(&rate("a", 1, 60), at(1)), Ok(()));
        assert_eq!(rates.take(&rate("b", 1, 60), at(1)), Ok(()));
        assert!(rates.take(&rate("a", 1, 60), at(2)).is_err());
    }

    #[test]
    fn a_million_visitors_take_no_more_memory_than_the_bound_allows() {
        let rates = Rates::default();
        for visitor in 0..1_000_000 {
            assert_eq!(
                rates.take(&rate(&visitor.to_string(), 1, 3600), at(1 + visitor / 1000)),
                Ok(())
            );
        }
        assert!(rates.0.lock().unwrap().full_at.len() <= MOST);
        assert!(
            rates.take(&rate("999999", 1, 3600), at(1001)).is_err(),
            "the last are still counted"
        );
        // Moments that have passed are dropped before others.
        let rates = Rates::default();
        assert_eq!(rates.take(&rate("long", 1, 1_000_000), at(1)), Ok(()));
        for visitor in 0..200_000 {
            assert_eq!(rates.take(&rate(&visitor.to_string(), 1, 1), at(1 + visitor)), Ok(()));
        }
        assert!(rates.0.lock().unwrap().full_at.len() <= 2 * FEW);
        assert!(rates.take(&rate("long", 1, 1_000_000), at(200_001)).is_err());
    }

    proptest! {
        /// In no period more than twice the declared number of calls; over many periods the
        /// declared number for each and one more; and a visitor that waits as long as the refusal
        /// demands is accepted.
        #[test]
        fn the_rate_holds_whenever_calls_come(
            requests in 1_u32..20,
            period in 1_u64..100,
            pauses in proptest::collection::vec(0_u64..20 * SECOND, 1..200),
        ) {
            let rates = Rates::default();
            let rate = rate("a", requests, period);
            let (mut now, mut taken) = (SECOND, Vec::new());
            for pause in pauses {
                now += pause;
                match rates.take(&rate, Moment::from_nanos(now)) {
                    Ok(()) => taken.push(now),
                    Err(wait) => {
                        let soon = now + u64::try_from(wait.as_nanos()).unwrap();
                        prop_assert!(wait > Duration::ZERO && soon - now <= period * SECOND);
                        now = soon;
                        prop_assert_eq!(rates.take(&rate, Moment::from_nanos(now)), Ok(()));
                        taken.push(now);
                    }
                }
            }
            for (index, first) in taken.iter().enumerate() {
                for (count, last) in taken[index..].iter().enumerate() {
                    let periods = (last - first) / (period * SECOND) + 1;
                    let most = u64::from(requests) * (periods + 1);
                    prop_assert!((count as u64) < most, "{} in {} periods", count + 1, periods);
                }
            }
        }
    }
}
