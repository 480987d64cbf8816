use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use super::client::AdminPort;
use crate::config::Mode;

/// What a site's program is asked to do.
#[derive(Debug, Parser)]
#[command(about = "A site built with headwater", disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// The site's configuration; without it project.toml here, if there is one
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run one node
    Serve(Serve),
    /// Run the site while its code is worked on: it is built and started anew when it has changed
    #[cfg(debug_assertions)]
    Dev(Dev),
    /// Run a back end and several front ends on this machine
    Cluster(Cluster),
    /// Show the dispatch table as it will be matched
    Routes {
        /// As JSON, an object for each route
        #[arg(long)]
        json: bool,
    },
    /// Show everything that is wrong with the site's files
    Check {
        /// And what keeps this node from being shown to the public: secrets, development, open ports
        #[arg(long)]
        production: bool,
    },
    /// The same as `check --production`
    Doctor,
    /// Show all settings with their values, and where these come from; secrets are not shown
    Config,
    /// Ask a node whether it is alive
    Health {
        /// Whether it can do its work, too
        #[arg(long)]
        ready: bool,
        /// The node's admin address, like http://127.0.0.1:8200; without it that of the configuration
        #[arg(long, value_name = "URL")]
        admin: Option<AdminPort>,
    },
    /// Print what a shell needs to complete commands
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write code into the site
    #[cfg(debug_assertions)]
    #[command(visible_alias = "g")]
    Generate(super::generate::Generate),
    /// Make every front end forget what belongs to a group or matches a pattern
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
    /// What the node is
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
    /// The process to end with
    #[arg(long, value_name = "PID", hide = true)]
    pub(super) with_parent: Option<i32>,
    /// No front end that has followed an earlier log can still be running
    #[arg(long, hide = true)]
    pub(super) alone: bool,
    /// Accept connections from stdin, and show in pages what is in this file
    #[arg(long, value_name = "FILE", hide = true)]
    pub(super) dev: Option<PathBuf>,
}

#[cfg(debug_assertions)]
#[derive(Debug, Args)]
pub(super) struct Dev {
    #[command(flatten)]
    pub(super) listen: Listen,
}

/// Where visitors come in, when not where the configuration says.
#[derive(Debug, Default, Args)]
pub(super) struct Listen {
    /// The port for visitors; without it the variable PORT counts, if there is one
    #[arg(short, long, value_name = "PORT")]
    pub(super) port: Option<u16>,
    /// The address for visitors, as in 0.0.0.0 or 0.0.0.0:80
    #[arg(short, long, value_name = "ADDRESS")]
    pub(super) bind: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Cluster {
    /// How many front ends
    #[arg(long, value_name = "N", default_value_t = 2,
          value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(super) frontends: u16,
    /// The first front end's port; the others follow, the link is on P+100, admin on P+200… and
    /// P+300; 0 takes free ports
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
    /// Make it stale, not invalid: routes with `stale_while_revalidate` or `stale_if_error` may
    /// still serve it
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
    /// Make a checkpoint: the running back end does, or, where none is running, this command
    Checkpoint(Checkpoint),
    /// Make checkpoints and move the records before them to a file
    Archive {
        /// The admin address of the back end, like http://127.0.0.1:8300
        #[arg(long, value_name = "URL")]
        admin: Option<AdminPort>,
    },
    /// Show which checkpoints, records and archives there are
    List,
    /// Read everything and show what is damaged
    Verify,
    /// Make the log that of an earlier position, with a new id; the back end must not be running
    Restore {
        /// The last position that it has
        #[arg(long, value_name = "POSITION", required_unless_present = "newest")]
        at: Option<u64>,
        /// The last position is the newest that can be restored
        #[arg(long, conflicts_with = "at")]
        newest: bool,
        /// The folder to restore from; without it that of the log itself
        #[arg(long, value_name = "DIR")]
        from: Option<PathBuf>,
    },
    /// Print the newest checkpoint as lines of JSON
    Export {
        /// The name of another checkpoint
        #[arg(long, value_name = "NAME")]
        checkpoint: Option<String>,
    },
    /// Make a log of what `export` has printed
    Import {
        /// The file
        file: PathBuf,
    },
    /// Print the records as lines of JSON
    Log {
        /// Only those behind this position
        #[arg(long, value_name = "POSITION")]
        after: Option<u64>,
        /// Go on with the records as they come
        #[arg(long)]
        follow: bool,
        /// The admin address of the back end, like http://127.0.0.1:8300
        #[arg(long, value_name = "URL")]
        admin: Option<AdminPort>,
    },
}

#[derive(Debug, Args)]
pub(super) struct Checkpoint {
    /// Make two, and drop all records before them from the log: they are gone for good
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
    /// The flags as variables that come after those of the environment, and so win.
    pub(super) fn overrides(&self) -> Vec<(String, String)> {
        let mode = self.mode.map(|mode| ("HEADWATER_MODE".to_owned(), mode.as_str().to_owned()));
        let name = self.name.clone().map(|name| ("HEADWATER_NAME".to_owned(), name));
        mode.into_iter().chain(name).chain(data(self.data.as_deref())).collect()
    }
}

impl Data {
    /// The flags as variables that come after those of the environment, and so win.
    pub(super) fn overrides(&self) -> Vec<(String, String)> {
        data(self.data.as_deref())
    }
}

impl Cluster {
    /// The flags as variables that come after those of the environment, and so win.
    pub(super) fn overrides(&self) -> Vec<(String, String)> {
        data(self.data.as_deref())
    }
}

/// A folder on the command line starts where the command was given, not at the configuration file.
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
