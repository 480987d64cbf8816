//! What a process has cost, and where it runs.

use std::time::Duration;

use rustix::param::clock_ticks_per_second;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::Result;

/// The CPU time that a process has used so far, its own and the system's on its behalf, with the
/// resolution of the system's tick (10 ms on most machines).
pub(crate) fn used(pid: u32) -> Result<Duration> {
    let file = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&file)?;
    let ticks = ticks(&stat).ok_or_else(|| format!("{file} is not understood: {stat}"))?;
    Ok(Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64))
}

/// The fields `utime` and `stime` of proc_pid_stat(5), added.
fn ticks(stat: &str) -> Option<u64> {
    // The name of the program stands in parentheses and may hold anything, parentheses too.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

/// Two cores apart from each other: one for who is measured, one for who measures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cores {
    pub(crate) server: usize,
    pub(crate) load: usize,
}

impl Cores {
    /// The first two cores that this process may use.
    pub(crate) fn two() -> Result<Cores> {
        let allowed = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        match (cores.next(), cores.next()) {
            (Some(server), Some(load)) => Ok(Cores { server, load }),
            _ => Err("pinning takes two cores, and there is only one".into()),
        }
    }
}

/// Keeps this thread, and all processes that it starts from now on, on one core.
pub(crate) fn pin(core: usize) -> Result {
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_are_added() {
        let stat = "4711 (a) b) (c) S 1 4711 4711 0 -1 4194560 1219 0 0 0 250 17 0 0 20 0 3 0 91";
        assert_eq!(ticks(stat), Some(267));
        assert_eq!(ticks("4711 (a) S 1"), None);
    }

    #[test]
    fn this_process_has_used_some_time() {
        assert!(used(std::process::id()).unwrap() < Duration::from_secs(3600));
    }
}
