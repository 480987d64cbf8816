use std::fs;
use std::path::Path;
use std::process::Output;

use crate::Site;

/// The output and the exit status of a command of the site.
#[derive(Debug)]
pub struct Printed {
    /// The exit status; -1 when a signal ended it.
    pub code: i32,
    /// Its stdout.
    pub out: String,
    /// Its stderr.
    pub errors: String,
}

impl Site {
    /// Runs a command of the site, such as `check`, to its end, without blocking the test. Paths in
    /// its output are relative to the site's folder.
    ///
    /// # Panics
    /// When the program cannot be run.
    pub async fn printed(&self, arguments: &[&str]) -> Printed {
        let site = self.clone();
        let arguments: Vec<String> = arguments.iter().map(|part| (*part).to_owned()).collect();
        let running = tokio::task::spawn_blocking(move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            site.run(&arguments)
        });
        let Output { status, stdout, stderr } = running.await.expect("the program can be run");
        let folder = format!("{}/", self.path("").display()).replace("//", "/");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace(&folder, "");
        Printed { code: status.code().unwrap_or(-1), out: text(stdout), errors: text(stderr) }
    }

    /// Copies a file, or a folder with its content, to the same name in the site's folder.
    ///
    /// # Panics
    /// When it cannot be copied.
    pub fn copy(self, root: &Path, name: &str) -> Site {
        let from = root.join(name);
        if !from.is_dir() {
            let content = fs::read(&from).unwrap_or_else(|error| panic!("{name}: {error}"));
            return self.file(name, content);
        }
        let entries = fs::read_dir(&from).unwrap_or_else(|error| panic!("{name}: {error}"));
        entries.fold(self, |site, entry| {
            let entry = entry.expect("the folder can be read").file_name();
            site.copy(root, &format!("{name}/{}", entry.to_string_lossy()))
        })
    }
}
