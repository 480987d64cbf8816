use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use headwater::internals::config::Mode;
use tempfile::TempDir;

use crate::node::Launch;

/// A site: its program, and a folder with its files, which is deleted with the last clone.
#[derive(Debug, Clone)]
pub struct Site {
    program: PathBuf,
    folder: Arc<TempDir>,
}

/// The key with which front ends seal cookies, unless a test sets another.
const SECRET: &str = "a secret of the tests that nobody else has";

impl Site {
    /// Creates a site with an empty `project.toml`, no routes, templates or files.
    pub fn new(program: impl Into<PathBuf>) -> Site {
        let folder = tempfile::Builder::new().prefix("headwater-").tempdir();
        let folder = Arc::new(folder.expect("the folder for temporary files can be written to"));
        let site = Site { program: program.into(), folder };
        fs::create_dir(site.path("templates")).expect("the folder is new");
        fs::create_dir(site.path("docroot")).expect("the folder is new");
        site.project("").dispatch("")
    }

    /// Creates the site in `site/`: `program` must be `test-site`. A lease lasts one second.
    pub fn test_site(program: impl Into<PathBuf>) -> Site {
        Site::new(program)
            .project("[link]\nlease = \"1s\"\n")
            .dispatch(include_str!("../site/dispatch.conf"))
            .template("page.html", include_str!("../site/templates/page.html"))
            .template("plain.html", include_str!("../site/templates/plain.html"))
            .template("computed.html", include_str!("../site/templates/computed.html"))
            .template("badge.html", include_str!("../site/templates/badge.html"))
            .template("badged.html", include_str!("../site/templates/badged.html"))
            .template("greeting.html", include_str!("../site/templates/greeting.html"))
            .template("broken.html", include_str!("../site/templates/broken.html"))
            .template("error.html", include_str!("../site/templates/error.html"))
            .file("docroot/files/hello.txt", "hello, world\n")
    }

    /// Returns the same files with another program.
    pub(crate) fn with_program(self, program: impl Into<PathBuf>) -> Site {
        Site { program: program.into(), ..self }
    }

    /// Writes `project.toml`. [`Launch`] overrides the names, modes, ports and back ends of the nodes.
    pub fn project(self, toml: &str) -> Site {
        self.file("project.toml", toml)
    }

    /// Writes `dispatch.conf`.
    pub fn dispatch(self, toml: &str) -> Site {
        self.file("dispatch.conf", toml)
    }

    /// Appends to `dispatch.conf`.
    pub fn route(self, toml: &str) -> Site {
        let before = fs::read_to_string(self.path("dispatch.conf")).unwrap_or_default();
        self.dispatch(&format!("{before}\n{toml}\n"))
    }

    /// Writes a template.
    pub fn template(self, name: &str, text: &str) -> Site {
        self.file(&format!("templates/{name}"), text)
    }

    /// Writes a file and creates its folders.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Site {
        let path = self.path(name);
        let folder = path.parent().expect("a file is in a folder");
        fs::create_dir_all(folder).expect("folders can be made in the site's");
        fs::write(&path, content).expect("the site's folder can be written to");
        self
    }

    /// Returns the path of a file of the site.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns a node of the site that can be started.
    pub fn node(&self, mode: Mode, name: &str) -> Launch {
        Launch::new(self.clone(), mode, name)
    }

    /// Runs a command of the site, such as `check`, to its end.
    ///
    /// # Panics
    /// When the program cannot be run.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().expect("the site's program can be run")
    }

    /// Returns the site's program with its configuration, and with the secret as the only variable of headwater in its
    /// environment.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        let variables = std::env::vars_os().map(|(name, _)| name);
        for name in variables.filter(|name| name.to_string_lossy().starts_with("HEADWATER_")) {
            command.env_remove(name);
        }
        command.env("HEADWATER_SECRET_KEY", SECRET);
        command.env_remove("RUST_LOG").env("RUST_BACKTRACE", "1").stdin(Stdio::null());
        command.arg("--config").arg(self.path("project.toml"));
        command
    }
}
