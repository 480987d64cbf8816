//! The file descriptors of the process, and their allocation.
//!
//! Most systems start a process with a soft limit of 1,024 descriptors and let it raise that to a hard limit, which
//! is far higher. A node does so at the start. It then allocates the descriptors to fixed shares, so that no kind of
//! connection can use up the descriptors of another kind, or of the node itself:
//!
//! | share | size |
//! |---|---|
//! | the *reserve*: admin port, link, log, the site's own files | a quarter, 64 to 1,024 |
//! | connections that are refused with 503 | a 16th of the rest, 256 at most |
//! | files that are open for responses | a quarter of the rest, `limits.connections` at most |
//! | connections of visitors | the remainder, `limits.connections` at most |
//!
//! No HTTP/2 connection may have more concurrent requests than a quarter of the files.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Mode;
use crate::files;

/// The limit that macOS allows every process.
const OPEN_MAX: u64 = 10_240;

/// The limit on open descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Descriptors {
    /// The limit at the start.
    before: u64,
    /// The limit after raising it.
    now: u64,
}

/// The allocation of the descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shares {
    /// Connections to the admin port.
    pub(super) admin: usize,
    /// Connections of visitors.
    pub(super) connections: usize,
    /// Connections that are refused with 503.
    pub(super) refusals: usize,
    /// Files that are open for responses.
    pub(super) files: usize,
    /// Concurrent requests on an HTTP/2 connection.
    pub(super) streams: u32,
}

impl Descriptors {
    /// Raises the soft limit to the hard one.
    pub(super) fn raise() -> Descriptors {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let before = current.unwrap_or(u64::MAX);
        let raise = |current| setrlimit(Resource::Nofile, Rlimit { current, maximum });
        // macOS has no hard limit by default, and refuses an unlimited soft one.
        let raised = raise(maximum).or_else(|_| raise(Some(before.max(OPEN_MAX))));
        if let Err(error) = raised {
            tracing::warn!(%error, before, "the limit of open files cannot be raised");
        }
        let now = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        Descriptors { before, now }
    }

    /// Computes the shares of a node that accepts up to `connections` visitors.
    pub(super) fn share(self, connections: usize) -> Shares {
        let all = usize::try_from(self.now).unwrap_or(usize::MAX);
        let reserve = (all / 4).clamp(64, 1024);
        let rest = all.saturating_sub(reserve);
        let refusals = (rest / 16).clamp(1, 256);
        let files = (rest / 4).clamp(1, connections.max(1));
        let left = rest.saturating_sub(refusals + files);
        Shares {
            admin: reserve / 4,
            connections: connections.min(left).max(1),
            refusals,
            files,
            streams: u32::try_from(files / 4).unwrap_or(u32::MAX).clamp(8, 200),
        }
    }

    /// Computes the shares, limits the open files of this process, and logs the limits.
    pub(super) fn apply(self, mode: Mode, connections: usize) -> Shares {
        let shares = self.share(connections);
        files::allow_open(shares.files);
        let Descriptors { before, now } = self;
        let Shares { connections: most, files, streams, .. } = shares;
        if mode == Mode::Backend {
            tracing::info!(descriptors = now, before, files, "limits of this process");
        } else if most < connections {
            tracing::warn!(
                descriptors = now,
                before,
                connections = most,
                wanted = connections,
                files,
                streams,
                "there are too few descriptors for `limits.connections`: raise the hard limit of \
                 open files (LimitNOFILE= in a unit of systemd)"
            );
        } else {
            let connections = most;
            tracing::info!(
                descriptors = now,
                before,
                connections,
                files,
                streams,
                "limits of this process"
            );
        }
        shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(now: u64, connections: usize) -> Shares {
        Descriptors { before: now, now }.share(connections)
    }

    #[test]
    fn the_shares_do_not_exceed_the_limit() {
        for now in [128, 256, 1024, 4096, 65_536, 1 << 20, 1 << 30, u64::MAX] {
            for connections in [1, 100, 10_000, 1_000_000] {
                let shares = share(now, connections);
                let Shares { admin, connections: most, refusals, files, .. } = shares;
                let sum = [admin, most, refusals, files].iter().sum::<usize>() as u64;
                assert!(sum + 32 <= now, "{now} {connections}: {shares:?}");
                assert!(most <= connections && most > 0 && files > 0 && admin >= 16);
            }
        }
    }

    #[test]
    fn a_usual_hard_limit_is_enough_for_all_connections() {
        let shares = share(524_288, 10_000);
        assert_eq!((shares.connections, shares.files, shares.streams), (10_000, 10_000, 200));
        let shares = share(1024, 10_000);
        assert_eq!((shares.connections, shares.files, shares.streams), (528, 192, 48));
    }
}
