use std::fmt;
use std::io::Write;
use std::net::SocketAddr;
use std::str::FromStr;

/// The line with which a node says on stdout that it listens, and where:
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
    /// What it is, and where it is entered.
    pub entrance: Entrance,
    /// The admin port it really bound.
    pub admin: SocketAddr,
    /// Its process.
    pub pid: u32,
}

/// Where a node is entered: the address it really bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// A front end, by visitors over HTTP.
    Frontend(SocketAddr),
    /// A back end, by front ends over the link.
    Backend(SocketAddr),
    /// A node that is both, by visitors over HTTP.
    SingleNode(SocketAddr),
}

impl Announcement {
    /// What this process says of the node it runs.
    pub fn new(name: impl Into<String>, entrance: Entrance, admin: SocketAddr) -> Announcement {
        Announcement { name: name.into(), entrance, admin, pid: std::process::id() }
    }

    /// Writes the line to stdout. A node goes on when stdout is closed.
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

/// A line that is no announcement.
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
    fn an_announcement_is_read_as_it_was_written() {
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
