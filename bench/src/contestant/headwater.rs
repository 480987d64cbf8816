use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use headwater::internals::cli::{Announcement, Entrance};
use tempfile::TempDir;

use super::process::Process;
use super::{Contestant, Kind, Runs};
use crate::http1::{self, Answer, Connection};
use crate::{Result, personal, site};

/// The longest time until a front end is ready.
const PATIENCE: Duration = Duration::from_secs(20);

/// A back end and front ends.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) frontends: Vec<Node>,
    pub(crate) backend: Node,
    /// The site's files and the log, which are removed when the processes have ended.
    folder: TempDir,
}

/// One node of a cluster.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) entrance: SocketAddr,
    pub(crate) admin: SocketAddr,
    process: Process,
}

impl Cluster {
    /// Starts the nodes and waits until every front end holds a lease. The log and the site's files are in a new folder
    /// inside `place`.
    pub(crate) fn start(frontends: usize, place: &Path) -> Result<Cluster> {
        Cluster::start_with(frontends, place, &[])
    }

    /// Starts one front end and a back end that store pages without content codings.
    pub(crate) fn without_codings(place: &Path) -> Result<Cluster> {
        Cluster::start_with(1, place, &[("HEADWATER_CACHE__ENCODINGS", "")])
    }

    /// Starts one front end and a back end of a site with sessions.
    pub(crate) fn with_sessions(place: &Path) -> Result<Cluster> {
        const OURS: &str = "a secret that seals the sessions of the measured site";
        Cluster::start_with(1, place, &[(personal::SECRET, OURS)])
    }

    fn start_with(frontends: usize, place: &Path, variables: &[(&str, &str)]) -> Result<Cluster> {
        let folder = tempfile::Builder::new().prefix("headwater-bench-").tempdir_in(place)?;
        site::write_files(folder.path())?;
        if variables.iter().any(|(name, _)| *name == personal::SECRET) {
            site::add_sessions(folder.path())?;
        }
        let backend = Node::start(folder.path(), "backend", "b1", |node| {
            node.envs(variables.iter().copied())
        })?;
        let link = backend.entrance.to_string();
        let frontends = (1..=frontends).map(|i| {
            Node::start(folder.path(), "frontend", &format!("f{i}"), |node| {
                node.env("HEADWATER_LINK__BACKENDS", &link).envs(variables.iter().copied())
            })
        });
        let frontends = frontends.collect::<Result<Vec<_>>>()?;
        for frontend in &frontends {
            frontend.wait_until_ready()?;
        }
        Ok(Cluster { frontends, backend, folder })
    }

    /// Starts a single node, with a new folder inside `place`.
    pub(crate) fn single(place: &Path) -> Result<Cluster> {
        let folder = tempfile::Builder::new().prefix("headwater-bench-").tempdir_in(place)?;
        site::write_files(folder.path())?;
        let node = Node::start(folder.path(), "single-node-with-cache", "s1", |node| node)?;
        node.wait_until_ready()?;
        Ok(Cluster { frontends: Vec::new(), backend: node, folder })
    }

    /// Returns the folder of the log.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the first front end.
    pub(crate) fn frontend(&self) -> Result<&Node> {
        self.frontends.first().ok_or_else(|| "the cluster has no front end".into())
    }
}

/// A single node that has its data on a disk, and no cache.
#[derive(Debug)]
pub(crate) struct Single {
    node: Node,
    /// The site's files and the log, which are removed when the process has ended.
    folder: TempDir,
}

impl Single {
    /// Starts the node with a new folder inside `place`.
    pub(crate) fn start(place: &Path) -> Result<Single> {
        let folder = tempfile::Builder::new().prefix("headwater-bench-").tempdir_in(place)?;
        site::write_files(folder.path())?;
        let node = Node::start(folder.path(), "single-node", "d1", |node| node)?;
        node.wait_until_ready()?;
        Ok(Single { node, folder })
    }

    /// Ends the process and starts another one with the same data. Returns it with the seconds from its start to its
    /// first answer.
    pub(crate) fn start_again(self) -> Result<(Single, f64)> {
        let Single { node, folder } = self;
        drop(node);
        let began = Instant::now();
        let node = Node::start(folder.path(), "single-node", "d1", |node| node)?;
        node.wait_until_ready()?;
        let single = Single { node, folder };
        single.rows()?;
        Ok((single, began.elapsed().as_secs_f64()))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.node.pid()
    }

    /// Returns the folder of the log.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Sends a text to a controller.
    pub(crate) fn post(&self, path: &str, text: &str) -> Result<Answer> {
        let request = http1::post(path, "text/plain; charset=utf-8", text);
        Single::ask(self.node.entrance, &request)
    }

    /// Makes the node write a checkpoint, and waits for it.
    pub(crate) fn checkpoint(&self) -> Result {
        let request = http1::post("/checkpoint", "application/json", "{}");
        Single::ask(self.node.admin, &request).map(drop)
    }

    /// Returns the number of rows of its data.
    pub(crate) fn rows(&self) -> Result<u64> {
        let answer = Single::ask(self.node.entrance, &http1::get("/forum/count", ""))?;
        Ok(std::str::from_utf8(answer.body())?.parse()?)
    }

    fn ask(address: SocketAddr, request: &str) -> Result<Answer> {
        let answer = Connection::patient(address, Duration::from_secs(600))?.ask(request)?;
        match answer.head.status {
            200 => Ok(answer),
            status => {
                let body = String::from_utf8_lossy(answer.body()).into_owned();
                Err(format!("the status is {status}: {body}").into())
            }
        }
    }
}

impl Runs for Cluster {
    /// Returns all nodes, with the address of the first front end.
    fn contestant(&self) -> Contestant {
        let entrance = self.frontends.first().unwrap_or(&self.backend).entrance;
        let nodes = self.frontends.iter().chain([&self.backend]);
        Contestant {
            kind: Kind::Headwater,
            http1: entrance,
            http2: Some(entrance),
            processes: nodes.map(|node| node.process.pid()).collect(),
            kept_in: None,
            is_hit: |answer| answer.cache_status().starts_with("headwater; hit"),
        }
    }
}

impl Node {
    fn start(
        folder: &Path,
        mode: &str,
        name: &str,
        command: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Result<Node> {
        let (process, line) = Process::start(|again| {
            again.arg("serve").arg("--config").arg(folder.join("project.toml"));
            again.args(["--mode", mode, "--name", name]);
            again.args(["--with-parent", &std::process::id().to_string()]);
            command(again)
        })?;
        let announcement: Announcement =
            line.parse().map_err(|error| format!("{name} has said \"{line}\": {error}"))?;
        let entrance = match announcement.entrance {
            Entrance::Frontend(address)
            | Entrance::Backend(address)
            | Entrance::SingleNode(address) => address,
        };
        Ok(Node { entrance, admin: announcement.admin, process })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    fn wait_until_ready(&self) -> Result {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = Connection::open(self.admin)?.get("/ready")?;
            if answer.head.status == 200 {
                return Ok(());
            }
            if Instant::now() > deadline {
                let reason = String::from_utf8_lossy(answer.body()).into_owned();
                return Err(format!("a front end is not ready: {}", reason.trim()).into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
