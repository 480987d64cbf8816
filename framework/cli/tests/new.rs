//! `headwater new`, as it is called, and the site that it makes.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn headwater<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_headwater"));
    // A repository around the temporary folder is not meant.
    program.env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap());
    program.args(arguments).current_dir(folder).output().unwrap()
}

fn refused<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> String {
    let output = headwater(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn new(folder: &Path, name: &str) -> PathBuf {
    let output = headwater(folder, &["new", name]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    folder.join(name)
}

/// Runs cargo in a site, with what the workspace has built already.
fn cargo(site: &Path, arguments: &[&str]) {
    let root = root();
    let lock = site.join("Cargo.lock");
    if !lock.exists() {
        fs::copy(root.join("Cargo.lock"), &lock).unwrap();
    }
    // Packages are shared by builds with the same profile only.
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let profile = manifest.split("[profile.dev.package]").nth(1).unwrap();
    let config = site.join("target/profile.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(&config, format!("[profile.dev.package]{profile}")).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(cargo);
    cargo.arg("--config").arg(&config).args(arguments).current_dir(site);
    cargo.env("CARGO_TARGET_DIR", target).env("CARGO_NET_OFFLINE", "true");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_")) {
        cargo.env_remove(name);
    }
    let output = cargo.output().unwrap();
    assert!(
        output.status.success(),
        "cargo {arguments:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_new_site_compiles_without_a_warning_and_passes_its_tests_and_its_checks() {
    let folder = tempfile::tempdir().unwrap();
    let site = new(folder.path(), "pot-luck");
    cargo(&site, &["fmt", "--check"]);
    cargo(&site, &["clippy", "--all-targets", "--", "-D", "warnings"]);
    cargo(&site, &["test"]);
    cargo(&site, &["run", "--", "check"]);
}

#[test]
fn no_word_is_left_to_fill_in_and_the_site_is_a_repository() {
    let folder = tempfile::tempdir().unwrap();
    let site = new(folder.path(), "pot-luck");
    let output = Command::new("git").arg("ls-files").arg("-o").current_dir(&site).output().unwrap();
    let files = String::from_utf8(output.stdout).unwrap();
    assert!(files.contains("deploy/pot-luck-backend.service"), "{files}");
    for file in files.lines() {
        let text = fs::read_to_string(site.join(file)).unwrap();
        let words = text.split('@').skip(1).step_by(2);
        let left = words.filter(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
        assert_eq!(left.collect::<Vec<_>>(), [""; 0], "{file}");
    }
    assert!(fs::read_to_string(site.join("templates/home.html")).unwrap().contains("<h1>Pot luck"));
}

#[test]
fn what_is_there_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("potluck");
    fs::create_dir(&site).unwrap();
    fs::write(site.join("README.md"), "mine").unwrap();
    let message = refused(folder.path(), &["new", "potluck"]);
    assert!(message.contains("not empty; choose another name"), "{message}");
    assert_eq!(fs::read_dir(&site).unwrap().count(), 1);

    fs::write(folder.path().join("file"), "mine").unwrap();
    for name in ["file", "file/potluck"] {
        let message = refused(folder.path(), &["new", name]);
        assert!(message.contains("choose another name"), "{message}");
    }
    fs::create_dir(folder.path().join("empty")).unwrap();
    new(folder.path(), "empty");
}

#[test]
fn what_cannot_be_made_is_not_made_in_part() {
    let folder = tempfile::tempdir().unwrap();
    // Linux makes no folder there, whatever the user may do.
    let message = refused(folder.path(), &["new", "/proc/potluck"]);
    assert!(message.starts_with("/proc/potluck cannot be made"), "{message}");

    fs::write(folder.path().join("Cargo.toml"), "[workspace]\n").unwrap();
    let message = refused(folder.path(), &["new", "potluck"]);
    assert!(message.contains("outside of that folder"), "{message}");
    assert!(!folder.path().join("potluck").exists());
}

#[test]
fn a_name_or_a_framework_that_cannot_be_used_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let message = refused(folder.path(), &["new", "Meine Seite"]);
    assert!(message.contains("write meine-seite, for example"), "{message}");
    let message = refused(folder.path(), &["new", "potluck", "--path-to-framework", "."]);
    assert!(message.contains("is not Headwater's repository"), "{message}");
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let name = OsStr::from_bytes(b"caf\xe9");
        assert!(refused(folder.path(), &[OsStr::new("new"), name]).contains("write caf"));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn without_git_there_is_a_site_and_a_note() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_headwater"));
    program.args(["new", "potluck"]).current_dir(folder.path()).env("PATH", folder.path());
    let output = program.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let note = String::from_utf8_lossy(&output.stderr);
    assert!(note.contains("git is not installed") && note.contains("`git init`"), "{note}");
    assert!(folder.path().join("potluck/src/main.rs").exists());
}

#[test]
fn a_command_of_a_site_is_for_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let message = refused(folder.path(), &["check"]);
    assert!(message.contains("`check` is a command of a site"), "{message}");
}
