use std::collections::BTreeMap;
use std::fs;
use std::time::SystemTime;

use serde::Serialize;

use crate::tools;

/// The machine and the versions of the measured programs.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    /// In the format of HTTP, in GMT.
    pub(crate) date: String,
    /// The versions of the contestants and the load generators; missing programs are left out.
    pub(crate) versions: BTreeMap<&'static str, String>,
    /// The load average of the last minute before the start.
    pub(crate) load_before: f64,
}

/// The packages whose versions matter.
const PACKAGES: [&str; 6] = ["headwater", "hyper", "tokio", "axum", "tera", "moka"];

/// The dependencies that this program was built with.
const LOCK: &str = include_str!("../../Cargo.lock");

impl Machine {
    pub(crate) fn read() -> Machine {
        let file = |path| fs::read_to_string(path).unwrap_or_default();
        let processor = file("/proc/cpuinfo");
        let processor = processor.lines().find(|line| line.starts_with("model name"));
        let processor = processor.and_then(|line| line.split_once(": ")).map(|(_, name)| name);
        let load = file("/proc/loadavg");
        let load = load.split(' ').next().and_then(|minute| minute.parse().ok());
        let version = |name| (name, version(LOCK, name).unwrap_or("?").to_owned());
        let tools = tools::ALL.into_iter();
        let tools = tools.filter_map(|tool| Some((tool.name(), tool.version()?)));
        Machine {
            processor: processor.unwrap_or("an unknown processor").to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: format!("Linux {}", file("/proc/sys/kernel/osrelease").trim()),
            date: httpdate::fmt_http_date(SystemTime::now()),
            versions: PACKAGES.map(version).into_iter().chain(tools).collect(),
            load_before: load.unwrap_or(f64::NAN),
        }
    }
}

/// Returns the version of a package in a Cargo.lock.
fn version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{package}\""));
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_the_lock() {
        let lock = "[[package]]\nname = \"hyper-util\"\nversion = \"0.1.0\"\n\n\
                    [[package]]\nname = \"hyper\"\nversion = \"1.9.0\"\n";
        assert_eq!(version(lock, "hyper"), Some("1.9.0"));
        assert_eq!(version(lock, "hype"), None);
        assert!(Machine::read().versions.values().all(|version| version != "?"));
    }
}
