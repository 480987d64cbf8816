//! Programs that must not compile, `NAME.rs`, and the compiler's errors for each, `NAME.expected`.
//!
//! The compiler is called with the library that cargo has built for this test, so no package is built again. Only the
//! parts that the library determines are compared: an error's text, its position, its label, and its notes. The files
//! are therefore valid for every release of the compiler.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use serde_json::Value;

/// Compiles each program in this folder and compares the errors.
pub fn check() {
    let library = library();
    for file in fs::read_dir(folder()).unwrap() {
        let program = file.unwrap().path();
        if program.extension().is_some_and(|extension| extension == "rs")
            && !program.ends_with("mod.rs")
        {
            let errors = errors(&program, &library);
            let expected = fs::read_to_string(program.with_extension("expected"));
            let expected = expected.unwrap_or_default();
            assert!(errors == expected, "{}:\n{errors}\ninstead of\n{expected}", program.display());
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui")
}

/// Returns the newest build of the library beside this test: this test's own, or one of the same or later source.
fn library() -> PathBuf {
    let test = env::current_exe().unwrap();
    let files = fs::read_dir(test.parent().unwrap()).unwrap().map(|file| file.unwrap().path());
    let is_library = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("libheadwater-") && name.ends_with(".rlib")
    };
    let changed = |path: &PathBuf| fs::metadata(path).unwrap().modified().unwrap();
    files.filter(is_library).max_by_key(changed).expect("the library is built before its tests")
}

/// Returns the compiler's errors for a program.
fn errors(program: &Path, library: &Path) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--edition=2024", "--emit=metadata", "--error-format=json", "--out-dir"])
        .arg(folder.path())
        .arg(format!("-Ldependency={}", library.parent().unwrap().display()))
        .arg(format!("--extern=headwater={}", library.display()))
        .arg(program)
        .output()
        .unwrap();
    let messages = String::from_utf8(output.stderr).unwrap();
    let messages = messages.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    // A derive repeats the same error for a type several times.
    let mut errors: Vec<String> = Vec::new();
    for error in messages.filter_map(|message| error(&message)) {
        if !errors.contains(&error) {
            errors.push(error);
        }
    }
    errors.concat()
}

/// Formats an error for comparison with the `expected` files. Returns `None` for other messages, and for the total
/// number of errors, which has no position.
fn error(message: &Value) -> Option<String> {
    let place = message["spans"].as_array()?.iter().find(|span| span["is_primary"] == true)?;
    let text = message["message"].as_str().filter(|_| message["level"] == "error")?;
    let (line, column) = (&place["line_start"], &place["column_start"]);
    let mut error = format!("{line}:{column}: {text}\n");
    if let Some(label) = place["label"].as_str() {
        error += &format!("  {label}\n");
    }
    let notes = message["children"].as_array().into_iter().flatten();
    let notes =
        notes.filter(|note| note["level"] == "note").filter_map(|note| note["message"].as_str());
    let theirs = ["required ", "this error ", "the return type "];
    let ours = |note: &&str| !theirs.iter().any(|begin| note.starts_with(begin));
    notes.filter(ours).for_each(|note| error += &format!("  note: {note}\n"));
    Some(error)
}
