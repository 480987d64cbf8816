//! Processes and their descendants.

use std::fs;
use std::io::ErrorKind;

use crate::Result;

/// Returns these processes and all their descendants.
pub(crate) fn with_children(roots: &[u32]) -> Result<Vec<u32>> {
    let parents = parents()?;
    let mut found = roots.to_vec();
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        next += 1;
        let children = parents.iter().filter(|(_, its_parent)| *its_parent == parent);
        for (child, _) in children {
            if !found.contains(child) {
                found.push(*child);
            }
        }
    }
    Ok(found)
}

/// Returns every process with its parent.
fn parents() -> Result<Vec<(u32, u32)>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        match stat(pid) {
            Ok(stat) => parents.push((pid, stat.parent)),
            // The process has ended since the listing.
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(parents)
}

fn is_gone(error: &std::io::Error) -> bool {
    error.kind() == ErrorKind::NotFound
        || error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error())
}

/// The fields of proc_pid_stat(5) that are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) parent: u32,
    /// Ticks in user mode.
    pub(crate) user: u64,
    /// Ticks in the kernel.
    pub(crate) system: u64,
}

/// Reads the status of a process.
pub(crate) fn stat(pid: u32) -> std::io::Result<Stat> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    read(&stat).ok_or_else(|| {
        let message = format!("/proc/{pid}/stat is not understood: {stat}");
        std::io::Error::new(ErrorKind::InvalidData, message)
    })
}

fn read(stat: &str) -> Option<Stat> {
    // The name of the program is in parentheses and may contain anything, even parentheses.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let field = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat { parent: u32::try_from(field(1)?).ok()?, user: field(11)?, system: field(12)? })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_name_of_a_program_may_contain_parentheses() {
        let line = "4711 (a) b) (c) S 17 4711 4711 0 -1 4194560 1219 0 0 0 250 17 0 0 20 0 3 0 91";
        assert_eq!(read(line), Some(Stat { parent: 17, user: 250, system: 17 }));
        assert_eq!(read("4711 (a) S 1"), None);
    }

    #[test]
    fn children_and_their_children_are_found() {
        let mut shell = Command::new("sh").args(["-c", "sleep 60 & wait"]).spawn().unwrap();
        let found = loop {
            let found = with_children(&[shell.id()]).unwrap();
            if found.len() > 1 {
                break found;
            }
        };
        assert!(with_children(&[std::process::id()]).unwrap().contains(&found[1]));
        let pid = rustix::process::Pid::from_raw(found[1].cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        shell.wait().unwrap();
    }
}
