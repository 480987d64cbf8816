//! The CPU time of processes, and the cores that they run on.

use std::sync::OnceLock;
use std::time::Duration;

use rustix::param::clock_ticks_per_second;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::{Result, processes};

/// CPU time, with the resolution of the system's tick (10 ms on most machines).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    /// Time in user mode.
    pub(crate) user: Duration,
    /// Time in the kernel.
    pub(crate) system: Duration,
}

impl Used {
    pub(crate) fn total(self) -> Duration {
        self.user + self.system
    }

    pub(crate) fn since(self, before: Used) -> Used {
        Used {
            user: self.user.saturating_sub(before.user),
            system: self.system.saturating_sub(before.system),
        }
    }
}

/// Returns the CPU time that these processes and their running descendants have used so far.
pub(crate) fn used(roots: &[u32]) -> Result<Used> {
    let (mut user, mut system) = (0, 0);
    for pid in processes::with_children(roots)? {
        // A process that has ended since the listing is not a server.
        let Ok(stat) = processes::stat(pid) else { continue };
        user += stat.user;
        system += stat.system;
    }
    Ok(Used { user: time(user), system: time(system) })
}

/// Converts ticks of the system into a duration.
pub(crate) fn time(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64)
}

/// Two different cores: one for the server, one for the load generator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cores {
    pub(crate) server: usize,
    pub(crate) load: usize,
}

impl Cores {
    /// Returns the first two cores that this process could use at the first call; later it may be
    /// pinned to one of them.
    pub(crate) fn two() -> Result<Cores> {
        static CORES: OnceLock<Option<Cores>> = OnceLock::new();
        let allowed = sched_getaffinity(None)?;
        let cores = CORES.get_or_init(|| {
            let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
            Some(Cores { server: cores.next()?, load: cores.next()? })
        });
        cores.ok_or_else(|| "pinning takes two cores, and there is only one".into())
    }
}

/// Pins this thread, and all processes that it starts from now on, to one core.
pub(crate) fn pin(core: usize) -> Result {
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_pinned_to_one_core_still_returns_both() {
        // With a single core there is nothing to pin.
        let Ok(Cores { server, load }) = Cores::two() else { return };
        pin(server).unwrap();
        let again = Cores::two().unwrap();
        assert_eq!((again.server, again.load), (server, load));
    }

    #[test]
    fn this_process_has_used_some_time() {
        let used = used(&[std::process::id()]).unwrap();
        assert!(used.total() < Duration::from_secs(3600));
        assert!(used.since(used).total().is_zero());
    }
}
