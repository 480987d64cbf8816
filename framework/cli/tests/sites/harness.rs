//! Sites in temporary folders.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;

/// Returns the folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Returns the folder in which the workspace is built.
pub fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}

/// Runs the program in a folder.
pub fn headwater<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_headwater"));
    // Ignores a repository around the temporary folder.
    program.env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap());
    program.args(arguments).current_dir(folder).output().unwrap()
}

/// Runs the program, which must fail, and returns its message.
pub fn refused<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> String {
    let output = headwater(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// A folder for sites, removed on drop.
pub struct Workshop(TempDir);

impl Workshop {
    pub fn new() -> Workshop {
        Workshop(tempfile::tempdir().unwrap())
    }

    /// Returns the folder of the sites.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Makes a new site without preparing it.
    pub fn make(&self, name: &str) -> PathBuf {
        let output = headwater(self.folder(), &["new", name]);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        self.folder().join(name)
    }

    /// Makes a new site that uses the workspace's build. Each test must use another name: cargo does not distinguish
    /// sites with the same name, and considers one built when the other is.
    pub fn site(&self, name: &str) -> Site {
        let folder = self.make(name);
        prepare(&folder);
        Site { name: name.to_owned(), folder }
    }
}

/// Features of packages that the tests of the workspace enable, and a site does not.
const FEATURES_OF_TESTS: &str = r#"
digest = { version = "0.11", features = ["mac"] }
rustix = { version = "1", features = ["param", "thread"] }
serde_core = { version = "1", features = ["default"] }
tokio = { version = "1", features = ["test-util"] }
"#;

/// Makes cargo build the site in this folder with the workspace's build: the same versions with the same profile, in
/// the same target folder. Features must be the same, too, so they are added, unless the variable `SITES_AS_WRITTEN`
/// is set: then most of the framework is rebuilt, without the features of its own tests.
pub fn prepare(folder: &Path) {
    if std::env::var_os("SITES_AS_WRITTEN").is_none() {
        let file = folder.join("Cargo.toml");
        let manifest = fs::read_to_string(&file).unwrap();
        let (before, dependencies) = manifest.split_once("[dependencies]\nheadwater = { ").unwrap();
        let features = "headwater = { features = [\"internals\", \"test\"], ";
        let manifest = format!("{before}[dependencies]{FEATURES_OF_TESTS}{features}{dependencies}");
        fs::write(file, manifest).unwrap();
    }
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let profile = manifest.split("[profile.dev.package]").nth(1).unwrap();
    let target = target().display();
    fs::create_dir(folder.join(".cargo")).unwrap();
    fs::write(
        folder.join(".cargo/config.toml"),
        format!(
            "[build]\ntarget-dir = \"{target}\"\n[net]\noffline = true\n[profile.dev.package]{profile}"
        ),
    )
    .unwrap();
}

/// Returns a command in a folder, without the variables that cargo has set for this test.
pub fn command(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_remove("CARGO_TARGET_DIR");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_")) {
        command.env_remove(name);
    }
    command
}

/// A site.
pub struct Site {
    name: String,
    pub folder: PathBuf,
}

impl Site {
    /// Runs cargo.
    pub fn cargo(&self, arguments: &[&str]) -> String {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = command(cargo, &self.folder).args(arguments).output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "cargo {arguments:?}: {}\n{stdout}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        stdout
    }

    /// Runs the built program to generate code.
    pub fn generates(&self, arguments: &[&str]) {
        let mut program = command(target().join("debug").join(&self.name), &self.folder);
        let output = program.arg("generate").args(arguments).output().unwrap();
        assert!(output.status.success(), "generate {arguments:?}: {output:?}");
    }

    /// Checks formatting, warnings, tests and the site's own `check`.
    pub fn passes_everything(&self) {
        self.cargo(&["fmt", "--check"]);
        self.cargo(&["clippy", "--all-targets", "--", "-D", "warnings"]);
        self.cargo(&["test"]);
        self.cargo(&["run", "--", "check"]);
    }

    /// Starts a command that serves visitors.
    pub fn serve(&self, arguments: &[&str]) -> Running {
        let mut program = command(target().join("debug").join(&self.name), &self.folder);
        program.env("HEADWATER_ADMIN__LISTEN", "127.0.0.1:0").args(arguments);
        Running::start(program)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    /// Reads a file.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap()
    }
}

/// A running site, stopped on drop.
pub struct Running {
    child: Child,
    /// The output on stderr.
    said: Arc<Mutex<String>>,
    pub address: SocketAddr,
    pub admin: SocketAddr,
}

impl Running {
    /// Starts a program that announces its addresses on its first line.
    pub fn start(mut program: Command) -> Running {
        let mut child = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (said, messages) = (Arc::<Mutex<String>>::default(), child.stderr.take().unwrap());
        let collected = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in BufReader::new(messages).lines().map_while(Result::ok) {
                eprintln!("{line}");
                *collected.lock().unwrap() += &(line + "\n");
            }
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        let word = |before: &str| {
            let rest = line.split_once(before).unwrap_or_else(|| panic!("{line}")).1;
            rest.split(' ').next().unwrap().parse().unwrap()
        };
        let (address, admin) = (word("http://"), word("admin http://"));
        // A pipe that is not read would block the program.
        std::thread::spawn(move || lines.for_each(drop));
        Running { child, said, address, admin }
    }

    /// Returns the output on stderr so far.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Returns the whole answer to a GET, with its head; an error if the server sends nothing for a minute.
    pub fn get(&self, path: &str) -> std::io::Result<String> {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"))
    }

    fn ask(&self, request: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Returns the first event that a page receives.
    pub fn event(&self) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.write_all(b"GET /.headwater/live HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
        let mut lines = BufReader::new(stream).lines();
        lines.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("data: "))).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // SIGTERM, so that its child processes end with it.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}
