use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use super::client::AdminPort;
use crate::config::Mode;

/// The arguments of a site's program.
#[derive(Debug, Parser)]
#[command(about = "A site built with headwater", disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// The site's configuration; by default project.toml in this folder, if it exists
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run one node
    Serve(Serve),
    /// Run the site during development: rebuild and restart it after each change of its code
    #[cfg(debug_assertions)]
    Dev(Dev),
    /// Run a back end and several front ends on this machine
    Cluster(Cluster),
    /// Show the dispatch table as it will be matched
    Routes {
        /// Print JSON, with an object for each route
        #[arg(long)]
        json: bool,
    },
    /// Show all problems in the site's files
    Check {
        /// Also show why this node is unfit for the public: secrets, development, open ports
        #[arg(long)]
        production: bool,
    },
    /// The same as `check --production`
    Doctor,
    /// Show all settings with their values and origins; secrets are hidden
    Config,
    /// Check whether a node is alive
    Health {
        /// Check whether it is ready, too
        #[arg(long)]
        ready: bool,
        /// The node's admin address, like http://127.0.0.1:8200; by default that of the configuration
        #[arg(long, value_name = "URL")]
        admin: Option<AdminPort>,
    },
    /// Print a script with which a shell completes commands
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write code into the site
    #[cfg(debug_assertions)]
    #[command(visible_alias = "g")]
    Generate(super::generate::Generate),
    /// Invalidate content on all front ends, by group or pattern
    Invalidate(Invalidate),
    /// Check, save, restore and show the data of a back end
    Data(Data),
    /// Print a new secret for HEADWATER_SECRET_KEY
    Secret,
    /// Show the running nodes, their positions and hit ratios
    Status(Status),
}

#[derive(Debug, Default, Args)]
pub(super) struct Serve {
    /// The node's mode
    #[arg(long, value_enum)]
    pub(super) mode: Option<Mode>,
    /// The node's name
    #[arg(long)]
    pub(super) name: Option<String>,
    /// The folder of the log
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    #[command(flatten)]
    pub(super) listen: Listen,
    /// The process whose end ends this one
    #[arg(long, value_name = "PID", hide = true)]
    pub(super) with_parent: Option<i32>,
    /// No front end that has followed an earlier log can still be running
    #[arg(long, hide = true)]
    pub(super) alone: bool,
    /// Accept connections from stdin, and show the content of this file in pages
    #[arg(long, value_name = "FILE", hide = true)]
    pub(super) dev: Option<PathBuf>,
}

#[cfg(debug_assertions)]
#[derive(Debug, Args)]
pub(super) struct Dev {
    #[command(flatten)]
    pub(super) listen: Listen,
}

/// The address for visitors, if it differs from the configuration.
#[derive(Debug, Default, Args)]
pub(super) struct Listen {
    /// The port for visitors; by default that of the variable PORT, if it is set
    #[arg(short, long, value_name = "PORT")]
    pub(super) port: Option<u16>,
    /// The address for visitors, as in 0.0.0.0 or 0.0.0.0:80
    #[arg(short, long, value_name = "ADDRESS")]
    pub(super) bind: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Cluster {
    /// The number of front ends
    #[arg(long, value_name = "N", default_value_t = 2,
          value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(super) frontends: u16,
    /// The port of the first front end; the others follow, the link is on P+100, admin on P+200… and P+300; 0 selects
    /// free ports
    #[arg(long, value_name = "P", default_value_t = 8000,
          value_parser = clap::value_parser!(u16).range(0..=65_235))]
    pub(super) port: u16,
    /// The folder of the log
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Invalidate {
    #[command(flatten)]
    pub(super) what: What,
    /// Mark content as stale, not invalid: routes with `stale_while_revalidate` or `stale_if_error` may still serve
    /// it
    #[arg(long)]
    pub(super) soft: bool,
    /// The admin address of a back end, like http://127.0.0.1:8300
    #[arg(long, value_name = "URL")]
    pub(super) admin: Option<AdminPort>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(super) struct What {
    /// A group
    #[arg(long, value_name = "G", num_args = 1..)]
    pub(super) group: Vec<String>,
    /// A regular expression on the ids of cached content: for pages, their paths
    #[arg(long, value_name = "RE", num_args = 1..)]
    pub(super) pattern: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Data {
    /// The folder of the log
    #[arg(long, value_name = "DIR", global = true)]
    pub(super) data: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) command: DataCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum DataCommand {
    /// Make a checkpoint: in the running back end, or in this process if none is running
    Checkpoint(Checkpoint),
    /// Make checkpoints and move the records before them to a file
    Archive {
        /// The admin address of the back end, like http://127.0.0.1:8300
        #[arg(long, value_name = "URL")]
        admin: Option<AdminPort>,
    },
    /// List checkpoints, records and archives
    List,
    /// Read all data and report damage
    Verify,
    /// Restore the log up to an earlier position, with a new id; the back end must not be running
    Restore {
        /// The last position to restore
        #[arg(long, value_name = "POSITION", required_unless_present = "newest")]
        at: Option<u64>,
        /// Restore up to the newest position
        #[arg(long, conflicts_with = "at")]
        newest: bool,
        /// The folder to restore from; by default that of the log
        #[arg(long, value_name = "DIR")]
        from: Option<PathBuf>,
    },
    /// Print the newest checkpoint as lines of JSON
    Export {
        /// The name of another checkpoint
        #[arg(long, value_name = "NAME")]
        checkpoint: Option<String>,
    },
    /// Make a log from the output of `export`
    Import {
        /// The file
        file: PathBuf,
    },
    /// Print the records as lines of JSON
    Log {
        /// Print only records after this position
        #[arg(long, value_name = "POSITION")]
        after: Option<u64>,
        /// Continue with new records as they arrive
        #[arg(long)]
        follow: bool,
        /// The admin address of the back end, like http://127.0.0.1:8300
        #[arg(long, value_name = "URL")]
        admin: Option<AdminPort>,
    },
}

#[derive(Debug, Args)]
pub(super) struct Checkpoint {
    /// Make two, and delete all records before them from the log for good
    #[arg(long)]
    pub(super) drop: bool,
    /// The admin address of the back end, like http://127.0.0.1:8300
    #[arg(long, value_name = "URL")]
    pub(super) admin: Option<AdminPort>,
}

#[derive(Debug, Args)]
pub(super) struct Status {
    /// The admin addresses of nodes, like http://127.0.0.1:8200
    #[arg(long, value_name = "URL", num_args = 1..)]
    pub(super) admin: Vec<AdminPort>,
}

impl Serve {
    /// Returns the flags as variables, which follow those of the environment and override them.
    pub(super) fn overrides(&self) -> Vec<(String, String)> {
        let mode = self.mode.map(|mode| ("HEADWATER_MODE".to_owned(), mode.as_str().to_owned()));
        let name = self.name.clone().map(|name| ("HEADWATER_NAME".to_owned(), name));
        mode.into_iter().chain(name).chain(data(self.data.as_deref())).collect()
    }
}

impl Data {
    /// Returns the flags as variables, which follow those of the environment and override them.
    pub(super) fn overrides(&self) -> Vec<(String, String)> {
        data(self.data.as_deref())
    }
}

impl Cluster {
    /// Returns the flags as variables, which follow those of the environment and override them.
    pub(super) fn overrides(&self) -> Vec<(String, String)> {
        data(self.data.as_deref())
    }
}

/// Resolves a folder of the command line against the current folder, not that of the configuration file.
fn data(folder: Option<&Path>) -> Vec<(String, String)> {
    let Some(folder) = folder else { return Vec::new() };
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let variable = |name: &str, path: &Path| (name.to_owned(), path.to_string_lossy().into_owned());
    vec![
        variable("HEADWATER_LOG__PATH", &folder),
        variable("HEADWATER_DOCROOT__SYNC", &folder.join("docroot")),
    ]
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        Arguments::try_parse_from(line.split(' '))
            .map(|arguments| arguments.command)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn flags_become_the_last_variables() {
        let Ok(Command::Serve(serve)) =
            parse("site serve --mode single-node-with-cache --name f1 --data /srv/log")
        else {
            panic!("not serve")
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            serve.overrides(),
            [
                pair("HEADWATER_MODE", "single-node-with-cache"),
                pair("HEADWATER_NAME", "f1"),
                pair("HEADWATER_LOG__PATH", "/srv/log"),
                pair("HEADWATER_DOCROOT__SYNC", "/srv/log/docroot"),
            ]
        );
        assert!(Serve::default().overrides().is_empty());
    }

    #[test]
    fn a_cluster_has_two_front_ends_from_port_8000() {
        let Ok(Command::Cluster(cluster)) = parse("site cluster") else { panic!("not cluster") };
        assert_eq!((cluster.frontends, cluster.port), (2, 8000));
        assert!(parse("site cluster --frontends 0").unwrap_err().contains("1..=100"));
        assert!(parse("site cluster --port 65236").unwrap_err().contains("0..=65235"));
    }

    #[test]
    fn something_must_be_invalidated() {
        assert!(
            parse("site invalidate").unwrap_err().contains("<--group <G>...|--pattern <RE>...>")
        );
        assert!(parse("site invalidate --admin http://127.0.0.1:8300").is_err());
        let Ok(Command::Invalidate(invalidate)) = parse(
            "site invalidate --group a b --pattern ^/x --soft --group c --admin 127.0.0.1:8300",
        ) else {
            panic!("not invalidate")
        };
        assert_eq!(invalidate.what.group, ["a", "b", "c"]);
        assert_eq!(invalidate.what.pattern, ["^/x"]);
        assert!(invalidate.soft);
    }

    #[test]
    fn the_configuration_may_be_named_before_or_after_the_command() {
        for line in ["site --config a.toml check", "site check --config a.toml"] {
            let arguments = Arguments::try_parse_from(line.split(' ')).unwrap();
            assert_eq!(arguments.config.as_deref(), Some(Path::new("a.toml")));
        }
    }
}
