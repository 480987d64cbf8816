//! The memory of processes.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::contestant::Contestant;
use crate::{Result, processes};

/// Returns the peak memory of a process since [`forget_peak`], in bytes.
pub(crate) fn peak(pid: u32) -> Result<u64> {
    let file = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&file)?;
    field(&status, "VmHWM").ok_or_else(|| format!("{file} is not understood: {status}").into())
}

/// Resets [`peak`].
pub(crate) fn forget_peak(pid: u32) -> Result {
    Ok(fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

/// Returns the memory of a contestant in bytes: of its processes, and of its files in memory.
pub(crate) fn of(contestant: &Contestant) -> Result<u64> {
    let files = contestant.kept_in.as_deref().map_or(Ok(0), of_files)?;
    Ok(resident(&contestant.processes)? + files)
}

/// Returns the memory of these processes and their descendants, in bytes. Shared memory is counted
/// once.
pub(crate) fn resident(roots: &[u32]) -> Result<u64> {
    let mut bytes = 0;
    for pid in processes::with_children(roots)? {
        let file = format!("/proc/{pid}/smaps_rollup");
        let Ok(rollup) = fs::read_to_string(&file) else { continue };
        bytes +=
            field(&rollup, "Pss").ok_or_else(|| format!("{file} is not understood: {rollup}"))?;
    }
    Ok(bytes)
}

/// Returns the size of the files below a folder on the disk, in bytes.
fn of_files(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += metadata.blocks() * 512;
        if metadata.is_dir() {
            bytes += of_files(&entry.path())?;
        }
    }
    Ok(bytes)
}

/// Parses a field in kibibytes, as in proc_pid_status(5) and proc_pid_smaps(5), and returns it in
/// bytes.
fn field(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(known, _)| *known == name)?;
    let kibibytes: u64 = value.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_converted_to_bytes() {
        let status = "VmPeak:\t  10 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n";
        assert_eq!(field(status, "VmHWM"), Some(2 << 20));
        assert_eq!(field("VmRSS:\t 1 kB\n", "VmHWM"), None);
        let rollup = "5581 [rollup]\nRss:  3000 kB\nPss:   1024 kB\nPss_Dirty:  7 kB\n";
        assert_eq!(field(rollup, "Pss"), Some(1 << 20));
    }

    #[test]
    fn this_process_uses_memory() {
        assert!(peak(std::process::id()).unwrap() > 1 << 20);
        assert!(resident(&[std::process::id()]).unwrap() > 1 << 20);
    }

    #[test]
    fn files_count_with_their_size_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/b"), vec![b'x'; 100_000]).unwrap();
        assert!(of_files(folder.path()).unwrap() >= 100_000);
    }
}
