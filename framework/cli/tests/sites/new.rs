//! `headwater new`, and the site that it makes.

use std::ffi::OsStr;
use std::fs;
use std::process::Command;

use crate::harness::{Workshop, refused};

#[test]
fn a_new_site_compiles_without_a_warning_and_passes_its_tests_and_its_checks() {
    let workshop = Workshop::new();
    workshop.site("pot-luck").passes_everything();
}

#[test]
fn all_placeholders_are_filled_in_and_the_site_is_a_repository() {
    let workshop = Workshop::new();
    let site = workshop.make("pot-luck");
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
fn existing_files_are_not_changed() {
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
    assert!(crate::harness::headwater(folder.path(), &["new", "empty"]).status.success());
}

#[test]
fn a_site_that_cannot_be_made_leaves_no_files() {
    let folder = tempfile::tempdir().unwrap();
    // Linux refuses folders there, even for root.
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
fn without_git_a_site_is_made_with_a_note() {
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
fn a_command_of_a_site_needs_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let message = refused(folder.path(), &["check"]);
    assert!(message.contains("`check` is a command of a site"), "{message}");
}
