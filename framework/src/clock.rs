//! The clock that leases and lifetimes are measured with.
//!
//! It is monotonic and advances while the machine is suspended (`CLOCK_BOOTTIME` on Linux,
//! `CLOCK_MONOTONIC` on macOS): a front end that was suspended must not consider its lease still
//! valid.

use std::time::Duration;

/// A point on the node's own monotonic clock. Points of different nodes cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// The earliest moment: before everything that was ever measured.
    pub const EARLIEST: Moment = Moment(0);

    /// Returns the nanoseconds since an origin that is specific to this node.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Creates the moment with this number of nanoseconds since the node's origin.
    pub const fn from_nanos(nanos: u64) -> Moment {
        Moment(nanos)
    }

    /// Returns the time from `earlier` to this moment; zero if this is not later.
    pub const fn since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Returns the moment `duration` later, or the latest one if that overflows.
    pub const fn after(self, duration: Duration) -> Moment {
        let nanos = duration.as_nanos();
        let nanos = if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 };
        Moment(self.0.saturating_add(nanos))
    }
}

/// Returns the present moment.
pub fn now() -> Moment {
    let time = rustix::time::clock_gettime(CLOCK);
    Moment((time.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(time.tv_nsec as u64))
}

#[cfg(target_os = "linux")]
const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Monotonic;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_moment_is_not_before_an_earlier_one() {
        let earlier = now();
        let later = now();
        assert!(later >= earlier);
        assert_eq!(earlier.since(later.after(Duration::from_secs(1))), Duration::ZERO);
    }

    #[test]
    fn adding_too_much_stays_at_the_latest_moment() {
        assert_eq!(now().after(Duration::MAX), Moment::from_nanos(u64::MAX));
    }
}
