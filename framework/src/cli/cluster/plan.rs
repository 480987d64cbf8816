use std::ffi::{OsStr, OsString};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::config::Mode;

/// The processes to start.
#[derive(Debug)]
pub(super) struct Plan {
    frontends: u16,
    /// The HTTP port of the first front end; 0 if every port is a free one.
    port: u16,
    /// The folder of the log.
    log: PathBuf,
    /// The folder in which nodes keep the contents of synchronized files.
    sync: PathBuf,
    /// The configuration file from the command line.
    file: Option<PathBuf>,
}

/// The folders that the nodes write to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folders<'a> {
    /// The folder of the log.
    pub(super) log: &'a Path,
    /// The folder in which nodes keep the contents of synchronized files.
    pub(super) sync: &'a Path,
}

/// The command line and environment of a node.
#[derive(Debug)]
pub(super) struct Launch {
    /// The node's name.
    pub(super) name: String,
    /// The node's mode.
    pub(super) mode: Mode,
    /// The arguments after the program.
    pub(super) arguments: Vec<OsString>,
    /// The variables in addition to this process's.
    pub(super) variables: Vec<(&'static str, OsString)>,
}

impl Plan {
    pub(super) fn new(
        frontends: u16,
        port: u16,
        folders: Folders<'_>,
        file: Option<&Path>,
    ) -> Plan {
        // The children resolve relative paths against their configuration file.
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let (log, sync) = (absolute(folders.log), absolute(folders.sync));
        Plan { frontends, port, log, sync, file: file.map(Path::to_owned) }
    }

    /// Returns the back end; `is_alone` if no front end of an earlier log can still be running.
    pub(super) fn backend(&self, is_alone: bool) -> Launch {
        let names: Vec<String> = (0..self.frontends).map(frontend_name).collect();
        let mut launch = self.launch(
            "b1".to_owned(),
            Mode::Backend,
            vec![
                ("HEADWATER_LINK__LISTEN", self.listen(100)),
                ("HEADWATER_LINK__EXPECT_FRONTENDS", names.join(",").into()),
                ("HEADWATER_ADMIN__LISTEN", self.listen(300)),
                ("HEADWATER_LOG__PATH", self.log.clone().into()),
            ],
        );
        if is_alone {
            launch.arguments.push("--alone".into());
        }
        launch
    }

    /// Returns the folder of the log.
    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// Returns the front ends, in order, for a back end with its link at `link`.
    pub(super) fn frontends(&self, link: SocketAddr) -> impl Iterator<Item = Launch> {
        (0..self.frontends).map(move |index| {
            self.launch(
                frontend_name(index),
                Mode::Frontend,
                vec![
                    ("HEADWATER_HTTP__LISTEN", self.listen(index)),
                    ("HEADWATER_ADMIN__LISTEN", self.listen(200 + index)),
                    ("HEADWATER_LINK__BACKENDS", link.to_string().into()),
                ],
            )
        })
    }

    /// Returns the address on loopback whose port is `distance` from that of the first front end.
    fn listen(&self, distance: u16) -> OsString {
        let port = match self.port {
            0 => 0,
            port => port + distance,
        };
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string().into()
    }

    fn launch(
        &self,
        name: String,
        mode: Mode,
        mut variables: Vec<(&'static str, OsString)>,
    ) -> Launch {
        variables.push(("HEADWATER_NAME", name.clone().into()));
        variables.push(("HEADWATER_DOCROOT__SYNC", self.sync.clone().into()));
        let mut arguments: Vec<OsString> =
            ["serve", "--mode", mode.as_str()].iter().map(OsString::from).collect();
        arguments.push("--with-parent".into());
        arguments.push(std::process::id().to_string().into());
        if let Some(file) = &self.file {
            arguments.extend([OsStr::new("--config"), file.as_os_str()].map(OsStr::to_owned));
        }
        Launch { name, mode, arguments, variables }
    }
}

fn frontend_name(index: u16) -> String {
    format!("f{}", index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns folders with the log at this path.
    fn at(path: &str) -> Folders<'_> {
        Folders { log: Path::new(path), sync: Path::new("/srv/sync") }
    }

    fn value<'a>(launch: &'a Launch, variable: &str) -> &'a str {
        let found = launch.variables.iter().find(|(name, _)| *name == variable);
        found.unwrap_or_else(|| panic!("no {variable}")).1.to_str().unwrap()
    }

    #[test]
    fn ports_are_counted_from_the_first_front_ends() {
        let plan = Plan::new(2, 8000, at("/srv/log"), None);
        let backend = plan.backend(true);
        assert!(backend.arguments.ends_with(&["--alone".into()]));
        assert_eq!(value(&backend, "HEADWATER_NAME"), "b1");
        assert_eq!(value(&backend, "HEADWATER_LINK__LISTEN"), "127.0.0.1:8100");
        assert_eq!(value(&backend, "HEADWATER_ADMIN__LISTEN"), "127.0.0.1:8300");
        assert_eq!(value(&backend, "HEADWATER_LINK__EXPECT_FRONTENDS"), "f1,f2");
        assert_eq!(value(&backend, "HEADWATER_LOG__PATH"), "/srv/log");

        let frontends: Vec<Launch> = plan.frontends("127.0.0.1:8100".parse().unwrap()).collect();
        assert_eq!(frontends.len(), 2);
        assert_eq!(value(&frontends[1], "HEADWATER_NAME"), "f2");
        assert_eq!(value(&frontends[1], "HEADWATER_HTTP__LISTEN"), "127.0.0.1:8001");
        assert_eq!(value(&frontends[1], "HEADWATER_ADMIN__LISTEN"), "127.0.0.1:8201");
        assert_eq!(value(&frontends[1], "HEADWATER_LINK__BACKENDS"), "127.0.0.1:8100");
        assert_eq!(value(&frontends[1], "HEADWATER_DOCROOT__SYNC"), "/srv/sync");
    }

    #[test]
    fn the_largest_cluster_on_the_last_ports_has_ports_for_all() {
        let plan = Plan::new(100, 65_235, at("data"), None);
        assert_eq!(value(&plan.backend(false), "HEADWATER_ADMIN__LISTEN"), "127.0.0.1:65535");
        let mut ports: Vec<String> = plan
            .frontends("127.0.0.1:1".parse().unwrap())
            .flat_map(|launch| launch.variables)
            .filter(|(name, _)| name.ends_with("LISTEN"))
            .map(|(_, address)| address.into_string().unwrap())
            .collect();
        ports.push(value(&plan.backend(false), "HEADWATER_LINK__LISTEN").to_owned());
        ports.sort();
        ports.dedup();
        assert_eq!(ports.len(), 201);
    }

    #[test]
    fn from_port_0_every_port_is_a_free_one() {
        let plan = Plan::new(1, 0, at("data"), Some(Path::new("a.toml")));
        assert_eq!(value(&plan.backend(false), "HEADWATER_LINK__LISTEN"), "127.0.0.1:0");
        let link = "127.0.0.1:43210".parse().unwrap();
        let frontend = plan.frontends(link).next().unwrap();
        assert_eq!(value(&frontend, "HEADWATER_HTTP__LISTEN"), "127.0.0.1:0");
        assert_eq!(value(&frontend, "HEADWATER_LINK__BACKENDS"), "127.0.0.1:43210");
        assert!(frontend.arguments.ends_with(&["--config".into(), "a.toml".into()]));
    }
}
