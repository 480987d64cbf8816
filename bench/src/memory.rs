//! The memory that a process has.

use std::fs;

use crate::Result;

/// The most that it had at once since [`forget_peak`], in bytes.
pub(crate) fn peak(pid: u32) -> Result<u64> {
    let file = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&file)?;
    peak_in(&status).ok_or_else(|| format!("{file} is not understood: {status}").into())
}

/// Makes [`peak`] begin anew.
pub(crate) fn forget_peak(pid: u32) -> Result {
    Ok(fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

/// The field `VmHWM` of proc_pid_status(5).
fn peak_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_in_bytes() {
        assert_eq!(
            peak_in("VmPeak:\t  10 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n"),
            Some(2 << 20)
        );
        assert_eq!(peak_in("VmRSS:\t 1 kB\n"), None);
        assert!(peak(std::process::id()).unwrap() > 1 << 20);
    }
}
