use std::path::{Path, PathBuf};
use std::{env, fs, io};

use tempfile::TempDir;

use super::worker::Worker;
use crate::app::{App, InProcess, SiteService};
use crate::config::{Config, Environment, Mode, Secret};
use crate::log::RecordClock;
use crate::problem::Problem;

/// The time of records until a test sets another: 2000-01-01T00:00:00Z, in milliseconds since 1970.
const BEGIN: u64 = 946_684_800_000;

/// The nodes of a test's site with their own threads, clock and files.
pub(super) struct Nodes {
    pub(super) worker: Worker,
    /// `None` once it has been stopped.
    running: Option<InProcess>,
    /// The languages in the site's project.toml.
    pub(super) languages: Vec<String>,
    pub(super) clock: RecordClock,
    /// Log, synchronized files, and the docroot that controllers write to.
    _folder: TempDir,
}

impl Nodes {
    /// Starts the site whose files are in `folder`: a back end with `frontends` front ends, or a single node if that is
    /// 0.
    ///
    /// # Panics
    /// When the site has problems; the message lists all of them.
    #[track_caller]
    pub(super) fn start(folder: &Path, app: App, frontends: usize) -> Nodes {
        log_to_test_output();
        let own = tempfile::Builder::new().prefix("headwater-test-").tempdir();
        let own = own.unwrap_or_else(|error| panic!("a folder for the test's site: {error}"));
        let loaded = Config::of_folder(folder);
        let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
        let config = |mode, name: &str| {
            let mut config = loaded.clone();
            (config.mode, config.name) = (mode, name.to_owned());
            config.environment = Environment::Production;
            config.secret_key_file = None;
            config.secret_key = Some(Secret::new(format!("{:032x}", rand::random::<u128>())));
            config.link.listen = ([127, 0, 0, 1], 0).into();
            config.link.secret = None;
            config.link.expect_frontends = Vec::new();
            config.log.path = own.path().join("log");
            config.docroot.sync = own.path().join("files");
            config
        };
        let mut backend = match frontends {
            0 if loaded.mode == Mode::SingleNode => config(Mode::SingleNode, "single"),
            0 => config(Mode::SingleNodeWithCache, "single"),
            _ => config(Mode::Backend, "b1"),
        };
        let docroot = own.path().join("docroot");
        if let Err(error) = copy_folder(&backend.docroot.path, &docroot) {
            panic!("cannot copy {}: {error}", backend.docroot.path.display());
        }
        backend.docroot.path = docroot;
        let mut others = Vec::new();
        for number in 1..=frontends {
            let mut other = config(Mode::Frontend, &format!("f{number}"));
            other.secret_key = backend.secret_key.clone();
            others.push(other);
        }
        let (worker, clock) = (Worker::start(), RecordClock::default());
        clock.set(BEGIN).unwrap_or_else(|_| unreachable!("no record is written yet"));
        let running = worker.wait(app.into_process(backend, others, clock.clone()));
        let running = running.unwrap_or_else(|problems| panic!("{problems}"));
        let languages = loaded.languages;
        Nodes { worker, running: Some(running), languages, clock, _folder: own }
    }

    /// Returns the running site.
    pub(super) fn running(&self) -> &InProcess {
        self.running.as_ref().expect("the site runs until it is dropped")
    }

    /// Returns the front end with this number, modulo the number of front ends.
    pub(super) fn frontend(&self, number: usize) -> SiteService {
        let frontends = &self.running().frontends;
        frontends[number % frontends.len()].clone()
    }

    /// Returns the number of front ends.
    pub(super) fn frontends(&self) -> usize {
        self.running().frontends.len()
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        // A second panic while the test unwinds would abort the process.
        if let Some(running) = self.running.take()
            && !std::thread::panicking()
        {
            self.worker.wait(running.stop());
        }
    }
}

/// Returns the folder of the site under test: the nearest one with a `dispatch.conf`, from the package's folder
/// upwards.
pub(super) fn folder_of_the_site() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let package = package.or_else(|| env::current_dir().ok()).unwrap_or_default();
    let with_routes = package.ancestors().find(|folder| folder.join("dispatch.conf").is_file());
    with_routes.unwrap_or(&package).to_owned()
}

/// Writes the nodes' log to the output of the test, unless the test has installed a subscriber already.
fn log_to_test_output() {
    let level = env::var("RUST_LOG").unwrap_or_else(|_| "headwater=warn".to_owned());
    let _ = tracing_subscriber::fmt().with_env_filter(level).with_test_writer().try_init();
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        match path.is_dir() {
            true => copy_folder(&path, &to.join(name))?,
            false => fs::copy(&path, to.join(name)).map(drop)?,
        }
    }
    Ok(())
}

/// Parses a time in the format of RFC 3339 into milliseconds since 1970.
pub(super) fn milliseconds(time: &str) -> Result<u64, Problem> {
    let parsed: Result<jiff::Timestamp, _> = time.parse();
    let parsed = parsed.map_err(|error| Problem::new(error.to_string()))?;
    u64::try_from(parsed.as_millisecond()).map_err(|_| Problem::new("it is before 1970"))
}

/// Formats milliseconds since 1970 as RFC 3339.
pub(super) fn shown_time(milliseconds: u64) -> String {
    let time = i64::try_from(milliseconds)
        .ok()
        .and_then(|time| jiff::Timestamp::from_millisecond(time).ok());
    time.map_or_else(|| format!("{milliseconds} ms"), |time| time.to_string())
}
