use std::fmt;
use std::io::Write;
use std::net::SocketAddr;
use std::str::FromStr;

/// The line with which a node announces on stdout that it listens, and on which addresses:
///
/// ```text
/// frontend f1 http://127.0.0.1:8000 admin http://127.0.0.1:8200 pid 4711
/// backend b1 link 127.0.0.1:8100 admin http://127.0.0.1:8300 pid 4712
/// single-node node http://127.0.0.1:8000 admin http://127.0.0.1:8200 pid 4713
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The node's name.
    pub name: String,
    /// The node's kind and entry address.
    pub entrance: Entrance,
    /// The bound address of the admin port.
    pub admin: SocketAddr,
    /// The process id.
    pub pid: u32,
}

/// The bound address by which a node is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// A front end, reached by visitors over HTTP.
    Frontend(SocketAddr),
    /// A back end, reached by front ends over the link.
    Backend(SocketAddr),
    /// A node that is both, reached by visitors over HTTP.
    SingleNode(SocketAddr),
}

impl Announcement {
    /// Announces the node that runs in this process.
    pub fn new(name: impl Into<String>, entrance: Entrance, admin: SocketAddr) -> Announcement {
        Announcement { name: name.into(), entrance, admin, pid: std::process::id() }
    }

    /// Writes the line to stdout. Errors are ignored, so that a node keeps running when stdout is closed.
    pub fn print(&self) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{self}").and_then(|()| out.flush());
    }
}

impl fmt::Display for Announcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Announcement { name, admin, pid, .. } = self;
        match self.entrance {
            Entrance::Frontend(http) => write!(f, "frontend {name} http://{http}")?,
            Entrance::Backend(link) => write!(f, "backend {name} link {link}")?,
            Entrance::SingleNode(http) => write!(f, "single-node {name} http://{http}")?,
        }
        write!(f, " admin http://{admin} pid {pid}")
    }
}

/// The error for a line that is not an announcement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the announcement of a node")]
pub struct NoAnnouncement;

impl FromStr for Announcement {
    type Err = NoAnnouncement;

    fn from_str(line: &str) -> Result<Announcement, NoAnnouncement> {
        fn address(url: &str) -> Result<SocketAddr, NoAnnouncement> {
            let text = url.strip_prefix("http://").ok_or(NoAnnouncement)?;
            text.parse().map_err(|_| NoAnnouncement)
        }
        let words: Vec<&str> = line.split(' ').collect();
        let (name, entrance, rest) = match words.as_slice() {
            ["frontend", name, url, rest @ ..] => (name, Entrance::Frontend(address(url)?), rest),
            ["single-node", name, url, rest @ ..] => {
                (name, Entrance::SingleNode(address(url)?), rest)
            }
            ["backend", name, "link", link, rest @ ..] => {
                (name, Entrance::Backend(link.parse().map_err(|_| NoAnnouncement)?), rest)
            }
            _ => return Err(NoAnnouncement),
        };
        let ["admin", admin, "pid", pid] = rest else { return Err(NoAnnouncement) };
        Ok(Announcement {
            name: (*name).to_owned(),
            entrance,
            admin: address(admin)?,
            pid: pid.parse().map_err(|_| NoAnnouncement)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_survives_formatting_and_parsing() {
        for line in [
            "frontend f1 http://127.0.0.1:8000 admin http://127.0.0.1:8200 pid 1",
            "backend b1 link [::1]:8100 admin http://127.0.0.1:8300 pid 2",
            "single-node node http://127.0.0.1:8000 admin http://127.0.0.1:8200 pid 3",
        ] {
            let announcement: Announcement = line.parse().unwrap();
            assert_eq!(announcement.to_string(), line);
        }
    }

    #[test]
    fn other_lines_are_no_announcements() {
        for line in ["", "ready", "frontend", "frontend f1 http://x admin http://127.0.0.1:1 pid 2"]
        {
            assert_eq!(line.parse::<Announcement>(), Err(NoAnnouncement), "{line}");
        }
    }
}
