use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::framework::{Framework, Way};
use crate::name::SiteName;

/// The git repository of a new site.
#[derive(Debug)]
pub(crate) enum Repository {
    /// A new repository.
    New,
    /// A repository that contains the site's folder.
    Around,
    /// No repository, for this reason.
    None(String),
}

macro_rules! files {
    ($($path:literal: $source:literal,)*) => {
        &[$(($path, include_str!(concat!("../site/", $source)))),*]
    };
}

/// The files of a new site, with placeholders such as `@name@`.
const FILES: &[(&str, &str)] = files! {
    ".dockerignore": "dockerignore",
    ".github/workflows/ci.yml": "github/ci.yml",
    ".gitignore": "gitignore",
    "AGENTS.md": "AGENTS.md",
    "Cargo.toml": "Cargo.toml.in",
    "Dockerfile": "Dockerfile",
    "README.md": "README.md",
    "deploy/@name@-backend.service": "deploy/backend.service",
    "deploy/@name@-frontend.service": "deploy/frontend.service",
    "dispatch.conf": "dispatch.conf",
    "docroot/assets/icon.svg": "docroot/assets/icon.svg",
    "docroot/assets/site.css": "docroot/assets/site.css",
    "locales/en/site.ftl": "locales/en/site.ftl",
    "project.toml": "project.toml",
    "src/main.rs": "src/main.rs",
    "src/notes.rs": "src/notes.rs",
    "src/tests.rs": "src/tests.rs",
    "templates/base.html": "templates/base.html",
    "templates/components.html": "../../src/form/components.html",
    "templates/errors/404.html": "templates/errors/404.html",
    "templates/errors/500.html": "templates/errors/500.html",
    "templates/errors/503.html": "templates/errors/503.html",
    "templates/home.html": "templates/home.html",
    "templates/nav.html": "templates/nav.html",
};

/// Makes the site in `folder`, which must be empty or not exist. If this fails, it removes everything again.
///
/// # Errors
/// Fails with a message that says what to do instead.
pub(crate) fn write(
    folder: &Path,
    name: &SiteName,
    framework: &Framework,
) -> Result<Repository, String> {
    let failed = |error: io::Error| match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => format!(
            "{} cannot be made: {error}; go to a folder that you may write to",
            folder.display()
        ),
        _ => format!("{} cannot be made: {error}", folder.display()),
    };
    let is_new = match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => false,
        Ok(false) => {
            return Err(format!(
                "{} already exists and is not empty; choose another name, or remove it",
                folder.display()
            ));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => true,
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            return Err(format!(
                "{} is in the way of a folder or is a file; choose another name",
                folder.display()
            ));
        }
        Err(error) => return Err(failed(error)),
    };
    if let Some(workspace) = workspace_around(folder) {
        return Err(format!(
            "{} would be in the cargo workspace of {}, whose packages are built together; make the \
             site outside of that folder",
            folder.display(),
            workspace.display()
        ));
    }
    fs::create_dir_all(folder).map_err(failed)?;
    let written = fill(folder, name, framework);
    if let Err(error) = written {
        let made: Vec<PathBuf> = match is_new {
            true => vec![folder.to_owned()],
            false => fs::read_dir(folder)
                .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
                .unwrap_or_default(),
        };
        for path in made {
            // A failure to remove files is not reported, but the cause is.
            let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        }
        return Err(failed(error));
    }
    Ok(repository(folder))
}

fn fill(folder: &Path, name: &SiteName, framework: &Framework) -> io::Result<()> {
    let Way { repository, repository_below, site_below } = framework.from(&folder.canonicalize()?);
    let path = format!("{repository}/framework").replace('\\', "\\\\").replace('"', "\\\"");
    let words = [
        ("@name@", name.to_string()),
        ("@title@", name.title()),
        ("@dependency@", format!("{{ path = \"{path}\" }}")),
        ("@dependency_of_tests@", format!("{{ path = \"{path}\", features = [\"test\"] }}")),
        ("@repository@", repository),
        ("@repository_below@", repository_below),
        ("@site_below@", site_below),
    ];
    let filled = |text: &str| {
        words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
    };
    for (path, text) in FILES {
        let path = folder.join(filled(path));
        if let Some(above) = path.parent() {
            fs::create_dir_all(above)?;
        }
        fs::write(path, filled(text))?;
    }
    Ok(())
}

/// Returns the folder of the cargo workspace that would contain a package in `folder`.
fn workspace_around(folder: &Path) -> Option<PathBuf> {
    let folder = std::path::absolute(folder).ok()?;
    let is_workspace = |folder: &&Path| {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        manifest.lines().any(|line| line.trim_start().starts_with("[workspace"))
    };
    folder.ancestors().skip(1).find(is_workspace).map(Path::to_owned)
}

/// Makes a git repository, unless the folder is in one.
fn repository(folder: &Path) -> Repository {
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(arguments).current_dir(folder);
        git.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()
    };
    match git(&["rev-parse", "--is-inside-work-tree"]) {
        Ok(status) if status.success() => Repository::Around,
        Ok(_) => match git(&["init", "--quiet", "--initial-branch=main"]) {
            Ok(status) if status.success() => Repository::New,
            Ok(status) => Repository::None(format!("`git init` has ended with {status}")),
            Err(error) => Repository::None(format!("git cannot be started: {error}")),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Repository::None("git is not installed".to_owned())
        }
        Err(error) => Repository::None(format!("git cannot be started: {error}")),
    }
}
